"""Centred kernel alignment."""

import numpy as np
import pytest

from lmtopo.cka import linear_cka
from lmtopo.errors import InputError

BOTH = pytest.mark.parametrize("debiased", [False, True])


def gaussian(seed: int, points: int = 60, width: int = 8) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(points, width)) @ np.diag(range(1, width + 1))


@BOTH
def test_rotation_scale_and_shift_change_nothing(debiased):
    x = gaussian(0)
    frame = np.linalg.qr(np.random.default_rng(1).normal(size=(8, 8)))[0]
    assert linear_cka(x, x, debiased=debiased) == 1.0
    assert linear_cka(x, 3 * x @ frame + 5, debiased=debiased) == pytest.approx(1)
    wider = np.column_stack([x, np.zeros((60, 4))])
    assert linear_cka(x, wider, debiased=debiased) == pytest.approx(1)


@BOTH
def test_it_is_symmetric_and_knows_which_point_is_which(debiased):
    x, y = gaussian(0), gaussian(0) + 4 * np.random.default_rng(1).normal(size=(60, 8))
    there = linear_cka(x, y, debiased=debiased)
    assert there == pytest.approx(linear_cka(y, x, debiased=debiased), rel=1e-12)
    shuffled = np.random.default_rng(2).permutation(x)
    assert linear_cka(x, shuffled, debiased=debiased) < 0.2 < there < 0.9


def test_independent_wide_clouds_look_alike_until_the_bias_is_gone():
    found = [
        [
            linear_cka(rng.normal(size=(128, 512)), rng.normal(size=(128, 512)), debiased=debiased)
            for debiased in (False, True)
        ]
        for rng in map(np.random.default_rng, range(10))
    ]
    biased, debiased = np.mean(found, axis=0)
    assert biased == pytest.approx(0.8, abs=0.01)
    assert abs(debiased) < 0.01


def test_it_is_kornblith_and_others_formula_in_the_features():
    x, y = gaussian(0), gaussian(1, width=5)
    a, b = x - x.mean(axis=0), y - y.mean(axis=0)
    norm = np.linalg.norm
    expected = norm(b.T @ a) ** 2 / (norm(a.T @ a) * norm(b.T @ b))
    assert linear_cka(x, y) == pytest.approx(expected, rel=1e-12)


def test_the_debiased_form_is_the_estimator_of_song_and_others():
    x, y = gaussian(0, points=12), gaussian(1, points=12)

    def hsic(k, l):  # noqa: E741
        k, l = k - np.diag(np.diag(k)), l - np.diag(np.diag(l))  # noqa: E741
        n, one = len(k), np.ones(len(k))
        third = 2 / (n - 2) * one @ k @ l @ one
        second = (one @ k @ one) * (one @ l @ one) / ((n - 1) * (n - 2))
        return (np.trace(k @ l) + second - third) / (n * (n - 3))

    k, l = x @ x.T, y @ y.T  # noqa: E741
    expected = hsic(k, l) / np.sqrt(hsic(k, k) * hsic(l, l))
    assert linear_cka(x, y, debiased=True) == pytest.approx(expected, rel=1e-9)


@BOTH
def test_a_cloud_of_one_repeated_point_has_none(debiased):
    assert np.isnan(linear_cka(np.full((6, 3), 0.1), gaussian(0, points=6), debiased=debiased))


def test_too_few_points_to_debias_give_nan():
    assert np.isnan(linear_cka(gaussian(0, points=3), gaussian(1, points=3), debiased=True))


def test_clouds_of_different_size_are_refused():
    with pytest.raises(InputError, match="there are 60 and 59"):
        linear_cka(gaussian(0), gaussian(0, points=59))


@pytest.mark.parametrize("points", [5, 7, 9, 12])
def test_of_points_that_are_all_as_far_from_each_other_nothing_is_told(points: int) -> None:
    x = np.eye(points)
    assert np.isnan(linear_cka(3 * x, x, debiased=True))
    assert linear_cka(3 * x, x) == pytest.approx(1)


@pytest.mark.parametrize(
    ("x", "expected"),
    [
        (np.zeros((0, 3)), r"a matrix of points x coordinates, not of shape \(0, 3\)"),
        (np.array([[0.0], [np.nan]]), "a point that is not finite"),
    ],
)
def test_what_is_no_cloud_has_no_cka(x: np.ndarray, expected: str) -> None:
    with pytest.raises(InputError, match=expected):
        linear_cka(x, x)
