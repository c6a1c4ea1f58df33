import json
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml

from lmtopo import study
from lmtopo.errors import InputError
from lmtopo.study import settings
from lmtopo.study.schema import json_schema

ROOT = Path(__file__).parents[2]
SMALLEST = {
    "study": "mine",
    "datasets": {"stories": {"source": "generated", "kind": "stories"}},
    "models": {
        "tiny": {
            "source": "train",
            "dataset": "stories",
            "vocabulary": 300,
            "architecture": {
                "hidden_size": 32,
                "num_hidden_layers": 2,
                "num_attention_heads": 2,
            },
            "budgets": ["low"],
        }
    },
    "budgets": {"low": {"flops": 1e11}},
    "evaluate": ["stories"],
}


@pytest.fixture
def raw(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The smallest study, read in an empty working directory."""
    monkeypatch.chdir(tmp_path)
    return deepcopy(SMALLEST)


def problems(raw: dict[str, Any]) -> str:
    with pytest.raises(InputError) as caught:
        study.read(raw)
    return str(caught.value)


def test_pairs_are_every_checkpoint_with_every_dataset(raw: dict[str, Any]) -> None:
    raw["datasets"]["articles"] = {"source": "generated", "kind": "articles"}
    raw["evaluate"].append({"dataset": "articles", "split": "test"})
    found = study.read(raw)
    checkpoints = found.runs["tiny", "low"].checkpoints
    assert len(checkpoints) == 24
    assert len(found.pairs) == 48
    assert checkpoints[0].step == 0
    spent = checkpoints[-1].tokens or 0
    recipe = settings.train(found, "tiny", "low")["recipe"]
    per_step = recipe["flops_per_token"] * 256 * 16
    assert spent * recipe["flops_per_token"] <= 1e11 < spent * recipe["flops_per_token"] + per_step


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda raw: raw.update(evalute=[]), r"evalute: unknown key \(did you mean evaluate\?\)"),
        (lambda raw: raw.pop("evaluate"), "evaluate: required"),
        (
            lambda raw: raw["models"]["tiny"]["architecture"].update(hiden_size=3),
            r"models.tiny.architecture.hiden_size: unknown key \(did you mean hidden_size\?\)",
        ),
        (
            lambda raw: raw["models"]["tiny"]["architecture"].update(num_attention_heads=3),
            "hidden_size 32 is no multiple of num_attention_heads 3",
        ),
        (
            lambda raw: raw["budgets"]["low"].update(flops="5 PF"),
            r"budgets.low.flops: .*number.*'5 PF'",
        ),
        (lambda raw: raw["budgets"]["low"].update(tokens=5), "give either flops or tokens"),
        (
            lambda raw: raw["budgets"]["low"].update(flops=1e3),
            r"budget 'low' gives model 'tiny' 0 optimizer steps .*raise budgets.low.flops",
        ),
        (
            lambda raw: raw["budgets"]["low"].update(unique_tokens=100),
            "budgets.low.unique_tokens is 100, less than one window",
        ),
        (
            lambda raw: raw["models"]["tiny"].update(budgets=["high"]),
            r"models.tiny.budgets: 'high' is not defined \(there are: low\)",
        ),
        (lambda raw: raw["evaluate"].append("wiki"), "evaluate: 'wiki' is not defined"),
        (
            lambda raw: raw["evaluate"].append({"dataset": "stories", "split": "test"}),
            "dataset 'stories' stands there twice",
        ),
        (
            lambda raw: raw.update(evaluate=[{"dataset": "stories", "split": "dev"}]),
            r"has no split 'dev' \(it has: train, validation, test\)",
        ),
        (
            lambda raw: raw.update(clouds={"points": 10**6, "poolings": ["token"]}),
            "too few tokens for clouds of 1000000 points",
        ),
        (
            lambda raw: raw.update(evaluate=[{"dataset": "stories", "documents": 3}]),
            "has at most .* texts of 16 tokens: too few",
        ),
        (
            lambda raw: raw.update(evaluate=[{"dataset": "stories", "max_tokens": 15}]),
            "too few tokens for clouds of 256 points",
        ),
        (
            lambda raw: raw.update(evaluate=[{"dataset": "stories", "min_characters": 10**6}]),
            "has 0 bytes in 0 documents",
        ),
        (
            lambda raw: raw.update(clouds={"points": 100, "subsample": 128}),
            "clouds.subsample 128 is above clouds.points 100",
        ),
        (
            lambda raw: raw.update(clouds={"points": 144, "pca": 144}),
            "clouds.pca 144 is above clouds.points - 1 = 143",
        ),
        (
            lambda raw: raw.update(train={"dtype": "float16"}),
            "train.dtype: input should be 'float32' or 'bfloat16'",
        ),
        (
            lambda raw: raw.update(clouds={"layers": ["block_7"]}),
            "clouds.layers names 'block_7', but there are 2 blocks",
        ),
        (lambda raw: raw.update(signatures=["betty"]), "signatures: 'betty' is not defined"),
        (
            lambda raw: raw.update(figures={"signature": "betty"}),
            "figures.signature: 'betty' is not defined",
        ),
        (
            lambda raw: raw.update(signatures=["twonn"], figures={"signature": "mean_norm"}),
            r"figures.signature: 'mean_norm' is not defined \(there are: twonn\)",
        ),
        (lambda raw: raw.update(data="nowhere"), "data: folder 'nowhere' does not exist"),
        (
            lambda raw: raw["datasets"].update(
                mine={"source": "local", "format": "lines", "path": "{data}/x.txt"}
            ),
            "'{data}' is used, but data is not given",
        ),
        (
            lambda raw: raw["datasets"].update(mine={"source": "cloud", "path": "x"}),
            "datasets.mine.source: 'cloud' is not known here",
        ),
        (
            lambda raw: raw["models"].update(mine={"source": "local", "path": "runs/step*"}),
            r"models.mine: no folder matches 'runs/step\*'",
        ),
        (lambda raw: raw.update(quality={"context": 16, "stride": 17}), "stride 17 above context"),
        (
            lambda raw: raw.update(quality={"prefix": "none"}),
            r"quality: prefix none needs readings \[document\]",
        ),
        (lambda raw: raw.update(study="My Study"), "study: string should match pattern"),
    ],
)
def test_each_mistake_has_one_clear_line(
    change: Callable[[dict[str, Any]], Any], message: str, raw: dict[str, Any]
) -> None:
    change(raw)
    text = problems(raw)
    assert len(text.splitlines()) == 2, text
    import re

    assert re.search(message, text), text


def test_all_mistakes_are_listed_at_once(raw: dict[str, Any]) -> None:
    raw["budgets"]["low"]["flops"] = 1.0
    raw["clouds"] = {"points": 10**6, "poolings": ["token"]}
    raw["models"]["mine"] = {"source": "local", "path": "nowhere"}
    assert problems(raw).startswith("study 'mine' has 3 problems:")


def test_a_missing_local_file_is_named(raw: dict[str, Any]) -> None:
    raw["datasets"]["mine"] = {"source": "local", "format": "lines", "path": "no/such.txt"}
    raw["evaluate"].append("mine")
    assert "no/such.txt" in problems(raw)


def test_one_dataset_name_with_two_origins_names_both_studies(
    raw: dict[str, Any], tmp_path: Path
) -> None:
    other = deepcopy(SMALLEST) | {"study": "theirs"}
    other["datasets"] = {"stories": {"source": "generated", "kind": "articles"}}
    folder = tmp_path / "config" / "studies"
    folder.mkdir(parents=True)
    (folder / "theirs.yaml").write_text(yaml.safe_dump(other))
    text = problems(raw)
    assert "study 'mine'" in text
    assert "study 'theirs' (described in config/studies/theirs.yaml)" in text


def test_a_saved_dataset_of_another_study_is_not_overwritten(
    raw: dict[str, Any], tmp_path: Path
) -> None:
    saved = tmp_path / "datasets" / "stories"
    saved.mkdir(parents=True)
    origin = {"source": "generated", "kind": "stories", "seed": 9}
    (saved / "provenance.json").write_text(json.dumps({"study": "theirs", "origin": origin}))
    assert "study 'theirs' (saved in datasets/stories)" in problems(raw)


def test_local_checkpoints_are_found_by_step(
    raw: dict[str, Any], tmp_path: Path, save_checkpoint: Callable[..., Path]
) -> None:
    for step in (1000, 200):
        save_checkpoint(tmp_path / "runs" / f"checkpoint-{step}")
    raw["models"]["mine"] = {
        "source": "local",
        "path": "runs/checkpoint-*",
        "tokens_per_step": 8,
    }
    raw["quality"] = {"context": 64}
    run = study.read(raw).runs["mine", "released"]
    assert [(point.step, point.tokens) for point in run.checkpoints] == [(200, 1600), (1000, 8000)]
    raw["quality"] = {"context": 65}
    assert "the model's positions end at 64" in problems(raw)


def test_models_may_share_a_tokenizer_only_if_it_is_the_same(
    raw: dict[str, Any], tmp_path: Path, save_checkpoint: Callable[..., Path]
) -> None:
    from lmtopo import tokenizer

    raw["quality"] = {"context": 64}
    for name in ("one", "two"):
        save_checkpoint(tmp_path / name / "step1")
        raw["models"][name] = {"source": "local", "path": f"{name}/step*", "tokenizer": "shared"}
    assert set(study.read(raw).tokenizers) == {"stories-300", "shared"}
    tokenizer.train(["other text"], 280).save_pretrained(tmp_path / "two" / "step1")
    assert "give tokenizer 'shared' different contents" in problems(raw)


def test_a_shared_tokenizer_comes_from_the_first_model(
    raw: dict[str, Any], tmp_path: Path, save_checkpoint: Callable[..., Path]
) -> None:
    raw["quality"] = {"context": 64}
    told = []
    for name in ("one", "two"):
        save_checkpoint(tmp_path / name / "step1")
        raw["models"][name] = {"source": "local", "path": f"{name}/step*", "tokenizer": "shared"}
        told.append(settings.tokenizer(study.read(raw), "shared"))
    assert told[0] == told[1]
    assert study.read(raw).tokenizer_source("shared") == {"source": "one/step1"}


def test_a_dataset_of_two_studies_is_made_once(raw: dict[str, Any]) -> None:
    told = [settings.dataset(study.read({**raw, "study": name}), "stories") for name in "ab"]
    assert told[0] == told[1]


def test_overlapping_windows_make_more_texts(raw: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "text").write_text("\n".join(["word " * 200] * 10))
    raw["datasets"]["few"] = {"source": "local", "format": "lines", "path": "text", "holdout": 0.9}
    raw["evaluate"] = ["few"]
    raw["quality"] = {"context": 256}
    assert "at most" in problems(raw)
    raw["quality"]["stride"] = 32
    study.read(raw)


def test_settings_hold_what_a_stage_uses_and_nothing_else(raw: dict[str, Any]) -> None:
    before = study.read(raw)
    raw["figures"] = {"formats": ["pdf"]}
    raw["homology"] = {"metric": "cosine"}
    after = study.read(raw)
    assert settings.train(before, "tiny", "low") == settings.train(after, "tiny", "low")
    assert settings.probe(before, "stories") == settings.probe(after, "stories")
    checkpoint = before.runs["tiny", "low"].checkpoints[0]
    assert settings.observe(before, checkpoint) == settings.observe(after, checkpoint)
    assert settings.persist(before) != settings.persist(after)


def test_the_schema_in_config_is_that_of_the_code() -> None:
    assert json.loads((ROOT / "config/schema.json").read_text()) == json_schema()


@pytest.mark.parametrize(
    "path", sorted((ROOT / "config").rglob("*.yaml")), ids=lambda path: str(path.name)
)
def test_shipped_studies_are_valid_and_named_as_their_files(
    path: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from lmtopo.study import check

    monkeypatch.chdir(ROOT)
    raw = yaml.safe_load(path.read_text())
    file = check.parse(raw)
    assert file.study == (path.stem if path.parent.name == "studies" else "small")
    assert [line for line in check.names(file) if not line.startswith("data:")] == []
