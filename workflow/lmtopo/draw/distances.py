"""Figure `distances`: how far consecutive checkpoints are apart, and where training changes."""

from collections.abc import Mapping
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lmtopo.draw.style import (
    Run,
    Runs,
    called,
    compute_axis,
    fold,
    heading,
    legend,
    looks,
    nothing,
    of_run,
    place_on_log,
    sparse,
    title_panel,
)
from lmtopo.evidence import verdict
from lmtopo.schedule import spread

DISTANCE, ALIGNMENT = "wasserstein_1", "linear_cka"
TITLE = "When does the shape of representations change most, and does training have phases?"
MOST = 30
"""Runs whose change points are shown."""
NAMES = 0.25
"""The share of the width that names of runs may take."""
UNITS = {"none": "unit of the states", "enclosing_radius": "enclosing radii"}


def draw(
    *,
    distances: pd.DataFrame,
    phases: pd.DataFrame,
    width: float,
    runs: Runs,
    dataset: str,
    pooling: str,
    layer: str,
) -> Figure:
    """Above, a panel each: the Wasserstein-1 distance of a checkpoint's diagrams from those of the
    one before, by homology dimension, and 1 - CKA of their clouds where it is known, means over
    replicates. Below, a row a run: the change points of its trajectory through all signatures
    (table `phases`), filled where null series of its autocorrelation have none as clear."""
    where = "dataset == @dataset and pooling == @pooling and layer == @layer"
    table = distances.query(f"{where} and relation == 'consecutive'")
    table = table[table["distance"].isin([DISTANCE, ALIGNMENT])]
    if table.empty:
        return nothing(width, TITLE, "no run has two checkpoints to compare")
    compute, label = compute_axis(table.assign(flops=table["other_flops"]))
    kinds = [
        (f"$H_{dimension}$ diagrams: Wasserstein-1\n({UNITS[table['scale'].iloc[0]]})", some)
        for dimension, some in table[table["distance"] == DISTANCE].groupby("dimension")
    ]
    clouds = table[table["distance"] == ALIGNMENT]
    if len(clouds):
        kinds.append(("clouds: 1 - CKA\n", clouds.assign(value=1 - clouds["value"])))
    present = looks(runs, table)
    listed = spread(list(present), MOST)
    names = [fold(called(*run), NAMES * width, 6.5) for run in listed]
    rows = 0.05 + 0.12 * max(name.count("\n") + 1 for name in names)  # inches
    figure = plt.figure(figsize=(width, 3.6 + rows * len(listed)))
    cells = figure.add_gridspec(2, len(kinds), height_ratios=[2.0, 0.25 + rows * len(listed)])
    for column, (name, some) in enumerate(kinds):
        panel = figure.add_subplot(cells[0, column])
        # of many narrow panels the one below says what their axes are
        place = place_on_log(panel, table[f"other_{compute}"], label if len(kinds) < 4 else "")
        panel.set_yscale("log", nonpositive="mask")
        title_panel(panel, name)
        for shown, look in present.items():
            means = of_run(some, shown).groupby(f"other_{compute}")["value"].mean()
            at = [place(value) for value in means.index]
            panel.plot(at, means, markevery=sparse(len(at)), **look | {"linewidth": 0.9})
        if column == 0:
            panel.set_ylabel("change since the last")
    below = figure.add_subplot(cells[1, :])
    place_on_log(below, table[f"other_{compute}"], label)
    below.set_xlim(panel.get_xlim())
    when = table.groupby(["model", "budget", "other_step"])[f"other_{compute}"].first()
    change_points(below, phases.query(where), listed, present, when)
    below.set_yticks(range(len(names)), names, fontsize=6.5)
    fewer = (
        f"change points of {len(listed)} of {len(present)} runs"
        if len(listed) < len(present)
        else ""
    )
    below.set_title(
        "change points through all signatures, beyond compute\n"
        f"(filled: p ≤ {verdict.ALPHA:g} against series without any)"
    )
    heading(figure, TITLE, f"{dataset}, {layer}, pooling {pooling}", fewer)
    legend(figure, present)
    return figure


def change_points(
    panel: Axes,
    phases: pd.DataFrame,
    runs: list[Run],
    looks: Mapping[Run, Mapping[str, Any]],
    when: "pd.Series[float]",
) -> None:
    for row, (model, budget) in enumerate(runs):
        run = of_run(phases, (model, budget))
        number, clear = changes(run)
        steps = run.loc[run["changes"] == number, "step"]
        at = [when.get((model, budget, step), np.nan) for step in steps]
        look = {"color": looks[model, budget]["color"], "marker": looks[model, budget]["marker"]}
        face = look["color"] if clear else "white"
        panel.plot(at, [row] * len(at), linestyle="", markersize=4.5, markerfacecolor=face, **look)
        if run.empty:
            panel.text(
                *(0.5, row),
                "too few checkpoints",
                transform=panel.get_yaxis_transform(),
                fontsize=6,
                color="#777777",
                ha="center",
                va="center",
            )
    panel.set_ylim(len(runs) - 0.4, -0.6)


def changes(run: pd.DataFrame) -> tuple[int, bool]:
    """How many change points of a run are shown, and whether they are clear: as many as each save
    more than null series do; if not even one does, one."""
    p = run.groupby("changes")["p"].first().sort_index()
    clear = int((p <= verdict.ALPHA).cumprod().sum())
    return max(clear, 1), clear > 0
