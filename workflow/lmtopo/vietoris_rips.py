"""Persistent homology of the Vietoris-Rips filtration of a cloud of points."""

import math
import warnings
from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float, Float32, Float64

from lmtopo.errors import InputError

METRICS = ("euclidean", "cosine", "standardised", "precomputed")
ENGINES = ("auto", "link", "ripser", "gudhi")

BYTES_PER_PAIR = 16.2
"""Of memory at most, of n^2 pairs: distances, how each edge is written, keys and as much room to
sort them (all at once where all lengths are the same), neighbours."""
ALWAYS_FREE = 100e6
"""Bytes that are taken without asking: the question takes as long as a small filtration."""


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
        ``link`` (`link_homology`: H0 and H1), ``ripser`` (ripser.py), ``gudhi`` (GUDHI, after one
        collapse of edges), or ``auto``: ``link`` up to H1, ``gudhi`` beyond.
        They give the same bars.

    Returns
    -------
    One array per dimension, as ripser.py and gudhi hand them: a row is one bar (birth, death) in
    the unit of the metric, ``inf`` for what never dies, sorted by birth, then death. Bars of
    length zero are left out. Births and deaths are distances, and so exact in float32.

    Raises
    ------
    InputError
        For an unknown metric or engine, a negative dimension or threshold, H2 of engine ``link``,
        and for the points that `distances` refuses.

    Warns
    -----
    UserWarning
        If points coincide; it says how many.

    Source: U. Bauer, "Ripser: efficient computation of Vietoris-Rips persistence barcodes",
    J. Appl. Comput. Topology 5 (2021).
    """
    check_options(max_dimension, threshold, engine)
    return filtration(
        distances(x, metric), max_dimension=max_dimension, threshold=threshold, engine=engine
    )


def rips_many(
    clouds: Sequence[Float[np.ndarray, "_points _width"]],
    *,
    metric: str = "euclidean",
    max_dimension: int = 1,
    threshold: float = math.inf,
    engine: str = "auto",
    threads: int = 1,
) -> list[list[Float64[np.ndarray, "_bars 2"]]]:
    """`rips` of each cloud, in order, ``threads`` of them at a time; the same bars whatever they
    are. Raises what `rips` raises."""
    from concurrent.futures import ThreadPoolExecutor

    def one(x: Float[np.ndarray, "points width"]) -> list[Float64[np.ndarray, "bars 2"]]:
        return rips(
            x, metric=metric, max_dimension=max_dimension, threshold=threshold, engine=engine
        )

    if threads == 1:
        return [one(x) for x in clouds]
    found: list[list[Float64[np.ndarray, "_bars 2"]]] = [[] for _ in clouds]
    waiting = iter(range(len(clouds)))

    def work() -> None:
        for place in waiting:
            found[place] = one(clouds[place])

    # a task for each cloud would wake this thread each time, and it would take the lock
    with ThreadPoolExecutor(threads) as pool:
        for task in [pool.submit(work) for _ in range(threads)]:
            task.result()
    return found


def warm() -> None:
    """Load the compiled code, so that processes that are forked need not; where there is none yet,
    leave it to those who need it: compiling takes longer than all else that they wait for."""
    from lmtopo import compiled

    if compiled.kept():
        rips(np.eye(3))


def filtration(
    d: Float32[np.ndarray, "n n"],
    *,
    max_dimension: int = 1,
    threshold: float = math.inf,
    engine: str = "auto",
) -> list[Float64[np.ndarray, "bars 2"]]:
    """`rips` of a matrix that `distances` has made: it is not checked again."""
    if engine == "auto":
        engine = "link" if max_dimension <= 1 else "gudhi"
    if engine == "ripser":
        found = ripser_diagrams(d, max_dimension, min(threshold, enclosing_radius(d)))
    elif engine == "gudhi":
        found = gudhi_diagrams(d, max_dimension, min(threshold, enclosing_radius(d)))
    else:
        from lmtopo.link_homology import link_homology

        found = link_homology(d, threshold, loops=max_dimension > 0)
    bars = [tidy(diagram) for diagram in found]
    if same := len(d) - len(bars[0]):
        # of n points n components are born, and those that coincide end at once
        warnings.warn(
            f"{same} of {len(d)} points coincide with another: these count as one point",
            stacklevel=3,
        )
    return bars


def check_options(max_dimension: int, threshold: float, engine: str) -> None:
    if engine not in ENGINES:
        raise InputError(f"engine '{engine}' is unknown: use one of {', '.join(ENGINES)}")
    if max_dimension < 0:
        raise InputError(f"max_dimension {max_dimension} is negative: use 0 or more")
    if engine == "link" and max_dimension > 1:
        raise InputError(
            f"engine 'link' ends at H1, but max_dimension is {max_dimension}: use engine auto"
        )
    if not threshold >= 0:
        raise InputError(f"threshold {threshold} is not a length: use 0 or more, or inf")


def ripser_diagrams(
    d: Float32[np.ndarray, "n n"], max_dimension: int, threshold: float
) -> list[Float[np.ndarray, "bars 2"]]:
    from ripser import ripser

    if len(d) == 1:
        return [np.array([[0.0, np.inf]]), *([np.empty((0, 2))] * max_dimension)]
    # Handing over distances also keeps ripser.py from warning of clouds wider than long.
    found = ripser(d, maxdim=max_dimension, thresh=threshold, distance_matrix=True)
    return list(found["dgms"])


def gudhi_diagrams(
    d: Float32[np.ndarray, "n n"], max_dimension: int, threshold: float
) -> list[Float[np.ndarray, "bars 2"]]:
    """GUDHI's fork of Ripser after one collapse of edges, which leaves the bars as they are
    (Boissonnat, Pritam, "Edge collapse and persistence of flag complexes", SoCG 2020)."""
    from gudhi.sklearn import RipsPersistence

    engine = RipsPersistence(
        homology_dimensions=range(max_dimension + 1),
        threshold=float(np.float32(threshold)),  # as distances are, or those at it would differ
        input_type="full distance matrix",
        num_collapses=1,
        homology_coeff_field=2,
    )
    found = engine.fit_transform([d])[0]
    return [np.asarray(diagram, dtype=np.float64).reshape(-1, 2) for diagram in found]


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
        For no points, more than memory holds, values that are not finite, distances beyond
        float32, a point without direction (``cosine``), and a ``precomputed`` matrix that is not
        square, not symmetric (beyond rounding in float32), has negative entries or a diagonal
        other than zero.
    """
    if metric not in METRICS:
        raise InputError(f"metric '{metric}' is unknown: use one of {', '.join(METRICS)}")
    x = np.asarray(x)
    if x.ndim != 2:
        raise InputError(
            f"a cloud is a matrix of points x coordinates, but this has shape {x.shape}"
        )
    check_size(len(x))
    if metric == "precomputed":
        return checked(x)
    # one pass: a sum of finite values is finite, or overflows and is looked at again
    if not math.isfinite(x.sum(dtype=np.float64)):
        check_finite(x)
    points = x.astype(np.float64)
    if metric == "cosine":
        d = measured(unit(points), chord=False)
    else:
        d = measured(standardise(points) if metric == "standardised" else points, chord=True)
    if not d.max() <= np.finfo(np.float32).max:
        raise InputError("the cloud has a distance that is too large for float32: scale it down")
    return d


def measured(points: Float64[np.ndarray, "n d"], *, chord: bool) -> Float32[np.ndarray, "n n"]:
    from lmtopo.distance_kernel import TILE, measure

    n = len(points)
    padded = np.concatenate([points, *[points[-1:]] * (-n % TILE)])
    d = np.empty((n, n), dtype=np.float32)
    measure(padded, chord, np.empty(TILE * TILE), d)
    return d


def check_size(n: int) -> None:
    """As many points as there are numbers and memory for, and at least one."""
    if n == 0:
        raise InputError("the cloud has no points: give at least one")
    needed = BYTES_PER_PAIR * n * n
    if needed < ALWAYS_FREE:
        return
    from lmtopo import memory
    from lmtopo.link_homology.edges import MOST

    free = memory.available()
    if n > MOST or needed > free:
        raise InputError(
            f"the filtration of {n:,} points takes about {needed / 1e9:.1f} GB, and "
            f"{free / 1e9:.1f} GB are free: take fewer points"
            + (f" (at most {MOST:,})" if n > MOST else "")
        )


def check_finite(x: Float[np.ndarray, "points width"]) -> None:
    bad = np.argwhere(~np.isfinite(x))
    if len(bad):
        row, column = bad[0]
        raise InputError(
            f"the cloud has {len(bad)} values that are not finite (the first is "
            f"{x[row, column]} in row {row}, column {column}): drop these points"
        )


def checked(x: Float[np.ndarray, "rows columns"]) -> Float32[np.ndarray, "n n"]:
    """A distance matrix, made exactly symmetric."""
    from lmtopo.distance_kernel import examine

    if x.shape[0] != x.shape[1]:
        raise InputError(f"a precomputed distance matrix is square, but this one is {x.shape}")
    if x.dtype not in (np.float32, np.float64):  # integers, half precision, foreign byte orders
        x = x.astype(np.float64)
    d = np.ascontiguousarray(x)
    total, low, high, gap, where = examine(d)
    if not math.isfinite(total):
        check_finite(x)
    if low < 0:
        raise InputError(f"a distance is at least 0, but the matrix has {low:g}")
    if high > np.finfo(np.float32).max:
        raise InputError(f"the cloud has a distance of {high:.3g}: too large for float32")
    if (diagonal := np.diagonal(x)).any():
        at = int(np.flatnonzero(diagonal)[0])
        raise InputError(
            f"a point is at distance 0 from itself, but entry ({at}, {at}) is {x[at, at]:g}"
        )
    if gap > np.finfo(np.float32).eps * high:
        i, j = divmod(where, len(d))
        raise InputError(
            f"a distance matrix is symmetric, but entry ({i}, {j}) is {d[i, j]:g} and entry "
            f"({j}, {i}) is {d[j, i]:g}"
        )
    if gap:
        d = d / 2 + d.T / 2
    return d.astype(np.float32, copy=False)


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
