"""Sets of vertices as rows of bits, against Python's own sets."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lmtopo import bit_rows
from lmtopo.compiled import compiled

WIDE = 2 * bit_rows.BLOCK
sets = st.sets(st.integers(0, 64 * WIDE - 1), max_size=80)


@compiled
def ends(word):
    return bit_rows.lowest(word), bit_rows.highest(word)


@compiled
def common(rows, one, other, found):
    for block in range(0, WIDE, 8):
        found[block // 8] = bit_rows.common(rows, one * WIDE + block, other * WIDE + block)


@compiled
def divide(rows, hub, near, far):
    for block in range(0, WIDE, 8):
        bit_rows.divide(rows, block, WIDE + block, 2 * WIDE + block, hub, near, far, block)


@compiled
def reach(rows, vertex, near, far, front, found):
    for block in range(0, WIDE, 8):
        found[block // 8] = bit_rows.reach(rows, block, vertex, near, far, front, block)


@compiled
def merge_and_cover(rows, near, front):
    for block in range(0, WIDE, 8):
        bit_rows.merge(near, front, block)
        bit_rows.cover(near, rows, block, block)


@compiled
def between(values, low, high, found):
    return bit_rows.between(values, 0, low, high, 100, found, 0)


def row(*vertices_of):
    words = np.zeros(WIDE * len(vertices_of), dtype=np.uint64)
    for place, vertices in enumerate(vertices_of):
        for vertex in vertices:
            words[place * WIDE + vertex // 64] |= np.uint64(1) << np.uint64(vertex % 64)
    return words


def vertices(words):
    return {
        64 * place + bit
        for place, word in enumerate(words.tolist())
        for bit in range(64)
        if word >> bit & 1
    }


def masks(*found):
    """Per block, bit i for word i."""
    blocks = [0] * (WIDE // 8)
    for vertex in set().union(*found):
        blocks[vertex // 512] |= 1 << vertex // 64 % 8
    return blocks


@pytest.mark.parametrize(("vertices", "words"), [(1, 8), (512, 8), (513, 16), (8192, 128)])
def test_a_row_is_a_whole_number_of_blocks(vertices, words):
    assert bit_rows.words(vertices) == words


@settings(deadline=None)
@given(st.integers(1, 2**64 - 1))
def test_the_ends_of_a_word(word):
    low, high = ends(np.uint64(word))
    assert (low, high) == ((word & -word).bit_length() - 1, word.bit_length() - 1)


@settings(max_examples=50, deadline=None)
@given(sets, sets)
def test_what_two_rows_have_in_common(one, other):
    found = np.zeros(WIDE // 8, dtype=np.int64)
    common(row(one, other), 0, 1, found)
    assert found.tolist() == masks(one & other)


@settings(max_examples=50, deadline=None)
@given(sets, sets, sets, st.integers(0, 64 * WIDE - 1))
def test_a_link_is_divided_by_its_hub(one, other, neighbours, hub):
    near, far = np.empty(WIDE, dtype=np.uint64), np.empty(WIDE, dtype=np.uint64)
    divide(row(one, other, neighbours), hub, near, far)
    assert vertices(near) == one & other & (neighbours | {hub})
    assert vertices(far) == one & other - neighbours - {hub}


@settings(max_examples=50, deadline=None)
@given(sets, st.integers(0, 64 * WIDE - 1), sets, sets, sets)
def test_a_search_reaches_neighbours(neighbours, vertex, seen, rest, waiting):
    near, far, front = row(seen), row(rest), row(waiting)
    found = np.zeros(WIDE // 8, dtype=np.int64)
    reach(row(neighbours), vertex, near, far, front, found)
    left = rest - {vertex} - neighbours
    ahead = (waiting | rest & neighbours) - {vertex}
    assert (vertices(near), vertices(far), vertices(front)) == (seen, left, ahead)
    expected = zip(masks(neighbours & seen), masks(left), masks(ahead), strict=True)
    assert found.tolist() == [met | left << 8 | ahead << 16 for met, left, ahead in expected]


@settings(max_examples=50, deadline=None)
@given(sets, sets, sets)
def test_fronts_merge_and_rows_cover(neighbours, seen, waiting):
    near, front = row(seen), row(waiting)
    merge_and_cover(row(neighbours), near, front)
    assert vertices(near) == seen | waiting | neighbours
    assert not front.any()


@settings(deadline=None)
@given(st.lists(st.integers(-3, 3).map(float), min_size=16, max_size=16))
def test_values_between_two_are_named(values):
    found = np.zeros(16, dtype=np.int32)
    count = between(np.array(values, dtype=np.float32), np.float32(-1), np.float32(2), found)
    assert found[:count].tolist() == [100 + i for i, x in enumerate(values) if -1 < x <= 2]
