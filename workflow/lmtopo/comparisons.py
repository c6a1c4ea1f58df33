"""Which checkpoints and layers are compared with which."""

import math
from collections.abc import Sequence
from fractions import Fraction
from itertools import combinations, pairwise
from typing import TypeVar

from lmtopo.schedule import spread

T = TypeVar("T")

WITHIN = 1.1
"""FLOPs of two checkpoints at equal compute differ by at most this factor."""


def of_a_run(checkpoints: Sequence[T], landmarks: int) -> list[tuple[str, T, T]]:
    """Pairs of one run's checkpoints, each once, the earlier first: its neighbours
    (``consecutive``), and any two of its ``landmarks`` that are not neighbours (`spread`)."""
    places = range(len(checkpoints))
    pairs = [("consecutive", i, j) for i, j in pairwise(places)]
    pairs += [
        ("landmarks", i, j) for i, j in combinations(spread(places, landmarks), 2) if j > i + 1
    ]
    return [(relation, checkpoints[i], checkpoints[j]) for relation, i, j in pairs]


def at_equal_compute(ours: Sequence[float], theirs: Sequence[float]) -> list[tuple[int, int]]:
    """Places of those of ``ours`` and ``theirs`` (FLOPs, NaN if unknown) that are each the nearest
    to the other and differ by at most 10%. No compute at all is equal; of two that are as near,
    the first counts."""
    found = []
    for i, spent in enumerate(ours):
        j = nearest(spent, theirs)
        if j is not None and nearest(theirs[j], ours) == i:
            low, high = sorted((spent, theirs[j]))
            if high <= WITHIN * low:
                found.append((i, j))
    return found


def nearest(value: float, others: Sequence[float]) -> int | None:
    """Place of the first of ``others`` that is nearest to ``value``."""
    known = [place for place, other in enumerate(others) if not math.isnan(other)]
    if math.isnan(value) or not known:
        return None
    return min(known, key=lambda place: abs(others[place] - value))


def at_equal_depth(
    ours: Sequence[str], our_blocks: int, theirs: Sequence[str], their_blocks: int
) -> list[tuple[str, str]]:
    """Layers of two models that are of one kind and equally deep: both embeddings, both final
    norms, and blocks i of L and j of M where i / L = j / M."""
    places = {place(layer, their_blocks): layer for layer in theirs}
    return [
        (layer, places[place(layer, our_blocks)])
        for layer in ours
        if place(layer, our_blocks) in places
    ]


def place(layer: str, blocks: int) -> tuple[str, Fraction]:
    kind, _, number = layer.partition("_")
    return (kind, Fraction(int(number), blocks)) if kind == "block" else (layer, Fraction(0))
