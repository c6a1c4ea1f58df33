"""The plane in which a cloud spreads most, to look at."""

import numpy as np
from jaxtyping import Float, Float32


def projection(
    points: Float[np.ndarray, "points width"],
) -> tuple[Float32[np.ndarray, "points 2"], Float32[np.ndarray, "2"]]:
    """Coordinates of a cloud along its first two principal components, in the unit of the points,
    and each component's share of the variance.

    The farthest point along a component lies on its positive side (the first of several), so that
    the picture does not depend on the solver. Components that do not vary are 0; the shares of
    equal points are NaN.

    Source: Pearson, "On lines and planes of closest fit to systems of points in space" (1901).
    """
    from scipy.linalg import eigh

    x = points.astype(np.float64)
    x = x - x.mean(axis=0)
    n, width = x.shape
    gram = x @ x.T if n < width else x.T @ x
    found, shares = np.zeros((n, 2)), np.zeros(2)
    total = np.trace(gram)
    # the mean of equal points is rounded, and they do not cancel exactly
    if total <= n * (8 * np.finfo(np.float64).eps * np.abs(points).max()) ** 2 * width:
        return found.astype(np.float32), np.full(2, np.nan, dtype=np.float32)
    count = min(2, len(gram))
    values, vectors = eigh(gram, subset_by_index=(len(gram) - count, len(gram) - 1))
    values, vectors = values[::-1], vectors[:, ::-1]
    varies = values > max(n, width) * np.finfo(np.float64).eps * values[0]
    values = np.where(varies, values, 0)
    found[:, :count] = vectors * np.sqrt(values) if n < width else (x @ vectors) * varies
    farthest = np.abs(found).argmax(axis=0)
    found *= np.where(found[farthest, [0, 1]] < 0, -1, 1)
    shares[:count] = values / total
    return found.astype(np.float32), shares.astype(np.float32)
