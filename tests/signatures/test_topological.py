"""Topological signatures of diagrams that can be worked out by hand."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from lmtopo.signatures import TOPOLOGICAL
from lmtopo.signatures.topological import (
    betti_area,
    euler_area,
    feature_count,
    first_landscape_l1,
    landscape_l1,
    landscape_l2,
    landscape_sup,
    max_persistence,
    mean_persistence,
    normalised_persistence_entropy,
    persistence_entropy,
    total_persistence,
)
from lmtopo.vietoris_rips import distances, enclosing_radius, rips

NONE = np.empty((0, 2))
POWERS = {
    "total_persistence": 1,
    "mean_persistence": 1,
    "max_persistence": 1,
    "landscape_l1": 2,
    "landscape_l2": 1.5,
    "landscape_sup": 1,
    "first_landscape_l1": 2,
}
"""How signatures grow with the cloud; the others do not."""


@st.composite
def diagrams(draw, least=0):
    """Bars that live within an enclosing radius of 8."""
    births = draw(arrays(np.float64, st.integers(least, 12), elements=st.floats(0, 4)))
    lengths = draw(arrays(np.float64, len(births), elements=st.floats(0.01, 4)))
    return np.column_stack([births, births + lengths])


def of_cloud(x: np.ndarray, dimension: int) -> dict[str, float]:
    bars = rips(x)[dimension]
    radius = enclosing_radius(distances(x, "euclidean"))
    bars = bars[np.isfinite(bars[:, 1])]
    return {name: signature(bars, radius) for name, signature in TOPOLOGICAL.items()}


def test_three_bars_by_hand():
    bars = np.array([[0.0, 1.0], [1.0, 2.0], [1.0, 3.0]])
    assert feature_count(bars, 4.0) == 3
    assert total_persistence(bars, 4.0) == 4.0
    assert mean_persistence(bars, 4.0) == pytest.approx(4 / 3)
    assert max_persistence(bars, 4.0) == 2.0
    assert persistence_entropy(bars, 4.0) == pytest.approx(1.5 * math.log(2))
    assert betti_area(bars, 4.0) == 1.0


def test_equal_bars_have_the_largest_entropy():
    bars = np.array([[0.0, 1.0]] * 5)
    assert persistence_entropy(bars, 2.0) == pytest.approx(math.log(5))
    assert normalised_persistence_entropy(bars, 2.0) == pytest.approx(1.0)


def test_one_bar_has_no_entropy():
    bars = np.array([[0.0, 1.0]])
    assert persistence_entropy(bars, 2.0) == 0.0
    assert math.isnan(normalised_persistence_entropy(bars, 2.0))


def test_without_bars_sums_are_0_and_averages_nan():
    found = {name: signature(NONE, 0.0) for name, signature in TOPOLOGICAL.items()}
    averages = {name for name, value in found.items() if math.isnan(value)}
    entropies = {"persistence_entropy", "normalised_persistence_entropy"}
    assert averages == {"mean_persistence", *entropies}
    assert not any(found[name] for name in found.keys() - averages)
    assert euler_area([NONE, NONE], 0.0) == 1


def test_a_hexagon_has_one_loop_of_known_length():
    angle = np.arange(6) * np.pi / 3
    found = of_cloud(np.column_stack([np.cos(angle), np.sin(angle)]), 1)
    assert found["feature_count"] == 1
    assert found["total_persistence"] == pytest.approx(math.sqrt(3) - 1, rel=1e-6)
    assert found["betti_area"] == pytest.approx((math.sqrt(3) - 1) / 2, rel=1e-6)


def test_landscapes_by_hand():
    apart = np.array([[0.0, 2.0], [3.0, 7.0]])
    assert landscape_l1(apart, 8.0) == first_landscape_l1(apart, 8.0) == 1 + 4
    assert landscape_l2(apart, 8.0) == pytest.approx(math.sqrt(2 / 3 + 16 / 3))
    assert landscape_sup(apart, 8.0) == 2
    crossing = np.array([[0.0, 4.0], [2.0, 6.0]])
    assert landscape_l1(crossing, 8.0) == 8
    assert first_landscape_l1(crossing, 8.0) == 7
    nested = np.array([[0.0, 4.0], [1.0, 3.0], [0.0, 4.0]])
    assert first_landscape_l1(nested, 8.0) == 4


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(diagrams(least=1))
def test_norms_of_landscapes_are_persims(bars):
    from persim import PersLandscapeExact

    # persim loses some of several bars that begin or end together
    bars = bars + np.random.default_rng(0).uniform(0, 1e-3, bars.shape)
    landscape = PersLandscapeExact([bars], 0)
    assert landscape_l1(bars, 8.0) == pytest.approx(landscape.p_norm(1))
    assert landscape_l2(bars, 8.0) == pytest.approx(landscape.p_norm(2))
    assert landscape_sup(bars, 8.0) == pytest.approx(landscape.sup_norm())
    first = PersLandscapeExact(critical_pairs=[landscape.critical_pairs[0]], hom_deg=0)
    assert first_landscape_l1(bars, 8.0) == pytest.approx(first.p_norm(1))


@settings(max_examples=40, deadline=None)
@given(diagrams(least=1))
def test_entropy_is_gudhis(bars):
    from gudhi.representations import Entropy

    expected = float(Entropy(mode="scalar")(bars)[0])
    assert persistence_entropy(bars, 8.0) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("points", [1, 4])
def test_equal_points_have_no_finite_bars(points):
    found = of_cloud(np.ones((points, 3)), 0)
    assert found["feature_count"] == found["betti_area"] == 0.0


@settings(max_examples=60, deadline=None)
@given(diagrams(least=1))
def test_entropy_is_persims(bars):
    from persim.persistent_entropy import persistent_entropy

    assert persistence_entropy(bars, 8.0) == pytest.approx(
        float(persistent_entropy([bars])[0]), abs=1e-12
    )


@settings(max_examples=60, deadline=None)
@given(diagrams(least=2))
def test_normalised_entropy_is_persims_and_lies_within_0_and_1(bars):
    from persim.persistent_entropy import persistent_entropy

    found = normalised_persistence_entropy(bars, 8.0)
    expected = float(persistent_entropy([bars], normalize=True)[0])
    assert found == pytest.approx(expected, abs=1e-12)
    assert 0 <= found <= 1 + 1e-12


@settings(max_examples=60, deadline=None)
@given(diagrams())
def test_betti_area_is_the_integral_of_the_betti_curve(bars):
    radius = 8.0
    grid = np.linspace(0, 1, 4001)[:-1] + 1 / 8000
    at = grid * radius
    curve = ((bars[:, :1] <= at) & (at < bars[:, 1:])).sum(axis=0)
    found = betti_area(bars, radius)
    assert found == pytest.approx(curve.mean(), abs=0.006)
    assert found == pytest.approx(total_persistence(bars, radius) / radius)


@settings(max_examples=60, deadline=None)
@given(diagrams(), st.floats(0.001, 1000))
def test_lengths_scale_with_the_cloud_and_the_rest_does_not(bars, factor):
    for name, signature in TOPOLOGICAL.items():
        expected = signature(bars, 8.0) * factor ** POWERS.get(name, 0)
        found = signature(factor * bars, factor * 8.0)
        assert found == pytest.approx(expected, rel=1e-9, abs=1e-12, nan_ok=True)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000), st.sampled_from([0.25, 2.0, 8.0]))
def test_a_cloud_of_another_size_or_order_has_the_same_shape(seed, factor):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(25, 3))
    for dimension in (0, 1):
        one, other = of_cloud(x, dimension), of_cloud(factor * rng.permutation(x), dimension)
        for name, value in one.items():
            expected = value * factor ** POWERS.get(name, 0)
            assert other[name] == pytest.approx(expected, rel=1e-4, nan_ok=True)


@settings(max_examples=30, deadline=None)
@given(diagrams(), st.randoms())
def test_the_order_of_bars_does_not_matter(bars, random):
    order = random.sample(range(len(bars)), len(bars))
    for signature in TOPOLOGICAL.values():
        found = signature(bars[order], 8.0)
        assert found == pytest.approx(signature(bars, 8.0), nan_ok=True, abs=1e-12)
