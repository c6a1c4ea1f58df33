"""Distances between persistence diagrams."""

from bisect import bisect_left

import numpy as np
import persim
import pytest
from gudhi import hera
from hypothesis import given
from hypothesis import strategies as st
from jaxtyping import Float64
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import maximum_bipartite_matching

from lmtopo.diagram_distances import bottleneck, sliced_wasserstein, wasserstein
from lmtopo.errors import InputError
from lmtopo.vietoris_rips import rips

EMPTY = np.empty((0, 2))
Diagram = Float64[np.ndarray, "bars 2"]


def wasserstein_2(a: Diagram, b: Diagram) -> float:
    return wasserstein(a, b, order=2)


ALL = [bottleneck, wasserstein, wasserstein_2, sliced_wasserstein]


@st.composite
def diagrams(draw: st.DrawFn, born_at_zero: bool | None = None) -> Diagram:
    """Up to 12 bars on a grid (so that ties are common), of any births or all born at 0."""
    bars = draw(st.lists(st.tuples(st.integers(0, 20), st.integers(1, 20)), max_size=12))
    zero = draw(st.booleans()) if born_at_zero is None else born_at_zero
    found = np.array(bars, dtype=np.float64).reshape(-1, 2)
    if zero:
        found[:, 0] = 0.0
    return np.column_stack([found[:, 0], found.sum(axis=1)]) / 8


def of_clouds(points: int, moved: float) -> list[tuple[Diagram, Diagram]]:
    """H0 and H1 of a cloud and of the same moved a little, without what never dies."""
    rng = np.random.default_rng(0)
    cloud = rng.normal(size=(points, 5))
    both = [rips(cloud), rips(cloud + moved * rng.normal(size=cloud.shape))]
    return [(one[:-1] if k == 0 else one, other[:-1] if k == 0 else other)
            for k, (one, other) in enumerate(zip(*both, strict=True))]  # fmt: skip


@pytest.mark.parametrize("distance", ALL)
@given(a=diagrams())
def test_a_diagram_is_at_distance_0_from_itself_exactly(distance, a):
    assert distance(a, a[::-1].copy()) == 0.0
    endless = np.vstack([a, [[0.0, np.inf]]])
    assert distance(a, endless) == 0.0


@pytest.mark.slow
@pytest.mark.parametrize("distance", ALL)
@given(a=diagrams(), b=diagrams())
def test_distances_are_symmetric_and_part_what_differs(distance, a, b):
    there, back = distance(a, b), distance(b, a)
    assert there == pytest.approx(back, rel=1e-12, abs=1e-12)
    differ = sorted(map(tuple, a)) != sorted(map(tuple, b))
    assert (there > 1e-9) == differ


@pytest.mark.slow
@pytest.mark.parametrize("distance", ALL)
@given(a=diagrams(), b=diagrams(), c=diagrams())
def test_the_triangle_inequality_holds(distance, a, b, c):
    assert distance(a, c) <= distance(a, b) + distance(b, c) + 1e-9


def test_a_bar_of_length_l_is_half_of_it_from_no_bar():
    bar = np.array([[1.0, 4.0]])
    assert bottleneck(bar, EMPTY) == 1.5
    assert wasserstein(bar, EMPTY, internal_p=np.inf) == 1.5
    assert wasserstein(EMPTY, bar, order=2, internal_p=np.inf) == 1.5
    assert wasserstein(bar, EMPTY) == pytest.approx(3 / np.sqrt(2))
    three = np.array([[0.0, 2.0], [1.0, 5.0], [2.0, 4.0]])
    assert bottleneck(three, EMPTY) == 2.0
    assert wasserstein(three, EMPTY, internal_p=np.inf) == 1 + 2 + 1
    assert wasserstein(three, EMPTY, order=2, internal_p=np.inf) == pytest.approx(np.sqrt(6))


@pytest.mark.parametrize("distance", [bottleneck, wasserstein, wasserstein_2])
@pytest.mark.parametrize("births", [[0.0, 0.0], [0.5, 1.0]])
def test_moving_the_death_of_one_long_bar_moves_the_diagram_as_far(distance, births):
    a = np.array([[births[0], 5.0], [births[1], 9.0]])
    moved = a + np.array([[0.0, 0.0], [0.0, 0.25]])
    assert distance(a, moved) == pytest.approx(0.25)


def test_the_best_matching_may_leave_a_bar_to_the_diagonal():
    a = np.array([[0.0, 10.0], [0.0, 6.0]])
    b = np.array([[0.0, 6.0]])
    assert wasserstein(a, b, internal_p=np.inf) == 5.0  # pairing the longest would take 4 + 3
    assert bottleneck(a, b) == 4.0


@pytest.mark.parametrize("points", [20, 60])
def test_perturbed_points_move_diagrams_no_further_than_distances_move(points):
    rng = np.random.default_rng(1)
    cloud = rng.normal(size=(points, 3))
    other = cloud + rng.uniform(-0.05, 0.05, size=cloud.shape)
    furthest = 2 * np.linalg.norm(cloud - other, axis=1).max()
    for one, two in zip(rips(cloud), rips(other), strict=True):
        assert 0 < bottleneck(one, two) <= furthest


def by_all_thresholds(a, b):
    """Bottleneck distance by its definition: the least move that allows a perfect matching."""
    n, m = len(a), len(b)
    if n + m == 0:
        return 0.0
    moves = np.full((n + m, n + m), np.inf)
    moves[:n, :m] = np.abs(a[:, None] - b[None]).max(axis=-1)
    moves[np.arange(n), m + np.arange(n)] = (a[:, 1] - a[:, 0]) / 2
    moves[n + np.arange(m), np.arange(m)] = (b[:, 1] - b[:, 0]) / 2
    moves[n:, m:] = 0.0
    possible = np.unique(moves[np.isfinite(moves)])

    def enough(longest):
        allowed = csr_matrix((moves <= longest).astype(np.int8))
        return bool((maximum_bipartite_matching(allowed, perm_type="column") >= 0).all())

    return float(possible[bisect_left(possible, True, key=enough)])


def test_a_matching_that_gudhi_misses():
    a = np.array([[0.0, 0.125], [0.0, 0.125], [0.0, 0.25]])
    b = np.array([[0.125, 0.25]] * 3 + [[0.0, 0.25]])
    assert bottleneck(a, b) == 0.0625  # the last ones match, all others go to the diagonal


@given(a=diagrams(), b=diagrams())
def test_they_agree_with_persim(a, b):
    if len(a) == 0 or len(b) == 0:
        return  # persim puts a bar at the origin in place of none
    assert bottleneck(a, b) == pytest.approx(persim.bottleneck(a, b), abs=1e-9)
    assert wasserstein(a, b) == pytest.approx(persim.wasserstein(a, b), abs=1e-9)
    # persim's directions are float32
    sliced = persim.sliced_wasserstein(a, b)
    assert sliced_wasserstein(a, b) == pytest.approx(sliced, rel=1e-5, abs=1e-5)


@given(a=diagrams(), b=diagrams(), order=st.sampled_from([1, 2, 3]))
def test_wasserstein_agrees_with_hera_in_both_norms(a, b, order):
    for norm in (2.0, np.inf):
        found = wasserstein(a, b, order=order, internal_p=norm)
        if sorted(map(tuple, a)) == sorted(map(tuple, b)):
            assert found == 0  # Hera never ends where the bars are the same, in another order
            continue
        theirs = hera.wasserstein_distance(a, b, order=order, internal_p=norm, delta=1e-7)
        assert found == pytest.approx(theirs, rel=1e-6, abs=1e-6)


@given(a=diagrams(born_at_zero=True), b=diagrams(born_at_zero=True))
def test_bars_born_together_need_no_search(a, b):
    assert bottleneck(a, b) == pytest.approx(by_all_thresholds(a, b), abs=1e-12)


@pytest.mark.parametrize("points", [40, 128, 300])
def test_real_diagrams_have_the_exact_bottleneck_distance(points):
    for a, b in of_clouds(points, 0.1):
        exact = by_all_thresholds(a, b)
        assert bottleneck(a, b) == bottleneck(b, a) == pytest.approx(exact, rel=1e-14)


def test_real_diagrams_agree_with_persim():
    for a, b in of_clouds(60, 0.3):
        assert bottleneck(a, b) == pytest.approx(persim.bottleneck(a, b), rel=1e-9)
        assert wasserstein(a, b) == pytest.approx(persim.wasserstein(a, b), rel=1e-9)
        sliced = persim.sliced_wasserstein(a, b)
        assert sliced_wasserstein(a, b) == pytest.approx(sliced, rel=1e-5)


def test_more_directions_change_the_sliced_distance_little():
    a, b = of_clouds(60, 0.3)[1]
    fine = sliced_wasserstein(a, b, directions=5000)
    assert sliced_wasserstein(a, b) == pytest.approx(fine, rel=1e-3)


@pytest.mark.parametrize("distance", ALL)
def test_scaling_both_diagrams_scales_the_distance(distance):
    for a, b in of_clouds(40, 0.3):
        assert distance(4 * a, 4 * b) == pytest.approx(4 * distance(a, b), rel=1e-9)


@pytest.mark.parametrize("distance", ALL)
def test_what_is_no_diagram_is_refused(distance):
    good = np.array([[0.0, 1.0]])
    with pytest.raises(InputError, match="has NaN"):
        distance(good, np.array([[0.0, np.nan]]))
    with pytest.raises(InputError, match="is born at 2 and dies at 1"):
        distance(np.array([[2.0, 1.0]]), good)


def test_what_is_no_distance_is_refused():
    with pytest.raises(InputError, match=r"order 0\.5"):
        wasserstein(EMPTY, EMPTY, order=0.5)
    with pytest.raises(InputError, match="internal_p 0"):
        wasserstein(EMPTY, EMPTY, internal_p=0.0)
    with pytest.raises(InputError, match="0 directions"):
        sliced_wasserstein(EMPTY, EMPTY, directions=0)


def test_an_infinite_order_is_the_bottleneck_distance() -> None:
    with pytest.raises(InputError, match="order inf is the bottleneck distance"):
        wasserstein(np.array([[0.0, 0.5]]), np.array([[0.0, 0.4]]), order=np.inf)
