"""Edges by length, a portion at a time.

A key is an edge: the bits of its length above, its vertices u < v, 16 bits each, below. So keys
sort by length, and ties by the vertices' numbers.
"""

# mypy: disable-error-code="no-untyped-def, no-untyped-call, call-arg, var-annotated, assignment"

import numpy as np

from lmtopo.bit_rows import LANES, between
from lmtopo.compiled import compiled

U64 = np.uint64
HALF = U64(32)
MOST = 1 << 16
"""Vertices that a key can name."""
PORTIONS = (0.125, 0.25, 0.375, 0.5, 0.75)
"""Shares of the edges after which sorting pauses; the last portion takes the rest."""
ALL_AT_ONCE = 160
"""Up to so many vertices all edges are sorted at once."""


def portions(d: np.ndarray, last: np.float32) -> np.ndarray:
    """Lengths, rising to ``last``, that part the edges about evenly; taken of a sample."""
    n = len(d)
    if n <= ALL_AT_ONCE:
        return np.array([last])
    step = max(1, n // 64)
    sample = d[::step, ::step]
    sample = np.sort(sample[sample <= last])
    parts = [sample[int(share * len(sample))] for share in PORTIONS]
    return np.unique(np.array([*(part for part in parts if part < last), last]))


@compiled
def count(d, flat, limits, found, counts):
    """How many edges have a length of at most each of ``limits``; see `gather`."""
    n, none = len(d), np.float32(-1)
    for i in range(n):
        for place in range(len(limits)):
            j = i + 1
            while j + LANES <= n:
                counts[place] += between(flat, i * n + j, none, limits[place], j, found, 0)
                j += LANES
            while j < n:
                counts[place] += np.int64(d[i, j] <= limits[place])
                j += 1


@compiled
def gather(d, flat, low, high, rank, found, keys):
    """Write the keys of the edges with low < length <= high. ``flat`` is ``d`` as one row, and
    ``found`` has room for a row and `LANES` more."""
    n, count = len(d), 0
    for i in range(n):
        some, j = 0, i + 1
        while j + LANES <= n:
            some += between(flat, i * n + j, low, high, j, found, some)
            j += LANES
        while j < n:
            length = d[i, j]
            found[some] = j
            some += np.int64((length > low) & (length <= high))
            j += 1
        for place in range(some):
            j = found[place]
            u, v = min(rank[i], rank[j]), max(rank[i], rank[j])
            bits = U64(np.float32(d[i, j]).view(np.uint32))
            keys[count] = bits << HALF | U64(u << 16 | v)
            count += 1


@compiled
def length_of(key):
    return np.uint32(key >> HALF).view(np.float32)
