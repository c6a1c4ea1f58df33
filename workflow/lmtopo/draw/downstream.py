"""Figure `downstream`: what compute buys on tasks, for every run."""

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
    compute_axis,
    heading,
    legend,
    looks,
    nothing,
    of_run,
    place_on_log,
    title_panel,
)

TITLE = "Does compute buy the task, beyond what the baselines have?"
BASELINES = {"majority": "--", "bag_of_words": ":"}


def draw(
    *,
    downstream: pd.DataFrame,
    width: float,
    runs: Runs,
    layers: Mapping[str, str],
    pooling: str,
) -> Figure:
    """Accuracy against compute, a row of panels a task, one line a run, with 95% intervals: of
    the linear probe on the task's layer in ``layers``, and of the answers to the question in
    words. Grey: the baselines that know nothing of the model, of the same pairs."""
    tasks = [task for task in layers if task in set(downstream["task"])]
    if not tasks:
        return nothing(width, TITLE, "no checkpoint has done a task")
    figure, panels = plt.subplots(
        len(tasks),
        2,
        figsize=(width, 0.9 + 2.3 * len(tasks)),
        squeeze=False,
        sharex=True,
        sharey="row",
    )
    compute, label = compute_axis(downstream)
    present = looks(runs, downstream)
    apart = beside_each_other(downstream[compute], len(present))
    for number, (row, task) in enumerate(zip(panels, tasks, strict=True), start=1):
        here = downstream[downstream["task"] == task]
        probe = (here["layer"] == layers[task]) & (here["pooling"] == pooling)
        shown = {
            f"{task}: linear probe ({layers[task]}, {pooling})": here[
                probe & (here["metric"] == "probe_accuracy")
            ],
            f"{task}: asked in words": here[here["metric"] == "zero_shot_accuracy"],
        }
        for panel, (title, scores) in zip(row, shown.items(), strict=True):
            title_panel(panel, title)
            place = place_on_log(panel, downstream[compute], label if number == len(tasks) else "")
            for aside, ((model, budget), look) in zip(
                apart, looks(runs, downstream).items(), strict=True
            ):
                run = of_run(scores, (model, budget))
                run = run.sort_values("step")
                errors = [run["value"] - run["low"], run["high"] - run["value"]]
                at = [aside * place(value) for value in run[compute]]
                panel.errorbar(at, run["value"], errors, elinewidth=0.6, **look | {"markersize": 4})
            for name in BASELINES:
                draw_baseline(panel, here, name, present)
        row[0].set_ylabel(f"accuracy ({here['split'].iloc[0]})")
    heading(figure, TITLE)
    legend(figure, present)
    return figure


def draw_baseline(
    panel: Axes, scores: pd.DataFrame, name: str, looks: Mapping[Run, Mapping[str, Any]]
) -> None:
    """A line for each value that a baseline has: where models' tokenizers make it another, of the
    model's colour."""
    known = scores[scores["metric"] == f"{name}_accuracy"]
    values = known.groupby("model", sort=False)["value"].mean().round(9)
    colours = {model: look["color"] for (model, _), look in looks.items()}
    for value in values.unique():
        models = values.index[values == value]
        own = values.nunique() > 1 and len(models) == 1
        colour = colours[models[0]] if own else "#777777"
        panel.axhline(value, color=colour, linestyle=BASELINES[name], linewidth=1.0)
        panel.annotate(
            name.replace("_", " "),
            (0.5, value),  # runs end at either side
            xycoords=("axes fraction", "data"),
            xytext=(0, 2),
            textcoords="offset points",
            ha="center",
            fontsize=6.5,
            color=colour if own else "#555555",
            bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 0.5},
            zorder=5,
        )


ASIDE = 0.06
"""Share of the axis by which the points of the first and the last run are moved apart, at most."""


def beside_each_other(compute: "pd.Series[float]", runs: int) -> list[float]:
    """Factors by which the points of each run are moved on a log axis: runs of one budget would
    lie on each other."""
    spent = compute[compute > 0]
    span = np.log10(spent.max() / spent.min()) if len(spent) else 0.0
    places = (np.arange(runs) - (runs - 1) / 2) / max(runs - 1, 1)
    apart = min(0.012 * (runs - 1), ASIDE) * max(span, 0.5)
    return [float(factor) for factor in 10 ** (apart * places)]
