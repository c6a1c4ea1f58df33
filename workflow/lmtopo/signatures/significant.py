"""The count of bars that a null's draws do not have: the signature that needs more than its cloud.

It is no function of one diagram, so it stands beside the registries; stage `describe` computes it
for every homology dimension against the first null of the study.
"""

import math
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float64

from lmtopo.nulls import CLAIM

NAME = "significant_count"


def significant_count(diagram: Float64[np.ndarray, "bars 2"], longest: Sequence[float]) -> float:
    """Number of bars longer than the 95th percentile of the longest bar of a null's draws.

    This is the count that may be called Betti number. The percentile is the k-th smallest of
    ``longest``, k = ceil(0.95 (draws + 1)), with which a draw of the null itself has a longer bar
    in at most 5% of cases; with 19 draws it is the greatest. What never dies is longer than all:
    in H0 the one component that always lives on is counted. NaN below `CLAIM` draws, and where
    the percentile is itself a bar that never dies (below a threshold its length is unknown).

    ``diagram``: rows (birth, death), those that never die included; ``longest``: one
    `longest_bar` per draw.

    Source: the rank test is Monte Carlo's (Davison and Hinkley, "Bootstrap methods and their
    application", 1997, chapter 4); bars longer than a cut as features: Fasy et al., "Confidence
    sets for persistence diagrams", Ann. Stat. 42 (2014).
    """
    if len(longest) < CLAIM:
        return math.nan
    rank = -(-95 * (len(longest) + 1) // 100)
    cut = sorted(longest)[rank - 1]
    if math.isinf(cut):
        return math.nan
    return float((diagram[:, 1] - diagram[:, 0] > cut).sum())


def longest_bar(diagram: Float64[np.ndarray, "bars 2"], dimension: int) -> float:
    """Length of a draw's longest bar, in the unit of the metric; 0 without bars.

    In H0 the one component that never dies, which every cloud has, is left out.
    """
    lengths = np.sort(diagram[:, 1] - diagram[:, 0])
    kept = lengths[:-1] if dimension == 0 else lengths
    return float(kept.max(initial=0.0))
