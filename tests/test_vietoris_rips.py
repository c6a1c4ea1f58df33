"""The Vietoris-Rips filtration of clouds whose homology is known."""

import math
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from lmtopo.errors import InputError
from lmtopo.vietoris_rips import distances, enclosing_radius, rips

pytestmark = pytest.mark.filterwarnings("ignore:.*points coincide:UserWarning")
METRICS = ["euclidean", "cosine", "standardised"]
small_clouds = arrays(
    np.float64,
    st.tuples(st.integers(1, 9), st.integers(1, 3)),
    elements=st.integers(-4, 4).map(float),
)


def polygon(corners: int) -> np.ndarray:
    """Corners of a regular polygon on the unit circle."""
    angle = 2 * np.pi * np.arange(corners) / corners
    return np.column_stack([np.cos(angle), np.sin(angle)])


def gaussian(points: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(points, width))


def lengths(diagram: np.ndarray) -> np.ndarray:
    return np.sort(diagram[:, 1] - diagram[:, 0])[::-1]


def test_a_circle_has_one_long_loop():
    loops = lengths(rips(polygon(40) + 0.01 * gaussian(40, 2))[1])
    assert loops[0] > 1.4
    assert (loops[1:] < 0.1).all()


def test_a_sphere_has_one_void():
    octahedron = np.vstack([np.eye(3), -np.eye(3)])
    _, loops, voids = rips(octahedron, max_dimension=2)
    assert len(loops) == 0
    np.testing.assert_allclose(voids, [[math.sqrt(2), 2.0]], rtol=1e-6)


def test_two_clusters_are_two_components_until_their_gap():
    near = 0.01 * gaussian(30, 2)
    components = rips(np.vstack([near[:15], near[15:] + np.array([5.0, 0.0])]))[0]
    finite = np.sort(components[np.isfinite(components[:, 1]), 1])
    assert 4.8 < finite[-1] < 5.0
    assert (finite[:-1] < 0.1).all()
    assert np.isinf(components[:, 1]).sum() == 1


def test_the_loop_of_a_regular_hexagon_lives_from_its_side_to_its_second_diagonal():
    components, loops = rips(polygon(6))
    np.testing.assert_allclose(loops, [[1.0, math.sqrt(3)]], rtol=1e-6)
    np.testing.assert_allclose(components, [[0.0, 1.0]] * 5 + [[0.0, np.inf]], rtol=1e-6)


def test_components_die_along_the_minimum_spanning_tree():
    from scipy.sparse.csgraph import minimum_spanning_tree

    d = distances(gaussian(25, 3), "euclidean")
    deaths = rips(d, metric="precomputed", max_dimension=0)[0][:-1, 1]
    np.testing.assert_allclose(deaths, np.sort(minimum_spanning_tree(d).data), rtol=1e-6)


@pytest.mark.parametrize("metric", METRICS)
def test_one_point_is_one_component_for_ever(metric):
    diagrams = rips(np.array([[1.0, 2.0]]), metric=metric, max_dimension=2)
    assert [len(diagram) for diagram in diagrams] == [1, 0, 0]
    np.testing.assert_array_equal(diagrams[0], [[0.0, np.inf]])


@pytest.mark.parametrize("metric", METRICS)
def test_equal_points_are_one_point(metric):
    diagrams = rips(np.full((5, 3), 0.1, dtype=np.float32), metric=metric)
    np.testing.assert_array_equal(diagrams[0], [[0.0, np.inf]])
    assert diagrams[1].shape == (0, 2)


@pytest.mark.parametrize("metric", METRICS)
def test_two_points_join_at_their_distance(metric):
    x = np.array([[0.0, 1.0], [2.0, 0.5]])
    gap = distances(x, metric)[0, 1]
    np.testing.assert_array_equal(rips(x, metric=metric)[0], [[0.0, gap], [0.0, np.inf]])


@settings(max_examples=40, deadline=None)
@given(small_clouds, st.randoms())
def test_the_order_of_points_does_not_matter(x, random):
    order = random.sample(range(len(x)), len(x))
    for one, other in zip(rips(x), rips(x[order]), strict=True):
        np.testing.assert_array_equal(one, other)


@settings(max_examples=40, deadline=None)
@given(small_clouds, st.sampled_from([0.5, 2.0, 1024.0]))
def test_diagrams_grow_with_the_cloud(x, factor):
    for one, other in zip(rips(x), rips(factor * x), strict=True):
        np.testing.assert_array_equal(factor * one, other)


@settings(max_examples=40, deadline=None)
@given(small_clouds)
def test_bars_are_sorted_have_length_and_die_within_the_enclosing_radius(x):
    radius = enclosing_radius(distances(x, "euclidean"))
    components, loops = rips(x)
    assert len(components) == len(np.unique(x, axis=0))
    assert np.isinf(components[-1, 1])
    for diagram in (components[:-1], loops):
        assert (diagram[:, 0] < diagram[:, 1]).all()
        assert (diagram[:, 1] <= radius).all()
        assert [tuple(bar) for bar in diagram] == sorted(tuple(bar) for bar in diagram)


def test_diagrams_are_those_of_ripser_on_the_whole_filtration():
    from ripser import ripser

    d = distances(gaussian(40, 4), "euclidean")
    whole = ripser(d, maxdim=2, distance_matrix=True)["dgms"]
    for ours, theirs in zip(rips(d, metric="precomputed", max_dimension=2), whole, strict=True):
        np.testing.assert_array_equal(ours, theirs[np.lexsort((theirs[:, 1], theirs[:, 0]))])


def test_what_lives_at_the_threshold_never_dies():
    components, loops = rips(polygon(6), threshold=1.2)
    np.testing.assert_allclose(loops, [[1.0, np.inf]], rtol=1e-6)
    components, loops = rips(polygon(6), threshold=0.5)
    np.testing.assert_array_equal(components, [[0.0, np.inf]] * 6)
    assert len(loops) == 0


def test_the_same_cloud_twice_gives_the_same_diagrams():
    x = gaussian(30, 5).astype(np.float32)
    for one, other in zip(rips(x), rips(x.copy()), strict=True):
        assert one.tobytes() == other.tobytes()


def test_a_cloud_wider_than_long_gives_no_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        rips(gaussian(5, 50))
        rips(gaussian(5, 5))


@pytest.mark.parametrize("shape", [(1, 3), (2, 1), (3, 5), (50, 33), (65, 512)])
def test_distances_are_scipys_rounded_to_float32(shape):
    from scipy.spatial.distance import pdist, squareform

    x = 3.0 + gaussian(*shape)
    np.testing.assert_array_equal(distances(x, "euclidean"), squareform(pdist(x)).astype("f4"))


def test_distances_of_points_far_from_the_origin_keep_their_digits():
    x = 1e6 + gaussian(20, 4)
    near = distances(x - 1e6, "euclidean")
    np.testing.assert_array_equal(distances(x, "euclidean"), near)


def test_euclidean_distance_follows_pythagoras():
    d = distances(np.array([[0.0, 0.0], [3.0, 4.0]]), "euclidean")
    np.testing.assert_array_equal(d, [[0.0, 5.0], [5.0, 0.0]])


def test_cosine_distance_is_0_along_1_across_2_against():
    x = np.array([[2.0, 0.0], [3.0, 0.0], [0.0, 1.0], [-5.0, 0.0]])
    np.testing.assert_allclose(distances(x, "cosine")[0], [0.0, 0.0, 1.0, 2.0])


def test_cosine_distance_keeps_its_digits_at_small_angles():
    angle = 1e-6
    x = np.array([[1.0, 0.0], [math.cos(angle), math.sin(angle)]])
    assert distances(x, "cosine")[0, 1] == pytest.approx(angle**2 / 2, rel=1e-5)


def test_parallel_vectors_are_at_cosine_distance_0():
    x = gaussian(20, 7)
    assert (np.diagonal(distances(np.vstack([x, 3 * x]), "cosine")[:20, 20:]) == 0).all()


def test_standardised_distance_is_scipys_and_forgets_units_and_constants():
    from scipy.spatial.distance import pdist, squareform

    x = gaussian(12, 4)
    d = distances(x, "standardised")
    np.testing.assert_allclose(d, squareform(pdist(x, "seuclidean")), rtol=1e-6)
    constant = np.full((12, 1), 0.1)
    other = distances(np.hstack([x * [1.0, 10.0, 1e-3, 1e4], constant]), "standardised")
    np.testing.assert_allclose(d, other, rtol=1e-6)


@pytest.mark.parametrize("metric", METRICS)
def test_distances_are_symmetric_and_0_between_equal_points(metric):
    x = gaussian(15, 33).astype(np.float32)
    d = distances(np.vstack([x, x]), metric)
    np.testing.assert_array_equal(d, d.T)
    np.testing.assert_array_equal(np.diagonal(d), 0)
    np.testing.assert_array_equal(np.diagonal(d[:15, 15:]), 0)
    assert (d[:15, :15] + np.eye(15) > 0).all()


def test_the_enclosing_radius_is_seen_from_the_centre():
    x = np.vstack([polygon(8), [[0.0, 0.0]]])
    assert enclosing_radius(distances(x, "euclidean")) == pytest.approx(1.0)
    assert enclosing_radius(np.zeros((1, 1))) == 0.0


@pytest.mark.parametrize(
    ("x", "metric", "message"),
    [
        (np.empty((0, 3)), "euclidean", "no points"),
        (np.array([[0.0, np.nan]]), "euclidean", "not finite"),
        (np.array([[0.0], [np.inf]]), "cosine", "inf in row 1, column 0"),
        (np.array([[0.0], [1e39]]), "euclidean", "too large"),
        (np.array([[1.0, 0.0], [0.0, 0.0]]), "cosine", "point 1 is zero"),
        (np.zeros((2, 3)), "precomputed", "square"),
        (np.array([[0.0, 1.0], [2.0, 0.0]]), "precomputed", "symmetric"),
        (np.array([[0.0, -1.0], [-1.0, 0.0]]), "precomputed", "at least 0"),
        (np.array([[0.0, 1.0], [1.0, 0.5]]), "precomputed", r"entry \(1, 1\) is 0.5"),
        (np.array([[0.0, np.nan], [np.nan, 0.0]]), "precomputed", "not finite"),
        (np.zeros((2, 2)), "manhattan", "metric 'manhattan' is unknown"),
    ],
)
def test_bad_clouds_are_refused(x, metric, message):
    with pytest.raises(InputError, match=message):
        rips(x, metric=metric)


@pytest.mark.parametrize(
    "wrong",
    [{"engine": "giotto"}, {"max_dimension": -1}, {"threshold": -0.1}, {"threshold": math.nan}],
)
def test_bad_settings_are_refused(wrong):
    with pytest.raises(InputError, match=next(iter(wrong))):
        rips(np.zeros((2, 2)), **wrong)


def test_rounding_does_not_make_a_matrix_asymmetric():
    d = distances(gaussian(6, 2), "euclidean").astype(np.float64)
    d[0, 1] *= 1 + 1e-9
    again = distances(d, "precomputed")
    np.testing.assert_array_equal(again, again.T)


@pytest.mark.parametrize("dtype", ["float16", ">f8"])
def test_distances_may_be_given_in_any_precision(dtype: str) -> None:
    points = np.random.default_rng(0).integers(0, 20, (30, 2))
    d = np.abs(points[:, None] - points).sum(axis=2)
    found = rips(d.astype(dtype), metric="precomputed")
    for ours, theirs in zip(found, rips(d.astype(np.float64), metric="precomputed"), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_an_edge_at_the_threshold_is_there_whatever_the_engine() -> None:
    x = np.array([[0.0], [0.1], [0.2], [0.7]])
    found = [rips(x, threshold=0.1, engine=engine)[0] for engine in ("link", "ripser", "gudhi")]
    assert [int(np.isinf(bars).sum()) for bars in found] == [2, 2, 2]
