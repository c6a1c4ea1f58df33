"""Figure `signatures`: how every signature moves in training, and a cloud of the same spectrum."""

from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from lmtopo.draw.style import (
    Runs,
    called,
    compute_axis,
    grid,
    heading,
    legend,
    looks,
    lowest,
    of_run,
    place_on_log,
    sparse,
    title,
    title_panel,
)

COLUMNS = 4
NARROWEST = 1.5
NULL: dict[str, Any] = {"color": "#8a8a8a", "alpha": 0.4, "linewidth": 0}


def draw(
    *,
    signatures: pd.DataFrame,
    width: float,
    runs: Runs,
    dataset: str,
    pooling: str,
    layer: str,
    run: Sequence[str] | None,
    null: str | None,
) -> Figure:
    """Each signature against compute, one panel a signature and dimension, one line a run: the
    mean over replicates, and the band from the least to the greatest. Grey: mean and two standard
    deviations of the ``null`` of one ``run``. Signatures that never change (the number of H0 bars
    of n points is n - 1) have no panel."""
    table = signatures.query("dataset == @dataset and pooling == @pooling and layer == @layer")
    moves = table.groupby(["dimension", "signature"])["value"].transform("nunique") > 1
    table = table[moves] if moves.any() else table
    kinds = table[["dimension", "signature"]].drop_duplicates()
    kinds = kinds.sort_values("dimension", key=lambda column: column % 100, kind="stable")
    names = list(kinds.itertuples(index=False, name=None))
    figure, panels = grid(
        len(names), columns=COLUMNS, width=width, height=1.15, narrowest=NARROWEST
    )
    compute, label = compute_axis(table)
    drawn = False
    for panel, (dimension, signature) in zip(panels, names, strict=True):
        place = place_on_log(panel, table[compute], label if panel in lowest(panels) else "")
        panel.xaxis.label.set_fontsize(7)
        title_panel(panel, title(dimension, signature), 6.5)
        some = table[(table["dimension"] == dimension) & (table["signature"] == signature)]
        if null is not None and run is not None:
            drawn |= draw_null(panel, of_run(some, run), null, compute, place)
        for shown, look in looks(runs, some).items():
            spread = of_run(some, shown).groupby(compute)["value"].agg(["mean", "min", "max"])
            at = [place(value) for value in spread.index]
            thin = {"markersize": 1.5, "linewidth": 0.9, "markevery": sparse(len(at))}
            panel.plot(at, spread["mean"], **look | thin)
            panel.fill_between(at, spread["min"], spread["max"], color=look["color"], alpha=0.12)
        panel.tick_params(labelsize=6)
    beside: list[Artist] = []
    if drawn and run is not None:
        beside.append(Patch(**NULL, label=f"{null} null of {called(run[0], run[1])} (mean ± 2 sd)"))
    also = ", and do clouds of the same spectrum move so, too" if drawn else ""
    heading(
        figure,
        f"How do the signatures move in training{also}?",
        f"{dataset}, {layer}, pooling {pooling}",
        "coloured band: range over subsamples",
        "" if drawn else "no null was drawn",
    )
    legend(figure, looks(runs, table), *beside)
    return figure


def draw_null(
    panel: Axes, run: pd.DataFrame, null: str, compute: str, place: Callable[[float], float]
) -> bool:
    """Draw the band of a run's null; False if there is none for this signature."""
    known = run[run[f"{null}_draws"] > 0].dropna(subset=[f"{null}_mean", f"{null}_sd"])
    if known.empty:
        return False
    means = known.groupby(compute)[[f"{null}_mean", f"{null}_sd"]].mean()
    mean, sd = means[f"{null}_mean"], means[f"{null}_sd"]
    at = [place(value) for value in means.index]
    panel.fill_between(at, mean - 2 * sd, mean + 2 * sd, **NULL)
    panel.plot(at, mean, color="#666666", linewidth=0.6)
    return True
