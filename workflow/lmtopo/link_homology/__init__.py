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

import numpy as np
from jaxtyping import Float32, Float64

from lmtopo.bit_rows import LANES
from lmtopo.link_homology import edges
from lmtopo.link_homology.state import COMPONENTS, DEAD, GENERATORS, GROWING, State, start
from lmtopo.link_homology.sweep import SETTLED, SHORT, enter


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
    limits = edges.portions(d, last)
    counts = np.zeros(len(limits), dtype=np.int64)
    found, flat = np.empty(n + LANES, dtype=np.int32), d.reshape(-1)
    edges.count(d, flat, limits, found, counts)
    low, before = np.float32(-1), np.int64(0)
    for limit, upto in zip(limits, counts, strict=True):
        keys = np.empty(upto - before, dtype=np.uint64)
        edges.gather(d, flat, low, limit, rank, found, keys)
        keys.sort()
        state, settled = pushed(keys, d, order, last, state, loops)
        if settled:
            break
        low, before = limit, upto
    return collected(state, loops)


def pushed(
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


def collected(state: State, loops: bool) -> list[Float64[np.ndarray, "bars 2"]]:
    dead, components = state.tally[DEAD], state.tally[COMPONENTS]
    joined = np.zeros((dead + components, 2))
    joined[:dead, 1] = state.joined[:dead]
    joined[dead:, 1] = np.inf
    if not loops:
        return [joined]
    made = state.tally[GENERATORS]
    return [joined, np.column_stack([state.births[:made], state.deaths[:made]]).astype(np.float64)]
