"""Signatures that are curves or images: points of a vector space, so that they have means.

Each takes what those of `topological` take. Time and lengths are in units of the enclosing radius
R, beyond which no bar lives: clouds of any size share one grid, `GRID`.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float64

from lmtopo.signatures import curve_of_diagram, curve_of_homology

GRID = np.linspace(0, 1, 65)
LEVELS = 5
PIXELS = 32


@curve_of_diagram
def betti_curve(bars: Float64[np.ndarray, "bars 2"], radius: float) -> Float64[np.ndarray, " grid"]:
    """beta(t R) for t in `GRID`: the number of bars with birth <= t R < death.

    As the component that never dies is not among the bars, H0 counts components less one. Its
    area is `betti_area`.
    Source: Umeda, "Time series classification via topological data analysis", Trans. Jpn. Soc.
    Artif. Intell. 32 (2017).
    """
    born, dead = (np.searchsorted(np.sort(side), GRID * radius, "right") for side in bars.T)
    return (born - dead).astype(np.float64)


@curve_of_homology
def euler_curve(
    diagrams: Sequence[Float64[np.ndarray, "_ 2"]], radius: float
) -> Float64[np.ndarray, " grid"]:
    """chi(t R) = sum_k (-1)^k beta_k(t R) for t in `GRID`, the component that never dies included.

    Over the dimensions k that are computed, so that with the highest one, K, it is the Euler
    characteristic of the complex only where it has no homology above K. It ends at 1. Its area is
    `euler_area`.
    Source: Richardson, Werman, "Efficient classification using the Euler characteristic", Pattern
    Recognit. Lett. 49 (2014).
    """
    curve = np.ones_like(GRID)
    for dimension, bars in enumerate(diagrams):
        curve += (-1) ** dimension * betti_curve(bars, radius)
    return curve


@curve_of_diagram
def persistence_landscape(
    bars: Float64[np.ndarray, "bars 2"], radius: float
) -> Float64[np.ndarray, "levels grid"]:
    """lambda_k(t R) / R for k = 1 .. 5 and t in `GRID`: the k-th largest of
    max(0, min(s - birth_i, death_i - s)) over the bars i, at s = t R; 0 beyond their number.

    Exact at the points of the grid, unlike persim's approximate landscapes, which move bars to it.
    Source: Bubenik, "Statistical topological data analysis using persistence landscapes", J. Mach.
    Learn. Res. 16 (2015).
    """
    birth, death = bars.T[..., None]
    tents = np.maximum(np.minimum(GRID * radius - birth, death - GRID * radius), 0)
    largest = np.zeros((LEVELS, len(GRID)))
    count = min(LEVELS, len(bars))
    largest[:count] = np.sort(tents, axis=0)[::-1][:count]
    return largest / radius if radius > 0 else largest


@curve_of_diagram
def persistence_image(
    bars: Float64[np.ndarray, "bars 2"], radius: float
) -> Float64[np.ndarray, "birth persistence"]:
    """sum_i p_i times a Gaussian about (b_i, p_i), integrated over each pixel: with b_i = birth / R
    and p_i = (death - birth) / R, on 32 x 32 pixels of the unit square, the Gaussian's deviation
    being one pixel. First axis: birth.

    The same numbers as persim's `PersistenceImager`, ten times faster, as a Gaussian is a product.
    Source: Adams et al., "Persistence images: a stable vector representation of persistent
    homology", J. Mach. Learn. Res. 18 (2017).
    """
    from scipy.special import ndtr

    edges = np.linspace(0, 1, PIXELS + 1)
    birth, death = bars.T / radius if len(bars) else bars.T
    length = death - birth
    share_birth, share_length = (
        np.diff(ndtr((edges - place[:, None]) * PIXELS), axis=1) for place in (birth, length)
    )
    return (share_birth.T * length) @ share_length  # type: ignore[no-any-return]
