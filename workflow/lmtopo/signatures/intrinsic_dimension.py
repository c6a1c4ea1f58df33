"""Intrinsic dimension: how many coordinates it would take to describe the cloud locally.

All in the metric of the study; a cosine distance c goes in as the chord sqrt(2 c), since a squared
distance would halve the dimension. Of points that are equal, or closer than 1e-5 enclosing radii,
one is kept, because their ratios are infinite or say nothing of the shape (`duplicate_count` says
how many are dropped). Below, n different points, r_k(i) the distance from the i-th to its k-th
neighbour, and logarithms are natural.
"""

import math
from functools import cache

import numpy as np
from jaxtyping import Float64, Int64

from lmtopo.seeds import generator
from lmtopo.signatures import curve_of_cloud, of_cloud
from lmtopo.signatures.cloud import Cloud

MLE_NEIGHBOURS = 10
GRIDE_SCALE = 4
PARTS = (1, 2, 4, 8)
SMALLEST = 8


def warm() -> None:
    """Load the compiled code, as `vietoris_rips.warm` does."""
    from lmtopo import compiled

    if compiled.kept():
        cloud = Cloud(np.eye(9))
        gride(cloud)
        persistent_homology_dimension(cloud)


@of_cloud
def twonn(cloud: Cloud) -> float:
    """The slope through the origin of -ln(1 - F(m_i)) against ln(m_i), where m_i = r_2(i) / r_1(i),
    F(m_i) = rank / n, and the tenth of the points with the largest m_i is left out.

    Pairs above the bound on duplicates and still much closer than the rest pull it down: 4% of
    points doubled cost 20%, 8% nearly all (n = 500, d = 4).
    NaN if fewer than three different points remain, or if all ratios are 1.

    Source: Facco, d'Errico, Rodriguez, Laio, "Estimating the intrinsic dimension of datasets by a
    minimal neighborhood information", Sci. Rep. 7 (2017).
    """
    n, others = cloud.neighbours.shape
    if others < 2:
        return math.nan
    kept = int(0.9 * n)
    x = np.log(np.sort(cloud.neighbours[:, 1] / cloud.neighbours[:, 0])[:kept])
    y = -np.log1p(-np.arange(1, kept + 1) / n)
    return float(x @ y / (x @ x)) if x.any() else math.nan


@of_cloud
def mle(cloud: Cloud) -> float:
    """1 / mean of ln(r_k(i) / r_j(i)) over all i and j = 1 .. k - 1, with k = 10, or n - 1 if that
    is less: the maximum likelihood where the density is constant within k neighbours.

    Levina and Bickel's estimate at each point, averaged as MacKay and Ghahramani correct it: the
    inverses. NaN if fewer than three different points remain, or if all ratios are 1.

    Source: Levina, Bickel, "Maximum likelihood estimation of intrinsic dimension" (NIPS 2004);
    MacKay, Ghahramani, "Comments on 'Maximum likelihood estimation of intrinsic dimension'" (2005).
    """
    nearest = np.log(cloud.neighbours[:, :MLE_NEIGHBOURS])
    if nearest.shape[1] < 2:
        return math.nan
    inverse = float((nearest[:, -1:] - nearest[:, :-1]).mean())
    return 1 / inverse if inverse > 0 else math.nan


@of_cloud
def gride(cloud: Cloud) -> float:
    """The d of the greatest likelihood of m_i = r_8(i) / r_4(i): `gride_curve` at its third scale.

    Smaller scales, and `twonn`, read distances to the nearest points, which near duplicates and
    noise decide: the hidden states of a token that occurs several times are not equal, but come in
    tight groups (in one such cloud of 96 points the first three scales gave 1.2, 1.3 and 4.9).
    With r_4 in the denominator, groups of up to four do no harm. NaN if fewer than nine different
    points remain, or if all ratios are 1.

    Source: see `gride_curve`.
    """
    _, dimension = cloud.once(gride_curve)
    at = GRIDE_SCALE.bit_length() - 1
    return float(dimension[at]) if at < len(dimension) else math.nan


@curve_of_cloud
def gride_curve(cloud: Cloud) -> Float64[np.ndarray, "2 scales"]:
    """How the dimension depends on the scale: at n1 = 1, 2, 4, .. as far as 2 n1 neighbours
    reach, the mean of r_2n1(i) in enclosing radii, and the d of the greatest likelihood of the
    ratios m_i = r_2n1(i) / r_n1(i), whose density is

        d (m^d - 1)^(n1 - 1) / (m^((2 n1 - 1) d + 1) B(n1, n1))

    where the point density is constant within 2 n1 neighbours. There are as many scales as the
    points allow, duplicates included; NaN where the different points do not.

    Source: Denti, Doimo, Laio, Mira, "The generalized ratios intrinsic dimension estimator",
    Sci. Rep. 12 (2022).
    """
    scales = 2 ** np.arange(int(math.log2(max(len(cloud.points) - 1, 1))))
    within = scales[2 * scales <= cloud.neighbours.shape[1]]
    curve = np.full((2, len(scales)), np.nan)
    if len(within):
        curve[0, : len(within)] = cloud.neighbours[:, 2 * within - 1].mean(axis=0) / cloud.radius
        curve[1, : len(within)] = gride_at(cloud, within)
    return curve


def gride_at(cloud: Cloud, scales: Int64[np.ndarray, " scales"]) -> Float64[np.ndarray, " scales"]:
    """The d at which the likelihood of the ratios m_i is greatest at each n1 of ``scales``, the
    root of

        g(d) = 1 / d + (n1 - 1) mean(ln m / (1 - m^-d)) - (2 n1 - 1) mean(ln m)

    NaN if all ratios are 1. As g falls and is convex, Newton's steps from where it is positive
    (1 / (1 - e^-x) is more than 1 / x + 1 / 2) rise to the only root and do not pass it.
    """
    from lmtopo.distance_kernel import likeliest_dimensions

    found = np.empty(len(scales))
    likeliest_dimensions(cloud.neighbours, scales, np.empty(len(cloud.neighbours)), found)
    return found


@of_cloud
def persistent_homology_dimension(cloud: Cloud) -> float:
    """1 / (1 - b), where b is the slope of ln E(m) against ln m, and E(m) the mean total
    persistence of H0 (the length of the minimum spanning tree) of m of the points.

    For points of a d-dimensional measure E(m) grows as m^((d - 1) / d). Least squares over samples
    of n, n / 2, n / 4 and n / 8 points (`spanning_trees`), those below 8 points left out; NaN
    if that leaves fewer than three sizes, and where b >= 1. Of few points it is biased upwards in
    low dimension and downwards in high: Gaussian clouds of n = 96 give about 2.4, 4.6, 9, 17 for
    d = 2, 4, 8, 16; of n = 512, 2.2, 4.3, 7.9, 14.

    Source: Schweinhart, "Fractal dimension and the persistent homology of random geometric
    complexes", Adv. Math. 372 (2020); Adams et al., "A fractal dimension for measures via
    persistent homology" (2020); Birdal et al., "Intrinsic dimension, persistent homology and
    generalization in neural networks" (NeurIPS 2021).
    """
    slope, _ = cloud.once(spanning_tree_fit)
    return 1 / (1 - slope) if slope < 1 else math.nan


@of_cloud
def persistent_homology_dimension_r2(cloud: Cloud) -> float:
    """Share of the variance of ln E(m) that the line of `persistent_homology_dimension` explains,
    1 where the trees' lengths follow a power of m; NaN below three sizes."""
    return cloud.once(spanning_tree_fit)[1]


def spanning_tree_fit(cloud: Cloud) -> tuple[float, float]:
    """Slope and R2 of ln E(m) against ln m; NaN below three sizes."""
    sizes, totals = spanning_trees(cloud)
    if len(sizes) < 3:
        return math.nan, math.nan
    x, y = np.log(sizes), np.log(totals)
    x, y = x - x.mean(), y - y.mean()
    slope = float(x @ y / (x @ x))
    error, all_ = float(((y - slope * x) ** 2).sum()), float(y @ y)
    return slope, 1 - error / all_ if all_ > 0 else math.nan


def spanning_trees(
    cloud: Cloud,
) -> tuple[Int64[np.ndarray, " sizes"], Float64[np.ndarray, " sizes"]]:
    """Sizes of samples, and the mean total length of their minimum spanning trees, which is the
    total persistence of H0.

    The different points, in one random order, are cut into 1, 2, 4 and 8 equal parts, so that every
    size sees (almost) every point; parts of fewer than 8 points are left out. The order is the same
    for every cloud of that many points.
    """
    from lmtopo.distance_kernel import tree_lengths

    n = len(cloud.apart)
    sizes = np.array([n // parts for parts in PARTS if n // parts >= SMALLEST], dtype=np.int64)
    means = np.empty(len(sizes))
    tree_lengths(cloud.apart, order_of(n), np.empty(n), sizes, means)
    return sizes, means


@cache
def order_of(points: int) -> Int64[np.ndarray, " points"]:
    """One random order of so many points."""
    return generator(0, "spanning trees").permutation(points)
