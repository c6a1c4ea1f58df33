"""What a disk does to files: whatever bit turns, results are read as they were written or not."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from lmtopo import tables
from lmtopo.checksums import check_folder, read_sealed, reading, seal_folder, write_sealed
from lmtopo.errors import Damaged, InputError
from lmtopo.formats import clouds, curves, diagrams, projections
from lmtopo.formats.diagrams import Key, Persistence

RNG = np.random.default_rng(0)
CLOUD = RNG.random((2, 4, 3)).astype(np.float32)
BARS = RNG.random((5, 2))


def table(path: Path) -> None:
    frame = pd.DataFrame({"model": ["a", "b"] * 20, "value": RNG.random(40), "step": range(40)})
    tables.write(path, frame)


def write_diagrams(path: Path) -> None:
    diagrams.save(path, {Key("l", "p", 0): Persistence([BARS, BARS[:3]], 1.5)})


def read_diagrams(path: Path) -> Any:
    found = diagrams.load(path)
    bars = [one.tolist() for one in found.diagrams("l", "p", 0)]
    return bars, found.radius("l", "p", 0)


def read_clouds(path: Path) -> Any:
    found = clouds.load(path)
    return found.layers, found.metadata, found.arrays["p"].tolist()


KINDS: dict[str, tuple[Callable[[Path], Any], Callable[[Path], Any]]] = {
    "table.parquet": (table, lambda path: tables.read(path).to_dict()),
    "diagrams.npz": (write_diagrams, read_diagrams),
    "curves.npz": (
        lambda path: curves.save(path, {("p", "c"): BARS[None]}, layers=["l"]),
        lambda path: curves.load(path).curve("c", "l", "p").tolist(),
    ),
    "projection.npz": (
        lambda path: projections.save(
            path, {"p": CLOUD[..., :2]}, {"p": CLOUD[:, 0, :2]}, layers=["x", "y"]
        ),
        lambda path: repr(projections.load(path)),
    ),
    "clouds.safetensors": (
        lambda path: clouds.save(path, {"p": CLOUD}, layers=["x", "y"], metadata={"m": "1"}),
        read_clouds,
    ),
    "layer.safetensors": (
        lambda path: clouds.save(path, {"p": CLOUD}, layers=["x", "y"], metadata={}),
        lambda path: clouds.load_layer(path, "p", "y").tolist(),
    ),
    "quality.json": (lambda path: write_sealed(path, {"a": 1.25, "b": ["x", None]}), read_sealed),
}


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.filterwarnings("ignore")
def test_a_turned_bit_is_noticed_or_changes_nothing(name: str, tmp_path: Path) -> None:
    write, read = KINDS[name]
    path = tmp_path / name
    write(path)
    whole, expected = path.read_bytes(), read(path)
    noticed = []
    for place in RNG.choice(len(whole), min(len(whole), 200), replace=False):
        spoilt = bytearray(whole)
        spoilt[place] ^= 1 << int(RNG.integers(8))
        path.write_bytes(spoilt)
        try:
            found = read(path)
        except InputError as error:
            noticed.append(str(error))
        else:
            assert found == expected, f"the byte at {place}"
    assert len(noticed) > 20
    assert sum(str(path) in one for one in noticed) > 0.9 * len(noticed)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["diagrams.npz", "curves.npz", "projection.npz"])
@pytest.mark.filterwarnings("ignore")
def test_every_bit_of_a_directory_of_arrays_is_noticed_or_changes_nothing(
    name: str, tmp_path: Path
) -> None:
    write, read = KINDS[name]
    path = tmp_path / name
    write(path)
    whole, expected = path.read_bytes(), read(path)
    for place in range(whole.index(b"PK\x01\x02"), len(whole)):
        for bit in range(8):
            spoilt = bytearray(whole)
            spoilt[place] ^= 1 << bit
            path.write_bytes(spoilt)
            try:
                found = read(path)
            except InputError:
                continue
            assert found == expected, f"bit {bit} of the byte at {place}"


@pytest.mark.parametrize("name", KINDS)
def test_a_cut_or_empty_file_says_which_it_is_and_what_to_do(name: str, tmp_path: Path) -> None:
    write, read = KINDS[name]
    path = tmp_path / name
    write(path)
    whole = path.read_bytes()
    for spoilt in (whole[: len(whole) // 2], whole[:-2], b""):
        path.write_bytes(spoilt)
        with pytest.raises(Damaged, match=r"is damaged \(.+\): delete it and run snakemake again"):
            read(path)


def test_a_missing_file_is_not_a_damaged_one(tmp_path: Path) -> None:
    for name, (_, read) in KINDS.items():
        with pytest.raises(FileNotFoundError):
            read(tmp_path / name)


def test_what_was_asked_wrongly_is_no_damage(tmp_path: Path) -> None:
    def ask() -> None:
        with reading(tmp_path):
            raise InputError("no such layer")

    with pytest.raises(InputError, match="no such layer") as caught:
        ask()
    assert not isinstance(caught.value, Damaged)


def test_a_folder_knows_its_files(tmp_path: Path) -> None:
    step = tmp_path / "run/step1"
    (step / "inside").mkdir(parents=True)
    for name in ("a", "inside/b"):
        (step / name).write_text(name)
    check_folder(step, step.parent)  # nothing is known of it
    seal_folder(step)
    check_folder(step, step.parent)
    (step / "inside/b").write_text("c")
    with pytest.raises(Damaged, match=r"run' is damaged \(the checksum of step1/inside/b"):
        check_folder(step, step.parent)
    (step / "inside/b").unlink()
    with pytest.raises(Damaged, match="step1/inside/b"):
        check_folder(step, step.parent)
