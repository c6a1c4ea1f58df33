"""A smooth function of compute, taken out of a series, and what the rest can tell.

A series is what one run shows at its checkpoints: a signature, or the quality. Its noise is taken
for AR(1) along the checkpoints, with a phi that is not known and weighted by its likelihood, so
that a test knows how little a few autocorrelated values tell.
"""

from functools import cached_property, lru_cache

import numpy as np
from jaxtyping import Float

Series = Float[np.ndarray, "n series"]
Weights = Float[np.ndarray, "series phis"]

DF = 4
"""Degrees of freedom of the smooth, beside its level."""
PHIS = np.round([*np.arange(-0.5, 0.96, 0.05), 0.97, 0.99], 2)
"""Autocorrelations that are considered, all as likely beforehand."""


class Trend:
    """A cubic spline of ``log_compute`` with ``df`` degrees of freedom, its knots even in log
    compute, and AR(1) noise about it.

    With B the spline's columns, Q an orthonormal basis of theirs, M = I - Q Q^T, and S(phi) the
    correlation matrix phi^|i - j| of AR(1) noise.
    """

    def __init__(self, log_compute: Float[np.ndarray, " n"], df: int = DF) -> None:
        from scipy.linalg import orth
        from sklearn.preprocessing import SplineTransformer

        spline = SplineTransformer(n_knots=df - 1, degree=3, knots="uniform")
        columns = spline.fit_transform(np.asarray(log_compute, dtype=np.float64)[:, None])
        self.basis = orth(columns)  # of fewer columns where checkpoints leave a gap
        self.n, self.p = self.basis.shape
        self.complement = np.eye(self.n) - self.basis @ self.basis.T
        places = np.arange(self.n)
        self._noise = [phi ** np.abs(places[:, None] - places).astype(float) for phi in PHIS]

    def rest(self, series: Series) -> Series:
        """M x: what is left of each series after the smooth."""
        return series - self.basis @ (self.basis.T @ series)  # type: ignore[no-any-return]

    @cached_property
    def _restricted(self) -> tuple[list[Series], Float[np.ndarray, " phis"]]:
        """Per phi the matrix P of the generalised sum of squares x^T P x about the smooth, and
        what the restricted log-likelihood has beside it."""
        return restricted(self._noise, self.basis)

    @cached_property
    def _level(self) -> list[Series]:
        """As P, about a level alone."""
        return restricted(self._noise, np.full((self.n, 1), self.n**-0.5))[0]

    @cached_property
    def _variances(self) -> Float[np.ndarray, "phis phis"]:
        """Variance of the correlation of M x and M y for independent AR(1) x and y, by their
        phis: tr(M S M S') / (tr(M S) tr(M S'))."""
        kept = np.array([self.complement @ noise @ self.complement for noise in self._noise])
        flat, traces = kept.reshape(len(kept), -1), np.trace(kept, axis1=1, axis2=2)
        return flat @ flat.T / np.outer(traces, traces)  # type: ignore[no-any-return]

    def phis(self, series: Series) -> Weights:
        """The weight of each of `PHIS` for each series, by restricted likelihood (an ordinary
        estimate is too low: the smooth has taken the slow part of the noise)."""
        matrices, constants = self._restricted
        squares = np.stack([quadratic(matrix, series) for matrix in matrices], axis=1)
        tiny = np.finfo(np.float64).tiny
        logs = constants - (self.n - self.p) / 2 * np.log(np.maximum(squares, tiny))
        weights = np.exp(logs - logs.max(axis=1, keepdims=True))
        return weights / weights.sum(axis=1, keepdims=True)  # type: ignore[no-any-return]

    def effective(self, x: Weights, y: Weights) -> Float[np.ndarray, " series"]:
        """Effective number of independent values, 1 + 1 / var(r), of the correlation of what is
        left of two series with these weights of phi. White noise about a smooth of p columns has
        n - p + 1.

        Source: Dutilleul, "Modifying the t test for assessing the correlation between two spatial
        processes", Biometrics 49 (1993), with M for the centring matrix.
        """
        return 1 + 1 / np.einsum("sg,gh,sh->s", x, self._variances, y)  # type: ignore[no-any-return]

    def p_of_smooth(self, series: Series) -> Float[np.ndarray, " series"]:
        """p-value of no smooth function of compute at all, only a level: the generalised F-test,
        averaged over the weights of phi."""
        from scipy import stats

        weights, more, rest = self.phis(series), self.p - 1, self.n - self.p
        found = np.empty_like(weights)
        for place, (full, level) in enumerate(zip(self._restricted[0], self._level, strict=True)):
            squares = np.maximum(quadratic(full, series), np.finfo(np.float64).tiny)
            gain = np.maximum(quadratic(level, series) - squares, 0)
            with np.errstate(over="ignore"):
                ratio = (gain / more) / (squares / rest)
            found[:, place] = stats.f.sf(ratio, more, rest)
        return (weights * found).sum(axis=1)  # type: ignore[no-any-return]


@lru_cache(maxsize=64)
def _trend(log_compute: bytes, df: int) -> Trend:
    return Trend(np.frombuffer(log_compute), df)


def trend(log_compute: Float[np.ndarray, " n"], df: int = DF) -> Trend:
    """`Trend`, made once for all series of the same checkpoints."""
    return _trend(np.ascontiguousarray(log_compute, dtype=np.float64).tobytes(), df)


def restricted(
    noise: list[Float[np.ndarray, "n n"]], basis: Float[np.ndarray, "n p"]
) -> tuple[list[Float[np.ndarray, "n n"]], Float[np.ndarray, " phis"]]:
    """Per correlation matrix S, with S^-1 = W: P = W - W Q (Q^T W Q)^-1 Q^T W, and
    -(log |S| + log |Q^T W Q|) / 2."""
    matrices, constants = [], []
    for one in noise:
        inverse = np.linalg.inv(one)
        weighted = inverse @ basis
        inner = basis.T @ weighted
        matrices.append(inverse - weighted @ np.linalg.solve(inner, weighted.T))
        constants.append(-(np.linalg.slogdet(one)[1] + np.linalg.slogdet(inner)[1]) / 2)
    return matrices, np.array(constants)


def quadratic(matrix: Float[np.ndarray, "n n"], series: Series) -> Float[np.ndarray, " series"]:
    return np.einsum("ns,ns->s", series, matrix @ series)  # type: ignore[no-any-return]
