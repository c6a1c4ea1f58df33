"""Principal components of a cloud."""

import numpy as np
from jaxtyping import Float32

from lmtopo.blas import one_thread
from lmtopo.errors import InputError


def principal(
    points: Float32[np.ndarray, "points width"], count: int | None
) -> Float32[np.ndarray, "points count"]:
    """The coordinates of a cloud along its first ``count`` principal components, not whitened;
    the cloud itself if ``count`` is None.

    With the centred cloud X = U S V^T, the first columns of U S: a rotation of the cloud of which
    the directions that vary least are left out. In float64, rounded to float32 at the end.

    Raises
    ------
    InputError
        If there are not as many: n points in d dimensions have min(n - 1, d).
    """
    if count is None:
        return points
    size, width = points.shape
    if count > min(size - 1, width):
        raise InputError(
            f"clouds.pca is {count}, but {size} points in {width} dimensions have "
            f"{min(size - 1, width)} principal components: lower clouds.pca"
        )
    x = points.astype(np.float64)
    with one_thread():
        u, s, _ = np.linalg.svd(x - x.mean(axis=0), full_matrices=False)
    coordinates: Float32[np.ndarray, "points count"] = (u[:, :count] * s[:count]).astype(np.float32)
    return coordinates
