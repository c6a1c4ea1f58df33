"""Centred kernel alignment (CKA) of clouds whose points correspond, with the linear kernel.

With the Gram matrices K = X X^T and L = Y Y^T of both clouds, centred,

    CKA = <K, L> / (|K| |L|)

in the Frobenius product: a similarity from 0 to 1, which rotations, scale and shifts of either
cloud do not change. For centred X and Y it is |Y^T X|^2 / (|X^T X| |Y^T Y|).

It is biased upwards where dimensions are many against points: two independent Gaussian clouds of
128 points in 512 dimensions have 0.8. The debiased form takes K and L off the diagonal alone and
centres them so that its expectation for independent clouds is 0; it may be slightly negative.

Source: Kornblith, Norouzi, Lee, Hinton, "Similarity of neural network representations revisited",
ICML 2019; debiased: Song et al., "Feature selection via dependence maximization", JMLR 13 (2012),
equation 5, as Nguyen, Raghu, Kornblith, "Do wide and deep networks learn the same things?", ICLR
2021, use it; written with the U-centred matrices of Szekely and Rizzo, Ann. Statist. 42 (2014).
"""

import math

import numpy as np
from jaxtyping import Float, Float64

from lmtopo.blas import one_thread
from lmtopo.errors import InputError

FEWEST = 4
"""Points below which the debiased form is not defined."""


def linear_cka(
    x: Float[np.ndarray, "n d"], y: Float[np.ndarray, "m e"], *, debiased: bool = False
) -> float:
    """CKA of two clouds, the i-th point of one being the i-th of the other (see the module).

    NaN if all points of a cloud are the same; debiased for fewer than 4 points, and where all are
    as far from each other.

    Raises
    ------
    InputError
        If the clouds have not the same number of points, or one is none: no matrix, without points,
        or not finite.
    """
    if len(x) != len(y):
        raise InputError(f"CKA compares point by point, but there are {len(x)} and {len(y)}")
    with one_thread():
        return alignment(gram(x, debiased=debiased), gram(y, debiased=debiased))


def gram(x: Float[np.ndarray, "n d"], *, debiased: bool = False) -> Float64[np.ndarray, "n n"]:
    """The centred Gram matrix of a cloud, of Frobenius norm 1: what `alignment` takes.

    NaN where CKA is not defined.
    """
    x = np.asarray(x)
    n = len(x)
    if x.ndim != 2 or n == 0:
        raise InputError(f"a cloud is a matrix of points x coordinates, not of shape {x.shape}")
    if not np.isfinite(x).all():
        raise InputError("a cloud has a point that is not finite: drop it from both clouds")
    if (x == x[:1]).all() or (debiased and n < FEWEST):
        return np.full((n, n), np.nan)
    points = x - x.mean(axis=0, dtype=np.float64)
    k: Float64[np.ndarray, "n n"] = points @ points.T
    rounding = 8 * n * np.finfo(np.float64).eps * math.sqrt(np.square(k).sum())
    if debiased:
        np.fill_diagonal(k, 0.0)
        means = k.sum(axis=0) / (n - 2)
        k = k - means - means[:, None] + means.sum() / (n - 1)
        np.fill_diagonal(k, 0.0)
    norm = math.sqrt(np.square(k).sum())
    return k / norm if norm > rounding else np.full((n, n), np.nan)


def alignment(k: Float64[np.ndarray, "n n"], l: Float64[np.ndarray, "n n"]) -> float:  # noqa: E741
    """<K, L>, of two results of `gram`; 1 exactly for the same."""
    return 1.0 if np.array_equal(k, l) else float((k * l).sum())
