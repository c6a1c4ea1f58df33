"""Figure `perplexity`: what compute buys, for every run and dataset."""

import pandas as pd
from matplotlib.figure import Figure

from lmtopo.draw.style import (
    Runs,
    compute_axis,
    grid,
    heading,
    leftmost,
    legend,
    looks,
    of_run,
    place_on_log,
    sparse,
    title_panel,
)

MOST = 1e100
"""Perplexities of diverged runs, which reach 1e304, are drawn here: no axis reaches further."""


def draw(*, quality: pd.DataFrame, width: float, runs: Runs) -> Figure:
    """Perplexity per token against compute, one panel a dataset, one line a run; of several
    readings of a dataset, the first."""
    first = quality.groupby("dataset")["reading"].transform("first")
    table = quality[quality["reading"] == first]
    datasets = list(table["dataset"].unique())
    figure, panels = grid(len(datasets), columns=3, width=width, height=2.3, sharex=True)
    compute, label = compute_axis(table)
    for panel, dataset in zip(panels, datasets, strict=True):
        place = place_on_log(panel, table[compute], label)
        panel.set_yscale("log")
        here = table[table["dataset"] == dataset]
        title_panel(panel, f"{dataset} ({here['split'].iloc[0]})")
        for (model, budget), look in looks(runs, here).items():
            run = of_run(here, (model, budget))
            at = [place(value) for value in run[compute]]
            panel.plot(at, run["perplexity"].clip(upper=MOST), markevery=sparse(len(run)), **look)
    for panel in leftmost(panels):
        panel.set_ylabel("perplexity per token")
    heading(figure, "How far does perplexity fall with training compute?")
    legend(figure, looks(runs, table))
    return figure
