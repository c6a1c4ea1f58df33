"""Figure `skill`: does a signature help to predict the quality that is to come?"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from lmtopo.draw.evidence import common, names, say_nothing, shown
from lmtopo.draw.style import COLOURS, heading
from lmtopo.evidence.skill import HORIZONS
from lmtopo.evidence.trajectories import PLACE

WORST = -0.6
"""What lies below is not shown, but of single runs counted, and of all runs pointed to."""


def draw(*, evidence: pd.DataFrame, width: float) -> Figure:
    """A panel a horizon, a line a test: the skill over all runs left out of learning with its
    interval, and of single runs in grey; 0 is the baseline. At a tip it goes on to the left."""
    rows = shown(evidence)
    key = ["dataset", "target", *PLACE]
    places = rows[key].assign(place=np.arange(len(rows)))
    single = evidence[evidence["model"] != "pooled"].merge(places, on=key)
    figure, panels = plt.subplots(
        1,
        len(HORIZONS),
        figsize=(width, 1.3 + 0.26 * max(len(rows), 3)),
        squeeze=False,
        sharey=True,
        sharex=True,
    )
    at = np.arange(len(rows))
    if rows.empty:
        say_nothing(panels[0][0])
    for panel, horizon in zip(panels[0], HORIZONS, strict=True):
        column = f"skill_{horizon}"
        panel.axvline(0, color="#888888", linewidth=0.7)
        seen = single[single[column] > WORST]
        panel.plot(
            100 * seen[column], seen["place"], ".", color="#b0b0b0", markersize=5, label="one run"
        )
        low, high = rows[f"{column}_low"], rows[f"{column}_high"]
        within = (high > WORST).to_numpy()
        panel.hlines(
            at[within],
            100 * low[within].clip(lower=WORST),
            100 * high[within],
            color=COLOURS[0],
            linewidth=1.4,
        )
        cut = ((low < WORST) | (rows[column] < WORST)).to_numpy()
        panel.plot(np.full(cut.sum(), 100 * WORST), at[cut], "<", color=COLOURS[0], markersize=4.5)
        panel.plot(
            100 * rows[column].where(rows[column] > WORST),
            at,
            "s",
            color=COLOURS[0],
            markersize=4.5,
            label="all runs (95%)",
        )
        panel.set_title(f"{horizon} checkpoint{'s' if horizon > 1 else ''} ahead")
        hidden = int((single[column] <= WORST).sum())
        told = "value of one run lies" if hidden == 1 else "values of single runs lie"
        beyond = f"\n{hidden} {told} further left" if hidden else ""
        panel.set_xlabel(f"squared error saved (%){beyond}")
    panels[0][0].set_yticks(at, names(rows))
    panels[0][0].set_ylim(len(rows) - 0.4, -0.6)
    handles, labels = panels[0][0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=2)
    heading(
        figure,
        "Does a signature predict the loss to come, beyond compute and the loss so far?",
        common(rows),
    )
    return figure
