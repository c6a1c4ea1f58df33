"""Figure `downstream`: what compute buys on tasks, for every run."""

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from lmtopo.draw.style import (
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
            for name, line in BASELINES.items():
                known = here.loc[here["metric"] == f"{name}_accuracy", "value"]
                panel.axhline(known.mean(), color="#777777", linestyle=line, linewidth=1.0)
                panel.annotate(
                    name.replace("_", " "),
                    (0.5, known.mean()),  # runs end at either side
                    xycoords=("axes fraction", "data"),
                    xytext=(0, 2),
                    textcoords="offset points",
                    ha="center",
                    fontsize=6.5,
                    color="#555555",
                )
        row[0].set_ylabel(f"accuracy ({here['split'].iloc[0]})")
    heading(figure, TITLE)
    legend(figure, present)
    return figure


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
