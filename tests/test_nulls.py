"""Nulls of a cloud: what they keep, what they do not, and what they say of a value."""

from typing import Any

import numpy as np
import pytest

from lmtopo import nulls
from lmtopo.formats.diagrams import Key
from lmtopo.nulls import Original, against, draws, gaussian, norm_matched, shuffled
from lmtopo.signatures.significant import longest_bar, significant_count
from lmtopo.vietoris_rips import rips

KEY = Key("block_1", "token", 0)


def cloud(n: int, d: int, rank: int | None = None) -> np.ndarray:
    """Points of unequal spread, far from the origin, in ``rank`` of their dimensions."""
    rng = np.random.default_rng([n, d])
    rank = rank or d
    flat = rng.standard_normal((n, rank)) ** 3 * np.arange(1, rank + 1)
    return (flat @ rng.standard_normal((rank, d)) + 50 * rng.standard_normal(d)).astype(np.float32)


SHAPES = [(40, 3, None), (20, 20, None), (21, 20, None), (15, 60, None), (30, 12, 2), (12, 30, 4)]


@pytest.mark.parametrize("shape", SHAPES)
def test_mean_and_covariance_are_those_of_the_cloud(shape: tuple[int, int, int | None]) -> None:
    x = cloud(*shape).astype(np.float64)
    y = gaussian(Original(x), 0)
    assert not np.allclose(x, y)
    scale = np.cov(x.T).max()
    np.testing.assert_allclose(y.mean(axis=0), x.mean(axis=0), atol=1e-12 * np.abs(x).max())
    np.testing.assert_allclose(np.cov(y.T), np.cov(x.T), atol=1e-12 * scale)


def test_a_random_frame_favours_no_direction() -> None:
    """Haar: every entry of Q has mean 0 and variance (1 - 1/n) / (n - 1) = 1/n."""
    n, rank = 6, 3
    x = np.zeros((n, rank))
    x[:rank] = np.eye(rank)
    original = Original(x)
    axes = original.axes
    frames = np.array(
        [(gaussian(original, seed) - original.mean) @ np.linalg.pinv(axes) for seed in range(4000)]
    )
    gram = np.einsum("fij,fik->fjk", frames, frames)
    np.testing.assert_allclose(gram, np.broadcast_to(np.eye(len(axes)), gram.shape), atol=1e-12)
    np.testing.assert_allclose(frames.sum(axis=1), 0, atol=1e-12)
    np.testing.assert_allclose(frames.mean(axis=0), 0, atol=0.03)
    np.testing.assert_allclose(frames.var(axis=0), 1 / n, rtol=0.1)


@pytest.mark.parametrize("shape", SHAPES)
def test_matched_points_have_the_norms_of_the_data(shape: tuple[int, int, int | None]) -> None:
    x = cloud(*shape).astype(np.float64)
    y = norm_matched(Original(x), 0)
    centre = x.mean(axis=0)
    expected = np.linalg.norm(x - centre, axis=1)
    np.testing.assert_allclose(np.linalg.norm(y - centre, axis=1), expected, rtol=1e-9)


def test_shuffling_keeps_every_coordinate_and_no_dependence() -> None:
    x = np.repeat(np.arange(200.0)[:, None], 2, axis=1)
    y = shuffled(Original(x), 0)
    np.testing.assert_array_equal(np.sort(y, axis=0), x)
    assert abs(np.corrcoef(y.T)[0, 1]) < 0.2


@pytest.mark.parametrize("null", nulls.NULLS)
@pytest.mark.parametrize("points", [np.full((5, 3), 0.1, np.float32), np.ones((1, 3), np.float32)])
def test_equal_points_stay_equal(null: str, points: np.ndarray) -> None:
    found = nulls.NULLS[null](Original(points), 0)
    np.testing.assert_allclose(found, points, rtol=1e-12)


def test_a_draw_depends_on_its_name_alone() -> None:
    x = cloud(20, 4)
    first = dict(draws(x, {"gaussian": 2, "shuffled": 1}, 1, KEY))
    more = dict(draws(x, {"shuffled": 1, "gaussian": 3}, 1, KEY))
    assert [str(key) for key in first] == [
        f"block_1/token/0/{name}" for name in ("gaussian/0", "gaussian/1", "shuffled/0")
    ]
    for key, points in first.items():
        np.testing.assert_array_equal(points, more[key])
    one, two = (
        first[KEY._replace(null="gaussian", draw=0)],
        first[KEY._replace(null="gaussian", draw=1)],
    )
    assert not np.allclose(one, two)
    for other in (
        dict(draws(x, {"gaussian": 1}, 2, KEY)),
        dict(draws(x, {"gaussian": 1}, 1, KEY._replace(replicate=1))),
    ):
        assert not np.allclose(next(iter(other.values())), one)


def test_layers_share_draws_and_those_that_are_kept_are_those_made_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(nulls, "_frames", {})
    x, counts = cloud(20, 4), {"gaussian": 2, "norm_matched": 2}
    first = list(dict(draws(x, counts, 1, KEY)).values())
    assert len(nulls._frames) == 4
    monkeypatch.setattr(nulls, "KEPT", 0)
    other = list(dict(draws(x, counts, 1, KEY._replace(layer="final_norm"))).values())
    monkeypatch.setattr(nulls, "_frames", {})
    anew = list(dict(draws(x, counts, 1, KEY)).values())
    assert not nulls._frames
    np.testing.assert_array_equal(first, other)
    np.testing.assert_array_equal(first, anew)


def test_a_value_is_placed_among_draws() -> None:
    drawn = np.arange(1.0, 20.0)[:, None]  # mean 10, variance 190/6
    for value, percentile in ((0.5, 0.0), (10.0, 50.0), (12.5, 100 * 12 / 19), (99.0, 100.0)):
        found = against(np.array([value]), drawn)
        assert found["percentile"][0] == pytest.approx(percentile)
        assert found["z"][0] == pytest.approx((value - 10) / np.sqrt(190 / 6))
        assert (found["mean"][0], found["draws"][0]) == (10, 19)


def test_what_the_null_keeps_has_no_excess() -> None:
    drawn = np.full((19, 2), 0.1)
    found = against(np.array([0.1, 0.3]), drawn)
    assert found["z"][0] == 0
    assert np.isnan(found["z"][1])
    assert found["percentile"].tolist() == [50, 100]


def test_too_few_draws_claim_no_percentile() -> None:
    drawn = np.random.default_rng(0).normal(size=(19, 3))
    drawn[4, 1] = np.nan
    found = against(np.array([0.0, 0.0, np.nan]), drawn)
    assert found["draws"].tolist() == [19, 18, 19]
    assert np.isfinite(found["percentile"]).tolist() == [True, False, False]
    assert np.isfinite(found["z"]).tolist() == [True, True, False]
    none = against(np.array([0.0]), np.empty((0, 1)))
    assert none.pop("draws").tolist() == [0]
    assert all(np.isnan(column[0]) for column in none.values())


def test_two_groups_of_points_are_two_components() -> None:
    diagram = np.array([[0.0, 1.0], [0.0, 2.5], [0.0, 9.0], [0.0, np.inf]])
    longest = [2.0] * 18 + [2.5]

    def count(longest: list[float]) -> float:
        return significant_count(diagram, longest, dimension=0, points=4)

    assert count(longest) == 2
    assert count([2.0] * 38 + [100.0]) == 3  # 1 of 39 is within 5%
    assert np.isnan(count(longest[:18]))
    assert np.isnan(count([np.inf] * 19))
    assert longest_bar(np.array([[0.0, 1.0], [0.0, np.inf]]), 0) == 1
    assert longest_bar(np.array([[0.0, 1.0], [0.5, np.inf]]), 1) == np.inf
    assert longest_bar(np.empty((0, 2)), 1) == 0


def counts(x: np.ndarray, metric: str = "euclidean") -> list[float]:
    """`significant_count` of each dimension, against 19 gaussian draws."""
    drawn = [rips(y, metric=metric) for _, y in draws(x, {"gaussian": 19}, 0, KEY)]
    return [
        significant_count(
            diagram,
            [longest_bar(one[k], k) for one in drawn],
            dimension=k,
            points=len(x),
            metric=metric,
        )
        for k, diagram in enumerate(rips(x, metric=metric))
    ]


def on_circles(number: int, count: int, width: int, noise: float) -> np.ndarray:
    """Points of a product of circles, turned into ``width`` dimensions, with noise."""
    rng = np.random.default_rng(number)
    angle = rng.uniform(0, 2 * np.pi, (count, number))
    flat = np.hstack([np.cos(angle), np.sin(angle)])
    frame = np.linalg.qr(rng.standard_normal((width, width)))[0][: 2 * number]
    return (flat @ frame + noise * rng.standard_normal((count, width))).astype(np.float32)


@pytest.mark.parametrize(("number", "points"), [(1, 60), (2, 150)])
def test_a_circle_has_one_loop_and_a_torus_two(number: int, points: int) -> None:
    assert counts(on_circles(number, points, 32, 0.02)) == [1, number]


def test_a_circle_has_one_loop_in_any_metric_and_in_thick_noise() -> None:
    off_the_origin = on_circles(1, 60, 16, 0.01) + np.full(16, 2, np.float32)
    assert counts(off_the_origin, "cosine") == [1, 1]
    assert counts(on_circles(1, 60, 2, 0.0), "standardised") == [1, 1]
    assert counts(on_circles(1, 80, 64, 0.1)) == [1, 1]


@pytest.mark.parametrize("count", [40, 41])
def test_evenly_spaced_points_of_a_circle_have_one_loop(count: int) -> None:
    angle = 2 * np.pi * np.arange(count) / count
    assert counts(np.column_stack([np.cos(angle), np.sin(angle)])) == [1, 1]


def test_what_sampling_makes_of_a_sphere_are_no_loops() -> None:
    """A sphere has no loops, but its random samples have bars longer than all of the null's."""
    rng = np.random.default_rng(1)
    longer, counted = 0.0, 0.0
    for _ in range(4):
        x = rng.standard_normal((96, 3))
        x = x / np.linalg.norm(x, axis=1, keepdims=True) @ np.eye(3, 64)
        x += 0.02 * rng.standard_normal(x.shape)
        longest = max(longest_bar(rips(y)[1], 1) for _, y in draws(x, {"gaussian": 19}, 0, KEY))
        longer += (np.diff(rips(x)[1]) > longest).sum()
        counted += counts(x)[1]
    assert longer >= 8
    assert counted <= longer / 4


def test_points_of_two_discs_are_two_components() -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((60, 2)) * 0.1 + np.repeat([[0.0, 0.0], [5.0, 0.0]], 30, axis=0)
    assert counts(x) == [2, 0]


def topology(x: np.ndarray) -> np.ndarray:
    """Number, total and maximum of the finite bars of H0 and H1."""
    values: list[float] = []
    for diagram in rips(x):
        lengths = np.diff(diagram[np.isfinite(diagram[:, 1])]).ravel()
        values += [len(lengths), lengths.sum(), lengths.max(initial=0.0)]
    return np.array(values)


def beside_null(points: list[np.ndarray], null: str) -> dict[str, np.ndarray]:
    """`against` of every cloud, one row a cloud."""
    rows: list[dict[str, Any]] = []
    for number, x in enumerate(points):
        drawn = [topology(y) for _, y in draws(x, {null: 19}, number, KEY)]
        rows.append(against(topology(x), np.array(drawn)))
    return {name: np.array([row[name] for row in rows]) for name in ("z", "percentile")}


def test_a_circle_in_noise_is_far_outside_its_null() -> None:
    found = beside_null([on_circles(1, 60, 16, 0.1)], "gaussian")
    assert found["z"][0, 5] > 5
    assert found["percentile"][0, 5] == 100


def test_heavy_tails_are_outside_gaussian_and_inside_the_matched_null() -> None:
    rng = np.random.default_rng(0)
    clouds = [rng.standard_normal((40, 8)) / np.sqrt(rng.chisquare(3, (40, 1))) for _ in range(8)]
    matched, plain = (
        beside_null([x.astype(np.float32) for x in clouds], null)["z"][:, 2].mean()
        for null in ("norm_matched", "gaussian")
    )
    assert plain > 5  # the longest bar in H0: how far off the farthest point is
    assert abs(matched) < 1


@pytest.mark.slow
@pytest.mark.parametrize(("n", "d"), [(48, 8), (64, 64), (64, 256), (96, 16), (96, 512)])
def test_gaussian_clouds_are_like_their_gaussian_null(n: int, d: int) -> None:
    """The mean z is 0 and percentiles are uniform, whatever the covariance and the dimension."""
    rng = np.random.default_rng([n, d])
    scale = np.arange(1, d + 1) ** -0.5
    count = 40
    found = beside_null(
        [(rng.standard_normal((n, d)) * scale + 3).astype(np.float32) for _ in range(count)],
        "gaussian",
    )
    assert np.abs(found["z"].mean(axis=0)).max() < 0.5
    moving = found["percentile"][:, 1:]  # of n points there are always n - 1 bars in H0
    assert (found["percentile"][:, 0] == 50).all()
    assert np.abs(moving.mean(axis=0) - 50).max() < 4 * 100 / np.sqrt(12 * count)
    # Kolmogorov-Smirnov at 0.1%, and half a step of the 20 places a value can have
    places = np.sort(moving, axis=0) / 100
    uniform = np.arange(1, count + 1)[:, None] / count
    assert np.abs(places - uniform).max() < 1.95 / np.sqrt(count) + 1 / 20
