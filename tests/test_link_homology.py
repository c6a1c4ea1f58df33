"""The engine against ripser.py, and against homology that is known."""

import itertools
import math
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import pdist

from lmtopo.errors import InputError
from lmtopo.vietoris_rips import rips, rips_many

pytestmark = pytest.mark.filterwarnings("ignore:.*points coincide:UserWarning")
REAL = os.environ.get("LMTOPO_DATA")


def same_as_ripser(x, *, metric="precomputed", threshold=math.inf, max_dimension=1):
    asked = {"metric": metric, "threshold": threshold, "max_dimension": max_dimension}
    ours, theirs = rips(x, **asked), rips(x, **asked, engine="ripser")
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(one, other)
    return ours


def symmetric(upper):
    above = np.triu(upper, 1)
    return above + above.T


def torus(points, seed=0, noise=0.0):
    """On a torus in space, of radii 2 and 1."""
    draw = np.random.default_rng(seed)
    a, b = draw.uniform(0, 2 * np.pi, (2, points))
    ring = 2 + np.cos(a)
    x = np.column_stack([ring * np.cos(b), ring * np.sin(b), np.sin(a)])
    return x + noise * draw.normal(size=x.shape)


sizes = st.integers(1, 40)
seeds = st.integers(0, 2**32 - 1)
thresholds = st.one_of(st.just(math.inf), st.floats(0, 3))


@settings(max_examples=60, deadline=None)
@given(sizes, st.integers(1, 40), seeds, thresholds)
@pytest.mark.parametrize("metric", ["euclidean", "cosine", "standardised"])
def test_clouds(metric, points, width, seed, threshold):
    x = np.random.default_rng(seed).normal(size=(points, width))
    same_as_ripser(x, metric=metric, threshold=threshold)


def dense_core(points, draw):
    """Many points near each other and some far away."""
    return np.r_[draw.normal(size=(points - 10, 2)) * 0.3, draw.normal(size=(10, 2)) * 2]


def noisy_circle(points, draw):
    angles = draw.uniform(0, 2 * np.pi, points)
    return np.c_[np.cos(angles), np.sin(angles)] + 0.1 * draw.normal(size=(points, 2))


def arc(points, draw):
    angles = np.arange(points) * 2 * np.pi / points * (1 - 3 / points)
    return np.c_[np.cos(angles), np.sin(angles)]


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(st.integers(65, 260), seeds, st.one_of(st.just(1.0), st.floats(0.02, 0.6)))
@pytest.mark.parametrize("cloud", [dense_core, noisy_circle, arc])
def test_clouds_with_points_far_from_the_middle(cloud, points, seed, share):
    x = cloud(points, np.random.default_rng(seed))
    threshold = math.inf if share == 1 else float(np.quantile(pdist(x), share))
    same_as_ripser(x, metric="euclidean", threshold=threshold)


@pytest.mark.parametrize("seed", [20, 87, 95])
def test_no_bar_is_lost_that_begins_when_the_core_has_closed(seed):
    same_as_ripser(dense_core(200, np.random.default_rng(seed)), metric="euclidean")


@pytest.mark.parametrize("points", [66, 80, 100, 130, 200])
def test_an_arc_that_the_threshold_closes_is_a_loop(points):
    x = arc(points, None)
    gap = float(np.linalg.norm(x[0] - x[-1]))
    _, loops = same_as_ripser(x, metric="euclidean", threshold=gap * 1.0001)
    assert len(loops) == 1
    assert loops[0, 1] == math.inf


@settings(max_examples=60, deadline=None)
@given(sizes, seeds, thresholds)
def test_matrices_that_are_no_metric(points, seed, threshold):
    d = symmetric(np.random.default_rng(seed).random((points, points)))
    same_as_ripser(d, threshold=threshold)


@settings(max_examples=80, deadline=None)
@given(sizes, seeds, st.integers(1, 6), thresholds)
def test_matrices_full_of_ties(points, seed, values, threshold):
    d = symmetric(np.random.default_rng(seed).integers(0, values + 1, (points, points)))
    same_as_ripser(d.astype(float), threshold=threshold)


@settings(max_examples=60, deadline=None)
@given(sizes, st.integers(1, 3), seeds)
def test_grids_and_points_that_coincide(points, width, seed):
    x = np.random.default_rng(seed).integers(-2, 3, (points, width)).astype(float)
    same_as_ripser(x, metric="euclidean")


@settings(max_examples=12, deadline=None)
@given(st.integers(130, 300), st.integers(2, 60), seeds)
def test_clouds_of_several_portions(points, width, seed):
    x = np.random.default_rng(seed).normal(size=(points, width))
    same_as_ripser(x, metric="euclidean")


@settings(max_examples=8, deadline=None)
@given(st.integers(160, 200), seeds, st.floats(0.02, 0.15))  # ripser.py takes minutes beyond
def test_large_matrices_that_are_no_metric(points, seed, threshold):
    d = symmetric(np.random.default_rng(seed).random((points, points)))
    same_as_ripser(d, threshold=threshold)


@pytest.mark.parametrize("corners", [3, 4, 5, 6, 7, 12, 64, 65, 100])
def test_regular_polygons(corners):
    angle = 2 * np.pi * np.arange(corners) / corners
    x = np.column_stack([np.cos(angle), np.sin(angle)])
    _, loops = same_as_ripser(x, metric="euclidean")
    if corners > 3:
        # the loop lives from the side to the shortest diagonal that a third of the circle spans
        long = loops[np.argmax(loops[:, 1] - loops[:, 0])]
        closing = 2 * math.sin(math.pi * math.ceil(corners / 3) / corners)
        np.testing.assert_allclose(long, [2 * math.sin(math.pi / corners), closing], rtol=1e-6)


@pytest.mark.parametrize("dimension", [1, 2, 3, 4, 5, 6, 7])
def test_hamming_cubes(dimension):
    x = np.array(list(itertools.product([0, 1], repeat=dimension)), dtype=float)
    d = np.abs(x[:, None] - x[None]).sum(-1)
    _, loops = same_as_ripser(d)
    # the graph of the cube has 1 - V + E independent loops, and all are filled at distance 2
    expected = 1 - 2**dimension + dimension * 2 ** (dimension - 1)
    np.testing.assert_array_equal(loops, np.full((expected, 2), [1.0, 2.0]))


def test_the_clifford_torus_has_two_loops():
    steps = 2 * np.pi * np.arange(12) / 12
    a, b = (grid.ravel() for grid in np.meshgrid(steps, steps))
    x = np.column_stack([np.cos(a), np.sin(a), np.cos(b), np.sin(b)])
    _, loops = same_as_ripser(x, metric="euclidean")
    assert ((loops[:, 1] - loops[:, 0]) > 0.8).sum() == 2


def test_a_torus_of_random_points_has_two_loops():
    _, loops = same_as_ripser(torus(600, noise=0.02), metric="euclidean")
    length = np.sort(loops[:, 1] - loops[:, 0])[::-1]
    assert length[1] > 1.5 * length[2]


def klein_bottle_distances(side):
    """Flat Klein bottle of size 1 x 1 on a grid: (s, t) ~ (s + 1, t) ~ (-s, t + 1)."""
    grid = np.arange(side) / side
    s, t = (one.ravel() for one in np.meshgrid(grid, grid))
    across = t[:, None] - t[None]
    best = np.full((side * side, side * side), np.inf)
    for turns in (-1, 0, 1):
        for shift in (-2, -1, 0, 1, 2):
            other = (-s if turns else s)[None] + shift
            best = np.minimum(best, np.hypot(s[:, None] - other, across + turns))
    return (best + best.T) / 2


@pytest.mark.slow
def test_the_klein_bottle_over_two_elements_has_betti_numbers_1_2_1():
    diagrams = rips(klein_bottle_distances(12), metric="precomputed", max_dimension=2)
    at = 0.2
    betti = [int(((bars[:, 0] <= at) & (bars[:, 1] > at)).sum()) for bars in diagrams]
    assert betti == [1, 2, 1]


def test_a_sphere_has_one_void_by_every_engine_that_knows_voids():
    draw = np.random.default_rng(0).normal(size=(60, 3))
    x = draw / np.linalg.norm(draw, axis=1, keepdims=True)
    ours = rips(x, max_dimension=2)
    void = ours[2][np.argmax(ours[2][:, 1] - ours[2][:, 0])]
    assert void[1] - void[0] > 0.3
    for engine in ("ripser", "gudhi"):
        for one, other in zip(ours, rips(x, max_dimension=2, engine=engine), strict=True):
            np.testing.assert_array_equal(one, other)


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 25), st.integers(1, 5), seeds, thresholds)
def test_higher_dimensions_are_ripsers(points, width, seed, threshold):
    x = np.random.default_rng(seed).normal(size=(points, width))
    same_as_ripser(x, metric="euclidean", threshold=threshold, max_dimension=2)


def test_minus_zero_is_a_distance_of_zero():
    d = symmetric(np.random.default_rng(0).integers(0, 4, (20, 20)).astype(float))
    signed = np.where(d == 0, -0.0, d)
    for one, other in zip(rips(signed, metric="precomputed"), same_as_ripser(d), strict=True):
        np.testing.assert_array_equal(one, other)


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 60), st.integers(1, 60), seeds)
def test_what_a_cloud_leaves_behind_does_not_show_in_the_next(first, second, seed):
    """A thread uses its arrays again for clouds of the same size."""
    draw = np.random.default_rng(seed)
    x, y = draw.normal(size=(first, 3)), draw.normal(size=(second, 3))
    before = rips(y)
    rips(x, max_dimension=0)
    rips(x, threshold=0.5)
    rips(draw.normal(size=(second, 3)), max_dimension=0)
    for one, other in zip(before, rips(y), strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_engine_ends_at_loops():
    with pytest.raises(InputError, match="ends at H1"):
        rips(np.eye(4), max_dimension=2, engine="link")


def test_points_that_coincide_are_counted():
    x = np.repeat(np.random.default_rng(0).normal(size=(5, 3)), 2, axis=0)
    with pytest.warns(UserWarning, match="5 of 10 points coincide"):
        doubled = rips(x)
    for one, other in zip(doubled, rips(x[::2]), strict=True):
        np.testing.assert_array_equal(one, other)


def test_threads_serve_many_clouds_and_change_nothing():
    draw = np.random.default_rng(3)
    clouds = [draw.normal(size=(size, 8)) for size in (1, 2, 50, 170, 90)]
    for one, two in zip(rips_many(clouds), rips_many(clouds, threads=2), strict=True):
        for bars, others in zip(one, two, strict=True):
            assert bars.tobytes() == others.tobytes()


def test_too_many_points_for_memory_is_said_before_any_work():
    with pytest.raises(InputError, match="GB are free: take fewer points"):
        rips(np.zeros((3_000_000, 1), dtype=np.float32))


@pytest.mark.slow
@pytest.mark.parametrize("width", [3, 512])
def test_large_clouds(width):
    x = np.random.default_rng(1).normal(size=(1000, width)).astype(np.float32)
    same_as_ripser(x, metric="euclidean")


@pytest.mark.slow
def test_a_large_torus():
    same_as_ripser(torus(1000, noise=0.05), metric="euclidean")


@pytest.mark.slow
def test_eight_thousand_points():
    x = torus(8192, noise=0.02)
    components, loops = rips(x)
    assert len(components) == 8192
    length = np.sort(loops[:, 1] - loops[:, 0])[::-1]
    assert length[1] > 5 * length[2]


@pytest.mark.slow
@pytest.mark.skipif(REAL is None, reason="LMTOPO_DATA is not set")
def test_words_of_real_text():
    """Distances that repeat and break the triangle inequality: shares of words not in common."""
    text = Path(str(REAL), "wikitext-2-raw", "wiki.valid.raw").read_text().splitlines()
    lines = [set(line.split()) for line in text if len(line) > 200][:400]
    d = np.array([[1 - len(a & b) / len(a | b) for b in lines] for a in lines])
    same_as_ripser(d)
