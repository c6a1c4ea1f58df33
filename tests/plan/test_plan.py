"""What a plan says, before anything runs."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from lmtopo import known_models
from lmtopo.dataset import survey
from lmtopo.dataset.documents import TEXTS
from lmtopo.dataset.generated import generate
from lmtopo.plan import calibration, plan, sizes, texts
from lmtopo.revisions import known

MEASURED = {name: getattr(calibration, name) for name in ("flops_rate", "cloud_seconds")}

OBSERVED = {
    "split": "validation",
    "documents": None,
    "max_tokens": None,
    "readings": 1,
    "context": 1024,
    "dtype": "float32",
    "threads": 1,
    "layers": "all",
    "poolings": ["token"],
    "points": 256,
    "subsample": 128,
    "replicates": 2,
    "draws": 0,
    "metric": "euclidean",
    "max_dimension": 1,
    "pca": None,
}
WIKITEXT = {
    "name": "wikitext-2",
    "hub": ["Salesforce/wikitext", "wikitext-2-raw-v1"],
    "cut": False,
    "observed": OBSERVED,
}
MRPC = {"name": "glue-mrpc", "hub": ["nyu-mll/glue", "mrpc"], "cut": False, "observed": None}


def task(*steps: int) -> dict[str, Any]:
    return {
        "name": "glue-mrpc",
        "split": "validation",
        "rows": 10_000,
        "layers": "all",
        "poolings": ["last", "mean"],
        "dtype": "float32",
        "threads": 1,
        "finetune": {"dimensions": [10, 100], "seeds": 3, "steps": 50, "batch_size": 4},
        "steps": {"downstream": {"pythia-70m/released": list(steps)}, "d90": {}},
    }


def pythia(size: str) -> dict[str, Any]:
    repo = f"EleutherAI/pythia-{size}"
    names = [name for name in known(repo) or [] if name != "main"]
    return {
        "model": f"pythia-{size}",
        "budget": "released",
        "source": "hub",
        "tokenizer": "pythia",
        "repo": repo,
        "revisions": names,
        "steps": [int(name.removeprefix("step")) for name in names],
    }


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine of known speed, and a hub that does not answer."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(calibration, "flops_rate", lambda dtype, threads: 1e11)
    monkeypatch.setattr(calibration, "cloud_seconds", lambda **_: (0.02, 0.01))
    monkeypatch.setattr(calibration, "distance_seconds", lambda **_: 0.005)
    monkeypatch.setattr(calibration, "probe_seconds", lambda **_: 3.0)
    monkeypatch.setattr(sizes, "HUB_ANSWERS", [False])
    for asked in (sizes.snapshot, sizes.configured, sizes.listed):
        asked.cache_clear()


def said(
    capsys: pytest.CaptureFixture[str],
    models: list[dict[str, Any]],
    draws: int = 0,
    again: list[list[Any]] | None = None,
    readings: int = 1,
    tasks: Sequence[dict[str, Any]] = (),
) -> str:
    plan(
        name="p",
        models=models,
        datasets=[
            {**WIKITEXT, "observed": {**OBSERVED, "draws": draws, "readings": readings}},
            MRPC,
        ],
        again=again or [],
        tasks=tasks,
        keep=2,
        clouds_kept=False,
        landmarks=12,
        compared=1,
        signatures=None,
    )
    return capsys.readouterr().err


def test_pythias_weights_are_as_large_as_published() -> None:
    published = {"70m": 166e6, "160m": 375e6, "410m": 911e6}
    for size, expected in published.items():
        facts = known_models.facts(f"EleutherAI/pythia-{size}")
        assert facts is not None
        assert facts.bytes == pytest.approx(expected, rel=0.002)
    totals = {"70m": 70_426_624, "160m": 162_322_944, "410m": 405_334_016}
    for size, total in totals.items():
        assert known_models.families()[f"EleutherAI/pythia-{size}"]["parameters_total"] == total


def test_pythia_has_154_checkpoints_of_224_gigabytes(capsys: pytest.CaptureFixture[str]) -> None:
    text = said(capsys, [pythia(size) for size in ("70m", "160m", "410m")])
    assert "3 runs, 462 checkpoints, 462 pairs" in text
    assert "download: 223.7 GB" in text
    assert "154 x 166 MB (as published)" in text
    assert "1.8 GB for 2 checkpoints" in text


def test_hours_follow_from_the_models_flops(capsys: pytest.CaptureFixture[str]) -> None:
    facts = known_models.facts("EleutherAI/pythia-70m")
    assert facts is not None
    tokens = 1_121_000 / 4.3
    attention = 4 * facts.layers * facts.width * 1024
    per_token = 2 * facts.matrices + attention + 2 * facts.width * facts.vocabulary
    hours = 154 * tokens * per_token / 1e11 / 3600
    text = said(capsys, [pythia("70m")])
    gpu = 154 * tokens * per_token / 40e12 / 3600
    assert f"observe{154:11,}{0:8}{hours:12,.2f}{gpu:12,.2f}" in text
    clouds = 154 * 8 * 2  # layers x replicates
    assert f"persist{154:11,}{0:8}{clouds * 0.02 / 3600:12,.2f}{'-':>12}" in text


def test_draws_of_nulls_and_what_is_observed_again_are_counted(
    capsys: pytest.CaptureFixture[str],
) -> None:
    again = [
        [variant, "pythia-70m", "released", 143000, "wikitext-2"]
        for variant in ("seed1", "float16")
    ]
    done = Path("results/p/noise/seed1/pythia-70m/released/step143000/wikitext-2")
    done.mkdir(parents=True)
    (done / "signatures.parquet").touch()
    text = said(capsys, [pythia("70m")], 19, again)
    clouds = 154 * 8 * (2 + 19)  # layers x (replicates + draws)
    assert f"persist{154:11,}{0:8}{clouds * 0.02 / 3600:12,.2f}" in text
    assert f"noise{1:13,}{1:8}" in text


def test_comparisons_are_counted(capsys: pytest.CaptureFixture[str]) -> None:
    within = 8 * (153 + 66) + 12 * 7  # layers x pairs of checkpoints, landmarks x pairs of layers
    text = said(capsys, [pythia("70m")])
    assert f"compare{1:11}{0:8}{within * 0.005 / 3600:12,.2f}" in text
    Path("results/p/compare/across/wikitext-2").mkdir(parents=True)
    Path("results/p/compare/across/wikitext-2/distances.parquet").touch()
    text = said(capsys, [pythia("70m"), pythia("160m")])
    assert f"compare{2:11}{1:8}" in text


def test_each_reading_is_a_pass(capsys: pytest.CaptureFixture[str]) -> None:
    def hours(readings: int) -> float:
        text = said(capsys, [pythia("70m")], readings=readings)
        [line] = [line for line in text.splitlines() if line.startswith("observe")]
        return float(line.split()[-1])

    assert hours(2) == pytest.approx(2 * hours(1), rel=1e-2)


def test_what_is_there_is_not_done_again(capsys: pytest.CaptureFixture[str]) -> None:
    run = pythia("70m") | {"revisions": ["step0", "step1"], "steps": [0, 1]}
    for name in ("quality.json", "diagrams.npz", "signatures.parquet"):
        path = Path("results/p/pairs/pythia-70m/released/step0/wikitext-2") / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    text = said(capsys, [run])
    assert f"observe{1:11}{1:8}" in text
    assert "1 x 166 MB" in text


def test_tasks_are_jobs_of_their_own_and_need_their_checkpoints(
    capsys: pytest.CaptureFixture[str],
) -> None:
    run = pythia("70m") | {"revisions": ["step0", "step1"], "steps": [0, 1]}
    for step in (0, 1):
        pair = Path(f"results/p/pairs/pythia-70m/released/step{step}/wikitext-2")
        pair.mkdir(parents=True)
        for name in ("quality.json", "diagrams.npz", "signatures.parquet"):
            (pair / name).touch()
    assert "0 x 166 MB" in said(capsys, [run])
    text = said(capsys, [run], tasks=[task(1)])
    assert "1 x 166 MB" in text
    facts = known_models.facts("EleutherAI/pythia-70m")
    assert facts is not None
    passing = (870_000 + 97_000) / 4.3 * 2 * facts.matrices / 1e11
    hours = (8 * 2 * 3.0 + passing) / 3600  # layers x poolings
    assert f"downstream{1:8}{0:8}{hours:12,.2f}" in text
    done = Path("results/p/pairs/pythia-70m/released/step1/glue-mrpc/downstream.parquet")
    done.parent.mkdir(parents=True)
    done.touch()
    assert f"downstream{0:8}{1:8}{0:12,.2f}" in said(capsys, [run], tasks=[task(1)])
    tuned = task(1)
    tuned["steps"]["d90"] = {"pythia-70m/released": [1]}
    tokens = 3 * 5 * 50 * 4 * 2 * 870_000 / 7_336 / 4.3
    training = tokens * 6 * facts.matrices / 1e11 / 3600
    text = said(capsys, [run], tasks=[tuned])
    line = next(line for line in text.splitlines() if line.startswith("d90"))
    assert line.split()[1:3] == ["1", "0"]
    assert float(line.split()[3]) > training


def test_an_unknown_size_makes_the_sum_a_lower_bound(capsys: pytest.CaptureFixture[str]) -> None:
    run = pythia("70m") | {"repo": "me/mine", "model": "mine"}
    text = said(capsys, [run])
    assert "download: at least" in text
    assert "not known: the size of me/mine" in text
    assert "CPU: at least" in text
    assert "not known: the shape of mine" in text


def test_only_a_sum_that_lacks_something_is_a_lower_bound(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sizes, "listed", lambda repo, revision: 1e8)
    monkeypatch.setattr(sizes, "SPLITS", {})
    lines = said(capsys, [pythia("70m")]).splitlines()
    assert [line.split(":")[0] for line in lines if "at least" in line] == ["CPU", "GPU"]
    assert "not known: the tokens of wikitext-2" in lines


@pytest.mark.parametrize("largest", [32_000_000, 0])
def test_tokens_of_a_text_of_ones_own_follow_from_its_bytes(
    monkeypatch: pytest.MonkeyPatch, largest: int
) -> None:
    """Read through, or of a file that is too large for that."""
    monkeypatch.setattr(survey, "LARGEST", largest)
    texts._splits.cache_clear()
    Path("mine.txt").write_text("".join("a dog and a cat\n" * 25 + "<|>\n" for _ in range(100)))
    origin = {"source": "local", "format": "text", "separator": "<|>", "path": "mine.txt"}
    dataset = {**WIKITEXT, "name": "mine", "hub": None, "origin": {**origin, "holdout": 0.5}}
    found = sizes.estimated_tokens(dataset)
    assert found == pytest.approx(50 * 25 * 16 / sizes.BYTES_PER_TOKEN, rel=0.03)
    dataset["observed"] = {**OBSERVED, "documents": 10}
    found = sizes.estimated_tokens(dataset)
    assert found == pytest.approx(10 * 25 * 16 / sizes.BYTES_PER_TOKEN, rel=0.03)


@pytest.mark.parametrize("kind", ["stories", "articles", "paraphrases"])
def test_tokens_of_a_corpus_that_is_not_written_yet_follow_from_its_first_rows(kind: str) -> None:
    rows = {"train": 300, "validation": 0}
    found = texts.splits({"source": "generated", "kind": kind, "seed": 0, "rows": rows})
    written = generate(kind, rows=300, seed=0)
    columns = [column for name, column in written.items() if name in TEXTS]
    size, documents = found["train"]
    assert documents == 300 * len(columns)
    assert size == pytest.approx(sum(len(str(x).encode()) for c in columns for x in c), rel=0.1)
    assert "validation" not in found


def test_the_hubs_own_listing_counts(hub: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sizes, "HUB_ANSWERS", [True])
    pickle = hub.root / "models/me/pickled/step5/pytorch_model.bin"
    assert sizes.listed("me/pickled", "step5") == pickle.stat().st_size
    shards = (hub.root / "models/allenai/OLMo-1B-hf/main").glob("model-*.safetensors")
    expected = sum(shard.stat().st_size for shard in shards)
    assert sizes.listed("allenai/OLMo-1B-hf", "main") == expected


@pytest.mark.parametrize("repo", ["allenai/OLMo-1B-hf", "me/pickled"])
def test_a_model_that_is_not_known_here_has_the_shape_of_its_config(
    hub: Any, monkeypatch: pytest.MonkeyPatch, repo: str
) -> None:
    from lmtopo.flops import matrix_parameters
    from lmtopo.formats.checkpoints import load

    monkeypatch.setattr(sizes, "HUB_ANSWERS", [True])
    folder = hub.root / "models" / repo / "main"
    model = load(folder, dtype="float32")
    found = sizes.configured(repo, "main")
    assert found is not None
    assert found.matrices == matrix_parameters(model)
    assert found.total == sum(parameter.numel() for parameter in model.parameters())
    assert (found.layers, found.width, found.vocabulary) == (2, 32, 300)
    fetched = [line for line in hub.requests if "/resolve/" in line]
    assert [line.rsplit("/", 1)[1] for line in fetched] == ["config.json"]


def test_a_repository_that_refuses_does_not_silence_the_others(
    hub: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sizes, "HUB_ANSWERS", [True])
    hub.gated.add("me/pickled")
    assert sizes.listed("me/pickled", "main") is None
    assert sizes.listed("allenai/OLMo-1B-hf", "main") is not None


def test_a_calibration_is_kept_and_dated(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    calibration.kept.cache_clear()
    assert calibration.remembered("x", lambda: [1.0]) == [1.0]
    calibration.kept.cache_clear()
    assert calibration.remembered("x", lambda: [2.0]) == [1.0]
    text = said(capsys, [pythia("70m")])
    today = date.today().isoformat()
    assert f"Calibrated: {today} (.lmtopo/calibration.json: delete it to measure" in text
    calibration.KEPT.unlink()
    calibration.kept.cache_clear()
    assert calibration.remembered("x", lambda: [2.0]) == [2.0]


@pytest.mark.parametrize("threads", [1, 2])
def test_a_calibration_while_others_have_the_machine_is_as_one_alone(
    monkeypatch: pytest.MonkeyPatch, threads: int
) -> None:
    """A call takes 10 ms of CPU; in all windows but one others have the machine for 30 times as
    long."""
    cpu, wall, calls = [0.0], [0.0], []

    def work() -> None:
        calls.append(1)
        cpu[0] += 0.01
        wall[0] += 0.01 if 50 <= len(calls) < 100 else 0.3

    clocks = {"process_time": cpu, "perf_counter": wall, "monotonic": cpu}
    for name, now in clocks.items():
        monkeypatch.setattr(calibration.time, name, lambda now=now: now[0])
    monkeypatch.setattr(calibration, "WINDOWS", 100)
    assert calibration.least(work, threads) == pytest.approx(0.01)


@pytest.mark.slow
def test_rates_are_those_of_a_machine() -> None:
    assert 1e8 < MEASURED["flops_rate"]("float32", 1) < 1e14
    persist, describe = MEASURED["cloud_seconds"](
        points=32, width=8, metric="euclidean", max_dimension=1, signatures=["feature_count"]
    )
    assert 0 < describe < persist < 1
