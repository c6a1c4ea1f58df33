"""The bars that are features: the one signature that needs more than its own cloud or diagram.

So it stands beside the registries; stage `describe` computes it for every homology dimension
against the first null of the study.
"""

import math
from collections.abc import Sequence
from functools import cache

import numpy as np
from jaxtyping import Bool, Float64

from lmtopo.nulls import CLAIM
from lmtopo.seeds import generator
from lmtopo.vietoris_rips import rips

NAME = "significant_count"
REFERENCES = 39


def significant_count(
    diagram: Float64[np.ndarray, "bars 2"],
    longest: Sequence[float],
    *,
    dimension: int,
    points: int,
    metric: str = "euclidean",
) -> float:
    """Number of bars that neither the spectrum nor sampling makes: the Betti number, as far as the
    cloud shows it.

    A bar (b, d) counts if d - b exceeds the 95th percentile (`cut`) of the longest bars of a
    null's draws, and, above H0, if it also stands out from what any patch of a manifold has by
    being sampled at random (`stands_out`). A null of the cloud's own spectrum does not know of the
    latter: against `gaussian` alone 96 to 256 random points of a torus have 3 to 10 loops and
    those of a sphere up to 4. What never dies counts: in H0 the one component that lives on.

    ``diagram``: that of H ``dimension``, what never dies included, of a cloud of ``points`` in
    the study's ``metric``; ``longest``: one `longest_bar` per draw. No unit. NaN below `CLAIM`
    draws, and where the percentile is itself a bar that never dies (below a threshold its length
    is unknown).

    Source: bars beyond a cut as features: Fasy et al., "Confidence sets for persistence diagrams",
    Ann. Stat. 42 (2014).
    """
    if len(longest) < CLAIM or math.isinf(limit := cut(longest)):
        return math.nan
    long = diagram[:, 1] - diagram[:, 0] > limit
    if dimension > 0 and long.any():
        long &= stands_out(diagram, dimension, points, metric)
    return float(long.sum())


def longest_bar(diagram: Float64[np.ndarray, "bars 2"], dimension: int) -> float:
    """Length of a draw's longest bar, in the unit of the metric; 0 without bars.

    In H0 the one component that never dies, which every cloud has, is left out.
    """
    lengths = np.sort(diagram[:, 1] - diagram[:, 0])
    kept = lengths[:-1] if dimension == 0 else lengths
    return float(kept.max(initial=0.0))


def cut(values: Sequence[float]) -> float:
    """The k-th smallest of B values, k = ceil(0.95 (B + 1)): another value of their kind is above
    it in at most 5% of cases; of 19 it is the greatest.

    Source: Davison and Hinkley, "Bootstrap methods and their application" (1997), chapter 4.
    """
    return sorted(values)[-(-95 * (len(values) + 1) // 100) - 1]


def stands_out(
    diagram: Float64[np.ndarray, "bars 2"], dimension: int, points: int, metric: str
) -> Bool[np.ndarray, " bars"]:
    """Which bars have an r = ln(d / b), or an r over the median r of the diagram's bars, greater
    than the greatest in all but 5% of clouds of noise (`sampling_noise`).

    Lengths depend on how densely a manifold is sampled, ratios hardly. The first is for manifolds
    that are sampled cleanly. In noise of many dimensions all points are far from each other, so
    that all ratios are small, and the second sees what is large among them.
    Source of the ratio: Bobrowski, Kahle, Skraba, "Maximally persistent cycles in random geometric
    complexes", Ann. Appl. Probab. 27 (2017).
    """
    r = log_ratios(diagram)
    if metric == "cosine":
        r = r / 2  # a cosine distance is half a squared length
    finite = r[np.isfinite(r)]
    absolute, relative = sampling_noise(points, dimension)
    median = np.median(finite) if len(finite) else math.inf
    return (r > absolute) | (r > relative * median)


@cache
def sampling_noise(points: int, dimension: int) -> tuple[float, float]:
    """95% quantiles of the greatest r, and of the greatest r over the median r, in Gaussian clouds
    of so many points in ``dimension`` + 1 dimensions: the fewest in which H ``dimension`` can
    live, and those where sampling makes the largest ratios.

    Greatest values follow Gumbel's law, whose quantile is mean + 1.866 sd; `REFERENCES` clouds.
    """
    greatest, relative = [], []
    for number in range(REFERENCES):
        rng = generator(0, "sampling noise", points, dimension, number)
        cloud = rng.standard_normal((points, dimension + 1))
        r = log_ratios(rips(cloud, max_dimension=dimension)[dimension])
        if len(r):
            greatest.append(r.max())
            relative.append(r.max() / np.median(r))
    if len(greatest) < 2:
        return 0.0, 0.0
    return gumbel_quantile(greatest), gumbel_quantile(relative)


def gumbel_quantile(values: Sequence[float], share: float = 0.95) -> float:
    """Quantile of the Gumbel distribution with the mean and deviation of ``values``."""
    deviations = math.sqrt(6) / math.pi * (-math.log(-math.log(share)) - np.euler_gamma)
    return float(np.mean(values) + deviations * np.std(values, ddof=1))


def log_ratios(diagram: Float64[np.ndarray, "bars 2"]) -> Float64[np.ndarray, " bars"]:
    with np.errstate(divide="ignore"):
        return np.log(diagram[:, 1]) - np.log(diagram[:, 0])  # type: ignore[no-any-return]
