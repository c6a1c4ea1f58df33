"""Stage `persist`: from a file of clouds to a file of diagrams."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lmtopo.errors import InputError
from lmtopo.formats import clouds
from lmtopo.formats.clouds import subsamples
from lmtopo.formats.diagrams import Key, load
from lmtopo.nulls import draws
from lmtopo.persist import persist
from lmtopo.vietoris_rips import distances, enclosing_radius, rips

SETTINGS: dict[str, Any] = {
    "pca": None,
    "subsample": 12,
    "replicates": 2,
    "seed": 0,
    "nulls": {},
    "null_replicates": 1,
    "metric": "euclidean",
    "max_dimension": 1,
    "threshold": None,
    "engine": "auto",
}


def write_clouds(folder: Path) -> tuple[str, np.ndarray]:
    """A circle as embedding, noise as final norm."""
    angle = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    circle = np.column_stack([np.cos(angle), np.sin(angle)])
    noise = np.random.default_rng(0).normal(size=(24, 2))
    cloud = np.stack([circle, noise]).astype(np.float32)
    path = str(folder / "clouds.safetensors")
    clouds.save(path, {"token": cloud}, layers=["embedding", "final_norm"], metadata={})
    return path, cloud


def test_the_circle_is_found_in_its_layer(tmp_path):
    path, _ = write_clouds(tmp_path)
    out = str(tmp_path / "diagrams.npz")
    persist(clouds=path, diagrams=out, **SETTINGS | {"subsample": 24, "replicates": 1})
    found = load(out)
    loops = found.diagrams("embedding", "token", 0)[1]
    assert len(loops) == 1
    assert loops[0, 1] - loops[0, 0] > 1.4


@pytest.mark.parametrize("metric", ["euclidean", "cosine", "standardised"])
def test_every_subsample_of_every_layer_has_its_diagrams(tmp_path, metric):
    path, cloud = write_clouds(tmp_path)
    out = str(tmp_path / "diagrams.npz")
    persist(clouds=path, diagrams=out, **SETTINGS | {"metric": metric})
    found = load(out)
    assert len(found.keys()) == 4
    for row, layer in enumerate(["embedding", "final_norm"]):
        for replicate, chosen in enumerate(subsamples(24, 12, 2, seed=0)):
            x = cloud[row, chosen]
            assert found.radius(layer, "token", replicate) == enclosing_radius(distances(x, metric))
            expected = rips(x, metric=metric)
            for one, other in zip(found.diagrams(layer, "token", replicate), expected, strict=True):
                np.testing.assert_array_equal(one, other)


def test_diagrams_do_not_see_in_how_many_dimensions_a_cloud_of_three_lies(tmp_path):
    rng = np.random.default_rng(0)
    frame = np.linalg.qr(rng.normal(size=(40, 3)))[0]
    flat = (rng.normal(size=(30, 3)) * [3, 2, 1] @ frame.T + rng.normal(size=40)).astype(np.float32)
    path = str(tmp_path / "clouds.safetensors")
    clouds.save(path, {"mean": flat[None]}, layers=["final_norm"], metadata={})
    found = {}
    for count in (None, 3, 2):
        out = str(tmp_path / f"{count}.npz")
        persist(clouds=path, diagrams=out, **SETTINGS | {"pca": count, "subsample": 20})
        found[count] = load(out)
    for replicate in range(2):
        where = ("final_norm", "mean", replicate)
        whole = found[None].diagrams(*where)
        for one, other in zip(found[3].diagrams(*where), whole, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)
        assert found[3].radius(*where) == pytest.approx(found[None].radius(*where), rel=1e-5)
        assert not np.allclose(found[2].diagrams(*where)[0], whole[0], rtol=1e-2)


def test_a_threshold_bounds_every_finite_bar(tmp_path):
    path, _ = write_clouds(tmp_path)
    out = str(tmp_path / "diagrams.npz")
    persist(clouds=path, diagrams=out, **SETTINGS | {"threshold": 0.6})
    found = load(out)
    every = found.keys()
    for key in every:
        for diagram in found.diagrams(*key):
            assert (diagram[np.isfinite(diagram)] <= 0.6).all()


def test_twice_gives_the_same_bytes(tmp_path):
    path, _ = write_clouds(tmp_path)
    for name in ("one.npz", "two.npz"):
        persist(clouds=path, diagrams=str(tmp_path / name), **SETTINGS)
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "two.npz").read_bytes()


def test_a_bad_cloud_is_named_and_leaves_nothing(tmp_path):
    path = str(tmp_path / "clouds.safetensors")
    cloud = np.ones((1, 24, 2), dtype=np.float32)
    cloud[0, 5] = 0
    clouds.save(path, {"mean": cloud}, layers=["block_1"], metadata={})
    settings = SETTINGS | {"metric": "cosine", "subsample": 24, "replicates": 1}
    with pytest.raises(InputError, match="block_1, pooling 'mean': point 5 is zero"):
        persist(clouds=path, diagrams=str(tmp_path / "diagrams.npz"), **settings)
    assert [file.name for file in tmp_path.iterdir()] == ["clouds.safetensors"]


def test_draws_of_nulls_have_the_diagrams_of_their_own_points(tmp_path):
    path, cloud = write_clouds(tmp_path)
    out = str(tmp_path / "diagrams.npz")
    settings = SETTINGS | {"nulls": {"gaussian": 2, "norm_matched": 1}, "metric": "cosine"}
    persist(clouds=path, diagrams=out, **settings)
    found = load(out)
    assert len(found.keys()) == 2 * (2 + 3)  # layers x (subsamples + draws of the first)
    chosen = subsamples(24, 12, 2, seed=0)[0]
    key = Key("final_norm", "token", 0)
    for name, points in draws(cloud[1, chosen], settings["nulls"], 0, key):
        expected = rips(points, metric="cosine")
        for one, other in zip(found.diagrams(*name), expected, strict=True):
            np.testing.assert_array_equal(one, other)


def test_nulls_are_drawn_of_the_principal_components(tmp_path):
    path, _ = write_clouds(tmp_path)
    out = str(tmp_path / "diagrams.npz")
    persist(clouds=path, diagrams=out, **SETTINGS | {"nulls": {"gaussian": 1}, "pca": 1})
    loops = load(out).diagrams("embedding", "token", 0, "gaussian", 0)[1]
    assert len(loops) == 0  # on a line there are none
