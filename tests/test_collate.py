import os
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from lmtopo.checksums import write_sealed
from lmtopo.collate import collate
from lmtopo.errors import InputError
from lmtopo.files import write_json
from lmtopo.tables import DOWNSTREAM, KEYS, QUALITY, read, write

READING = {
    "context": 8,
    "stride": 8,
    "n_documents": 1,
    "n_tokens": 10,
    "n_words": 5,
    "n_bytes": 20,
    "nll": 1.0,
    "perplexity": 1.1,
    "word_perplexity": 1.2,
    "byte_perplexity": 1.3,
    "bits_per_byte": 0.1,
}


def pair(folder: Path, step: int, dataset: str, model: str = "m") -> None:
    place = folder / model / "low" / f"step{step}" / dataset
    place.mkdir(parents=True)
    run = {
        "study": "s",
        "model": model,
        "budget": "low",
        "checkpoint": f"step{step}",
        "step": step,
        "tokens": None,
        "unique_tokens": None,
        "flops": 1e6 * step,
        "parameters": 5,
        "parameters_total": 9,
    }
    facts: dict[str, Any] = {"dataset": dataset, "split": "test", "dtype": "float32"}
    facts |= {"device": "cpu", "run": run, "readings": {"windows": READING}}
    write_sealed(place / "quality.json", facts)
    row = {key: run[key] for key in ("model", "budget", "checkpoint")} | {"dataset": dataset}
    row |= {"layer": "embedding", "pooling": "token", "dimension": 0, "signature": "x"}
    row |= {"step": step}
    rows = [row | {"replicate": number, "value": 10.0 * step + number} for number in range(2)]
    write(place / "signatures.parquet", pd.DataFrame(rows))


def distances(path: Path, model: str = "m") -> str:
    ends = {"model": model, "budget": "low", "checkpoint": "step0", "layer": "embedding"}
    row = {**ends, **{f"other_{name}": value for name, value in ends.items()}}
    row |= {"dataset": "a", "pooling": "token", "dimension": 0, "distance": "bottleneck"}
    write(path, pd.DataFrame([row | {"replicate": 0, "value": 0.0}]))
    return str(path)


def collated(
    folder: Path,
    runs: list[list[Any]],
    datasets: list[str],
    left_out: list[list[Any]] | None = None,
    tasks: Sequence[list[int]] = (),
) -> pd.DataFrame:
    collate(
        pairs=str(folder),
        runs=runs,
        datasets=datasets,
        left_out=left_out or [],
        tasks=[["m", "low", "pairs", "downstream.parquet", steps] for steps in tasks],
        missing=str(folder / "missing.parquet"),
        quality=str(folder / "quality.parquet"),
        signatures=str(folder / "signatures.parquet"),
        downstream=str(folder / "downstream.parquet"),
        compared=[distances(folder / f"{run[0]}.parquet", run[0]) for run in runs],
        distances=str(folder / "distances.parquet"),
    )
    return read(folder / "quality.parquet")


def test_rows_are_the_studys_pairs_in_its_order_and_no_others(tmp_path: Path) -> None:
    for step in (0, 9, 10):
        for dataset in ("b", "a"):
            pair(tmp_path, step, dataset)
    found = collated(tmp_path, [["m", "low", [0, 10]]], ["b", "a"])
    assert found[["dataset", "step"]].to_numpy().tolist() == [
        ["b", 0],
        ["b", 10],
        ["a", 0],
        ["a", 10],
    ]
    assert list(found.columns) == list(QUALITY)
    assert found["tokens"].isna().all()
    assert len(read(tmp_path / "signatures.parquet")) == 4 * 2


def test_every_value_stands_beside_that_of_the_untrained_model(tmp_path: Path) -> None:
    for step, model in ((0, "m"), (7, "m"), (7, "late")):
        pair(tmp_path, step, "a", model)
    collated(tmp_path, [["m", "low", [0, 7]], ["late", "low", [7]]], ["a"])
    found = read(tmp_path / "signatures.parquet")
    assert found["value"].tolist() == [0, 1, 70, 71, 70, 71]
    assert found["untrained_value"].tolist()[:4] == [0.5] * 4  # the mean over its replicates
    assert found["untrained_value"].isna().tolist()[4:] == [True] * 2


def test_distances_of_all_runs_are_one_table(tmp_path: Path) -> None:
    for model in ("m", "n"):
        pair(tmp_path, 0, "a", model)
    collated(tmp_path, [["m", "low", [0]], ["n", "low", [0]]], ["a"])
    found = read(tmp_path / "distances.parquet")
    assert found["model"].tolist() == ["m", "n"]
    assert (tmp_path / "distances.csv").is_file()
    assert set(KEYS["distances"]) <= set(found.columns)


def test_tasks_are_one_table_which_is_empty_without_any(tmp_path: Path) -> None:
    for step in (0, 9):
        pair(tmp_path, step, "a")
        row = {**dict.fromkeys(DOWNSTREAM, "0"), "checkpoint": f"step{step}"}
        frame = pd.DataFrame([row]).astype(DOWNSTREAM)
        write(tmp_path / f"m/low/step{step}/pairs/downstream.parquet", frame)
    collated(tmp_path, [["m", "low", [0, 9]]], ["a"])
    found = read(tmp_path / "downstream.parquet")
    assert (len(found), list(found.columns)) == (0, list(DOWNSTREAM))
    collated(tmp_path, [["m", "low", [0, 9]]], ["a"], tasks=[[9]])
    assert read(tmp_path / "downstream.parquet")["checkpoint"].tolist() == ["step9"]


def test_a_missing_pair_is_an_error_and_leaves_no_table(tmp_path: Path) -> None:
    pair(tmp_path, 0, "a")
    with pytest.raises(FileNotFoundError, match="step1"):
        collated(tmp_path, [["m", "low", [0, 1]]], ["a"])
    assert not (tmp_path / "quality.parquet").exists()


def test_what_is_left_out_is_in_a_table_of_its_own(tmp_path: Path) -> None:
    pair(tmp_path, 0, "a")
    gone = [["m", "low", "a", "the hub has lost it", ["step1"]]]
    found = collated(tmp_path, [["m", "low", [0, 1]]], ["a"], gone)
    assert found["step"].tolist() == [0]
    assert read(tmp_path / "missing.parquet").to_numpy().tolist() == [
        ["m", "low", "step1", "a", "the hub has lost it"]
    ]
    with pytest.raises(InputError, match="every pair of the study is left out"):
        collated(tmp_path, [["m", "low", [1]]], ["a"], gone)


def test_one_checkpoint_is_of_the_same_weights_on_all_datasets(tmp_path: Path) -> None:
    for number, (step, dataset) in enumerate(product((0, 1, 2), ("a", "b"))):
        pair(tmp_path, step, dataset)
        path = tmp_path / f"m/low/step{step}/{dataset}/provenance.json"
        weights = "old" if dataset == "a" and step > 0 else f"new {step}"
        write_json(path, {"sha256": {f"{dataset}/step{step}/model.safetensors": weights}})
        os.utime(path, (number, number))
    message = (
        rf"^checkpoint step1, step2 of 'm' \(low\) was of other weights when 'a' was observed than "
        rf"when 'b' was: remove {tmp_path}/m/low/{{step1,step2}}/a and run snakemake again$"
    )
    with pytest.raises(InputError, match=message):
        collated(tmp_path, [["m", "low", [0, 1, 2]]], ["a", "b"])
    assert not (tmp_path / "quality.parquet").exists()
    collated(tmp_path, [["m", "low", [0]]], ["a", "b"])
