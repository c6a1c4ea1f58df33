"""Figure `downstream_signature`: a signature of checkpoints beside their scores on tasks."""

from collections.abc import Mapping

import pandas as pd
from matplotlib.figure import Figure

from lmtopo.draw.style import (
    Runs,
    grid,
    heading,
    leftmost,
    legend,
    looks,
    nothing,
    of_run,
    title,
    title_panel,
)

RUN = ["model", "budget", "checkpoint"]


def draw(
    *,
    signatures: pd.DataFrame,
    downstream: pd.DataFrame,
    width: float,
    runs: Runs,
    layers: Mapping[str, str],
    pooling: str,
    dataset: str,
    cloud_pooling: str,
    cloud_layer: str,
    signature: str,
) -> Figure:
    """Accuracy of the linear probe, with its 95% interval, against a signature's mean over
    replicates, one panel a task and one point a checkpoint, joined in the order of training. A
    topological signature is shown in its highest dimension."""
    values = signatures.query(
        "dataset == @dataset and pooling == @cloud_pooling and layer == @cloud_layer "
        "and signature == @signature"
    )
    dimension = int(values["dimension"].max())
    values = values[values["dimension"] == dimension]
    means = values.groupby(RUN, sort=False)["value"].mean().rename("signature").reset_index()
    table = downstream.merge(means.dropna(), on=RUN)
    question = f"Do checkpoints of other {title(dimension, signature)} do the task better?"
    if not means["signature"].notna().any():
        return nothing(width, question, "it is not known at any checkpoint")
    tasks = {task: layer for task, layer in layers.items() if task in set(table["task"])}
    if not tasks:
        return nothing(width, question, "no checkpoint of the clouds shown has done a task")
    figure, panels = grid(len(tasks), columns=3, width=width, height=2.6, sharex=True)
    for panel, (task, layer) in zip(panels, tasks.items(), strict=True):
        some = table.query(
            "task == @task and layer == @layer and pooling == @pooling "
            "and metric == 'probe_accuracy'"
        )
        for (model, budget), look in looks(runs, some).items():
            run = of_run(some, (model, budget)).sort_values("step")
            errors = [run["value"] - run["low"], run["high"] - run["value"]]
            faint = look | {"linewidth": 0.7, "markersize": 4}
            panel.errorbar(run["signature"], run["value"], errors, elinewidth=0.6, **faint)
        title_panel(panel, f"{task}: linear probe ({layer}, {pooling})")
        panel.set_xlabel(
            f"{title(dimension, signature)} ({dataset}, {cloud_layer}, {cloud_pooling})"
        )
    for panel in leftmost(panels):
        panel.set_ylabel(f"accuracy ({', '.join(table['split'].unique())})")
    heading(figure, question)
    legend(figure, looks(runs, table))
    return figure
