"""Figure `evidence`: which signatures are tied to quality, with compute and without."""

from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lmtopo.draw.style import COLOURS, heading, title
from lmtopo.evidence import verdict
from lmtopo.evidence.rows import POOLED

FAINT = 0.3
MOST = 16
"""Rows shown where no test was declared beforehand: the strongest raw ones."""
WAYS: dict[str, tuple[str, dict[str, Any]]] = {
    "rho": ("raw", {"marker": "o", "markerfacecolor": "white", "color": "#777777"}),
    "partial": ("after compute (95%)", {"marker": "s", "color": COLOURS[0]}),
    "equal_compute": ("at equal compute", {"marker": "D", "color": COLOURS[1]}),
    "excess": ("excess over the null, after compute", {"marker": "x", "color": COLOURS[6]}),
}
"""Columns of the table, what they are called, and how they look."""
PARTS = ("dataset", "layer", "pooling", "target")
"""What a row is of, beside its signature."""


def draw(*, evidence: pd.DataFrame, width: float, null: str | None) -> Figure:
    """A forest plot: a line a test over all runs, its correlation with quality raw, after a smooth
    function of compute (with its interval), at equal compute, and of the excess over the ``null``
    after compute, faint where it may be chance; its verdict at the right."""
    table = shown(evidence)
    figure, panel = plt.subplots(figsize=(width, 1.3 + 0.3 * max(len(table), 3)))
    panel.axvline(0, color="#888888", linewidth=0.7)
    places = range(len(table))
    for number, (column, (label, look)) in enumerate(WAYS.items()):
        at = [place + 0.16 * (number - 1.5) for place in places]
        if column == "partial":
            low, high = table["partial_low"], table["partial_high"]
            panel.hlines(at, low, high, color=look["color"], linewidth=1.4)
        clear = table["excess_p"] <= verdict.ALPHA if column == "excess" else table[column].notna()
        marks: dict[str, Any] = {"linestyle": "", "markersize": 4.5} | look
        panel.plot(table[column].where(clear), at, label=label, **marks)
        panel.plot(table[column].where(~clear), at, alpha=FAINT, **marks)
    if table.empty:
        say_nothing(panel)
    panel.set_yticks(list(places), names(table))
    panel.set(xlim=(-1.05, 1.05), ylim=(len(table) - 0.4, -0.6), xlabel="Spearman correlation")
    panel.set_xticks([-1, -0.5, 0, 0.5, 1])
    beside = panel.secondary_yaxis("right")
    beside.set_yticks(list(places), table["verdict"])
    beside.spines["right"].set_visible(False)
    beside.tick_params(length=0)
    figure.legend(loc="outside lower center", ncols=len(WAYS))
    excess = "" if null is None else f"null: {null}, faint: p > {verdict.ALPHA:g}"
    heading(figure, "Is a signature tied to quality beyond compute?", common(table), excess)
    return figure


def say_nothing(panel: Axes) -> None:
    panel.text(*(0.5, 0.5), "no run has enough checkpoints", ha="center", transform=panel.transAxes)


def shown(table: pd.DataFrame) -> pd.DataFrame:
    """The primary rows; where there are none, the `MOST` strongest raw ones over all runs."""
    primary = table[table["primary"]]
    if len(primary):
        return primary
    over = table[(table["model"] == POOLED) & table["rho"].notna()]
    return over.loc[over["rho"].abs().sort_values(ascending=False, kind="stable").index[:MOST]]


def common(table: pd.DataFrame) -> str:
    """What all rows are of."""
    words = {"pooling": "pooling ", "target": "target "}
    return ", ".join(
        words.get(part, "") + str(table[part].iloc[0])
        for part in PARTS
        if table[part].nunique() == 1
    )


def names(table: pd.DataFrame) -> list[str]:
    """Each row's signature, and what else tells it from the others."""
    told = [part for part in PARTS if table[part].nunique() > 1]
    return [
        ", ".join([title(row["dimension"], row["signature"]), *(row[part] for part in told)])
        for _, row in table.iterrows()
    ]
