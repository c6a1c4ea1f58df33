"""Stage `draw`: one figure from the study's tables."""

from collections.abc import Sequence
from importlib import import_module
from typing import Any


def draw(*, name: str, figure: Sequence[str], width: float, **shown: Any) -> None:
    """Draw the figure ``name``, by ``lmtopo.draw.{name}``, and save it at each path of ``figure``.

    ``width`` is in inches; ``shown`` has the paths of the tables that the figure is made of, by
    their names, and says which of the study's parts it shows.
    """
    from lmtopo.draw.style import save, style
    from lmtopo.tables import KEYS, read

    tables = {table: read(path) for table, path in shown.items() if table in KEYS}
    with style():
        save(import_module(f"lmtopo.draw.{name}").draw(width=width, **{**shown, **tables}), figure)
