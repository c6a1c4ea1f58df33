"""The sweep: edges enter by length, and each is asked for its link."""

# mypy: disable-error-code="no-untyped-def, no-untyped-call, call-arg, var-annotated, misc"

import numpy as np

from lmtopo.bit_rows import BLOCK, common, cover, divide, lowest, merge, reach
from lmtopo.compiled import compiled
from lmtopo.distance_kernel import radius
from lmtopo.link_homology.chains import born, relate
from lmtopo.link_homology.edges import HALF, gather, length_of, number, part
from lmtopo.link_homology.state import (
    ALIVE,
    COLUMN,
    COMPONENTS,
    DEAD,
    ENTERED,
    LIMITS,
    PORTION,
    ROW,
    SORTED,
    UNTOUCHED,
    ZERO,
)

U64, ONE = np.uint64, np.uint64(1)
FINISHED, SETTLED, SHORT = range(3)
"""Why edges stopped entering: there are no more, nothing can change any more, an array is full."""


@compiled
def sweep(d, flat, lengths, threshold, loops, s):
    """Let the edges up to ``threshold`` enter, a sorted portion at a time. False: room is short,
    and with more it goes on where it stopped.

    ``flat``: ``d`` as one row; ``lengths``: its bits as int32, see `distance_kernel.radius`.
    """
    tally = s.tally
    if tally[PORTION] == UNTOUCHED:
        begin(d, min(threshold, length_of(U64(radius(lengths)) << HALF)), s)
    while True:
        if tally[ENTERED] == tally[SORTED]:
            portion = tally[PORTION]
            if portion == tally[LIMITS]:
                return True
            low = s.limits[portion - 1] if portion > 0 else np.float32(-1)
            tally[SORTED] = gather(d, flat, low, s.limits[portion], s)
            tally[ENTERED] = 0
            tally[PORTION] += 1
        tally[ENTERED], why = enter(tally[ENTERED], tally[SORTED], d, loops, s)
        if why != FINISHED:
            return why == SETTLED


@compiled
def begin(d, last, s):
    """Make the state that of no edge yet, with edges to come up to ``last``."""
    n = len(d)
    number(d, s)
    s.tally[:] = 0
    s.tally[COMPONENTS] = n
    s.tally[LIMITS] = part(d, last, s)
    s.rows[:], s.sum[:], s.front[:] = 0, 0, 0
    for vertex in range(n):
        s.parent[vertex] = vertex


@compiled
def enter(position, end, d, loops, s):
    """Let keys enter from ``position`` to ``end``; return where it stopped, and why."""
    wide, tally = len(s.near), s.tally
    last = s.limits[tally[LIMITS] - 1]
    while position < end:
        key = s.keys[position]
        u, v = np.int64(key >> U64(16)) & 0xFFFF, np.int64(key) & 0xFFFF
        row_u, row_v = u * wide, v * wide
        hub, first = -1, 0
        for block in range(0, wide, BLOCK):
            filled = common(s.rows, row_u + block, row_v + block)
            if filled != 0:
                word = block + lowest(U64(filled))
                hub = word * 64 + lowest(s.rows[row_u + word] & s.rows[row_v + word])
                first = block
                break
        if hub >= 0:
            s.written[u, v] = -2 - hub
            if tally[ALIVE] > 0 and not relations(u, v, hub, first, key, s):
                return position, SHORT
        else:
            one, other = root(s.parent, u), root(s.parent, v)
            if one != other:
                s.parent[other] = one
                s.joined[tally[DEAD]] = length_of(key)
                tally[DEAD] += 1
                tally[COMPONENTS] -= 1
                s.written[u, v] = ZERO
                if not loops and tally[COMPONENTS] == 1:
                    return position, SETTLED
            elif loops and not born(u, v, length_of(key), s):
                return position, SHORT
        s.rows[row_u + (v >> 6)] |= ONE << U64(v & 63)
        s.rows[row_v + (u >> 6)] |= ONE << U64(u & 63)
        position += 1
        quiet = tally[ALIVE] == 0 and tally[COMPONENTS] == 1
        if position & 31 == 0 and quiet and settled(d, s.order, last, s):
            return position, SETTLED
    return position, FINISHED


@compiled
def root(parent, vertex):
    while parent[vertex] != vertex:
        parent[vertex] = parent[parent[vertex]]
        vertex = parent[vertex]
    return vertex


@compiled(inline="always")  # to hand over a state of 25 arrays takes a fifth of the time
def relations(u, v, hub, first, key, s):
    """The relations that uv's link gives beyond the component of ``hub``; False if room is short.

    ``near`` is what is known to be connected to the hub, ``far`` the rest of the link. From a far
    vertex the search goes out until it meets what is near; if it never does, its component is
    another one. ``first``: the first block in which the link has a vertex.
    """
    wide = len(s.near)
    row_u, row_v, row_hub = u * wide, v * wide, hub * wide
    left = 0
    for block in range(first, wide, BLOCK):
        filled = divide(
            s.rows, row_u + block, row_v + block, row_hub + block, hub, s.near, s.far, block
        )
        s.far_mask[block // BLOCK] = filled
        left |= filled
    while left != 0:
        block = first
        while s.far_mask[block // BLOCK] == 0:
            block += BLOCK
        word = block + lowest(U64(s.far_mask[block // BLOCK]))
        outside = word * 64 + lowest(s.far[word])
        vertex = outside
        while True:
            met, left, ahead, there = 0, 0, 0, 0
            for block in range(first, wide, BLOCK):
                seen = reach(s.rows, vertex * wide + block, vertex, s.near, s.far, s.front, block)
                met |= seen & 0xFF
                left |= seen & 0xFF00
                s.far_mask[block // BLOCK] = seen >> 8 & 0xFF
                if seen >> 16 != 0:
                    ahead, there = seen >> 16, block
            if met != 0 or ahead == 0:
                break
            word = there + lowest(U64(ahead))
            vertex = word * 64 + lowest(s.front[word])
        if ahead != 0:
            for block in range(first, wide, BLOCK):
                merge(s.near, s.front, block)
        if met == 0:
            if not relate(u, v, outside, length_of(key), s):
                return False
            if s.tally[ALIVE] == 0:
                break
    return True


@compiled
def settled(d, order, last, s):
    """Whether every two vertices that are not neighbours, and may still become so, have a common
    neighbour: then no edge to come has an empty link. It goes on where it failed before, since
    what has a common neighbour keeps it."""
    n, wide, tally = len(d), len(s.near), s.tally
    p, q = tally[ROW], tally[COLUMN]
    if q > p:
        shared = s.rows[p * wide + (q >> 6)] >> U64(q & 63) & ONE
        for block in range(0, wide, BLOCK):
            shared |= U64(common(s.rows, p * wide + block, q * wide + block))
        if shared == 0:
            return False
    covered = s.near
    while p < n:
        for word in range(wide):
            covered[word] = s.rows[p * wide + word]
        covered[p >> 6] |= ONE << U64(p & 63)
        missing = uncovered(covered, n, 0)  # also of one without neighbours in the first words
        for word in range(wide):
            neighbours = s.rows[p * wide + word]
            while neighbours != 0:
                k = word * 64 + lowest(neighbours)
                neighbours &= neighbours - ONE
                for block in range(0, wide, BLOCK):
                    cover(covered, s.rows, k * wide + block, block)
                missing = uncovered(covered, n, 0)
                if missing < 0:
                    break
            if missing < 0:
                break
        while missing >= 0:
            if missing > p and d[order[p], order[missing]] <= last:
                tally[ROW], tally[COLUMN] = p, missing
                return False
            missing = uncovered(covered, n, missing + 1)
        p += 1
    tally[ROW], tally[COLUMN] = n, 0
    return True


@compiled
def uncovered(covered, n, first):
    """The first vertex from ``first`` on that is not in the set; -1 if there is none."""
    for word in range(first >> 6, (n + 63) >> 6):
        rest = ~covered[word]
        if word == first >> 6:
            rest &= ~((ONE << U64(first & 63)) - ONE)
        if rest != 0:
            vertex = word * 64 + lowest(rest)
            return vertex if vertex < n else -1
    return -1
