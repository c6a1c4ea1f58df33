"""The noise floor: the same weights twice, and what moves beside them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from lmtopo.describe import describe
from lmtopo.noise import noise
from lmtopo.observe import observe
from lmtopo.persist import persist
from lmtopo.tables import KEYS, read, write

SAMPLING: dict[str, Any] = {
    "pca": None,
    "subsample": 24,
    "replicates": 2,
    "seed": 1,
    "nulls": {"gaussian": 2},
    "null_replicates": 1,
    "metric": "euclidean",
    "max_dimension": 1,
}


def measured(folder: Path, checkpoint: Path, probe: Path, dtype: str = "float32") -> dict[str, str]:
    """The files of one pair, through observe, persist and describe."""
    folder.mkdir()
    files = {
        name: str(folder / f"{name}.{suffix}")
        for name, suffix in (
            ("clouds", "safetensors"),
            ("diagrams", "npz"),
            ("quality", "json"),
            ("signatures", "parquet"),
            ("draws", "parquet"),
            ("curves", "npz"),
            ("projection", "npz"),
        )
    }
    run = {"study": "s", "model": "m", "budget": "released", "checkpoint": "step5", "step": 5}
    observe(
        checkpoint=str(checkpoint),
        probe=str(probe),
        clouds=files["clouds"],
        quality=files["quality"],
        provenance=str(folder / "provenance.json"),
        run={**run, "tokens": None},
        layers="all",
        poolings=["token", "mean"],
        dtype=dtype,
        batch_size=4,
        threads=1,
        linear="plain",
        device="cpu",
    )
    homology = {"threshold": None, "engine": "auto"}
    persist(clouds=files["clouds"], diagrams=files["diagrams"], **SAMPLING, **homology)
    describe(**files, names=None, **SAMPLING)
    return files


@pytest.mark.slow
def test_the_same_weights_twice_are_the_same_bytes(
    tmp_path: Path, save_checkpoint: Callable[..., Path], make_probe: Callable[..., Path]
) -> None:
    checkpoint, probe = save_checkpoint(tmp_path / "step5"), make_probe(tmp_path / "probe")
    one, two = (measured(tmp_path / name, checkpoint, probe) for name in ("one", "two"))
    for name in one:
        assert Path(one[name]).read_bytes() == Path(two[name]).read_bytes(), name
    table = tmp_path / "noise.parquet"
    told = {"pairs": [["m", "released", "step5", "stories"]], "sources": ["dtype"]}
    noise(signatures=one["signatures"], again=[two["signatures"]], noise=str(table), **told)
    found = read(table)
    assert (found.query("source == 'dtype'")["spread"] == 0).all()
    assert found.query("source == 'subsample'")["spread"].max() > 0
    coarse = measured(tmp_path / "three", checkpoint, probe, "bfloat16")
    noise(signatures=one["signatures"], again=[coarse["signatures"]], noise=str(table), **told)
    assert read(table).query("source == 'dtype' and signature == 'mean_norm'")["spread"].min() > 0


def values(path: Path, value: Callable[[int, int], float], steps: list[int]) -> str:
    """A table of signatures, two replicates a checkpoint."""
    rows = [
        {"model": "m", "budget": "low", "checkpoint": f"step{step}", "step": step, "dataset": "d"}
        | {"layer": "embedding", "pooling": "token", "dimension": 0, "signature": "x"}
        | {"replicate": replicate, "value": value(step, replicate)}
        for step in steps
        for replicate in range(2)
    ]
    write(path, pd.DataFrame(rows))
    return str(path)


def test_spread_is_the_deviation_of_a_single_value(tmp_path: Path) -> None:
    own = values(tmp_path / "own", lambda step, replicate: step + replicate, [0, 4, 10])
    again = [
        values(tmp_path / "seed1", lambda step, replicate: step + 4 * replicate - 1, [10]),
        values(tmp_path / "seed2", lambda step, replicate: step - 2 * replicate + 1, [10]),
        values(tmp_path / "half", lambda step, replicate: step + 3 * replicate, [10]),
    ]
    noise(
        signatures=own,
        again=again,
        noise=str(tmp_path / "noise.parquet"),
        pairs=[["m", "low", "step10", "d"]],
        sources=["seed", "seed", "dtype"],
    )
    found = read(tmp_path / "noise.parquet")
    assert not found.duplicated(list(KEYS["noise"])).any()
    found = found.set_index("source")
    assert found.index.tolist() == ["subsample", "seed", "dtype"]
    assert (found["step"] == 10).all()
    assert (found["range_over_training"] == 10).all()
    assert found["observations"].to_dict() == {"subsample": 2, "seed": 3, "dtype": 2}
    expected = {
        "subsample": np.std([10, 11], ddof=1),
        "seed": np.sqrt((np.var([10, 9, 11], ddof=1) + np.var([11, 13, 9], ddof=1)) / 2),
        "dtype": np.sqrt((0 + np.var([11, 13], ddof=1)) / 2),
    }
    assert found["spread"].to_dict() == pytest.approx(expected)


def test_without_checkpoints_the_table_is_empty(tmp_path: Path) -> None:
    own = values(tmp_path / "own", lambda step, replicate: 1.0, [0])
    path = tmp_path / "noise.parquet"
    noise(signatures=own, again=[], noise=str(path), pairs=[], sources=[])
    assert len(read(path)) == 0
    assert set(KEYS["noise"]) < set(read(path).columns)
