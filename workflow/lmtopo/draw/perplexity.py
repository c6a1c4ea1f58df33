"""Figure `perplexity`: what compute buys, for every run and dataset."""

import numpy as np
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
"""No axis reaches further; perplexities of diverged runs reach 1e304."""
DIVERGED = 1000.0
"""So many times the perplexity that runs start from is of a run that diverges."""
ABOVE = 10.0
"""An axis ends at so many times the worst perplexity of those that do not."""


def draw(*, quality: pd.DataFrame, width: float, runs: Runs) -> Figure:
    """Perplexity per token against compute, one panel a dataset, one line a run; of several
    readings of a dataset, the first. What lies above `ceiling` is a tip at the upper edge."""
    first = quality.groupby("dataset")["reading"].transform("first")
    table = quality[quality["reading"] == first]
    datasets = list(table["dataset"].unique())
    figure, panels = grid(len(datasets), columns=3, width=width, height=2.3, sharex=True)
    compute, label = compute_axis(table)
    beyond = 0
    for panel, dataset in zip(panels, datasets, strict=True):
        place = place_on_log(panel, table[compute], label)
        panel.set_yscale("log")
        here = table[table["dataset"] == dataset]
        title_panel(panel, f"{dataset} ({here['split'].iloc[0]})")
        edge = ceiling(here)
        for (model, budget), look in looks(runs, here).items():
            run = of_run(here, (model, budget))
            at = np.array([place(value) for value in run[compute]])
            panel.plot(at, run["perplexity"].clip(upper=edge), markevery=sparse(len(run)), **look)
            above = (run["perplexity"] > edge).to_numpy()
            tips = {"linestyle": "", "marker": "^", "markersize": 5, "color": look["color"]}
            panel.plot(
                at[above], np.full(above.sum(), edge), clip_on=False, in_layout=False, **tips
            )
            beyond += int(above.sum())
        if (here["perplexity"] > edge).any():
            panel.set_ylim(top=edge)
    for panel in leftmost(panels):
        panel.set_ylabel("perplexity per token")
    told = f"tips at the upper edge: {beyond} values that lie further up" if beyond else ""
    heading(figure, "How far does perplexity fall with training compute?", told)
    legend(figure, looks(runs, table))
    return figure


def ceiling(table: pd.DataFrame) -> float:
    """Where the axis of one dataset's perplexity ends if a run diverges, so that it does not hide
    the others."""
    known = table[np.isfinite(table["perplexity"])].sort_values("step")
    usual = known.groupby(["model", "budget"])["perplexity"].first().median()
    others = known.loc[known["perplexity"] <= DIVERGED * usual, "perplexity"]
    return float(min(ABOVE * others.max(), MOST)) if len(others) else MOST
