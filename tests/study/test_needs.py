"""What jobs ask for: never less than was measured, more for what is larger."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from lmtopo import study
from lmtopo.study import Checkpoint, Study, needs

ROOT = Path(__file__).parents[2]
LONG = {
    name: {"source": "generated", "kind": name, "rows": {"validation": 5000}}
    for name in ("stories", "articles")
}


@pytest.fixture
def pythia(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Study:
    monkeypatch.chdir(tmp_path)
    return study.read(yaml.safe_load((ROOT / "config/studies/pythia.yaml").read_text()))


@pytest.fixture
def default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Study:
    monkeypatch.chdir(tmp_path)
    return study.read(yaml.safe_load((ROOT / "config/config.yaml").read_text()))


def last(of: Study, model: str) -> Checkpoint:
    return next(run for run in of.runs.values() if run.model == model).checkpoints[-1]


def changed(of: Study, **sections: Any) -> Study:
    """The study with other keys in some sections."""
    raw = of.file.model_dump(mode="json", by_alias=True, exclude_none=True)
    for name, keys in sections.items():
        raw[name] = {**raw[name], **keys} if isinstance(keys, dict) else keys
    return study.read(raw)


def test_each_attempt_asks_for_twice_as_much() -> None:
    need = needs.Need(1001, 31)
    assert [need.mem_mb(attempt) for attempt in (1, 2, 3)] == [1500, 3000, 6000]
    assert [need.runtime(attempt) for attempt in (1, 2, 3)] == [60, 120, 240]
    assert needs.Need(1.0, 0.0).runtime(1) == 30


def test_observe_of_pythia_70m_asks_for_what_it_takes_and_not_for_three_times_that(
    pythia: Study,
) -> None:
    # 1,023 MB were measured in batches of 8 x 1024, and Snakemake takes some 300 around it
    asked = needs.observe(pythia, last(pythia, "pythia-70m"), "tinystories").mem_mb(1)
    assert 1400 <= asked <= 3 * 1400


def test_a_larger_model_asks_for_more(pythia: Study) -> None:
    for of in (needs.observe, needs.downstream, needs.d90):
        asked = [
            of(pythia, last(pythia, f"pythia-{size}"), "glue-mrpc")
            for size in ("70m", "160m", "410m")
        ]
        assert sorted(asked, key=lambda need: need.memory) == asked
        assert sorted(asked, key=lambda need: need.minutes) == asked
        assert asked[0].memory < asked[2].memory


@pytest.mark.parametrize(
    ("of", "sections"),
    [
        (needs.observe, {"quality": {"batch_size": 256, "context": 1024}}),
        (needs.observe, {"clouds": {"points": 20_000}, "datasets": LONG}),
        (needs.persist, {"clouds": {"points": 4000, "subsample": 3000}, "datasets": LONG}),
        (needs.persist, {"homology": {"max_dimension": 2}}),
        (needs.describe, {"clouds": {"points": 4000, "subsample": 3000}, "datasets": LONG}),
    ],
    ids=["batch", "points", "subsample", "H2", "described"],
)
def test_larger_clouds_and_batches_ask_for_more(
    of: Callable[[Study, Checkpoint, str], needs.Need], sections: dict[str, Any], default: Study
) -> None:
    before = of(default, last(default, "neox-64"), "stories")
    more = of(changed(default, **sections), last(default, "neox-64"), "stories")
    assert more.memory > before.memory


def test_tables_of_a_large_study_ask_for_more_than_those_of_a_small_one(
    default: Study, pythia: Study
) -> None:
    assert needs.tables(pythia).memory > 4 * needs.tables(default).memory
    assert needs.compare(pythia, [*pythia.runs.values()], "glue-mrpc").minutes > (
        needs.compare(default, [*default.runs.values()], "stories").minutes
    )


def test_a_longer_budget_asks_for_more_time_but_no_more_than_a_day(default: Study) -> None:
    times = [
        needs.train(changed(default, budgets={"high": {"flops": flops}}), "neox-64", "high").minutes
        for flops in (1e12, 1e14, 1e20)
    ]
    assert times[0] < times[1] < times[2] == 24 * 60


def test_a_gpu_takes_less_time_and_more_memory_of_the_host(pythia: Study) -> None:
    for of in (needs.observe, needs.downstream, needs.d90):
        cpu, gpu = (
            of(changed(pythia, device=device), last(pythia, "pythia-410m"), "glue-mrpc")
            for device in ("cpu", "cuda")
        )
        assert gpu.minutes < cpu.minutes or gpu.minutes == 24 * 60
        assert gpu.memory > cpu.memory


def test_local_checkpoints_are_measured_by_their_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, save_checkpoint: Callable[..., Path]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.txt").write_text(
        ("the dog saw a cat and ran away from it " * 3 + "\n") * 6000
    )
    for architecture in ("gpt_neox", "gpt2"):
        save_checkpoint(tmp_path / architecture / "step1", architecture, seed=0)
    found = study.read(
        {
            "study": "mine",
            "datasets": {"mine": {"source": "local", "format": "lines", "path": "mine.txt"}},
            "models": {
                name: {"source": "local", "path": f"{folder}/step*"}
                for name, folder in (("neox", "gpt_neox"), ("gpt2", "gpt2"))
            },
            "evaluate": ["mine"],
            "quality": {"context": 32},
        }
    )
    for name in ("neox", "gpt2"):
        of = needs.shape(found, name)
        assert of.layers == 2
        assert of.total < 1e6
        assert needs.observe(found, last(found, name), "mine").mem_mb(1) <= 1500


def test_a_model_of_which_nothing_is_known_is_assumed_to_be_large(
    pythia: Study, tmp_path: Path
) -> None:
    raw = pythia.file.model_dump(mode="json", by_alias=True, exclude_none=True)
    model = raw["models"]["pythia-70m"] | {"repo": "some/model", "revisions": ["step1", "step2"]}
    raw["models"] = {"unknown": model}
    raw["evidence"] = {}
    found = study.read(raw)
    assert needs.shape(found, "unknown") == needs.UNKNOWN


@pytest.mark.parametrize(
    ("repo", "parameters"),
    [
        ("EleutherAI/pythia-12b-deduped", 12e9),
        ("allenai/OLMo-7B-hf", 7e9),
        ("someone/tiny-1.5m", 1.5e6),
        ("allenai/OLMoE-1B-7B-0924", 7e9),
        ("stabilityai/stablelm-2-1_6b", 1.6e9),
        ("mistralai/Mixtral-8x7B-v0.1", 56e9),
        ("someone/model2b3", 1e9),
        ("someone/v1.0.2b-x", 1e9),
        ("7b/model", 1e9),
    ],
)
def test_a_name_may_tell_how_large_a_model_is(repo: str, parameters: float) -> None:
    shape = needs.named(repo)
    assert shape.matrices == pytest.approx(parameters, rel=0.01)
    assert shape.layers * shape.width**2 == pytest.approx(24 * 2048**2 * parameters / 1e9, rel=0.2)
