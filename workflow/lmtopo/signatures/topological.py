"""Signatures of one persistence diagram.

Each takes ``bars``, the finite bars of one homology dimension as rows (birth, death), so that the
one component that never dies is not counted, and ``radius``, the enclosing radius of the cloud;
both are in the unit of the metric. Below, l_i = death_i - birth_i and p_i = l_i / sum_j l_j.

Without bars, sums (count, total, maximum, area) are 0, and what is an average over bars (mean,
entropies) is NaN.
"""

import math

import numpy as np
from jaxtyping import Float64

from lmtopo.signatures import of_diagram


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


def lengths(bars: Float64[np.ndarray, "bars 2"]) -> Float64[np.ndarray, " bars"]:
    return bars[:, 1] - bars[:, 0]  # type: ignore[no-any-return]
