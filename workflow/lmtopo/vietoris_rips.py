"""Persistent homology of the Vietoris-Rips filtration of a cloud of points."""

import math

import numpy as np
from jaxtyping import Bool, Float, Float32, Float64

from lmtopo.errors import InputError

METRICS = ("euclidean", "cosine", "standardised", "precomputed")
ENGINES = ("auto", "ripser")


def rips(
    x: Float[np.ndarray, "points width"],
    *,
    metric: str = "euclidean",
    max_dimension: int = 1,
    threshold: float = math.inf,
    engine: str = "auto",
) -> list[Float64[np.ndarray, "bars 2"]]:
    """Persistence diagrams H0 .. H ``max_dimension`` of the Vietoris-Rips filtration, over Z/2.

    VR_t = {simplices whose points are pairwise at d(i, j) <= t}

    Parameters
    ----------
    x
        Points as rows; with metric ``precomputed`` the matrix of their distances.
    metric
        See `distances`.
    threshold
        Simplices of a diameter above it are left out; what lives on there never dies.
    engine
        ``ripser`` (ripser.py), or ``auto``: the fastest that is there.

    Returns
    -------
    One array per dimension, as ripser.py and gudhi hand them: a row is one bar (birth, death) in
    the unit of the metric, ``inf`` for what never dies, sorted by birth, then death. Bars of
    length zero are left out. Births and deaths are distances, and so exact in float32.

    Raises
    ------
    InputError
        For an unknown metric or engine, a negative dimension or threshold, and for the points
        that `distances` refuses.

    Source: U. Bauer, "Ripser: efficient computation of Vietoris-Rips persistence barcodes",
    J. Appl. Comput. Topology 5 (2021).
    """
    if engine not in ENGINES:
        raise InputError(f"engine '{engine}' is unknown: use one of {', '.join(ENGINES)}")
    if max_dimension < 0:
        raise InputError(f"max_dimension {max_dimension} is negative: use 0 or more")
    if not threshold >= 0:
        raise InputError(f"threshold {threshold} is not a length: use 0 or more, or inf")
    d = distances(x, metric)
    # At the enclosing radius the complex is a cone: nothing beyond it is ever born or dies.
    diagrams = ripser_diagrams(d, max_dimension, min(threshold, enclosing_radius(d)))
    return [tidy(diagram) for diagram in diagrams]


def ripser_diagrams(
    d: Float32[np.ndarray, "n n"], max_dimension: int, threshold: float
) -> list[Float[np.ndarray, "bars 2"]]:
    from ripser import ripser

    if len(d) == 1:
        return [np.array([[0.0, np.inf]]), *([np.empty((0, 2))] * max_dimension)]
    # Handing over distances also keeps ripser.py from warning of clouds wider than long.
    found = ripser(d, maxdim=max_dimension, thresh=threshold, distance_matrix=True)
    return list(found["dgms"])


def tidy(diagram: Float[np.ndarray, "bars 2"]) -> Float64[np.ndarray, "kept 2"]:
    """Bars of positive length, sorted by (birth, death)."""
    kept = diagram[diagram[:, 1] > diagram[:, 0]].astype(np.float64)
    return kept[np.lexsort((kept[:, 1], kept[:, 0]))]


def distances(x: Float[np.ndarray, "points width"], metric: str) -> Float32[np.ndarray, "n n"]:
    """Distances between all points, computed in float64 and then rounded to float32.

    - ``euclidean``: |x - y|
    - ``cosine``: 1 - cos(x, y) = |x/|x| - y/|y||^2 / 2, which loses no digits at small angles
    - ``standardised``: Euclidean after dividing each coordinate by its standard deviation
      (ddof = 1, as SciPy's ``seuclidean``); coordinates that do not vary are ignored
    - ``precomputed``: ``x`` itself

    Symmetric, with a zero diagonal; equal points are at distance 0 exactly.

    Raises
    ------
    InputError
        For no points, values that are not finite, distances beyond float32, a point without
        direction (``cosine``), and a ``precomputed`` matrix that is not square, not symmetric
        (beyond rounding in float32), has negative entries or a diagonal other than zero.
    """
    if metric not in METRICS:
        raise InputError(f"metric '{metric}' is unknown: use one of {', '.join(METRICS)}")
    if len(x) == 0:
        raise InputError("the cloud has no points: give at least one")
    bad = np.argwhere(~np.isfinite(x))
    if len(bad):
        row, column = bad[0]
        raise InputError(
            f"the cloud has {len(bad)} values that are not finite (the first is "
            f"{x[row, column]} in row {row}, column {column}): drop these points"
        )
    points = x.astype(np.float64)
    if metric == "precomputed":
        full = checked(points)
    else:
        from scipy.spatial.distance import pdist, squareform

        if metric == "cosine":
            halves = pdist(unit(points), "sqeuclidean") / 2
            # Parallel vectors of different length differ by rounding after normalisation.
            halves[halves < 1e-30] = 0.0
            full = squareform(halves)
        else:
            full = squareform(pdist(standardise(points) if metric == "standardised" else points))
    if full.max() > np.finfo(np.float32).max:
        raise InputError(f"the cloud has a distance of {full.max():.3g}: too large for float32")
    return full.astype(np.float32)


def checked(d: Float64[np.ndarray, "rows columns"]) -> Float64[np.ndarray, "n n"]:
    """A distance matrix, made exactly symmetric."""
    if d.shape[0] != d.shape[1]:
        raise InputError(f"a precomputed distance matrix is square, but this one is {d.shape}")
    if d.min() < 0:
        raise InputError(f"a distance is at least 0, but the matrix has {d.min():g}")
    if np.diagonal(d).any():
        at = int(np.flatnonzero(np.diagonal(d))[0])
        raise InputError(
            f"a point is at distance 0 from itself, but entry ({at}, {at}) is {d[at, at]:g}"
        )
    gap = np.abs(d - d.T)
    if gap.max() > np.finfo(np.float32).eps * d.max():
        i, j = np.unravel_index(gap.argmax(), gap.shape)
        raise InputError(
            f"a distance matrix is symmetric, but entry ({i}, {j}) is {d[i, j]:g} and entry "
            f"({j}, {i}) is {d[j, i]:g}"
        )
    return d / 2 + d.T / 2


def unit(points: Float64[np.ndarray, "n d"]) -> Float64[np.ndarray, "n d"]:
    norms = np.linalg.norm(points, axis=1, keepdims=True)
    if not norms.all():
        raise InputError(
            f"point {int(np.argmin(norms))} is zero and has no direction: use metric euclidean, "
            "or drop the point"
        )
    return points / norms  # type: ignore[no-any-return]


def standardise(points: Float64[np.ndarray, "n d"]) -> Float64[np.ndarray, "n varying"]:
    # By the range, since the standard deviation of equal values can be a rounding error.
    varies: Bool[np.ndarray, " d"] = points.max(axis=0) > points.min(axis=0)
    kept = points[:, varies]
    return kept / kept.std(axis=0, ddof=1) if len(points) > 1 else kept


def enclosing_radius(d: Float[np.ndarray, "n n"]) -> float:
    """min_i max_j d(i, j): the least r at which one point sees all others.

    From there on the Vietoris-Rips complex is a cone, and only one component lives.

    ``d``: a matrix of distances, of at least one point; the result is in its unit.
    """
    return float(d.max(axis=1).min())
