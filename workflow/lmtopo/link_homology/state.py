"""What the sweep over the edges keeps, in arrays that it changes."""

from typing import NamedTuple

import numpy as np

from lmtopo.bit_rows import BLOCK, words

ZERO = -1
"""In `State.written`: the edge is 0. Below it: -2 - hub; from 0 on: the chain of this number."""

COMPONENTS, DEAD, GENERATORS, ALIVE, CHAINS, TERMS, ROW, COLUMN = range(8)
"""Places in `State.tally`: components alive and dead, generators born and alive, chains and terms
in use, and the pair of vertices at which `sweep.settled` failed last."""


class State(NamedTuple):
    """``rows``: the neighbours of each vertex, see `bit_rows`. ``written``: how each edge u < v
    that has entered is written. ``parent``: a forest of the components, ``joined``: when they died.
    Chains are runs of ``terms`` from ``chain_start``, ``chain_size`` long, generators in falling
    order; so are relations, which a dead generator equals (-1: it is alive). The rest is scratch.
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


GROWING = (
    *("births", "deaths", "relation_start", "relation_size"),
    *("chain_start", "chain_size", "terms", "sum", "stack"),
)


def start(n: int) -> State:
    wide = words(n)
    generators, chains = 8 * n + 64, 8 * n + 256
    tally = np.zeros(8, dtype=np.int64)
    tally[COMPONENTS] = n
    return State(
        rows=np.zeros(n * wide, dtype=np.uint64),
        written=np.empty((n, n), dtype=np.int32),
        tally=tally,
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
