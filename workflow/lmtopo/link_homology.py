"""H0 and H1 of a Vietoris-Rips filtration over Z/2, edge by edge, from the links of the edges.

Edges enter by length. Let L be the flag complex on the common neighbours of u and v before edge uv
enters, its *link*. By Mayer-Vietoris

- L empty: uv joins two components (a death in H0) or closes a loop (a birth in H1, of a generator);
- otherwise H1 is divided by the image of the reduced H0 of L: every component of L beyond the
  first gives one relation between loops, and nothing else kills in H1.

So no triangle is ever listed. An edge is written in the generators when a relation asks for it: an
edge of the spanning forest is 0, the edge that made a generator is that generator, any other uv is
uk + kv for the first vertex k of its link, its *hub*. A relation is reduced by the youngest of its
generators, which dies then (the elder rule).

What makes it fast: links are intersections of rows of bits (`bit_rows`), vertices are numbered by
their total distance so that hubs are found in the first words, most links need no search beyond
their hub's neighbours, and edges are sorted in portions of increasing length: once no loop lives
and every pair of vertices that may still be joined has a common neighbour, no later edge can change
anything, and the rest is never sorted.

Ties are broken by the vertices' numbers; diagrams do not depend on it.

Related: Koyama, Memoli, Robins, Turner, "Computing the reduced Vietoris-Rips persistence diagram"
(arXiv 2307.16333); Koyama, Robins, Turner, "The distilled Vietoris-Rips filtration" (arXiv
2412.07805).
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float32, Float64

from lmtopo.bit_rows import BLOCK, LANES, between, common, cover, divide
from lmtopo.bit_rows import highest, lowest, merge, reach, words
from lmtopo.compiled import compiled

U64, ONE = np.uint64, np.uint64(1)
HALF = U64(32)
"""A key is an edge: the bits of its length above, its vertices u < v, 16 bits each, below."""
MOST = 1 << 16
"""Vertices that a key can name."""

ZERO = -1
"""In `State.written`: the edge is 0. Below it: -2 - hub; from 0 on: the chain of this number."""

COMPONENTS, DEAD, GENERATORS, ALIVE, CHAINS, TERMS, ROW, COLUMN = range(8)
SETTLED, SHORT = 1, 2

PORTIONS = (0.125, 0.25, 0.375, 0.5, 0.75)
"""Shares of the edges after which sorting pauses; the last portion takes the rest."""
ALL_AT_ONCE = 160
"""Up to so many vertices all edges are sorted at once."""


class State(NamedTuple):
    """All that the filtration's sweep over the edges keeps, in arrays that it changes.

    ``rows``: neighbours of each vertex. ``written``: of each edge u < v that has entered, how it is
    written. ``count``: see the constants. Chains are runs of ``terms``, generators in falling order,
    from ``chain_start``, ``chain_size`` long; so are relations, which a dead generator equals and a
    living one has none of (-1).
    """

    rows: np.ndarray
    written: np.ndarray
    count: np.ndarray
    parent: np.ndarray
    joined: np.ndarray
    births: np.ndarray
    deaths: np.ndarray
    relation_start: np.ndarray
    relation_size: np.ndarray
    chain_start: np.ndarray
    chain_size: np.ndarray
    terms: np.ndarray
    sum: np.ndarray
    stack: np.ndarray
    near: np.ndarray
    far: np.ndarray
    front: np.ndarray
    far_mask: np.ndarray


GROWING = (
    *("births", "deaths", "relation_start", "relation_size"),
    *("chain_start", "chain_size", "terms", "sum", "stack"),
)


def link_homology(
    d: Float32[np.ndarray, "n n"], threshold: float, *, loops: bool = True
) -> list[Float64[np.ndarray, "bars 2"]]:
    """Persistence diagrams H0 and, with ``loops``, H1, of edges up to ``threshold``.

    ``d``: distances, symmetric and not negative, C-contiguous; nothing is checked. Rows are
    (birth, death), in no order, with bars of length zero among them. What lives at the threshold
    never dies.
    """
    n = len(d)
    order = np.argsort(d.sum(axis=1), kind="stable")
    rank = np.empty(n, dtype=np.int64)
    rank[order] = np.arange(n)
    state, last = start(n), np.float32(threshold)
    limits = portions(d, last)
    counts = np.zeros(len(limits), dtype=np.int64)
    count_edges(d, limits, counts)
    found = np.empty(n + LANES, dtype=np.int32)
    low, before = np.float32(-1), 0
    for limit, upto in zip(limits, counts, strict=True):
        keys = np.empty(upto - before, dtype=np.uint64)
        gather(d, d.reshape(-1), low, limit, rank, found, keys)
        keys.sort()
        state, settled = sweep(keys, d, order, last, state, loops)
        if settled:
            break
        low, before = limit, upto
    return collected(state, loops)


def sweep(
    keys: np.ndarray, d: np.ndarray, order: np.ndarray, last: np.float32, state: State, loops: bool
) -> tuple[State, bool]:
    """Let sorted edges enter; room that runs short is doubled and the edge taken up again."""
    position = 0
    while position < len(keys):
        position, why = enter(keys, position, d, order, last, state, loops)
        if why == SETTLED:
            return state, True
        if why == SHORT:
            arrays = {name: getattr(state, name) for name in GROWING}
            state = state._replace(
                **{name: np.append(array, np.zeros_like(array)) for name, array in arrays.items()}
            )
    return state, False


def start(n: int) -> State:
    wide = words(n)
    generators, chains = 8 * n + 64, 8 * n + 256
    count = np.zeros(8, dtype=np.int64)
    count[COMPONENTS] = n
    return State(
        rows=np.zeros(n * wide, dtype=np.uint64),
        written=np.empty((n, n), dtype=np.int32),
        count=count,
        parent=np.arange(n),
        joined=np.empty(n, dtype=np.float32),
        births=np.empty(generators, dtype=np.float32),
        deaths=np.empty(generators, dtype=np.float32),
        relation_start=np.empty(generators, dtype=np.int64),
        relation_size=np.empty(generators, dtype=np.int64),
        chain_start=np.empty(chains, dtype=np.int64),
        chain_size=np.empty(chains, dtype=np.int64),
        terms=np.empty(4 * chains, dtype=np.int32),
        sum=np.zeros(generators // 64 + 1, dtype=np.uint64),
        stack=np.empty(1024, dtype=np.int64),
        near=np.empty(wide, dtype=np.uint64),
        far=np.empty(wide, dtype=np.uint64),
        front=np.zeros(wide, dtype=np.uint64),
        far_mask=np.empty(wide // BLOCK, dtype=np.int64),
    )


def collected(state: State, loops: bool) -> list[Float64[np.ndarray, "bars 2"]]:
    dead, components = state.count[DEAD], state.count[COMPONENTS]
    joined = np.zeros((dead + components, 2))
    joined[:dead, 1] = state.joined[:dead]
    joined[dead:, 1] = np.inf
    if not loops:
        return [joined]
    made = state.count[GENERATORS]
    return [joined, np.column_stack([state.births[:made], state.deaths[:made]]).astype(np.float64)]


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
def count_edges(d, limits, counts):
    """How many edges have a length of at most each of ``limits``."""
    n = len(d)
    for i in range(n):
        for place in range(len(limits)):
            limit, found = limits[place], np.int32(0)
            for j in range(i + 1, n):
                found += np.int32(d[i, j] <= limit)
            counts[place] += found


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
def enter(keys, position, d, order, last, s, loops):
    """Let edges enter from ``position`` on; return where it stopped, and why."""
    n = len(d)
    wide = len(s.near)
    count = s.count
    while position < len(keys):
        key = keys[position]
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
            if count[ALIVE] > 0 and not relations(u, v, hub, first, key, s):
                return position, SHORT
        else:
            one, other = root(s.parent, u), root(s.parent, v)
            if one != other:
                s.parent[other] = one
                s.joined[count[DEAD]] = length_of(key)
                count[DEAD] += 1
                count[COMPONENTS] -= 1
                s.written[u, v] = ZERO
                if not loops and count[COMPONENTS] == 1:
                    return position, SETTLED
            elif loops and not born(u, v, length_of(key), s):
                return position, SHORT
        s.rows[row_u + (v >> 6)] |= ONE << U64(v & 63)
        s.rows[row_v + (u >> 6)] |= ONE << U64(u & 63)
        position += 1
        if position & 31 == 0 and count[ALIVE] == 0 and count[COMPONENTS] == 1:
            if settled(d, order, last, s):
                return position, SETTLED
    return position, 0


@compiled
def length_of(key):
    return np.uint32(key >> HALF).view(np.float32)


@compiled
def root(parent, vertex):
    while parent[vertex] != vertex:
        parent[vertex] = parent[parent[vertex]]
        vertex = parent[vertex]
    return vertex


@compiled
def born(u, v, length, s):
    """A new generator, made by uv; False if room is short."""
    generator, chain, end = s.count[GENERATORS], s.count[CHAINS], s.count[TERMS]
    if generator + 1 >= len(s.births) or chain == len(s.chain_start) or end == len(s.terms):
        return False
    s.births[generator], s.deaths[generator] = length, np.inf
    s.relation_start[generator], s.relation_size[generator] = -1, 0
    s.chain_start[chain], s.chain_size[chain], s.terms[end] = end, 1, generator
    s.written[u, v] = chain
    s.count[GENERATORS] += 1
    s.count[CHAINS] += 1
    s.count[TERMS] += 1
    s.count[ALIVE] += 1
    return True


@compiled
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
                seen = reach(
                    s.rows, vertex * wide + block, vertex, s.near, s.far, s.front, block
                )
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
            if s.count[ALIVE] == 0:
                break
    return True


@compiled
def relate(u, v, k, length, s):
    """The relation uv + uk + kv = 0, which may kill a generator; False if room is short."""
    edges = ((u, v), (min(u, k), max(u, k)), (min(v, k), max(v, k)))
    for a, b in edges:
        if s.written[a, b] < ZERO and not write(a, b, s):
            return False
    if s.count[TERMS] + s.count[ALIVE] > len(s.terms):
        return False
    top = -1
    for a, b in edges:
        top = max(top, add_chain(s.written[a, b], s))
    begin = s.count[TERMS]
    end = living(top, begin, s)
    if end > begin:
        youngest = s.terms[begin]
        s.relation_start[youngest], s.relation_size[youngest] = begin + 1, end - begin - 1
        s.deaths[youngest] = length
        s.count[ALIVE] -= 1
        s.count[TERMS] = end
    return True


@compiled
def write(u, v, s):
    """Write edge u < v, and what that takes, in generators alive now; False if room is short."""
    s.stack[0] = u << 16 | v
    depth = 1
    while depth > 0:
        a, b = s.stack[depth - 1] >> 16, s.stack[depth - 1] & 0xFFFF
        if s.written[a, b] >= ZERO:
            depth -= 1
            continue
        hub = np.int64(-2 - s.written[a, b])
        one, other = (min(a, hub), max(a, hub)), (min(b, hub), max(b, hub))
        if depth + 2 > len(s.stack):
            return False
        waiting = depth
        for side in (one, other):
            if s.written[side] < ZERO:
                s.stack[depth] = side[0] << 16 | side[1]
                depth += 1
        if depth > waiting:
            continue
        chain, begin = s.count[CHAINS], s.count[TERMS]
        if chain == len(s.chain_start) or begin + s.count[ALIVE] > len(s.terms):
            return False
        top = max(add_chain(s.written[one], s), add_chain(s.written[other], s))
        end = living(top, begin, s)
        if end == begin:
            s.written[a, b] = ZERO
        else:
            s.chain_start[chain], s.chain_size[chain] = begin, end - begin
            s.written[a, b] = chain
            s.count[CHAINS] += 1
            s.count[TERMS] = end
        depth -= 1
    return True


@compiled
def add_chain(chain, s):
    """Add a chain (or zero) to `State.sum`; return its youngest generator, -1 if there is none."""
    if chain < 0:
        return -1
    begin = s.chain_start[chain]
    add(begin, s.chain_size[chain], s)
    return np.int64(s.terms[begin])


@compiled
def add(begin, size, s):
    for place in range(begin, begin + size):
        generator = s.terms[place]
        s.sum[generator >> 6] ^= ONE << U64(generator & 63)


@compiled
def living(top, end, s):
    """Empty `State.sum`, whose generators are at most ``top``, to the terms from ``end`` on, the
    dead replaced by what they equal; return where the terms end. There is room for all that live.
    """
    for word in range(top >> 6, -1, -1):
        while s.sum[word] != 0:
            bit = highest(s.sum[word])
            s.sum[word] ^= ONE << U64(bit)
            generator = word * 64 + bit
            if s.relation_start[generator] >= 0:
                add(s.relation_start[generator], s.relation_size[generator], s)
            else:
                s.terms[end] = generator
                end += 1
    return end


@compiled
def settled(d, order, last, s):
    """Whether every two vertices that are not neighbours, and may still become so, have a common
    neighbour: then no edge to come has an empty link. It goes on where it failed before, since
    what has a common neighbour keeps it."""
    n, wide, count = len(d), len(s.near), s.count
    p, q = count[ROW], count[COLUMN]
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
        missing = -1
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
                count[ROW], count[COLUMN] = p, missing
                return False
            missing = uncovered(covered, n, missing + 1)
        p += 1
    count[ROW], count[COLUMN] = n, 0
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
