"""A cloud of points with what several geometric signatures need, computed once."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float, Float32, Float64, Int64

from lmtopo import vietoris_rips
from lmtopo.seeds import generator

SAME = 1e-5
"""Points closer than this, in enclosing radii, count as one."""
PARTS = (1, 2, 4, 8)
SMALLEST = 8


@dataclass(frozen=True)
class Cloud:
    """Points as rows, and the metric of the study (see `vietoris_rips.distances`)."""

    points: Float[np.ndarray, "points width"]
    metric: str = "euclidean"

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
    def spanning_trees(self) -> tuple[Int64[np.ndarray, " sizes"], Float64[np.ndarray, " sizes"]]:
        """Sizes of samples, and the mean total length of their Euclidean minimum spanning trees,
        which is the total persistence of H0.

        The different points, in one random order, are cut into 1, 2, 4 and 8 equal parts, so that
        every size sees (almost) every point; parts of fewer than `SMALLEST` points are left out.
        The order is the same for every cloud of that many points.
        """
        from scipy.cluster.hierarchy import linkage  # single linkage finds the tree
        from scipy.spatial.distance import squareform

        n = len(self.apart)
        order = generator(0, "spanning trees").permutation(n)
        shuffled = self.apart[np.ix_(order, order)]
        far = 2 * self.apart.max(initial=0.0)
        sizes = [n // parts for parts in PARTS if n // parts >= SMALLEST]
        totals = []
        for parts, size in zip(PARTS, sizes, strict=False):
            part = np.arange(parts * size) // size
            # one call for all parts: the longest edges, between them, come last
            within = np.where(part == part[:, None], shuffled[: len(part), : len(part)], far)
            edges = linkage(squareform(within, checks=False), "single")[:, 2]
            totals.append(edges[: len(part) - parts].sum() / parts)
        return np.array(sizes, dtype=np.int64), np.array(totals, dtype=np.float64)

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
        of an SVD at width 512). What lies below sqrt(max(n, d) eps) of the largest is rounding
        (of float32 points too) and counts as zero.
        """
        x = self._exact - self._exact.mean(axis=0)
        gram = x @ x.T if x.shape[0] < x.shape[1] else x.T @ x
        eigenvalues = np.linalg.eigvalsh(gram)[::-1]
        eps = np.finfo(np.float64).eps
        # The mean of equal points is rounded too, and then they do not cancel exactly.
        floor = max(x.shape) * max(eps * eigenvalues[0], (8 * eps * self.norms.max()) ** 2)
        return np.sqrt(eigenvalues[eigenvalues > floor])  # type: ignore[no-any-return]

    @cached_property
    def _exact(self) -> Float64[np.ndarray, "points width"]:
        return self.points.astype(np.float64)
