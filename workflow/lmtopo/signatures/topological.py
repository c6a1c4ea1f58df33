"""Signatures of one persistence diagram.

Each takes ``bars``, the finite bars of one homology dimension as rows (birth, death), so that the
one component that never dies is not counted, and ``radius``, the enclosing radius of the cloud;
both are in the unit of the metric. Below, l_i = death_i - birth_i and p_i = l_i / sum_j l_j.

Without bars, sums (count, total, maximum, area, norms) are 0, and what is an average over bars
(mean, entropies) is NaN.
"""

import math
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float64

from lmtopo.signatures import of_diagram, of_homology


@of_diagram
def feature_count(bars: Float64[np.ndarray, "bars 2"], radius: float) -> float:
    """Number of bars. No unit; 0 without bars."""
    return float(len(bars))


@of_diagram
def total_persistence(bars: Float64[np.ndarray, "bars 2"], radius: float) -> float:
    """sum_i l_i, in the unit of the metric; 0 without bars.

    Source: Cohen-Steiner, Edelsbrunner, Harer, Mileyko, "Lipschitz functions have L_p-stable
    persistence", Found. Comput. Math. 10 (2010), degree 1.
    """
    return float(lengths(bars).sum())


@of_diagram
def mean_persistence(bars: Float64[np.ndarray, "bars 2"], radius: float) -> float:
    """sum_i l_i / count, in the unit of the metric; NaN without bars."""
    return float(lengths(bars).mean()) if len(bars) else math.nan


@of_diagram
def max_persistence(bars: Float64[np.ndarray, "bars 2"], radius: float) -> float:
    """max_i l_i, in the unit of the metric; 0 without bars."""
    return float(lengths(bars).max(initial=0.0))


@of_diagram
def persistence_entropy(bars: Float64[np.ndarray, "bars 2"], radius: float) -> float:
    """-sum_i p_i ln p_i, in nats: from 0 for one bar to ln(count) for equal bars; NaN without.

    Source: Chintakunta et al., "An entropy-based persistence barcode", Pattern Recognition 48
    (2015); Rucco et al., "Characterisation of the idiotypic immune network through persistent
    entropy" (2016).
    """
    if len(bars) == 0:
        return math.nan
    p = lengths(bars) / lengths(bars).sum()
    return float(abs(p @ np.log(p)))


@of_diagram
def normalised_persistence_entropy(bars: Float64[np.ndarray, "bars 2"], radius: float) -> float:
    """-sum_i p_i ln p_i / ln(count), from 0 to 1; NaN below two bars.

    Entropy mostly follows ln(count); this is what it says beside it.
    Source: Atienza, Gonzalez-Diaz, Soriano-Trigueros, "On the stability of persistent entropy and
    new summary functions for topological data analysis", Pattern Recognition 107 (2020).
    """
    if len(bars) < 2:
        return math.nan
    return persistence_entropy(bars, radius) / math.log(len(bars))


@of_diagram
def betti_area(bars: Float64[np.ndarray, "bars 2"], radius: float) -> float:
    """integral over t in [0, 1] of beta(t R), with beta(s) the number of bars alive at s and R
    the enclosing radius: the mean Betti number on the way to R. No unit; 0 without bars.

    Summed exactly, bar by bar, without a grid. As no bar lives beyond R, it equals
    total persistence / R.
    Source of the Betti curve: Umeda, "Time series classification via topological data analysis",
    Trans. Jpn. Soc. Artif. Intell. 32 (2017).
    """
    if len(bars) == 0:
        return 0.0
    return float(np.diff(np.minimum(bars, radius), axis=1).sum() / radius)


@of_homology
def euler_area(diagrams: Sequence[Float64[np.ndarray, "_ 2"]], radius: float) -> float:
    """integral over t in [0, 1] of chi(t R) = 1 + sum_k (-1)^k betti_area of H_k: the mean Euler
    characteristic on the way to the enclosing radius R, over the dimensions that are computed
    (see `euler_curve`). No unit; 1 without bars.
    """
    areas = [betti_area(bars, radius) for bars in diagrams]
    return 1 + sum(areas[::2]) - sum(areas[1::2])


@of_diagram
def landscape_l1(bars: Float64[np.ndarray, "bars 2"], radius: float) -> float:
    """sum_k integral of lambda_k = sum_i l_i^2 / 4, lambda_k being the persistence landscape; in
    the unit of the metric squared; 0 without bars.

    The landscape at t is a sorted list of the bars' tents at t, so that a norm over all levels is
    one over tents: exact, and a function of the bars' lengths alone, wherever they lie.
    Source: Bubenik, "Statistical topological data analysis using persistence landscapes", J. Mach.
    Learn. Res. 16 (2015).
    """
    return tents(lengths(bars), 1)


@of_diagram
def landscape_l2(bars: Float64[np.ndarray, "bars 2"], radius: float) -> float:
    """(sum_k integral of lambda_k^2)^(1/2) = (sum_i l_i^3 / 12)^(1/2), in the unit of the metric to
    the power 3/2; 0 without bars. See `landscape_l1`."""
    return math.sqrt(tents(lengths(bars), 2))


@of_diagram
def landscape_sup(bars: Float64[np.ndarray, "bars 2"], radius: float) -> float:
    """max over t of lambda_1 = max_i l_i / 2, in the unit of the metric; 0 without bars: half of
    `max_persistence`."""
    return max_persistence(bars, radius) / 2


@of_diagram
def first_landscape_l1(bars: Float64[np.ndarray, "bars 2"], radius: float) -> float:
    """integral of lambda_1, the upper envelope of the bars' tents: unlike the norms of the whole
    landscape it knows where bars lie. In the unit of the metric squared; 0 without bars.

    Of bars that lie in no other, in order of birth, neighbours overlap in a tent over
    [birth of the later, death of the earlier]; the tents less these overlaps are the envelope.
    Source: as `landscape_l1`.
    """
    ordered = bars[np.lexsort((-bars[:, 1], bars[:, 0]))]
    before = np.maximum.accumulate(np.concatenate([[-np.inf], ordered[:, 1]]))[:-1]
    outer = ordered[ordered[:, 1] > before]
    overlaps = np.maximum(outer[:-1, 1] - outer[1:, 0], 0)
    return tents(lengths(outer), 1) - tents(overlaps, 1)


def tents(base: Float64[np.ndarray, " bars"], power: int) -> float:
    """sum_i of the integral of a tent of slope 1 over base_i, to a power: 2 (base / 2)^(p+1) /
    (p + 1)."""
    return float(2 / (power + 1) * ((base / 2) ** (power + 1)).sum())


def lengths(bars: Float64[np.ndarray, "bars 2"]) -> Float64[np.ndarray, " bars"]:
    return bars[:, 1] - bars[:, 0]  # type: ignore[no-any-return]
