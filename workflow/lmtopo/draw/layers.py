"""Figure `layers`: where in the network, and when in training, a signature changes."""

import pandas as pd
from matplotlib.figure import Figure

from lmtopo.draw.style import (
    Runs,
    called,
    grid,
    heading,
    looks,
    lowest,
    nothing,
    step_ticks,
    title,
    title_panel,
)
from lmtopo.schedule import spread

UNKNOWN = "#c4c4c4"
MOST = 12
"""Runs that have a panel."""
LABELS = 7
"""Layers that are named on an axis."""


def draw(
    *,
    signatures: pd.DataFrame,
    width: float,
    runs: Runs,
    dataset: str,
    pooling: str,
    signature: str,
) -> Figure:
    """Layers x checkpoints heatmaps of a signature's mean over replicates, one panel a run, all
    on one colour scale; grey where it is not known. Topological signatures are shown in their
    highest dimension."""
    table = signatures.query(
        "dataset == @dataset and pooling == @pooling and signature == @signature"
    )
    dimension = int(table["dimension"].max())
    table = table[table["dimension"] == dimension]
    question = f"In which layers, and when, does {title(dimension, signature)} change?"
    if not table["value"].notna().any():
        return nothing(width, question, "it is not known at any checkpoint")
    every = list(looks(runs, table))
    shown = spread(every, MOST)
    figure, panels = grid(len(shown), columns=3, width=width, height=1.7)
    means = table.groupby(["model", "budget", "depth", "layer", "step"])["value"].mean()
    low, high = means.quantile([0, 1])
    for panel, run in zip(panels, shown, strict=True):
        cells = means.loc[tuple(run)].unstack("step")
        panel.set_facecolor(UNKNOWN)
        image = panel.imshow(
            cells, aspect="auto", origin="lower", vmin=low, vmax=high, interpolation="nearest"
        )
        names = list(cells.index.get_level_values("layer"))
        places = spread(range(len(names)), LABELS)
        panel.set_yticks(places, [names[place] for place in places], fontsize=6.5)
        step_ticks(panel, [int(step) for step in cells.columns])
        title_panel(panel, called(*run))
        panel.grid(False)
    for panel in lowest(panels):
        panel.set_xlabel("training step")
    figure.colorbar(image, ax=panels, label=title(dimension, signature), shrink=0.8)
    fewer = f"{len(shown)} of {len(every)} runs" if len(shown) < len(every) else ""
    heading(
        figure,
        question,
        f"{dataset}, pooling {pooling}",
        fewer,
        "grey: not known" if means.isna().any() else "",
    )
    return figure
