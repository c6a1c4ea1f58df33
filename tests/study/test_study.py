"""A study file becomes runs, checkpoints, pairs, and what each stage is told."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from smallest import problems

from lmtopo import device, study
from lmtopo.study import again, settings, shown, tasks
from lmtopo.study.schema import json_schema

ROOT = Path(__file__).parents[2]


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


def olmo(per_step: float | None, *names: str) -> dict[str, Any]:
    model = {"source": "hub", "repo": "allenai/OLMo-1B-0724-hf", "revisions": [*names]}
    return model if per_step is None else model | {"tokens_per_step": per_step}


def test_tokens_by_the_step_and_by_the_name_must_agree(raw: dict[str, Any]) -> None:
    # OLMo-1B-0724 was trained on 2^21 tokens a step, the first OLMo-1B on 2^22
    names = ("step0-tokens0B", "step1000-tokens2B", "step1454000-tokens3048B")
    kept = Path("resources/revisions/allenai/OLMo-1B-0724-hf.json")
    kept.parent.mkdir(parents=True)
    kept.write_text(json.dumps({"repo": "allenai/OLMo-1B-0724-hf", "revisions": names}))
    raw["models"]["olmo"] = olmo(2**21, *names)
    found = study.read(raw).runs["olmo", "released"].checkpoints
    assert [point.tokens for point in found] == [0, 1000 * 2**21, 1454000 * 2**21]
    raw["models"]["olmo"] = olmo(None, *names)
    found = study.read(raw).runs["olmo", "released"].checkpoints
    assert [point.tokens for point in found] == [0, 2e9, 3048e9]
    raw["models"]["olmo"] = olmo(2**22, *names)
    assert "saved after 2e+09 tokens by its name" in problems(raw)
    for name in ("step524-tokens1.1B", "step500-tokens1.0B", "step3-tokens0B"):
        kept.write_text(json.dumps({"repo": "allenai/OLMo-1B-0724-hf", "revisions": [name]}))
        raw["models"]["olmo"] = olmo(2**21, name)
        study.read(raw)
        raw["models"]["olmo"] = olmo(2**22, name)
        if "tokens1" in name:
            assert "tokens by its name" in problems(raw)


def test_shipped_olmo_studies_have_the_tokens_of_a_step_that_their_revisions_tell() -> None:
    shipped = yaml.safe_load((ROOT / "config/studies/olmo.yaml").read_text())["models"]
    per_step = {model["repo"]: model["tokens_per_step"] for model in shipped.values()}
    last = {
        "allenai/OLMo-1B-hf": (738_020, 3094e9),
        "allenai/OLMo-1B-0724-hf": (1_454_000, 3048e9),
    }
    for repo, (step, tokens) in last.items():
        assert step * per_step[repo] == pytest.approx(tokens, rel=0.002)


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


def test_settings_hold_what_a_stage_uses_and_nothing_else(raw: dict[str, Any]) -> None:
    before = study.read(raw)
    raw["figures"] = {"formats": ["pdf"]}
    raw["homology"] = {"metric": "cosine"}
    after = study.read(raw)
    assert settings.train(before, "tiny", "low") == settings.train(after, "tiny", "low")
    assert settings.probe(before, "stories") == settings.probe(after, "stories")
    checkpoint = before.runs["tiny", "low"].checkpoints[0]
    observed = [settings.observe(found, checkpoint, "stories") for found in (before, after)]
    assert observed[0] == observed[1]
    assert settings.persist(before, "stories") != settings.persist(after, "stories")


def told(found: study.Study, dataset: str) -> list[dict[str, Any]]:
    """What the stages of a pair are told."""
    checkpoint = found.runs["tiny", "low"].checkpoints[0]
    return [
        settings.probe(found, dataset),
        settings.observe(found, checkpoint, dataset),
        settings.persist(found, dataset),
        settings.describe(found, dataset),
    ]


def test_what_an_entry_says_reaches_its_dataset_and_no_other(two: dict[str, Any]) -> None:
    mixed = study.read(two)
    plain = study.read({**two, "evaluate": ["stories", "articles"]})
    assert told(mixed, "stories") == told(plain, "stories")
    probe, observe, persist, describe = told(mixed, "articles")
    assert (probe["readings"], probe["prefix"]) == (["document"], "none")
    assert (probe["context"], probe["stride"], probe["points"]) == (300, 300, 200)
    assert (observe["dtype"], observe["poolings"]) == ("float16", ["mean"])
    for stage in (persist, describe):
        assert (stage["subsample"], stage["replicates"], stage["pca"]) == (200, 1, 20)
    assert probe["skip_positions"] == 2  # what it leaves out is the study's
    assert observe["layers"] == ["block_1"]


def test_an_entry_may_take_back_what_the_study_says(two: dict[str, Any]) -> None:
    two["clouds"]["pca"] = 8
    two["quality"] = {"stride": 32}
    two["evaluate"][1]["clouds"]["pca"] = None
    two["evaluate"][1]["quality"]["stride"] = None
    found = study.read(two)
    assert [found.clouds(name).pca for name in ("stories", "articles")] == [8, None]
    assert [settings.probe(found, name)["stride"] for name in ("stories", "articles")] == [32, 300]


def test_a_model_has_positions_for_every_dataset(two: dict[str, Any]) -> None:
    assert settings.train(study.read(two), "tiny", "low")["recipe"]["positions"] == 300


def test_figures_show_a_dataset_with_its_own_pooling_and_layer(two: dict[str, Any]) -> None:
    two["evaluate"].reverse()
    two["evaluate"][0]["clouds"]["layers"] = ["embedding"]
    told = shown.figures(study.read(two))["signatures"].told
    assert (told["dataset"], told["pooling"], told["layer"]) == ("articles", "mean", "embedding")


def test_provenance_tells_the_keys_that_were_given(two: dict[str, Any]) -> None:
    entries = study.read(two).file.model_dump(mode="json")["evaluate"]
    assert entries[0]["clouds"] is None
    assert entries[1]["clouds"] == two["evaluate"][1]["clouds"]


def test_nulls_are_drawn_as_often_as_the_study_says(two: dict[str, Any]) -> None:
    plain = study.read(two)
    assert settings.persist(plain, "stories")["nulls"] == {}
    two["homology"] = {"nulls": {"shuffled": 5, "gaussian": 19, "replicates": 2}}
    found = study.read(two)
    for told in (settings.persist(found, "stories"), settings.describe(found, "stories")):
        assert told["nulls"] == {"gaussian": 19, "shuffled": 5}
        assert next(iter(told["nulls"])) == "gaussian"  # whatever the order in the file
        assert told["null_replicates"] == 2
    draws = [one["observed"]["draws"] for one in settings.plan(found)["datasets"]]
    assert draws == [48, 24]  # the articles have one subsample
    assert settings.persist_again(found, "stories")["nulls"] == {}


def test_the_last_checkpoint_of_each_run_is_observed_again(two: dict[str, Any]) -> None:
    found = study.read(two)
    last = found.runs["tiny", "low"].checkpoints[-1]
    names = ["seed1", "seed2", "bfloat16"]
    assert [(variant.name, *rest) for variant, *rest in again.pairs(found)] == [
        (name, last, "stories") for name in names
    ]
    told = settings.noise(found)
    assert told["sources"] == ["seed", "seed", "dtype"]
    assert told["pairs"] == [["tiny", "low", last.name, name] for name in ("stories", "articles")]
    variants = again.variants(found, "stories")
    seeds = {settings.probe_again(found, "stories", variants[name])["seed"] for name in names[:2]}
    assert len(seeds | {found.file.seed}) == 3
    observed = settings.observe_again(found, last, "stories", variants["bfloat16"])
    assert observed == {**settings.observe(found, last, "stories"), "dtype": "bfloat16"}


def test_the_noise_of_other_checkpoints_datasets_and_dtypes(two: dict[str, Any]) -> None:
    two["noise"] = {"checkpoints": "ends", "datasets": "all", "seeds": 0}
    found = study.read(two)
    assert [(one.name, checkpoint.step, name) for one, checkpoint, name in again.pairs(found)] == [
        (dtype, found.runs["tiny", "low"].checkpoints[end].step, name)
        for name, dtypes in (("stories", ["bfloat16"]), ("articles", ["float32", "bfloat16"]))
        for end in (0, -1)
        for dtype in dtypes
    ]
    two["noise"] = {"checkpoints": "none"}
    assert again.pairs(study.read(two)) == []
    assert settings.noise(study.read(two)) == {"pairs": [], "sources": []}


def test_a_gpu_is_wanted_by_stages_that_run_a_model(
    raw: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    stages = ("dataset", "probe", "train", "observe", "persist", "describe", "downstream", "d90")
    models = {"train", "observe", "downstream", "d90"}
    for cards, wanted, expected in (
        (0, "auto", set()),
        (0, "cuda", models),
        (2, "auto", models),
        (2, "cpu", set()),
    ):
        monkeypatch.setattr(device, "count", lambda cards=cards: cards)
        found = study.read({**raw, "device": wanted})
        assert {stage for stage in stages if found.wants_gpu(stage)} == expected
        assert settings.train(found, "tiny", "low")["device"] == wanted
        checkpoint, dataset = found.pairs[0]
        assert settings.observe(found, checkpoint, dataset)["device"] == wanted


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


def test_figure_layers_shows_a_number_not_a_curve(two: dict[str, Any]) -> None:
    two["signatures"] = ["betti_curve", "twonn"]
    assert shown.figures(study.read(two))["layers"].told["signature"] == "twonn"


def test_tasks_are_done_by_some_checkpoints_and_need_not_be_observed(raw: dict[str, Any]) -> None:
    raw["datasets"]["pairs"] = {"source": "generated", "kind": "paraphrases"}
    raw["downstream"] = {"tasks": ["pairs"]}
    steps = [one.step for one in study.read(raw).runs["tiny", "low"].checkpoints]
    expected = {"last": steps[-1:], "all": steps, "landmarks": [steps[0], steps[12], steps[23]]}
    for chosen, some in expected.items():
        raw["downstream"] |= {"checkpoints": chosen, "landmarks": 3}
        found = study.read(raw)
        expected_files = [("tiny", "low", "pairs", "downstream.parquet", some)]
        assert tasks.files(found) == expected_files
    assert found.datasets_used == ["stories", "pairs"]
    assert len(found.pairs) == 24
    told = settings.downstream(found, found.runs["tiny", "low"].checkpoints[0], "pairs")
    assert (told["name"], told["split"], told["context"]) == ("pairs", "validation", 256)


def test_a_part_of_a_study_is_named_by_model_budget_and_dataset(raw: dict[str, Any]) -> None:
    raw["models"]["other"] = {**raw["models"]["tiny"], "budgets": ["low", "high"]}
    raw["budgets"]["high"] = {"flops": 2e11}
    whole = study.read(raw)
    assert whole.wanted("tiny", "low", "stories")
    part = study.read({**raw, "only": {"model": "other", "budget": ["high"]}})
    assert part.pairs == whole.pairs
    asked = {(one.model, one.budget) for one, dataset in part.pairs}
    wanted = {pair for pair in asked if part.wanted(*pair, "stories")}
    assert wanted == {("other", "high")}
    assert settings.collate(part) == settings.collate(whole)


def test_a_download_is_told_what_its_model_must_have(two: dict[str, Any]) -> None:
    assert settings.room(study.read(two))["demands"] == {
        "positions": 300,
        "blocks": 1,
        "width": 20,
    }
