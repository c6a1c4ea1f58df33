"""The plane in which a cloud spreads most."""

import numpy as np
import pytest

from lmtopo.projection import projection


@pytest.mark.parametrize(("points", "width"), [(60, 5), (20, 50)])
def test_it_is_the_plane_of_the_first_two_principal_components(points, width):
    x = np.random.default_rng(0).normal(size=(points, width)) * np.arange(1, width + 1) + 3
    found, shares = projection(x)
    u, s, _ = np.linalg.svd(x - x.mean(axis=0), full_matrices=False)
    np.testing.assert_allclose(np.abs(found), np.abs(u[:, :2] * s[:2]), rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(shares, s[:2] ** 2 / (s**2).sum(), rtol=1e-5)
    assert (found.max(axis=0) == np.abs(found).max(axis=0)).all()


def test_a_circle_stays_a_circle_in_any_space():
    angle = np.arange(20) * np.pi / 10
    frame = np.linalg.qr(np.random.default_rng(0).normal(size=(30, 2)))[0]
    found, shares = projection(np.column_stack([np.cos(angle), np.sin(angle)]) @ frame.T + 1)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, rtol=1e-5)
    np.testing.assert_allclose(shares, 0.5, rtol=1e-5)


def test_a_mirrored_or_moved_cloud_has_the_same_picture():
    x = np.random.default_rng(0).normal(size=(40, 6)) * [9, 4, 1, 1, 1, 1]
    for other in (x + 5, x * [-1, 1, 1, 1, 1, 1]):
        np.testing.assert_allclose(projection(other)[0], projection(x)[0], rtol=1e-4, atol=1e-4)


def test_a_line_has_no_second_component():
    for width in (1, 3):
        found, shares = projection(np.outer(np.arange(5.0), np.ones(width)))
        np.testing.assert_allclose(found[:, 1], 0, atol=1e-6)
        np.testing.assert_allclose(shares, [1, 0], atol=1e-6)


@pytest.mark.parametrize("points", [1, 4])
def test_equal_points_lie_at_the_origin(points):
    found, shares = projection(np.full((points, 3), 0.1, dtype=np.float32))
    assert not found.any()
    assert np.isnan(shares).all()


@pytest.mark.parametrize("shape", [(30, 600), (600, 30)])
def test_a_wide_cloud_on_a_line_has_no_second_coordinate(shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    points = np.outer(rng.normal(size=shape[0]) * 100, rng.normal(size=shape[1]))
    found, shares = projection(points)
    assert (found[:, 1] == 0).all()
    assert shares.tolist() == [1, 0]
