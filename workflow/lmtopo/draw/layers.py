"""Figure `layers`: where in the network, and when in training, a signature changes."""

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from lmtopo.draw.style import title


def draw(
    *,
    signatures: pd.DataFrame,
    width: float,
    dataset: str,
    pooling: str,
    signature: str,
) -> Figure:
    """Layers x checkpoints heatmaps of a signature's mean over replicates, one panel a run, all
    on one colour scale. Topological signatures are shown in their highest dimension."""
    table = signatures.query(
        "dataset == @dataset and pooling == @pooling and signature == @signature"
    )
    dimension = int(table["dimension"].max())
    table = table[table["dimension"] == dimension]
    runs = list(table[["model", "budget"]].drop_duplicates().itertuples(index=False))
    columns = min(len(runs), 3)
    rows = -(-len(runs) // columns)
    figure, panels = plt.subplots(rows, columns, figsize=(width, 0.8 + 1.7 * rows), squeeze=False)
    low, high = table.groupby(["model", "budget", "step", "layer"])["value"].mean().quantile([0, 1])
    image = None
    for panel, (model, budget) in zip(panels.flat, runs, strict=False):
        run = table[(table["model"] == model) & (table["budget"] == budget)]
        grid = run.pivot_table("value", ["depth", "layer"], "step", sort=True)
        image = panel.imshow(
            grid, aspect="auto", origin="lower", vmin=low, vmax=high, interpolation="nearest"
        )
        panel.set_yticks(range(len(grid)), [layer for _, layer in grid.index], fontsize=6.5)
        places = range(0, grid.shape[1], max(1, grid.shape[1] // 5))
        panel.set_xticks(places, [f"{grid.columns[place]:,}" for place in places], fontsize=6.5)
        panel.set_title(model if budget == "released" else f"{model}, {budget}")
        panel.grid(False)
    for panel in panels.flat[len(runs) :]:
        panel.set_axis_off()
    for panel in panels[-1][: len(runs) - columns * (rows - 1)]:
        panel.set_xlabel("training step of the checkpoint")
    if image is not None:
        figure.colorbar(image, ax=panels, label=title(dimension, signature), shrink=0.8)
    figure.suptitle(
        f"In which layers, and when, does {title(dimension, signature)} change? "
        f"({dataset}, pooling {pooling})"
    )
    return figure
