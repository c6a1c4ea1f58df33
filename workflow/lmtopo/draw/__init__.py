"""Stage `draw`: one figure from the study's tables."""

from collections.abc import Callable, Sequence
from typing import Any


def draw(
    *, name: str, figure: Sequence[str], quality: str, signatures: str, width: float, **shown: Any
) -> None:
    """Draw the figure ``name`` from the tables and save it at each path of ``figure``.

    ``width`` is in inches; ``shown`` says which of the study's parts the figure shows.
    """
    from lmtopo.draw import (
        diagrams,
        downstream,
        downstream_signature,
        evidence,
        layers,
        perplexity,
        skill,
        trajectories,
    )
    from lmtopo.draw.style import save, style
    from lmtopo.tables import read

    figures: dict[str, Callable[..., Any]] = {
        "perplexity": perplexity.draw,
        "signatures": trajectories.draw,
        "diagrams": diagrams.draw,
        "layers": layers.draw,
        "downstream": downstream.draw,
        "downstream_signature": downstream_signature.draw,
        "evidence": evidence.draw,
        "skill": skill.draw,
    }
    with style():
        save(figures[name](read(quality), read(signatures), width=width, **shown), figure)
