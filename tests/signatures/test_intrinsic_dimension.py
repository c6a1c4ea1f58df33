"""Intrinsic dimensions of clouds whose dimension is known."""

import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from lmtopo.signatures import intrinsic_dimension
from lmtopo.signatures.cloud import Cloud
from lmtopo.signatures.geometric import duplicate_count
from lmtopo.signatures.intrinsic_dimension import (
    gride,
    gride_at,
    gride_curve,
    mle,
    persistent_homology_dimension,
    persistent_homology_dimension_r2,
    spanning_trees,
    twonn,
)

NEIGHBOURS = [twonn, mle, gride]
ALL = [*NEIGHBOURS, persistent_homology_dimension]


def gaussian(points: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(points, width))


def uniform(points: int, width: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).uniform(size=(points, width))


@pytest.mark.parametrize("estimate", ALL)
@pytest.mark.parametrize("dimension", [1, 2, 5])
def test_a_cube_in_a_wider_space_keeps_its_dimension(estimate, dimension):
    wide = uniform(1200, dimension) @ gaussian(dimension, 20, seed=2)
    assert estimate(Cloud(wide)) == pytest.approx(dimension, rel=0.12)


@pytest.mark.parametrize("estimate", ALL)
@pytest.mark.parametrize("dimension", [1, 2, 4])
def test_a_gaussian_has_the_dimension_of_its_space(estimate, dimension):
    found = [estimate(Cloud(gaussian(600, dimension, seed))) for seed in range(3)]
    assert np.mean(found) == pytest.approx(dimension, rel=0.15)


@pytest.mark.parametrize("estimate", NEIGHBOURS)
def test_a_gaussian_of_many_dimensions_is_underestimated_from_few_points(estimate):
    found = np.mean([estimate(Cloud(gaussian(300, 16, seed))) for seed in range(3)])
    assert 10 < found < 16


def circle(angle: np.ndarray) -> np.ndarray:
    return np.column_stack([np.cos(angle), np.sin(angle)])


def torus(angles: np.ndarray) -> np.ndarray:
    return np.hstack([circle(angles[:, 0]), circle(angles[:, 1])])


def sphere(angles: np.ndarray) -> np.ndarray:
    height = angles[:, 1] / np.pi - 1
    return np.column_stack([np.sqrt(1 - height**2)[:, None] * circle(angles[:, 0]), height])


def klein_bottle(angles: np.ndarray) -> np.ndarray:
    """In four dimensions, without crossing itself."""
    u, v = angles.T
    ring = 2 + np.cos(v)
    twist = np.column_stack([np.cos(u / 2), np.sin(u / 2)]) * np.sin(v)[:, None]
    return np.column_stack([ring * np.cos(u), ring * np.sin(u), twist])


@pytest.mark.parametrize("estimate", ALL)
@pytest.mark.parametrize("surface", [torus, sphere, klein_bottle])
def test_surfaces_have_dimension_2(estimate, surface):
    angles = np.random.default_rng(0).uniform(0, 2 * np.pi, size=(1000, 2))
    assert estimate(Cloud(surface(angles))) == pytest.approx(2, rel=0.12)


@pytest.mark.parametrize("estimate", ALL)
def test_a_circle_has_dimension_1(estimate):
    angle = np.random.default_rng(0).uniform(0, 2 * np.pi, size=600)
    assert estimate(Cloud(circle(angle))) == pytest.approx(1, rel=0.12)


@pytest.mark.parametrize("estimate", ALL)
def test_directions_are_measured_with_the_cosine_metric(estimate):
    x = gaussian(1000, 3) * np.random.default_rng(1).uniform(1, 2, size=(1000, 1))
    assert estimate(Cloud(x, "cosine")) == pytest.approx(2, rel=0.12)


def test_noise_is_seen_at_small_scales_and_the_circle_at_large_ones():
    angle = np.random.default_rng(0).uniform(0, 2 * np.pi, size=1000)
    noisy = np.hstack([circle(angle), np.zeros((1000, 2))]) + 0.02 * gaussian(1000, 4)
    radius, dimension = gride_curve(Cloud(noisy))
    assert (np.diff(radius) > 0).all()
    assert dimension[0] > 2.5
    assert dimension[6] == pytest.approx(1, abs=0.15)


def test_the_scale_curve_of_a_square_is_flat():
    _, dimension = gride_curve(Cloud(uniform(1500, 2)))
    np.testing.assert_allclose(dimension[:6], 2, rtol=0.1)


def test_scales_are_as_many_as_the_points_allow():
    for points, scales in ((1, 0), (2, 0), (3, 1), (4, 1), (5, 2), (96, 6), (129, 7)):
        x = gaussian(points, 3)
        assert gride_curve(Cloud(x)).shape == (2, scales)
        assert np.isfinite(gride_curve(Cloud(x))).all()


def test_where_duplicates_leave_too_few_points_the_scale_is_nan():
    x = gaussian(20, 3)
    curve = gride_curve(Cloud(np.vstack([x, x, x])))
    assert np.isfinite(curve).all(axis=0).tolist() == [True, True, True, True, False]
    np.testing.assert_allclose(curve[:, :4], gride_curve(Cloud(x)))


def test_twonn_by_hand():
    x = np.array([[0.0], [1.0], [3.0]])
    first, second = math.log(1.5), math.log(2)
    rank = -math.log(2 / 3), -math.log(1 / 3)
    expected = (first * rank[0] + second * rank[1]) / (first**2 + second**2)
    assert twonn(Cloud(x)) == pytest.approx(expected, rel=1e-6)


def test_mle_by_hand():
    x = np.array([[0.0], [1.0], [3.0]])
    logs = math.log(3), math.log(2), math.log(1.5)
    assert mle(Cloud(x)) == pytest.approx(3 / sum(logs), rel=1e-6)


@pytest.mark.parametrize(("points", "width"), [(60, 2), (200, 5), (100, 40)])
def test_gride_is_where_its_likelihood_is_greatest(points, width):
    from scipy.optimize import minimize_scalar

    cloud = Cloud(gaussian(points, width))
    scales = np.array([1, 2, 4, 8])
    for scale, found in zip(scales, gride_at(cloud, scales), strict=True):
        m = cloud.neighbours[:, 2 * scale - 1] / cloud.neighbours[:, scale - 1]

        def loss(d, m=m, n1=scale):
            density = np.log(d) + (n1 - 1) * np.log(m**d - 1) - ((2 * n1 - 1) * d + 1) * np.log(m)
            return -density.sum()

        best = minimize_scalar(loss, bounds=(0.1, 100), method="bounded", options={"xatol": 1e-9})
        assert found == pytest.approx(best.x, rel=1e-5)


def test_a_single_tie_does_not_spoil_gride():
    x = np.vstack([gaussian(40, 2), 50 + np.array([[0, 0], [0, 1], [1, 0], [0, -1], [-1, 0]])])
    assert 1 < gride(Cloud(x)) < 3
    assert np.isfinite(gride_curve(Cloud(x))).all()


def test_twonn_and_mle_are_scikit_dimensions():
    import skdim

    for x in (gaussian(120, 3), uniform(90, 30), np.float32(gaussian(100, 8))):
        cloud = Cloud(x)
        exact = x.astype(np.float64)
        assert twonn(cloud) == pytest.approx(
            skdim.id.TwoNN(discard_fraction=0.1, method="linear").fit(exact).dimension_, rel=1e-5
        )
        found = skdim.id.MLE().fit(exact, n_neighbors=10, comb="mle").dimension_
        assert mle(cloud) == pytest.approx(found, rel=1e-5)


def test_gride_is_scikit_dimensions_but_for_its_correction_of_the_bias():
    import skdim

    n = 400
    x = gaussian(n, 3)
    their = skdim.id.GRIDE(n1=1, multiscale=True, range_max=64).fit(x)
    ours = gride_curve(Cloud(x))[1, : len(their.scales_)]
    assert ours[0] * (n - 1) / n == pytest.approx(their.dimension_scales_[0], rel=1e-5)
    np.testing.assert_allclose(ours, their.dimension_scales_, rtol=2 / n)


def test_spanning_trees_are_those_of_scipys_graphs():
    from scipy.sparse.csgraph import minimum_spanning_tree

    from lmtopo.seeds import generator

    cloud = Cloud(gaussian(67, 4))
    sizes, totals = spanning_trees(cloud)
    assert sizes.tolist() == [67, 33, 16, 8]
    order = generator(0, "spanning trees").permutation(67)
    for size, total in zip(sizes, totals, strict=True):
        blocks = [order[at : at + size] for at in range(0, 67 - size + 1, size)]
        expected = [minimum_spanning_tree(cloud.apart[np.ix_(b, b)]).sum() for b in blocks]
        assert total == pytest.approx(np.mean(expected))


def test_the_tree_of_the_whole_cloud_is_the_total_persistence_of_h0():
    from lmtopo.signatures.topological import total_persistence
    from lmtopo.vietoris_rips import rips

    x = gaussian(50, 3)
    bars = rips(x, max_dimension=0)[0]
    assert spanning_trees(Cloud(x))[1][0] == pytest.approx(total_persistence(bars[:-1], 1.0))


def test_the_line_explains_a_gaussian_and_not_tight_clusters():
    assert persistent_homology_dimension_r2(Cloud(gaussian(256, 3))) > 0.99
    centres = 100 * gaussian(16, 3, seed=2)
    clusters = np.repeat(centres, 16, axis=0) + 0.1 * gaussian(256, 3)
    assert persistent_homology_dimension_r2(Cloud(clusters)) < 0.9


def test_the_persistent_homology_dimension_needs_three_sizes_of_eight_points():
    assert math.isfinite(persistent_homology_dimension(Cloud(gaussian(32, 3))))
    for estimate in (persistent_homology_dimension, persistent_homology_dimension_r2):
        assert math.isnan(estimate(Cloud(gaussian(31, 3))))


def test_samples_do_not_depend_on_the_contents_of_the_cloud():
    x = gaussian(64, 4)
    one, other = Cloud(x), Cloud(3 * x + 1)
    np.testing.assert_allclose(spanning_trees(other)[1], 3 * spanning_trees(one)[1], rtol=1e-5)


@pytest.mark.parametrize("estimate", NEIGHBOURS)
def test_duplicates_do_not_move_what_neighbours_say_and_are_counted(estimate):
    x = gaussian(100, 3)
    cloud = Cloud(np.vstack([x, x[:40], x[:10]]))
    assert duplicate_count(cloud) == 50
    assert estimate(cloud) == pytest.approx(estimate(Cloud(x)))


@pytest.mark.parametrize("estimate", ALL)
@pytest.mark.parametrize("metric", ["euclidean", "cosine", "standardised"])
def test_points_equal_but_for_rounding_are_duplicates(estimate, metric):
    x = gaussian(300, 4)
    near = np.vstack([x, x[:60] + 1e-7 * gaussian(60, 4, seed=1)])
    cloud = Cloud(near, metric)
    assert duplicate_count(cloud) == 60
    assert estimate(cloud) == pytest.approx(estimate(Cloud(x, metric)), rel=0.02)


@pytest.mark.parametrize(("group", "spoilt"), [(2, 0), (3, 1)])
def test_close_groups_lower_small_scales_and_leave_gride(group, spoilt):
    x = gaussian(500, 4)
    copies = [x[:100] + 1e-3 * gaussian(100, 4, seed=copy) for copy in range(1, group)]
    cloud = Cloud(np.vstack([x, *copies]))
    assert duplicate_count(cloud) == 0
    assert gride_curve(cloud)[1, spoilt] < 0.6 * gride_curve(Cloud(x))[1, spoilt]
    assert gride(cloud) == pytest.approx(gride(Cloud(x)), rel=0.2)


def test_close_pairs_lower_twonn():
    x = gaussian(500, 4)
    near = np.vstack([x, x[:100] + 1e-3 * gaussian(100, 4, seed=1)])
    assert twonn(Cloud(near)) < 0.6 * twonn(Cloud(x))


def test_gride_is_the_scale_curve_at_the_third_scale():
    cloud = Cloud(gaussian(40, 3))
    assert gride(cloud) == gride_curve(cloud)[1, 2]
    assert math.isfinite(gride(Cloud(gaussian(9, 3))))
    assert math.isnan(gride(Cloud(gaussian(8, 3))))


@pytest.mark.parametrize("estimate", NEIGHBOURS)
def test_a_regular_simplex_has_no_dimension(estimate):
    assert math.isnan(estimate(Cloud(np.eye(6))))
    assert np.isnan(gride_curve(Cloud(np.eye(6)))[1]).all()


@pytest.mark.parametrize("estimate", ALL)
@pytest.mark.parametrize("points", [1, 2, 6])
def test_equal_points_have_no_dimension(estimate, points):
    cloud = Cloud(np.ones((points, 3)))
    assert math.isnan(estimate(cloud))
    assert np.isnan(gride_curve(cloud)).all()


WARM = """
import numpy as np
from lmtopo import compiled, distance_kernel
from lmtopo.signatures.cloud import Cloud
from lmtopo.signatures.intrinsic_dimension import gride, persistent_homology_dimension, warm

kernels = (distance_kernel.likeliest_dimensions, distance_kernel.tree_lengths)
compiled.kept = lambda: True
warm()
before = [list(kernel.signatures) for kernel in kernels]
cloud = Cloud(np.random.default_rng(0).standard_normal((96, 8), dtype=np.float32))
gride(cloud), persistent_homology_dimension(cloud)
assert [list(kernel.signatures) for kernel in kernels] == before, before
"""


@pytest.mark.slow
def test_what_is_warmed_up_is_what_clouds_need() -> None:
    library = Path(intrinsic_dimension.__file__).parents[2]
    subprocess.run(
        [sys.executable, "-c", WARM], env={**os.environ, "PYTHONPATH": str(library)}, check=True
    )
