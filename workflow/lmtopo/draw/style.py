"""One look for all figures: readable in greyscale and by the colour-blind.

A model has one colour and a budget one line style and marker, in every figure of a study.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from textwrap import wrap
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.gridspec import SubplotSpec
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator

from lmtopo.evidence.trajectories import SEED
from lmtopo.files import atomic
from lmtopo.schedule import spread

Run = tuple[str, str]
"""A model and a budget."""
Runs = Sequence[Sequence[str]]

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
"""Okabe and Ito, https://jfly.uni-koeln.de/color/; yellow left out, too light for lines."""

LINES = (("-", "o"), ("--", "s"), (":", "^"), ("-.", "D"), ((0, (5, 1)), "v"), ((0, (1, 1)), "X"))


LOOK: Any = {
    "font.size": 8,
    "axes.titlesize": 8.0,
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
    "figure.titlesize": 10.0,
    "figure.constrained_layout.use": True,
    "figure.dpi": 200,
    "savefig.dpi": 200,
    "svg.fonttype": "none",
    "pdf.fonttype": 42,  # journals refuse Type 3
    "ps.fonttype": 42,
    "svg.hashsalt": "lmtopo",
}


@contextmanager
def style() -> Iterator[None]:
    """The style of all figures, and nothing left of it afterwards: a notebook has its backend."""
    backend = mpl.get_backend(auto_select=False)
    mpl.use("agg")
    try:
        with mpl.rc_context(LOOK):
            yield
    finally:
        if backend is not None:
            mpl.use(backend)


def save(figure: Figure, paths: Iterable[str]) -> None:
    """Save a figure at each path, the format taken from the suffix; no dates inside."""
    figure.draw_without_rendering()
    figure.set_layout_engine("none")  # once: to lay out many panels takes longer than to draw them
    for path in paths:
        date = {"CreationDate": None} if path.endswith(".pdf") else {"Date": None}
        with atomic(path) as temporary:
            figure.savefig(temporary, metadata=None if path.endswith(".png") else date)
    plt.close(figure)


NARROWEST = 1.9
"""Inches that a panel needs."""


def looks(runs: Runs, table: pd.DataFrame | None = None) -> dict[Run, dict[str, Any]]:
    """How the line of each (model, budget) among all ``runs`` of a study is drawn; of those that
    are in ``table``. Models that differ by their seed alone look alike."""
    families = list(dict.fromkeys(SEED.sub("", model) for model, _ in runs))
    budgets = list(dict.fromkeys(budget for _, budget in runs))
    found = {}
    for model, budget in runs:
        round_, colour = divmod(families.index(SEED.sub("", model)), len(COLOURS))
        place = budgets.index(budget) + round_ * len(budgets)
        again, place = divmod(place, len(LINES))  # then lines come with other markers
        line, marker = LINES[place][0], LINES[(place + again) % len(LINES)][1]
        found[model, budget] = {"color": COLOURS[colour], "linestyle": line, "marker": marker}
    if table is None:
        return found
    there = set(table[["model", "budget"]].drop_duplicates().itertuples(index=False, name=None))
    return {run: look for run, look in found.items() if run in there}


def of_run(table: pd.DataFrame, run: Sequence[str]) -> pd.DataFrame:
    """The rows of a table that are of one run."""
    model, budget = run
    return table[(table["model"] == model) & (table["budget"] == budget)]


DECADES = 6
"""Powers of ten that an axis has room to name."""
LEGEND_ROWS = 2
"""Rows of a legend that a figure of the usual height has room for."""


def legend(figure: Figure, looks: Mapping[Run, Mapping[str, Any]], *more: Artist) -> None:
    """Under the figure one entry per run, one for all seeds of a model, and ``more``. The figure
    grows by the rows that it has no room for."""
    alike: dict[Run, list[Run]] = {}
    for model, budget in looks:
        alike.setdefault((SEED.sub("", model), budget), []).append((model, budget))
    lines = [
        Line2D([], [], label=called(*run, seeds=len(same)), **looks[same[0]])
        for run, same in alike.items()
    ]
    handles = [*lines, *more]
    longest = max(len(str(one.get_label())) for one in handles)
    fitting = int(figure.get_figwidth() / (0.5 + 0.057 * longest))
    columns = min(max(fitting, 1), len(handles), 4)
    rows = -(-len(handles) // columns)
    figure.set_figheight(figure.get_figheight() + 0.16 * max(rows - LEGEND_ROWS, 0))
    figure.legend(handles=handles, loc="outside lower center", ncols=columns)


def called(model: str, budget: str, seeds: int = 1) -> str:
    """What a run is called, or ``seeds`` runs of a model."""
    name = model if budget == "released" else f"{model}, {budget}"
    return f"{name} ({seeds} seeds)" if seeds > 1 else name


def title_panel(panel: Axes, words: str, size: float = LOOK["axes.titlesize"]) -> None:
    """Title a panel, in lines that fit it, in letters of a ``size`` in points."""
    figure = panel.get_figure(root=True)
    assert figure is not None
    room = figure.get_figwidth() / placed(panel).get_gridspec().ncols - 0.3
    panel.set_title(fold(words, room, size), fontsize=size)


def grid(
    count: int,
    *,
    columns: int,
    width: float,
    height: float,
    narrowest: float = NARROWEST,
    **more: Any,
) -> tuple[Figure, list[Axes]]:
    """A figure with so many panels in rows of up to ``columns``, each ``height`` inches high and
    ``narrowest`` wide, or wider."""
    columns = min(count, columns, max(1, int(width / narrowest)))
    rows = -(-count // columns)
    figure, panels = plt.subplots(
        rows, columns, figsize=(width, 0.9 + height * rows), squeeze=False, **more
    )
    for panel in panels.flat[count:]:
        panel.set_axis_off()
    return figure, list(panels.flat[:count])


def leftmost(panels: Sequence[Axes]) -> list[Axes]:
    """The first panel of each row."""
    return [one for one in panels if placed(one).is_first_col()]


def lowest(panels: Sequence[Axes]) -> list[Axes]:
    """The last panel of each column."""
    return list({placed(one).colspan.start: one for one in panels}.values())


def placed(panel: Axes) -> SubplotSpec:
    """Where in its grid a panel stands."""
    found = panel.get_subplotspec()
    assert found is not None
    return found


def nothing(width: float, title: str, why: str) -> Figure:
    """The figure where a study has nothing to show, which says so."""
    figure, panel = plt.subplots(figsize=(width, 1.6))
    panel.set_axis_off()
    panel.text(*(0.5, 0.5), why, ha="center", va="center", transform=panel.transAxes)
    heading(figure, title)
    return figure


def heading(figure: Figure, question: str, *where: str) -> None:
    """The question that a figure answers, and below what it is made of, in lines that fit."""
    width, size = figure.get_figwidth(), LOOK["figure.titlesize"]
    below = "; ".join(filter(None, where))
    figure.suptitle("\n".join(fold(words, width, size) for words in (question, below) if words))


def fold(words: str, inches: float, size: float) -> str:
    """Words in lines that are at most so wide in letters of a ``size`` in points; lines that they
    come in stay apart."""
    characters = max(int(130 * inches / size), 1)
    return "\n".join("\n".join(wrap(line, characters)) for line in words.split("\n"))


def sparse(count: int, most: int = 30) -> int:
    """Every how many points have a marker: line styles drown in more."""
    return max(1, -(-count // most))


def step_ticks(panel: Axes, steps: Sequence[int]) -> None:
    """Label a few of the checkpoints that stand side by side on the x axis by their steps."""
    places = spread(range(len(steps)), 4 if len(steps) > 7 else 3)
    panel.set_xticks(places, [brief(steps[place]) for place in places], fontsize=6.5)


def brief(step: int) -> str:
    """A step to three digits where it is long: 48,828 is 48.8k, 1,454,000 is 1.45M."""
    if step >= 999_500:
        return f"{step / 1e6:.3g}M"
    return f"{step / 1000:.3g}k" if step >= 10_000 else f"{step:,}"


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
    if len(known) == 1:  # a log axis finds no limits about one place
        only = known[0] or zero
        axes.set_xlim(only / 3, only * 3)
    if known and known[0] == 0:
        powers = np.arange(np.ceil(np.log10(first)), np.floor(np.log10(last)) + 1)
        powers = powers[:: max(1, -(-len(powers) // DECADES))]
        decades = [float(10.0**power) for power in powers] or [first]
        names = [f"$10^{{{round(power)}}}$" for power in powers] or [scientific(first)]
        labels = ["0", *names]
        axes.xaxis.set_major_locator(FixedLocator([zero, *decades]))
        axes.xaxis.set_major_formatter(FixedFormatter(labels))
        axes.xaxis.set_minor_locator(NullLocator())
    return lambda value: zero if value == 0 else value


def scientific(value: float) -> str:
    """A value to two digits with its power of ten."""
    digits, _, exponent = f"{value:.1e}".partition("e")
    return f"${digits} \\cdot 10^{{{int(exponent)}}}$"


COUNTED = ("components", "loops", "voids")
"""What homology counts, by dimension."""


def counted(dimensions: int) -> str:
    """What homology of so many dimensions counts."""
    *first, last = COUNTED[:dimensions]
    return f"{', '.join(first)} and {last}" if first else last


def title(dimension: int, signature: str) -> str:
    """What a signature is called; dimension -1 is geometry."""
    words = signature.replace("_", " ")
    return words if dimension < 0 else f"$H_{dimension}$ {words}"
