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

Edges of the same length enter in the order of the matrix; diagrams do not depend on it.

Related: Koyama, Memoli, Robins, Turner, "Computing the reduced Vietoris-Rips persistence diagram"
(arXiv 2307.16333); Koyama, Robins, Turner, "The distilled Vietoris-Rips filtration" (arXiv
2412.07805).
"""

import numpy as np
from jaxtyping import Float32, Float64

from lmtopo.link_homology.state import COMPONENTS, DEAD, GENERATORS, Kept, State, doubled
from lmtopo.link_homology.sweep import sweep

KEPT = Kept()


def link_homology(
    d: Float32[np.ndarray, "n n"], threshold: float, *, loops: bool = True
) -> list[Float64[np.ndarray, "bars 2"]]:
    """Persistence diagrams H0 and, with ``loops``, H1, of edges up to ``threshold``.

    ``d``: distances in float32, symmetric and not negative, C-contiguous; nothing is checked. Rows
    are (birth, death), in no order, with bars of length zero among them. What lives at the
    threshold never dies. Nothing is born or dies beyond the enclosing radius, where one point sees
    all others and the complex is a cone; so edges beyond it are left alone.
    """
    state = KEPT.take(len(d))
    flat, lengths = d.reshape(-1), d.view(np.int32)
    while not sweep(d, flat, lengths, np.float32(threshold), loops, state):
        state = doubled(state)
    bars = collected(state, loops)
    KEPT.put(state)
    return bars


def collected(state: State, loops: bool) -> list[Float64[np.ndarray, "bars 2"]]:
    dead, components = state.tally[DEAD], state.tally[COMPONENTS]
    joined = np.zeros((dead + components, 2))
    joined[:dead, 1] = state.joined[:dead]
    joined[dead:, 1] = np.inf
    if not loops:
        return [joined]
    made = state.tally[GENERATORS]
    return [joined, np.column_stack([state.births[:made], state.deaths[:made]]).astype(np.float64)]
