"""Curves and images of diagrams that are known, and of manifolds."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from lmtopo.signatures import CURVES
from lmtopo.signatures.cloud import Cloud
from lmtopo.signatures.curves import (
    GRID,
    LEVELS,
    PIXELS,
    betti_curve,
    euler_curve,
    persistence_image,
    persistence_landscape,
)
from lmtopo.signatures.topological import betti_area, euler_area, first_landscape_l1
from lmtopo.vietoris_rips import distances, enclosing_radius, rips

NONE = np.empty((0, 2))
RADIUS = 8.0


@st.composite
def diagrams(draw, least=0):
    """Bars that live within an enclosing radius of 8."""
    births = draw(arrays(np.float64, st.integers(least, 12), elements=st.floats(0, 4, width=32)))
    lengths = draw(arrays(np.float64, len(births), elements=st.floats(0.0625, 4, width=32)))
    return np.column_stack([births, births + lengths])


def circle(points: int) -> np.ndarray:
    angle = np.arange(points) * 2 * np.pi / points
    return np.column_stack([np.cos(angle), np.sin(angle)])


def sphere(points: int) -> np.ndarray:
    """A spiral of evenly spread points."""
    place = np.arange(points) + 0.5
    height, angle = 1 - 2 * place / points, np.pi * (1 + 5**0.5) * place
    ring = np.sqrt(1 - height**2)
    return np.column_stack([ring * np.cos(angle), ring * np.sin(angle), height])


def flat(points: int, *, twisted: bool) -> np.ndarray:
    """Distances on a square grid whose opposite sides are glued: a torus; or, one pair of them
    the other way round, a Klein bottle."""
    grid = np.stack(np.meshgrid(*[np.arange(points) / points] * 2), axis=-1).reshape(-1, 2)
    nearest = np.full((len(grid), len(grid)), np.inf)
    for up in (-1, 0, 1):
        image = grid * [-1 if twisted and up else 1, 1]
        for along in (-2, -1, 0, 1, 2):
            apart = grid[:, None] - image - np.array([along, up])
            nearest = np.minimum(nearest, np.linalg.norm(apart, axis=-1))
    return nearest


MANIFOLDS = {
    "circle": (circle(24), "euclidean", (1, 1, 0)),
    "sphere": (sphere(60), "euclidean", (1, 0, 1)),
    "torus": (flat(9, twisted=False), "precomputed", (1, 2, 1)),
    "Klein bottle": (flat(9, twisted=True), "precomputed", (1, 2, 1)),  # over Z/2
}


@pytest.mark.parametrize("name", MANIFOLDS)
def test_a_manifold_shows_its_betti_numbers_and_euler_characteristic(name):
    x, metric, betti = MANIFOLDS[name]
    d = distances(x, metric)
    bars = [one[np.isfinite(one[:, 1])] for one in rips(d, metric="precomputed", max_dimension=2)]
    radius = enclosing_radius(d)
    curves = np.array([betti_curve(one, radius) for one in bars])
    curves[0] += 1  # the component that never dies
    right = (curves == np.array(betti)[:, None]).all(axis=0)
    assert right.mean() > 0.2
    euler = euler_curve(bars, radius)
    assert set(euler[right]) == {betti[0] - betti[1] + betti[2]}
    assert euler[0] == len(d)
    assert euler[-1] == 1


def test_two_bars_by_hand():
    bars = np.array([[0.0, 4.0], [2.0, 6.0]])
    at = dict(zip(GRID * RADIUS, betti_curve(bars, RADIUS), strict=True))
    assert [at[time] for time in (0, 1, 2, 3, 4, 5, 6, 8)] == [1, 1, 2, 2, 1, 1, 0, 0]
    first, second, *rest = persistence_landscape(bars, RADIUS)
    heights = dict(zip(GRID * RADIUS, first * RADIUS, strict=True))
    assert [heights[time] for time in (0, 1, 2, 3, 4, 5, 6, 8)] == [0, 1, 2, 1, 2, 1, 0, 0]
    assert second.max() * RADIUS == 1
    assert not np.any(rest)


def test_without_bars_curves_are_0_and_the_characteristic_is_1():
    for radius in (0.0, 1.0):
        assert not betti_curve(NONE, radius).any()
        assert not persistence_landscape(NONE, radius).any()
        assert not persistence_image(NONE, radius).any()
        assert (euler_curve([NONE, NONE], radius) == 1).all()


@settings(max_examples=60, deadline=None)
@given(diagrams(least=1))
def test_the_betti_curve_is_gudhis(bars):
    from gudhi.representations import BettiCurve

    expected = BettiCurve(predefined_grid=GRID * RADIUS)(bars)
    np.testing.assert_array_equal(betti_curve(bars, RADIUS), expected)


@settings(max_examples=60, deadline=None)
@given(diagrams(least=1))
def test_the_landscape_is_gudhis(bars):
    from gudhi.representations import Landscape

    their = Landscape(num_landscapes=LEVELS, resolution=len(GRID), sample_range=[0, RADIUS])
    expected = their(bars).reshape(LEVELS, -1) / np.sqrt(2)  # gudhi stretches by the root of 2
    np.testing.assert_allclose(persistence_landscape(bars, RADIUS) * RADIUS, expected, atol=1e-12)


@settings(max_examples=30, deadline=None)
@given(diagrams(least=1))
def test_the_image_is_persims(bars):
    from persim import PersistenceImager

    pixel = 1 / PIXELS
    their = PersistenceImager(
        birth_range=(0.0, 1.0),
        pers_range=(0.0, 1.0),
        pixel_size=pixel,
        kernel_params={"sigma": [[pixel**2, 0.0], [0.0, pixel**2]]},
    )
    expected = their.transform(bars / RADIUS, skew=True)
    assert expected.shape == (PIXELS, PIXELS)
    np.testing.assert_allclose(persistence_image(bars, RADIUS), expected, atol=1e-12)


def test_a_bar_lies_in_the_pixel_of_its_birth_and_length():
    image = persistence_image(np.array([[2.0, 3.0]]), 8.0)
    birth, length = np.unravel_index(image.argmax(), image.shape)
    assert abs(birth - PIXELS / 4) <= 1
    assert abs(length - PIXELS / 8) <= 1
    assert image.sum() == pytest.approx(1 / 8, rel=1e-3)


@settings(max_examples=60, deadline=None)
@given(diagrams(), diagrams())
def test_areas_are_those_under_the_curves(one, two):
    fine = np.linspace(0, 1, 4001)[:-1] + 1 / 8000
    at = fine * RADIUS
    alive = [((bars[:, :1] <= at) & (at < bars[:, 1:])).sum(axis=0) for bars in (one, two)]
    assert euler_area([one, two], RADIUS) == pytest.approx(
        (1 + alive[0] - alive[1]).mean(), abs=0.012
    )
    coarse = np.trapezoid(betti_curve(one, RADIUS), GRID)
    assert coarse == pytest.approx(betti_area(one, RADIUS), abs=len(one) / 64)


@settings(max_examples=30, deadline=None)
@given(diagrams(least=1))
def test_the_first_level_has_the_area_of_its_signature(bars):
    first = persistence_landscape(bars, RADIUS)[0] * RADIUS
    area = np.trapezoid(first, GRID * RADIUS)
    assert area == pytest.approx(first_landscape_l1(bars, RADIUS), abs=0.02 * (1 + len(bars)))


@settings(max_examples=30, deadline=None)
@given(diagrams(), st.sampled_from([0.25, 2.0, 1024.0]))
def test_curves_do_not_depend_on_the_size_of_the_cloud(bars, factor):
    for curve in CURVES.of_diagram.values():
        np.testing.assert_allclose(
            curve(factor * bars, factor * RADIUS), curve(bars, RADIUS), atol=1e-9
        )


@pytest.mark.parametrize("points", [2, 40])
def test_all_clouds_of_a_size_have_curves_of_one_shape(points):
    rng = np.random.default_rng(0)
    shapes = []
    for x in (rng.normal(size=(points, 3)), np.ones((points, 3)), np.arange(points)[:, None] % 2):
        d = distances(x.astype(np.float64), "euclidean")
        bars = [one[np.isfinite(one[:, 1])] for one in rips(d, metric="precomputed")]
        found = CURVES.values(bars, enclosing_radius(d), Cloud(x.astype(np.float64)))
        shapes.append({name: curve.shape for name, curve in found.items()})
    assert shapes[0] == shapes[1] == shapes[2]
