"""Null models of a cloud: what its signatures would be if it had no shape beyond the null's.

Below, X is a cloud of n points in d dimensions with the mean m, and X - m = U S V^T.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float, Float64

from lmtopo.formats.diagrams import Key
from lmtopo.seeds import seed_of

CLAIM = 19
"""Draws from which a percentile is claimed: beyond all of 19 is the least that has p = 0.05."""

ROUNDING = 1e-9
"""Values that differ by less, relative to their size, are taken for equal."""

STATISTICS = {
    "mean": "float64",
    "sd": "float64",
    "z": "float64",
    "percentile": "float64",
    "draws": "int64",
}
"""What `against` says of a value, and the types of the columns."""


@dataclass(frozen=True)
class Original:
    """The cloud that a null imitates, taken apart once for all draws."""

    points: Float[np.ndarray, "n d"]

    @cached_property
    def exact(self) -> Float64[np.ndarray, "n d"]:
        return self.points.astype(np.float64)

    @cached_property
    def mean(self) -> Float64[np.ndarray, " d"]:
        return self.exact.mean(axis=0)  # type: ignore[no-any-return]

    @cached_property
    def norms(self) -> Float64[np.ndarray, " n"]:
        """Distances from the mean."""
        return np.linalg.norm(self.exact - self.mean, axis=1)  # type: ignore[no-any-return]

    @cached_property
    def axes(self) -> Float64[np.ndarray, "rank d"]:
        """S V^T without the rows that are zero but for rounding; at most n - 1 are not."""
        _, s, vt = np.linalg.svd(self.exact - self.mean, full_matrices=False)
        floor = max(self.points.shape) * np.finfo(np.float64).eps * s.max(initial=0.0)
        rank = min(int((s > floor).sum()), len(self.points) - 1)
        return s[:rank, None] * vt[:rank]  # type: ignore[no-any-return]


_frames: dict[tuple[int, int, int], Float64[np.ndarray, "n rank"]] = {}
KEPT = 64 * 2**20
"""Bytes of frames that a process keeps: the clouds of a checkpoint share them."""


def frame(seed: int, n: int, rank: int) -> Float64[np.ndarray, "n rank"]:
    """A Haar-random orthonormal n x rank frame orthogonal to the vector of ones, a function of
    ``seed`` and its shape alone.

    Source: by QR: Mezzadri, "How to generate random matrices from the classical compact groups",
    Notices AMS 54 (2007).
    """
    key = seed, n, rank
    if key in _frames:
        return _frames[key]
    random = np.random.default_rng(seed).standard_normal((n, rank))
    # Gaussian columns made orthogonal to the ones stay rotation-invariant among what is left.
    q, r = np.linalg.qr(random - random.mean(axis=0))
    made: Float64[np.ndarray, "n rank"] = q * np.sign(np.diagonal(r))
    if sum(one.nbytes for one in _frames.values()) + made.nbytes <= KEPT:
        _frames[key] = made
    return made


def gaussian(original: Original, seed: int) -> Float64[np.ndarray, "n d"]:
    """m + Q S V^T with Q a random `frame`.

    It has the mean and the covariance of X exactly, so any difference from X is more than the
    spectrum can explain. For Gaussian X the null is exact: U is such a frame then, independent of
    m, S and V. (Draws from N(m, covariance) would be biased: their own covariance is another.)
    """
    axes = original.axes
    return original.mean + frame(seed, len(original.points), len(axes)) @ axes  # type: ignore[no-any-return]


def norm_matched(original: Original, seed: int) -> Float64[np.ndarray, "n d"]:
    """`gaussian`, then the i-th point scaled to the distance from the mean that the i-th of X has.

    Heavy tails alone look like topology against `gaussian`; against this null they do not. Its
    own mean and covariance are no longer exactly those of X.
    """
    centred = gaussian(original, seed) - original.mean
    lengths = np.linalg.norm(centred, axis=1)
    # All lengths are zero, and nothing is left to scale, where all points of X are equal.
    scale = np.divide(original.norms, lengths, out=np.zeros_like(lengths), where=lengths > 0)
    return original.mean + scale[:, None] * centred  # type: ignore[no-any-return]


def shuffled(original: Original, seed: int) -> Float64[np.ndarray, "n d"]:
    """Every coordinate of X permuted on its own: the marginals stay, all dependence goes."""
    return np.random.default_rng(seed).permuted(original.exact, axis=0)


NULLS: dict[str, Callable[[Original, int], Float64[np.ndarray, "n d"]]] = {
    "gaussian": gaussian,
    "norm_matched": norm_matched,
    "shuffled": shuffled,
}
"""By the name in the config and in the tables."""

SAME_SPECTRUM = frozenset({"gaussian"})
"""Nulls whose singular values are those of the cloud."""


def draws(
    points: Float[np.ndarray, "n d"], counts: Mapping[str, int], seed: int, key: Key
) -> Iterator[tuple[Key, Float64[np.ndarray, "n d"]]]:
    """``counts[null]`` draws of each null for the cloud ``points`` of the name ``key``.

    A draw's own seed comes from (seed, null, replicate, draw) alone: the clouds of a study share
    it, so that equal clouds have equal draws, more draws leave the first ones as they are, stages
    that need the same draw make it anew, and what differs between checkpoints and layers is not
    the draws. Draws stay in float64: rounded to
    float32 they would fill directions that the cloud does not span, and have another spectrum.
    """
    original = Original(points)
    for null, count in counts.items():
        for draw in range(count):
            own = seed_of(seed, "null", null, key.replicate, draw)
            yield key._replace(null=null, draw=draw), NULLS[null](original, own)


def against(
    values: Float64[np.ndarray, " signatures"], drawn: Float64[np.ndarray, "draws signatures"]
) -> dict[str, np.ndarray]:
    """The `STATISTICS` of values beside those of a null's draws, draws that are NaN left out.

    - ``mean`` and ``sd`` (ddof = 1) of the draws, ``draws`` their number
    - ``z`` = (value - mean) / sd. Where all draws are equal (what a null keeps exactly, as
      `gaussian` does the spectrum, and counts): 0 if the value is too, else NaN.
    - ``percentile`` = 100 (draws below the value + half of those equal) / draws, from 0 to 100:
      NaN below `CLAIM` draws. The value is beyond k = draws (1 - percentile / 100) draws with a
      one-sided p of (k + 1) / (draws + 1).
    """
    kept = np.isfinite(drawn)
    count = kept.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(kept, drawn, 0.0).sum(axis=0) / count
        sd = np.sqrt(np.where(kept, (drawn - mean) ** 2, 0.0).sum(axis=0) / (count - 1))
        sd[count < 2] = np.nan
        near = ROUNDING * np.maximum(np.abs(values), np.abs(mean))
        same = np.abs(drawn - values) <= near
        rank = ((drawn < values) & ~same).sum(axis=0) + same.sum(axis=0) / 2
        constant = sd <= ROUNDING * np.abs(mean)
        sd[constant] = 0.0
        z = np.where(constant, np.nan, (values - mean) / sd)
        z[constant & (np.abs(values - mean) <= near)] = 0.0
        percentile = 100 * rank / count
    z[~np.isfinite(values)] = np.nan
    percentile[(count < CLAIM) | ~np.isfinite(values)] = np.nan
    return {"mean": mean, "sd": sd, "z": z, "percentile": percentile, "draws": count}
