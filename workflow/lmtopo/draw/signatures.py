"""Figure `signatures`: how every signature moves in training."""

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from lmtopo.draw.style import compute_axis, legend, looks, place_on_log, title

COLUMNS = 4


def draw(
    *,
    signatures: pd.DataFrame,
    width: float,
    dataset: str,
    pooling: str,
    layer: str,
) -> Figure:
    """Each signature against compute, one panel a signature and dimension, one line a run: the
    mean over replicates, and the band from the least to the greatest. Signatures that never
    change (the number of H0 bars of n points is n - 1) have no panel."""
    table = signatures.query("dataset == @dataset and pooling == @pooling and layer == @layer")
    moves = table.groupby(["dimension", "signature"])["value"].transform("nunique") > 1
    table = table[moves] if moves.any() else table
    kinds = table[["dimension", "signature"]].drop_duplicates()
    kinds = kinds.sort_values("dimension", key=lambda column: column % 100, kind="stable")
    rows = -(-len(kinds) // COLUMNS)
    figure, panels = plt.subplots(
        rows, COLUMNS, figsize=(width * 1.25, 1.0 + 1.45 * rows), squeeze=False
    )
    compute, label = compute_axis(table)
    for panel, (dimension, signature) in zip(
        panels.flat, kinds.itertuples(index=False), strict=False
    ):
        last_in_column = len(kinds) - COLUMNS <= list(panels.flat).index(panel)
        place = place_on_log(panel, table[compute], label if last_in_column else "")
        panel.set_title(title(dimension, signature), fontsize=7.5)
        some = table[(table["dimension"] == dimension) & (table["signature"] == signature)]
        for (model, budget), look in looks(table).items():
            run = some[(some["model"] == model) & (some["budget"] == budget)]
            spread = run.groupby(compute)["value"].agg(["mean", "min", "max"])
            at = [place(value) for value in spread.index]
            panel.plot(at, spread["mean"], **{**look, "markersize": 1.5, "linewidth": 0.9})
            panel.fill_between(at, spread["min"], spread["max"], color=look["color"], alpha=0.12)
        panel.tick_params(labelsize=6.5)
    for panel in panels.flat[len(kinds) :]:
        panel.set_axis_off()
    figure.suptitle(
        f"How do the signatures move in training? ({dataset}, {layer}, pooling {pooling}; "
        "band: range over subsamples)"
    )
    legend(figure, table)
    return figure
