"""A plot: one template, with the facts that fit it."""

from typing import NamedTuple

from lmtopo.dataset.generated.cast import TOYS


class Plot(NamedTuple):
    """A template, and rows of facts of which a story draws one.

    ``thing`` is what the story is about: every plot names it near the beginning and near the end.
    """

    template: str
    rows: tuple[dict[str, str], ...] = TOYS
