"""Stage `recipes`: what each figure is drawn from, so that it can be redrawn elsewhere."""

from collections.abc import Mapping
from typing import Any

from lmtopo.files import write_json


def recipes(*, recipes: str, study: str, results: str, figures: Mapping[str, Any]) -> None:
    """Write down, per figure, the arguments of `lmtopo.draw.draw`.

    Paths in them begin with ``results``, the study's folder, wherever that lies later.
    """
    write_json(recipes, {"study": study, "results": results, "figures": figures})
