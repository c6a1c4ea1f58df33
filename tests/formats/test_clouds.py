"""The file of clouds and the subsamples."""

import json
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lmtopo.errors import InputError
from lmtopo.formats.clouds import load, load_layer, save, subsamples

LAYERS = ["embedding", "block_1", "final_norm"]


def some_clouds() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {pooling: rng.normal(size=(3, 5, 4)).astype(np.float32) for pooling in ("token", "mean")}


def test_what_is_saved_is_loaded(tmp_path):
    clouds = some_clouds()
    save(tmp_path / "c", clouds, layers=LAYERS, metadata={"dtype": "float32"})
    found = load(tmp_path / "c")
    assert found.layers == tuple(LAYERS)
    assert found.metadata == {"dtype": "float32"}
    assert list(found.arrays) == ["mean", "token"]
    for pooling, cloud in clouds.items():
        np.testing.assert_array_equal(found.arrays[pooling], cloud)


def test_the_same_clouds_are_the_same_bytes(tmp_path):
    clouds = some_clouds()
    metadata = {letter: letter for letter in "abcdefgh"}
    save(tmp_path / "one", clouds, layers=LAYERS, metadata=metadata)
    backwards = dict(reversed(clouds.items())), dict(reversed(metadata.items()))
    for _ in range(5):
        save(tmp_path / "two", backwards[0], layers=LAYERS, metadata=backwards[1])
        assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_any_reader_of_safetensors_finds_the_clouds(tmp_path):
    save(tmp_path / "c", some_clouds(), layers=LAYERS, metadata={})
    raw = (tmp_path / "c").read_bytes()
    (length,) = struct.unpack("<Q", raw[:8])
    header = json.loads(raw[8 : 8 + length])
    assert header["token"]["shape"] == [3, 5, 4]
    assert json.loads(header["__metadata__"]["lmtopo"])["layers"] == LAYERS


def test_a_view_is_saved_as_it_reads(tmp_path):
    turned = np.asfortranarray(some_clouds()["token"])[:, ::-1]
    save(tmp_path / "c", {"token": turned}, layers=LAYERS, metadata={})
    np.testing.assert_array_equal(load(tmp_path / "c").arrays["token"], turned)


def test_layers_without_a_name_are_refused(tmp_path):
    with pytest.raises(InputError, match="3 layers, but 1 are named: embedding"):
        save(tmp_path / "c", some_clouds(), layers=["embedding"], metadata={})
    assert not list(tmp_path.iterdir())


def test_another_safetensors_file_is_refused(tmp_path):
    from safetensors.numpy import save_file

    save_file({"weight": np.zeros(2)}, tmp_path / "model.safetensors")
    with pytest.raises(InputError, match="no file of clouds"):
        load(tmp_path / "model.safetensors")


@settings(max_examples=30, deadline=None)
@given(st.integers(2, 60), st.data(), st.integers(0, 2**31))
def test_a_subsample_is_a_sorted_set_of_points(points, data, seed):
    size = data.draw(st.integers(1, points - 1))
    for chosen in subsamples(points, size, 3, seed):
        assert len(chosen) == size
        assert (np.diff(chosen) > 0).all()
        assert chosen[0] >= 0
        assert chosen[-1] < points


def test_subsamples_depend_on_seed_and_number_alone():
    first = subsamples(256, 128, 8, seed=1)
    for one, other in zip(first, subsamples(256, 128, 3, seed=1), strict=False):
        np.testing.assert_array_equal(one, other)
    everything = [*first, *subsamples(256, 128, 8, seed=2)]
    assert len({chosen.tobytes() for chosen in everything}) == 16


def test_all_points_are_one_subsample():
    (chosen,) = subsamples(7, 7, 1, seed=0)
    np.testing.assert_array_equal(chosen, np.arange(7))


@pytest.mark.parametrize(("size", "replicates"), [(8, 1), (0, 1), (7, 2)])
def test_impossible_subsamples_are_refused(size, replicates):
    with pytest.raises(InputError, match="subsample"):
        subsamples(7, size, replicates, seed=0)


def test_one_layer_is_read_alone(tmp_path):
    clouds = some_clouds()
    save(tmp_path / "c", clouds, layers=LAYERS, metadata={})
    found = load_layer(tmp_path / "c", "mean", "block_1")
    np.testing.assert_array_equal(found, clouds["mean"][1])
    for pooling, layer in (("last", "block_1"), ("mean", "block_2")):
        with pytest.raises(InputError, match=f"no cloud of {layer}, pooling '{pooling}'"):
            load_layer(tmp_path / "c", pooling, layer)
