"""Geometric signatures of clouds whose geometry is known."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lmtopo.signatures import GEOMETRIC
from lmtopo.signatures.cloud import Cloud
from lmtopo.signatures.geometric import (
    anisotropy,
    effective_rank,
    mean_norm,
    participation_ratio,
    spectrum_decay,
    stable_rank,
)

RANKS = [effective_rank, participation_ratio, stable_rank]


def gaussian(points: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(points, width))


def with_spectrum(singular_values: np.ndarray, points: int, width: int) -> np.ndarray:
    """Points whose centred singular values are these."""
    rng = np.random.default_rng(0)
    n = len(singular_values)
    frame = np.linalg.qr(np.hstack([np.ones((points, 1)), rng.normal(size=(points, n))]))[0][:, 1:]
    axes = np.linalg.qr(rng.normal(size=(width, n)))[0]
    return (frame * singular_values) @ axes.T


def everything(x: np.ndarray, metric: str = "euclidean") -> dict[str, float]:
    cloud = Cloud(x, metric)
    return {name: signature(cloud) for name, signature in GEOMETRIC.items()}


@pytest.mark.parametrize("rank", RANKS)
def test_an_isotropic_gaussian_fills_its_space(rank):
    assert rank(Cloud(gaussian(4000, 8))) == pytest.approx(8, rel=0.12)


@pytest.mark.parametrize("rank", RANKS)
@pytest.mark.parametrize(("points", "width"), [(30, 9), (9, 30)])
def test_equal_singular_values_give_their_number(rank, points, width):
    x = with_spectrum(np.full(5, 2.0), points, width)
    assert rank(Cloud(x)) == pytest.approx(5)
    assert rank(Cloud(x + 3.0)) == pytest.approx(5)


@pytest.mark.parametrize("rank", RANKS)
def test_a_line_has_rank_1(rank):
    x = np.outer(np.arange(10.0), [1.0, 2.0, 3.0]) + 5.0
    assert rank(Cloud(x)) == pytest.approx(1)


def test_ranks_by_hand():
    cloud = Cloud(with_spectrum(np.array([3.0, 1.0]), 10, 4))
    assert effective_rank(cloud) == pytest.approx(math.exp(2 * math.log(2) - 0.75 * math.log(3)))
    assert participation_ratio(cloud) == pytest.approx(100 / 82)
    assert stable_rank(cloud) == pytest.approx(10 / 9)


@pytest.mark.parametrize(("points", "width"), [(40, 12), (12, 40)])
def test_singular_values_are_those_of_the_centred_points(points, width):
    x = gaussian(points, width) + 10
    expected = np.linalg.svd(x - x.mean(0), compute_uv=False)
    expected = expected[expected > 1e-9]
    np.testing.assert_allclose(Cloud(x).singular_values, expected, rtol=1e-8)


@pytest.mark.parametrize("offset", [0, 1, 10, 100])
def test_rounding_of_float32_points_adds_no_dimension(offset):
    rng = np.random.default_rng(0)
    points = rng.normal(size=(96, 3)) @ rng.normal(size=(3, 16)) + offset * rng.normal(size=16)
    assert len(Cloud(points.astype(np.float32)).singular_values) == 3


def test_states_after_a_layer_norm_lie_in_a_hyperplane():
    rng = np.random.default_rng(0)
    states = 0.05 * rng.normal(size=(96, 4, 32)) + rng.normal(size=32)
    states -= states.mean(axis=2, keepdims=True)
    normed = states / states.std(axis=2, keepdims=True)
    means = normed.astype(np.float32).mean(axis=1)
    assert len(Cloud(means).singular_values) == 31


@pytest.mark.parametrize("exponent", [0.5, 1.0, 2.5])
def test_the_decay_of_a_power_law_is_its_exponent(exponent):
    eigenvalues = np.arange(1.0, 31.0) ** -exponent
    cloud = Cloud(with_spectrum(np.sqrt(eigenvalues), 64, 40))
    assert spectrum_decay(cloud) == pytest.approx(exponent)


def test_the_decay_ignores_the_first_three_ranks():
    eigenvalues = np.arange(1.0, 31.0) ** -1.0
    eigenvalues[:3] *= 1e4
    assert spectrum_decay(Cloud(with_spectrum(np.sqrt(eigenvalues), 64, 40))) == pytest.approx(1)


def test_a_flat_spectrum_does_not_decay_and_a_short_one_has_no_decay():
    assert spectrum_decay(Cloud(with_spectrum(np.ones(20), 64, 40))) == pytest.approx(0, abs=1e-6)
    assert math.isnan(spectrum_decay(Cloud(gaussian(30, 5))))


def test_anisotropy_is_the_mean_cosine_over_pairs():
    x = gaussian(20, 5) + 1
    unit = x / np.linalg.norm(x, axis=1, keepdims=True)
    cosines = (unit @ unit.T)[~np.eye(20, dtype=bool)]
    assert anisotropy(Cloud(x)) == pytest.approx(cosines.mean())


def test_anisotropy_of_a_ray_a_cross_and_a_point_at_the_origin():
    assert anisotropy(Cloud(np.array([[1.0, 1.0], [2.0, 2.0]]))) == pytest.approx(1)
    cross = np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
    assert anisotropy(Cloud(cross)) == pytest.approx(-1 / 3)
    assert anisotropy(Cloud(np.vstack([cross, [[0.0, 0.0]]]))) == pytest.approx(-1 / 3)


def test_mean_norm_is_about_the_origin():
    assert mean_norm(Cloud(np.array([[3.0, 4.0], [0.0, 1.0]]))) == 3.0


@pytest.mark.parametrize("points", [1, 2, 6])
@pytest.mark.parametrize("value", [0.0, 0.1, 1e4])
def test_equal_points_have_a_norm_and_no_spread(points, value):
    found = everything(np.full((points, 7), value, dtype=np.float32))
    assert found["mean_norm"] == pytest.approx(value * math.sqrt(7), rel=1e-6)
    assert found["duplicate_count"] == points - 1
    assert math.isnan(found["effective_rank"])
    assert math.isnan(found["participation_ratio"])
    assert math.isnan(found["stable_rank"])
    assert math.isnan(found["spectrum_decay"])
    for name in ("twonn", "mle", "gride", "persistent_homology_dimension"):
        assert math.isnan(found[name])
    if value and points > 1:
        assert found["anisotropy"] == pytest.approx(1)
    else:
        assert math.isnan(found["anisotropy"])


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 1000), st.floats(0.01, 100), st.sampled_from([(30, 6), (12, 30)]))
def test_size_and_order_of_the_cloud_change_only_its_norm(seed, factor, shape):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=shape)
    one, other = everything(x), everything(factor * rng.permutation(x))
    for name, value in one.items():
        if name.startswith("persistent_homology"):  # its samples are drawn by the points' numbers
            continue
        expected = value * factor if name == "mean_norm" else value
        assert other[name] == pytest.approx(expected, rel=1e-4, abs=1e-9, nan_ok=True)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000))
def test_moving_the_cloud_leaves_its_spread(seed):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(25, 6))
    one, other = everything(x), everything(x + rng.normal(size=6))
    for name in ("effective_rank", "stable_rank", "twonn", "mle", "gride"):
        assert other[name] == pytest.approx(one[name], rel=1e-4)
