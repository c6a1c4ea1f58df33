"""Vertices by their total distance, and edges by length, a portion at a time.

A key is an edge: the bits of its length above, its vertices u < v, 16 bits each, below. Lengths are
not negative, so their bits are in their order.
"""

# mypy: disable-error-code="no-untyped-def, no-untyped-call, call-arg, var-annotated, assignment"

import numpy as np

from lmtopo.bit_rows import LANES, between, highest
from lmtopo.compiled import compiled

U64 = np.uint64
HALF = U64(32)
MOST = 1 << 16
"""Vertices that a key can name."""
PORTIONS = (0.125, 0.25, 0.375, 0.5, 0.75, 1.0)
"""Shares of the edges after which sorting pauses."""
ALL_AT_ONCE = 160
"""Up to so many vertices all edges are sorted at once."""
DIGIT = 11
"""Bits by which `sort` parts keys at a time."""


@compiled
def number(d, s):
    """Number the vertices by their total distance."""
    n = len(d)
    for i in range(n):
        s.keys[i] = U64(np.float32(total(d, i)).view(np.uint32)) << HALF | U64(i)
    sort(s.keys, n, s.spare, s.buckets)
    for place in range(n):
        vertex = np.int64(s.keys[place]) & 0xFFFF
        s.order[place], s.rank[vertex] = vertex, place


@compiled(fastmath={"reassoc"})
def total(d, i):
    found = np.float32(0)
    for j in range(len(d)):
        found += d[i, j]
    return found


@compiled
def part(d, last, s):
    """Write lengths, rising to ``last``, that part the edges about evenly, to `State.limits`, and
    return how many they are. They are taken of a sample."""
    n = len(d)
    if n <= ALL_AT_ONCE:
        s.limits[0] = last
        return 1
    step, sample = n // 64, 0
    for i in range(0, n, step):
        for j in range(i + step, n, step):
            if d[i, j] <= last:
                s.keys[sample] = bits(d[i, j])
                sample += 1
    sort(s.keys, sample, s.spare, s.buckets)
    limits, before = 0, np.float32(-1)
    for share in PORTIONS:
        limit = last
        if share < 1 and sample > 0:
            limit = length_of(s.keys[np.int64(share * sample)])
        if before < limit < last or share == 1:
            s.limits[limits] = before = limit
            limits += 1
    return limits


@compiled
def gather(d, flat, low, high, s):
    """Write the keys of the edges with low < length <= high to `State.keys`, sorted, and return
    how many they are. ``flat`` is ``d`` as one row."""
    n, count, found = len(d), 0, s.found
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
            u, v = min(s.rank[i], s.rank[j]), max(s.rank[i], s.rank[j])
            s.keys[count] = bits(d[i, j]) | U64(u << 16 | v)
            count += 1
    sort(s.keys, count, s.spare, s.buckets)
    return count


@compiled
def sort(keys, count, spare, buckets):
    """Sort the first ``count`` keys by length, those of the same length as they come: a radix sort
    from the lowest digit up, of what lengths differ in. ``spare``: as much room."""
    if count == 0:
        return
    least = most = keys[0] >> HALF
    for place in range(count):
        length = keys[place] >> HALF
        least, most = min(least, length), max(most, length)
    digits = 0 if most == least else 1 + highest(most - least) // DIGIT
    for digit in range(digits):
        shift = U64(digit * DIGIT)
        for bucket in range(1 << DIGIT):
            buckets[bucket] = 0
        for place in range(count):
            buckets[((keys[place] >> HALF) - least >> shift) & U64((1 << DIGIT) - 1)] += 1
        end = 0
        for bucket in range(1 << DIGIT):
            end, buckets[bucket] = end + buckets[bucket], end
        for place in range(count):
            bucket = ((keys[place] >> HALF) - least >> shift) & U64((1 << DIGIT) - 1)
            spare[buckets[bucket]] = keys[place]
            buckets[bucket] += 1
        keys, spare = spare, keys
    if digits & 1:
        for place in range(count):
            spare[place] = keys[place]


@compiled
def bits(length):
    """The upper half of a key; -0.0 is 0."""
    return U64(np.float32(np.float32(length) + np.float32(0)).view(np.uint32)) << HALF


@compiled
def length_of(key):
    return np.uint32(key >> HALF).view(np.float32)
