"""The file of persistence diagrams."""

import numpy as np
import pytest

from lmtopo.errors import InputError
from lmtopo.formats.diagrams import Key, Persistence, load, save
from lmtopo.vietoris_rips import rips


def some_results() -> dict[Key, Persistence]:
    x = np.random.default_rng(0).normal(size=(20, 3))
    return {
        Key("block_1", "token", 0): Persistence(rips(x), 1.5),
        Key("block_1", "token", 1): Persistence(rips(x[:1]), 0.0),
        Key("block_1", "token", 0, "gaussian", 0): Persistence(rips(2 * x), 3.0),
        Key("block_1", "token", 0, "gaussian", 1): Persistence(rips(x[:9]), 2.0),
        Key("block_1", "token", 0, "gaussian", 2): Persistence(rips(x[:1]), 0.0),
    }


def test_what_is_saved_is_loaded(tmp_path):
    results = some_results()
    save(tmp_path / "d.npz", results)
    found = load(tmp_path / "d.npz")
    assert found.keys() == list(results)
    for key, (diagrams, radius) in results.items():
        assert found.radius(*key) == radius
        for one, other in zip(found.diagrams(*key), diagrams, strict=True):
            np.testing.assert_array_equal(one, other)


def test_the_same_diagrams_are_the_same_bytes(tmp_path):
    save(tmp_path / "one.npz", some_results())
    save(tmp_path / "two.npz", some_results())
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "two.npz").read_bytes()


def test_numpy_alone_finds_the_diagrams(tmp_path):
    save(tmp_path / "d.npz", some_results())
    with np.load(tmp_path / "d.npz") as file:
        assert file["block_1/token/0/H0"].shape == (20, 2)
        assert file["block_1/token/1/H1"].shape == (0, 2)
        assert file["block_1/token/0/enclosing_radius"] == 1.5
        draws = file["block_1/token/0/gaussian/H0"], file["block_1/token/0/gaussian/H0_bars"]
        assert len(draws[0]) == 20 + 9 + 1
        assert draws[1].tolist() == [20, 9, 1]
        assert file["block_1/token/0/gaussian/enclosing_radius"].tolist() == [3.0, 2.0, 0.0]


def test_an_array_is_read_when_it_is_asked_for_and_once(tmp_path, monkeypatch):
    save(tmp_path / "d.npz", some_results())
    read: list[str] = []
    original = np.lib.npyio.NpzFile.__getitem__
    monkeypatch.setattr(
        np.lib.npyio.NpzFile,
        "__getitem__",
        lambda file, name: read.append(name) or original(file, name),
    )
    found = load(tmp_path / "d.npz")
    found.keys()
    assert read == ["block_1/token/0/gaussian/enclosing_radius"]  # how many draws there are
    read.clear()
    found.diagrams("block_1", "token", 0)
    found.diagrams("block_1", "token", 0)
    assert read == ["block_1/token/0/H0", "block_1/token/0/H1"]


def test_a_key_that_is_not_there_is_named(tmp_path):
    save(tmp_path / "d.npz", some_results())
    found = load(tmp_path / "d.npz")
    with pytest.raises(InputError, match="no diagrams of block_1/token/7"):
        found.diagrams("block_1", "token", 7)
    with pytest.raises(InputError, match=r"it has: layer block_1.*; draws of gaussian [^:]*\)$"):
        found.diagrams("block_9", "token", 0)
    for name, key in (
        ("block_1/token/0/gaussian/3", ("block_1", "token", 0, "gaussian", 3)),
        ("block_1/token/0/gaussian", ("block_1", "token", 0, "gaussian")),
        ("block_1/token/1/gaussian/0", ("block_1", "token", 1, "gaussian", 0)),
    ):
        with pytest.raises(InputError, match=f"no diagrams of {name} "):
            found.diagrams(*key)
