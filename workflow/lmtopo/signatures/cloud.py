"""A cloud of points with what several geometric signatures need, computed once."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
from jaxtyping import Bool, Float, Float32, Float64

from lmtopo import vietoris_rips

Known = TypeVar("Known")
ROUNDING = 4 * float(np.finfo(np.float32).eps)
"""What may be rounding along an axis on which float32 points, and draws that imitate them, do not
differ (as those after a LayerNorm on one), in their norms; a mean of several is rounded twice."""
SAME = 1e-5
"""Points closer than this, in enclosing radii, count as one."""


@dataclass(frozen=True)
class Cloud:
    """Points as rows, and the metric of the study (see `vietoris_rips.distances`).

    ``spectrum``: the singular values of the points about their mean, where they are known.
    """

    points: Float[np.ndarray, "points width"]
    metric: str = "euclidean"
    spectrum: Float64[np.ndarray, " rank"] | None = None
    _known: dict[Callable[["Cloud"], Any], Any] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def once(self, function: Callable[["Cloud"], Known]) -> Known:
        """What ``function`` makes of this cloud, computed when it is first asked for."""
        if function not in self._known:
            self._known[function] = function(self)
        return self._known[function]  # type: ignore[no-any-return]

    @cached_property
    def distances(self) -> Float32[np.ndarray, "points points"]:
        """Distances between the points in the study's metric."""
        return vietoris_rips.distances(self.points, self.metric)

    @cached_property
    def lengths(self) -> Float64[np.ndarray, "points points"]:
        """The distances as lengths: a cosine distance c as the chord sqrt(2 c), others as is."""
        exact = self.distances.astype(np.float64)
        return exact if self.metric != "cosine" else np.sqrt(2 * exact)

    @cached_property
    def radius(self) -> float:
        """Enclosing radius, as a length."""
        return vietoris_rips.enclosing_radius(self.lengths)

    @cached_property
    def duplicates(self) -> Bool[np.ndarray, " points"]:
        """Which points lie within `SAME` enclosing radii of an earlier one.

        Equal points do, and those that differ by the rounding of a float32 forward pass.
        """
        same = self.lengths <= SAME * self.radius
        if np.count_nonzero(same) == len(same):  # each with itself alone
            return np.zeros(len(same), dtype=np.bool_)
        return np.tril(same, -1).any(axis=1)  # type: ignore[return-value]

    @cached_property
    def apart(self) -> Float64[np.ndarray, "different different"]:
        """Lengths between the points that are no duplicates."""
        if not self.duplicates.any():
            return self.lengths
        different = ~self.duplicates
        return self.lengths[np.ix_(different, different)]  # type: ignore[no-any-return]

    @cached_property
    def neighbours(self) -> Float64[np.ndarray, "different others"]:
        """Column k - 1: lengths from the different points to their k-th neighbours among them."""
        return np.sort(self.apart, axis=1)[:, 1:]

    @cached_property
    def norms(self) -> Float64[np.ndarray, " points"]:
        """Euclidean distances from the origin."""
        return np.linalg.norm(self._exact, axis=1)  # type: ignore[no-any-return]

    @cached_property
    def directions(self) -> Float64[np.ndarray, "nonzero width"]:
        """x / |x| of the points that have a direction."""
        kept = self.norms > 0
        return self._exact[kept] / self.norms[kept, None]  # type: ignore[no-any-return]

    @cached_property
    def singular_values(self) -> Float64[np.ndarray, " rank"]:
        """Singular values of the points about their mean, largest first; zeros left out.

        Taken as roots of the eigenvalues of the smaller of X X^T and X^T X (a quarter of the time
        of an SVD at width 512). What lies below sqrt(max(n, d) eps) of the largest, or below
        `ROUNDING` of the largest norm, is rounding and counts as zero.
        """
        if self.spectrum is not None:
            return self.spectrum
        x = self._exact - self._exact.mean(axis=0)
        gram = x @ x.T if x.shape[0] < x.shape[1] else x.T @ x
        eigenvalues = np.linalg.eigvalsh(gram)[::-1]
        own = max(x.shape) * np.finfo(np.float64).eps * eigenvalues[0]
        floor = max(own, (ROUNDING * self.norms.max()) ** 2)
        return np.sqrt(eigenvalues[eigenvalues > floor])  # type: ignore[no-any-return]

    @cached_property
    def _exact(self) -> Float64[np.ndarray, "points width"]:
        return self.points.astype(np.float64)
