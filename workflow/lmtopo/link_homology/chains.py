"""Loops as chains of generators: how an edge is written, and what a relation kills."""

# mypy: disable-error-code="no-untyped-def, no-untyped-call, call-arg, var-annotated, misc"

import numpy as np

from lmtopo.bit_rows import highest
from lmtopo.compiled import compiled
from lmtopo.link_homology.state import ALIVE, CHAINS, GENERATORS, TERMS, ZERO

U64, ONE = np.uint64, np.uint64(1)


@compiled
def born(u, v, length, s):
    """A new generator, made by uv; False if room is short."""
    generator, chain, end = s.tally[GENERATORS], s.tally[CHAINS], s.tally[TERMS]
    if generator + 1 >= len(s.births) or chain == len(s.chain_start) or end == len(s.terms):
        return False
    s.births[generator], s.deaths[generator] = length, np.inf
    s.relation_start[generator], s.relation_size[generator] = -1, 0
    s.chain_start[chain], s.chain_size[chain], s.terms[end] = end, 1, generator
    s.written[u, v] = chain
    s.tally[GENERATORS] += 1
    s.tally[CHAINS] += 1
    s.tally[TERMS] += 1
    s.tally[ALIVE] += 1
    return True


@compiled
def relate(u, v, k, length, s):
    """The relation uv + uk + kv = 0, which may kill a generator; False if room is short."""
    edges = ((u, v), (min(u, k), max(u, k)), (min(v, k), max(v, k)))
    for a, b in edges:
        if s.written[a, b] < ZERO and not write(a, b, s):
            return False
    if s.tally[TERMS] + s.tally[ALIVE] > len(s.terms):
        return False
    top = -1
    for a, b in edges:
        top = max(top, add_chain(s.written[a, b], s))
    begin = s.tally[TERMS]
    end = living(top, begin, s)
    if end > begin:
        youngest = s.terms[begin]
        s.relation_start[youngest], s.relation_size[youngest] = begin + 1, end - begin - 1
        s.deaths[youngest] = length
        s.tally[ALIVE] -= 1
        s.tally[TERMS] = end
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
        chain, begin = s.tally[CHAINS], s.tally[TERMS]
        if chain == len(s.chain_start) or begin + s.tally[ALIVE] > len(s.terms):
            return False
        top = max(add_chain(s.written[one], s), add_chain(s.written[other], s))
        end = living(top, begin, s)
        if end == begin:
            s.written[a, b] = ZERO
        else:
            s.chain_start[chain], s.chain_size[chain] = begin, end - begin
            s.written[a, b] = chain
            s.tally[CHAINS] += 1
            s.tally[TERMS] = end
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
