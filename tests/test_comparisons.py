"""Which checkpoints and layers are compared."""

import math
from itertools import combinations, pairwise

import pytest

from lmtopo.comparisons import at_equal_compute, at_equal_depth, of_a_run
from lmtopo.schedule import spread


@pytest.mark.parametrize("count", [2, 3, 12, 24, 30])
def test_landmarks_are_even_and_hold_both_ends(count: int) -> None:
    found = spread(range(24), count)
    assert len(found) == min(count, 24)
    assert (found[0], found[-1]) == (0, 23)
    gaps = [after - before for before, after in pairwise(found)]
    assert max(gaps) - min(gaps) <= 1
    assert spread([], count) == []
    assert spread([7], count) == [7]


def test_neighbours_and_landmarks_are_compared_once() -> None:
    found = of_a_run("abcdefgh", 3)
    assert len({pair[1:] for pair in found}) == len(found)
    neighbours = [pair[1:] for pair in found if pair[0] == "consecutive"]
    assert neighbours == list(zip("abcdefg", "bcdefgh", strict=True))
    assert [pair[1:] for pair in found if pair[0] == "landmarks"] == [
        ("a", "e"),
        ("a", "h"),
        ("e", "h"),
    ]
    few = of_a_run("abcd", 12)
    assert {pair[1:] for pair in few} == set(combinations("abcd", 2))
    assert of_a_run("a", 12) == []


def test_equal_compute_is_the_nearest_within_a_tenth() -> None:
    low, high = [0.0, 100.0, 200.0, 400.0], [0.0, 95.0, 260.0, 430.0, 1000.0]
    assert at_equal_compute(low, high) == [(0, 0), (1, 1), (3, 3)]
    assert at_equal_compute([100.0, 104.0, 108.0], [103.0]) == [(1, 0)]  # each only once
    assert at_equal_compute([100.0], [110.0]) == [(0, 0)]
    assert at_equal_compute([110.0], [100.0]) == [(0, 0)]
    assert at_equal_compute([100.0], [111.0]) == []
    assert at_equal_compute([1.0], [0.0]) == []


def test_unknown_compute_equals_no_other() -> None:
    assert at_equal_compute([math.nan, 100.0], [math.nan, 101.0]) == [(1, 1)]
    assert at_equal_compute([math.nan], [math.nan]) == []


def test_layers_of_one_kind_and_depth_belong_together() -> None:
    def layers(blocks: int) -> list[str]:
        return ["embedding", *(f"block_{i}" for i in range(1, blocks + 1)), "final_norm"]

    assert at_equal_depth(layers(3), 3, layers(3), 3) == [(name, name) for name in layers(3)]
    assert at_equal_depth(layers(2), 2, layers(3), 3) == [
        ("embedding", "embedding"),
        ("block_2", "block_3"),
        ("final_norm", "final_norm"),
    ]
    assert at_equal_depth(layers(6), 6, layers(12), 12)[2] == ("block_2", "block_4")
    assert at_equal_depth(["block_2"], 2, ["block_2"], 3) == []
