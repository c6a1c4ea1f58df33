"""What the sweep over the edges keeps, in arrays that it changes."""

import threading
from typing import NamedTuple

import numpy as np

from lmtopo.bit_rows import BLOCK, LANES, words
from lmtopo.link_homology.edges import DIGIT, PORTIONS

ZERO = -1
"""In `State.written`: the edge is 0. Below it: -2 - hub; from 0 on: the chain of this number."""

COMPONENTS, DEAD, GENERATORS, ALIVE, CHAINS, TERMS = range(6)
ROW, COLUMN = 6, 7
LIMITS, PORTION, SORTED, ENTERED = range(8, 12)
"""Places in `State.tally`: components alive and dead, generators born and alive, chains and terms
in use; the pair of vertices at which `sweep.settled` failed last; limits, portions that have been
sorted, edges of the last one, and how many of these have entered."""
UNTOUCHED = -1
"""In place of the number of portions: the arrays hold anything."""

SMALL = 512
"""Up to so many vertices a thread keeps its arrays (3 MB) for the next cloud: the memory of a new
array costs more than what a small cloud writes to it."""


class State(NamedTuple):
    """``rows``: the neighbours of each vertex, see `bit_rows`. ``written``: how each edge u < v
    that has entered is written. ``parent``: a forest of the components, ``joined``: when they died.
    Chains are runs of ``terms`` from ``chain_start``, ``chain_size`` long, generators in falling
    order; so are relations, which a dead generator equals (-1: it is alive). ``order``: the vertex
    of each number, ``rank``: the number of each vertex; ``keys``: edges, see `edges`. The rest is
    scratch.
    """

    rows: np.ndarray
    written: np.ndarray
    tally: np.ndarray
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
    order: np.ndarray
    rank: np.ndarray
    limits: np.ndarray
    keys: np.ndarray
    spare: np.ndarray
    found: np.ndarray
    buckets: np.ndarray


GROWING = (
    *("births", "deaths", "relation_start", "relation_size"),
    *("chain_start", "chain_size", "terms", "sum", "stack"),
)


def room(n: int) -> State:
    """Arrays for n vertices, filled with anything."""
    wide, edges = words(n), max(n, n * (n - 1) // 2)
    generators, chains = 8 * n + 64, 8 * n + 256
    return State(
        rows=np.empty(n * wide, dtype=np.uint64),
        written=np.empty((n, n), dtype=np.int32),
        tally=np.empty(12, dtype=np.int64),
        parent=np.empty(n, dtype=np.int64),
        joined=np.empty(n, dtype=np.float32),
        births=np.empty(generators, dtype=np.float32),
        deaths=np.empty(generators, dtype=np.float32),
        relation_start=np.empty(generators, dtype=np.int64),
        relation_size=np.empty(generators, dtype=np.int64),
        chain_start=np.empty(chains, dtype=np.int64),
        chain_size=np.empty(chains, dtype=np.int64),
        terms=np.empty(4 * chains, dtype=np.int32),
        sum=np.empty(generators // 64 + 1, dtype=np.uint64),
        stack=np.empty(1024, dtype=np.int64),
        near=np.empty(wide, dtype=np.uint64),
        far=np.empty(wide, dtype=np.uint64),
        front=np.empty(wide, dtype=np.uint64),
        far_mask=np.empty(wide // BLOCK, dtype=np.int64),
        order=np.empty(n, dtype=np.int64),
        rank=np.empty(n, dtype=np.int64),
        limits=np.empty(len(PORTIONS), dtype=np.float32),
        keys=np.empty(edges, dtype=np.uint64),
        spare=np.empty(edges, dtype=np.uint64),
        found=np.empty(n + LANES, dtype=np.int32),
        buckets=np.empty(1 << DIGIT, dtype=np.int64),
    )


def doubled(state: State) -> State:
    """The state, with more room for what may run short of it."""
    arrays = {name: getattr(state, name) for name in GROWING}
    return state._replace(
        **{name: np.append(array, np.zeros_like(array)) for name, array in arrays.items()}
    )


class Kept(threading.local):
    """The arrays of a thread's last small cloud."""

    state: State | None = None

    def take(self, n: int) -> State:
        state, self.state = self.state, None
        if state is None or len(state.parent) != n:
            state = room(n)
        state.tally[PORTION] = UNTOUCHED
        return state

    def put(self, state: State) -> None:
        if len(state.parent) <= SMALL:
            self.state = state
