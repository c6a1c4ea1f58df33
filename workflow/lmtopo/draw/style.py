"""One look for all figures: readable in greyscale and by the colour-blind.

A model has one colour and a budget one line style and marker, in every figure of a study.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator

from lmtopo.files import atomic

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
"""Okabe and Ito, https://jfly.uni-koeln.de/color/; yellow left out, too light for lines."""

LINES = (("-", "o"), ("--", "s"), (":", "^"), ("-.", "D"), ((0, (5, 1)), "v"), ((0, (1, 1)), "X"))


@contextmanager
def style() -> Iterator[None]:
    """The style of all figures, and nothing left of it afterwards."""
    mpl.use("agg")
    with mpl.rc_context(
        {
            "font.size": 8,
            "axes.titlesize": 8,
            "axes.labelsize": 8,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.grid": True,
            "axes.axisbelow": True,
            "grid.color": "#e6e6e6",
            "grid.linewidth": 0.5,
            "lines.linewidth": 1.2,
            "lines.markersize": 2.5,
            "legend.frameon": False,
            "legend.fontsize": 7.5,
            "figure.titlesize": 10,
            "figure.constrained_layout.use": True,
            "savefig.dpi": 200,
            "svg.fonttype": "none",
            "svg.hashsalt": "lmtopo",
        }
    ):
        yield


def save(figure: Figure, paths: Iterable[str]) -> None:
    """Save a figure at each path, the format taken from the suffix; no dates inside."""
    for path in paths:
        date = {"CreationDate": None} if path.endswith(".pdf") else {"Date": None}
        with atomic(path) as temporary:
            figure.savefig(temporary, metadata=None if path.endswith(".png") else date)


def looks(table: pd.DataFrame) -> dict[tuple[str, str], dict[str, Any]]:
    """How the line of each (model, budget) is drawn."""
    models, budgets = list(table["model"].unique()), list(table["budget"].unique())
    found = {}
    for model, budget in table[["model", "budget"]].drop_duplicates().itertuples(index=False):
        line, marker = LINES[budgets.index(budget) % len(LINES)]
        found[model, budget] = {
            "color": COLOURS[models.index(model) % len(COLOURS)],
            "linestyle": line,
            "marker": marker,
        }
    return found


def legend(figure: Figure, table: pd.DataFrame) -> None:
    """One entry per run, under the figure."""
    lines = [
        Line2D([], [], label=f"{model}, {budget}" if budget != "released" else model, **look)
        for (model, budget), look in looks(table).items()
    ]
    figure.legend(handles=lines, loc="outside lower center", ncols=min(len(lines), 4))


def compute_axis(table: pd.DataFrame) -> tuple[str, str]:
    """The column that measures compute and its label: FLOPs, or steps where tokens are unknown."""
    if table["flops"].notna().all():
        return "flops", "training compute (FLOPs)"
    return "step", "training step"


def place_on_log(axes: Axes, values: "pd.Series[float]", label: str) -> Callable[[float], float]:
    """Make the x axis logarithmic with a place for 0 at its left; the function returned says
    where a value lies."""
    known = sorted(float(value) for value in values.dropna().unique())
    positive = [value for value in known if value > 0] or [1.0]
    first, last = positive[0], positive[-1]
    zero = first / max((last / first) ** 0.08, 2.0)
    axes.set_xscale("log")
    axes.set_xlabel(label)
    if known and known[0] == 0:
        decades = 10.0 ** np.arange(np.ceil(np.log10(first)), np.floor(np.log10(last)) + 1)
        labels = ["0", *(f"$10^{{{round(np.log10(decade))}}}$" for decade in decades)]
        axes.xaxis.set_major_locator(FixedLocator([zero, *decades]))
        axes.xaxis.set_major_formatter(FixedFormatter(labels))
        axes.xaxis.set_minor_locator(NullLocator())
    return lambda value: zero if value == 0 else value


def title(dimension: int, signature: str) -> str:
    """What a signature is called; dimension -1 is geometry."""
    words = signature.replace("_", " ")
    return words if dimension < 0 else f"$H_{dimension}$ {words}"
