"""Findings in the listings of a hub and in a study's perplexities."""

from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from lmtopo import audit
from lmtopo.audit import far_from_neighbours, jumps, missing_steps, mixed_shards, same_weights


def table(losses: list[float], **columns: Any) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "model": "m",
            "budget": "full",
            "dataset": "d",
            "reading": "windows",
            "step": np.arange(len(losses)) * 1000,
            "perplexity": np.exp(losses),
        }
        | columns
    )


def found(tmp_path: Path, models: Any) -> pd.DataFrame:
    report = tmp_path / "out/audit.csv"
    none = str(tmp_path / "none")
    audit.audit(models=models, quality=none, distances=none, report=str(report), patience=2.0)
    return pd.read_csv(report)


def test_equal_weights_at_two_steps_are_found_without_a_download(hub: Any, tmp_path: Path) -> None:
    revisions = [(step, f"step{step}") for step in (0, 1, 2, 512)]
    frame = found(tmp_path, [("pythia", "EleutherAI/pythia-70m", revisions)])
    assert frame.values.tolist() == [
        ["pythia", "same weights", "step0 step1", "equal SHA-256 in every file"]
    ]
    assert not [line for line in hub.requests if "/resolve/" in line]
    assert not [line for line in hub.requests if "/revision/" in line]  # the listing is enough


def test_a_revision_that_cannot_be_read_is_a_finding_and_no_error(hub: Any, tmp_path: Path) -> None:
    revisions = [(2, "step2"), (3, "step3")]
    frame = found(tmp_path, [("pythia", "EleutherAI/pythia-70m", revisions)])
    assert frame[["finding", "checkpoints"]].values.tolist() == [["not readable", "step3"]]
    assert "revision 'step3'" in frame["detail"][0]


def test_nothing_to_report_is_a_table_with_a_header(
    hub: Any, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    revisions = [(1000, "step1000-tokens4B"), (2000, "step2000-tokens8B")]
    frame = found(tmp_path, [("olmo", "allenai/OLMo-1B-hf", revisions)])
    assert frame.empty
    assert tuple(frame.columns) == audit.COLUMNS
    assert "audit of 2 revisions: nothing to report" in capfd.readouterr().err


def test_a_table_of_perplexities_is_looked_at(tmp_path: Path) -> None:
    losses = list(np.linspace(9, 3, 20))
    losses[7] += 2
    table(losses).to_parquet(tmp_path / "quality.parquet")
    report = tmp_path / "audit.csv"
    quality = str(tmp_path / "quality.parquet")
    none = str(tmp_path / "none")
    audit.audit(models=[], quality=quality, distances=none, report=str(report), patience=1.0)
    assert pd.read_csv(report)["finding"].unique().tolist() == ["jump"]


def test_shards_of_another_revision_are_found() -> None:
    listed = {1: {"1": "a", "2": "b"}, 2: {"1": "c", "2": "b"}, 3: {"1": "d", "2": "e"}}
    (one,) = mixed_shards("m", listed)
    assert one["checkpoints"] == "step1 step2"
    assert one["detail"] == "1 of 2 files are equal"
    assert not list(same_weights("m", listed))


def test_equal_weights_are_no_mix() -> None:
    listed = {1: {"1": "a", "2": "b"}, 2: {"1": "a", "2": "b"}, 3: {"1": "c", "2": "d"}}
    assert not list(mixed_shards("m", listed))
    assert [one["checkpoints"] for one in same_weights("m", listed)] == ["step1 step2"]


def test_a_step_that_a_regular_grid_lacks_is_found() -> None:
    steps = [step for step in range(0, 20_000, 1000) if step not in (7000, 12_000, 13_000)]
    findings = list(missing_steps("m", steps))
    assert [one["checkpoints"] for one in findings] == ["step6000 step8000", "step11000 step14000"]
    assert [one["detail"][0] for one in findings] == ["1", "2"]


@pytest.mark.parametrize(
    "steps",
    [
        [*(2**power for power in range(10)), *range(1000, 144_000, 1000)],
        [2**power for power in range(18)],
        [0, 1000, 3000],
        [],
    ],
)
def test_a_grid_that_is_whole_or_none_lacks_nothing(steps: list[int]) -> None:
    assert not list(missing_steps("m", steps))


@pytest.mark.parametrize("size", [1.0, -1.0])
def test_a_jump_of_the_perplexity_is_found(size: float) -> None:
    losses = list(3 + 6 * np.exp(-np.arange(30) / 5))
    losses[20] += size
    (one,) = [one for one in jumps(table(losses)) if one["checkpoints"] == "step20000"]
    assert one["detail"] == f"d: log perplexity {size:+.2f} off its neighbours (full)"


def test_only_the_checkpoint_that_jumps_is_named() -> None:
    losses = list(np.linspace(9, 3, 30))
    losses[20] += 3
    assert [one["checkpoints"] for one in jumps(table(losses))] == ["step20000"]


def test_a_smooth_curve_has_no_jump() -> None:
    falling = 3 + 6 * np.exp(-np.arange(30) / 5)
    noise = np.random.default_rng(0).normal(0, 0.01, 30)
    assert not list(jumps(table(list(falling))))
    assert not list(jumps(table(list(falling + noise))))
    assert not list(jumps(table([3.0] * 30)))


def test_runs_are_looked_at_apart() -> None:
    low, high = table([3.0] * 10), table([9.0] * 10, model="n")
    assert not list(jumps(pd.concat([low, high])))


def distances_along(places: list[float]) -> pd.DataFrame:
    """Distances of neighbours, were each checkpoint's diagrams a place on a line; in one series
    they say nothing."""
    rows = []
    for step, (one, other) in enumerate(pairwise(places)):
        for layer, value in (("a", abs(other - one)), ("b", 2 * abs(other - one)), ("c", 1.0)):
            ends = {"step": step * 1000, "other_step": (step + 1) * 1000, "layer": layer}
            rows.append(ends | {"value": value, "pooling": "token", "dimension": 0})
    constants = {"model": "m", "budget": "full", "dataset": "d", "replicate": 0}
    constants |= {"relation": "consecutive", "distance": "wasserstein_1"}
    return pd.DataFrame(rows).assign(**constants)


def test_diagrams_of_another_step_are_found(tmp_path: Path) -> None:
    places = list(10 * np.exp(-np.arange(30) / 8))
    assert not list(far_from_neighbours(distances_along(places)))
    places[20] = places[2]
    table = distances_along(places)
    (one,) = far_from_neighbours(table)
    assert one["finding"] == "jump"
    assert one["checkpoints"] == "step20000"
    assert one["detail"].endswith("times as far from both neighbours as usual (full)")
    table.to_parquet(tmp_path / "distances.parquet")
    none, report = str(tmp_path / "none"), str(tmp_path / "audit.csv")
    found = str(tmp_path / "distances.parquet")
    audit.audit(models=[], quality=none, distances=found, report=report, patience=1.0)
    assert pd.read_csv(report)["checkpoints"].tolist() == ["step20000"]


def test_checkpoints_that_lie_farther_apart_are_no_jump() -> None:
    steps = [*range(1000, 7000, 1000), 50_000, 100_000, *range(101_000, 107_000, 1000)]
    table = distances_along([step / 1000 for step in steps])
    ends = dict(enumerate(steps))
    for column in ("step", "other_step"):
        table[column] = (table[column] // 1000).map(ends)
    assert not list(far_from_neighbours(table))


def test_what_trainers_save_beside_weights_is_no_shard(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ["pytorch_model.bin", "training_args.bin", "optimizer.bin", "config.json"]
    files = {name: SimpleNamespace(sha256=name, blob="") for name in names}
    monkeypatch.setattr("lmtopo.hub.snapshot.listing", lambda *_, **__: files)
    assert audit.shards("r", "main", 1.0) == {"pytorch_model.bin": "pytorch_model.bin"}
    shards = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"]
    files |= {name: SimpleNamespace(sha256=name, blob="") for name in (*shards, "x.safetensors")}
    assert set(audit.shards("r", "main", 1.0)) == set(shards)


def test_equal_checkpoints_and_short_runs_are_no_jump() -> None:
    assert not list(far_from_neighbours(distances_along([3.0] * 30)))
    assert not list(far_from_neighbours(distances_along([0.0, 0.0, 9.0, 0.0, 0.0])))
