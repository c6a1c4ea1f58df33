"""The files of curves and of projections."""

import numpy as np
import pytest

from lmtopo.errors import InputError
from lmtopo.formats import curves, projections

LAYERS = ("embedding", "block_1", "final_norm")


def some_curves() -> dict[tuple[str, str], np.ndarray]:
    rng = np.random.default_rng(0)
    return {
        ("token", "betti_curve"): rng.normal(size=(3, 2, 5)),
        ("mean", "betti_curve"): rng.normal(size=(3, 2, 5)),
        ("token", "gride_curve"): np.full((3, 2, 4), np.nan),
    }


def test_curves_are_found_by_their_names(tmp_path):
    arrays = some_curves()
    curves.save(tmp_path / "c.npz", arrays, layers=LAYERS)
    found = curves.load(tmp_path / "c.npz")
    assert found.layers == LAYERS
    assert list(found.arrays) == list(arrays)
    one = found.curve("betti_curve", "block_1", "mean")
    np.testing.assert_array_equal(one, arrays["mean", "betti_curve"][1].astype(np.float32))
    assert one.dtype == np.float32


def test_no_curves_are_a_file_too(tmp_path):
    curves.save(tmp_path / "c.npz", {}, layers=LAYERS)
    assert curves.load(tmp_path / "c.npz").arrays == {}


@pytest.mark.parametrize("name", [("other", "block_1"), ("gride_curve", "block_9")])
def test_a_curve_that_is_not_there_is_named(tmp_path, name):
    curves.save(tmp_path / "c.npz", some_curves(), layers=LAYERS)
    with pytest.raises(InputError, match=f"no curve '{name[0]}' of {name[1]}.*token/gride_curve"):
        curves.load(tmp_path / "c.npz").curve(*name, "token")


def test_projections_are_found_by_their_names(tmp_path):
    rng = np.random.default_rng(0)
    points = {"token": rng.normal(size=(3, 7, 2)).astype(np.float32)}
    variance = {"token": rng.uniform(size=(3, 2)).astype(np.float32)}
    projections.save(tmp_path / "p.npz", points, variance, layers=LAYERS)
    found = projections.load(tmp_path / "p.npz")
    assert found.layers == LAYERS
    np.testing.assert_array_equal(found.points["token"], points["token"])
    np.testing.assert_array_equal(found.variance["token"], variance["token"])


def test_the_same_arrays_are_the_same_bytes_and_numpy_alone_reads_them(tmp_path):
    for name in ("one.npz", "two.npz"):
        curves.save(tmp_path / name, some_curves(), layers=LAYERS)
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "two.npz").read_bytes()
    with np.load(tmp_path / "one.npz") as file:
        assert file["layers"].tolist() == list(LAYERS)
        assert file["token/betti_curve"].shape == (3, 2, 5)
