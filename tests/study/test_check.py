"""What is wrong with a study is told before a job starts, all at once and by its own keys."""

import json
import re
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from smallest import SMALLEST, problems

from lmtopo import study
from lmtopo.dataset import dataset
from lmtopo.errors import InputError
from lmtopo.study import check, settings, tasks

CONFIG = Path(__file__).parents[2] / "config"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda raw: raw.update(evalute=[]), r"evalute: unknown key \(did you mean evaluate\?\)"),
        (
            lambda raw: raw["models"]["tiny"].update(revisions="all"),
            r"models.tiny.revisions: unknown key$",
        ),
        (
            lambda raw: raw["models"].update(
                x={"source": "hub", "repo": "a/b", "revisions": {"too": 3}}
            ),
            r"models.x.revisions.too: unknown key \(did you mean to\?\)",
        ),
        (
            lambda raw: raw.update(evaluate=[{"dataset": "stories", "clouds": {"layer": "all"}}]),
            r"evaluate\[0\].clouds.layer: unknown key \(did you mean layers\?\)",
        ),
        (
            lambda raw: raw.update(clouds={"context": 3}),
            r"clouds.context: unknown key$",
        ),
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
        (
            lambda raw: raw.update(signatures=["betti_curve"]),
            "signatures: betti_curve: only curves; name a number too",
        ),
        (
            lambda raw: raw.update(
                signatures=["twonn", "betti_curve"], figures={"signature": "betti_curve"}
            ),
            r"figures.signature: 'betti_curve' is not defined \(there are: twonn\)",
        ),
        (
            lambda raw: raw.update(downstream={"tasks": ["mrpc"]}),
            r"downstream.tasks: 'mrpc' is not defined \(there are: stories\)",
        ),
        (
            lambda raw: raw.update(downstream={"tasks": ["stories"]}),
            "dataset 'stories' is of kind stories, but a task needs labelled pairs",
        ),
        (
            lambda raw: raw.update(
                datasets={
                    **raw["datasets"],
                    "pairs": {"source": "generated", "kind": "paraphrases"},
                },
                downstream={"tasks": [{"dataset": "pairs", "split": "train"}]},
            ),
            "'pairs' would be scored on the split it is learned from",
        ),
        (
            lambda raw: raw.update(
                datasets={
                    **raw["datasets"],
                    "pairs": {"source": "generated", "kind": "paraphrases", "rows": {"train": 0}},
                },
                downstream={"tasks": ["pairs", "pairs"]},
            ),
            "dataset 'pairs' stands there twice",
        ),
        (
            lambda raw: raw.update(
                datasets={
                    **raw["datasets"],
                    "pairs": {"source": "generated", "kind": "paraphrases", "rows": {"train": 0}},
                },
                downstream={"tasks": ["pairs"]},
            ),
            r"datasets.pairs: has no split 'train' \(it has: validation, test\)",
        ),
        (
            lambda raw: raw.update(quality={"external": "mine.csv"}),
            "quality.external: cannot read 'mine.csv' as CSV",
        ),
        (
            lambda raw: raw.update(
                evaluate=[{"dataset": "stories", "quality": {"external": "mine.csv"}}]
            ),
            r"evaluate\[0\].quality.external: is one for the whole study",
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
            r"quality: prefix none is for reading 'document'",
        ),
        (
            lambda raw: raw.update(quality={"readings": ["windows", "windows"]}),
            "quality.readings: names a reading twice",
        ),
        (
            lambda raw: raw.update(
                quality={"readings": ["windows", "wikitext"]},
                evaluate=[{"dataset": "stories", "max_tokens": 50}],
            ),
            r"evaluate\[0\].max_tokens: reading 'wikitext' scores whole documents",
        ),
        (
            lambda raw: raw.update(clouds={"layers": ["final_norm", "final_norm"]}),
            "clouds.layers: names one of them twice",
        ),
        (
            lambda raw: raw["budgets"]["low"].update(flops=float("inf")),
            "budgets.low.flops: input should be a finite number",
        ),
        (
            lambda raw: raw["models"].update(
                mine={"source": "local", "path": "runs/{x}/step1", "tokenizer_path": "runs"}
            ),
            r"models.mine.path: 'runs/\{x\}/step1' has a brace",
        ),
        (
            lambda raw: raw["models"].update(pooled=raw["models"].pop("tiny")),
            "models: 'pooled' is what tables call all runs together",
        ),
        (
            lambda raw: raw.update(study="My Study é"),
            "study: should be lower-case letters, digits, .* the first a letter or a digit",
        ),
        (lambda raw: raw.update(study="a" * 81), "study: should have at most 80 characters"),
        (lambda raw: raw.update(models={}), "models: should have at least 1 item, not 0"),
        (lambda raw: raw.update(models=[]), "models: should be a section of keys"),
        (lambda raw: raw.update(evaluate=[]), "evaluate: should have at least 1 item"),
        (
            lambda raw: raw["models"].update(
                m={"source": "hub", "repo": "a/b/c", "revisions": ["x"]}
            ),
            "models.m.repo: should be owner/name, as on the hub",
        ),
        (
            lambda raw: raw.update(signatures=["persistance_entropy"]),
            r"signatures: .*\(did you mean persistence_entropy\? there are: ",
        ),
    ],
)
def test_each_mistake_has_one_clear_line(
    change: Callable[[dict[str, Any]], Any], message: str, raw: dict[str, Any]
) -> None:
    change(raw)
    text = problems(raw)
    assert len(text.splitlines()) == 2, text
    assert re.search(message, text), text


def test_all_mistakes_are_listed_at_once(raw: dict[str, Any]) -> None:
    raw["budgets"]["low"]["flops"] = 1.0
    raw["clouds"] = {"points": 10**6, "poolings": ["token"]}
    raw["models"]["mine"] = {"source": "local", "path": "nowhere"}
    assert problems(raw).startswith("study 'mine' has 3 problems:")


def test_a_key_that_stands_twice_is_refused_by_its_lines(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(
        "study: mine\nmodels:\n  a: &one {source: local, path: x}\n  b: *one\n"
        "  a: {source: local, path: y}\nevaluate: [{dataset: a, split: b, split: c}]\n"
    )
    with pytest.raises(InputError) as caught:
        check.unique_keys([path])
    models, split = str(caught.value).splitlines()
    assert models.startswith(f"'{path}', line 5: key 'models.a' stands on line 3 already")
    assert "line 6: key 'evaluate[0].split' stands on line 6 already" in split


def test_no_study_that_comes_with_lmtopo_has_a_key_twice() -> None:
    files = [*CONFIG.glob("*.yaml"), *CONFIG.glob("studies/*.yaml")]
    assert len(files) > 5
    check.unique_keys(files)


def test_a_missing_local_file_is_named(raw: dict[str, Any]) -> None:
    raw["datasets"]["mine"] = {"source": "local", "format": "lines", "path": "no/such.txt"}
    raw["evaluate"].append("mine")
    assert "no/such.txt" in problems(raw)


@pytest.mark.parametrize(
    "place", ["datasets/mine/mine.txt", "datasets/mine.txt", "link/mine.txt", "datasets/stories/x"]
)
def test_a_source_is_not_where_datasets_are_saved(
    place: str, raw: dict[str, Any], tmp_path: Path
) -> None:
    """Snakemake deletes what a dataset is saved to before it is made."""
    (tmp_path / "datasets/mine").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "datasets/mine")
    Path(place).parent.mkdir(exist_ok=True)
    Path(place).write_text("A line that is long enough to be read.\n" * 9000)
    raw["datasets"]["mine"] = {"source": "local", "format": "lines", "path": place}
    raw["evaluate"].append("mine")
    assert f"datasets.mine.path: '{place}' lies where lmtopo saves datasets" in problems(raw)
    Path("datasets/raw").mkdir()
    Path(place).rename("datasets/raw/mine.txt")
    raw["datasets"]["mine"]["path"] = "datasets/raw/mine.txt"
    assert study.read(raw).source_files("mine") == ["datasets/raw/mine.txt"]


OTHER_STORIES = {"source": "generated", "kind": "stories", "seed": 9}


def describe_other_stories(study: str) -> None:
    """A file of another study, in which dataset `stories` is another."""
    other = SMALLEST | {"study": study, "datasets": {"stories": OTHER_STORIES}}
    Path("config/studies").mkdir(parents=True, exist_ok=True)
    Path(f"config/studies/{study}.yaml").write_text(yaml.safe_dump(other))


def save_other_stories(study: str) -> None:
    """What another study has saved as dataset `stories`."""
    Path("datasets/stories").mkdir(parents=True)
    provenance = {"study": study, "origin": OTHER_STORIES}
    Path("datasets/stories/provenance.json").write_text(json.dumps(provenance))


def test_one_dataset_name_with_two_origins_names_both_studies(raw: dict[str, Any]) -> None:
    describe_other_stories("theirs")
    text = problems(raw)
    assert "study 'mine'" in text
    assert "study 'theirs' (described in config/studies/theirs.yaml)" in text


def test_a_saved_dataset_of_another_study_is_not_overwritten(raw: dict[str, Any]) -> None:
    save_other_stories("theirs")
    assert "study 'theirs' (saved in datasets/stories)" in problems(raw)


def test_a_dataset_name_with_other_origins_is_one_problem(raw: dict[str, Any]) -> None:
    save_other_stories("theirs")
    describe_other_stories("theirs")
    describe_other_stories("yours")
    assert problems(raw).splitlines() == [
        "study 'mine' has 1 problem:",
        "  - datasets.stories: study 'mine' makes it from another origin than study 'theirs' "
        "(saved in datasets/stories, described in config/studies/theirs.yaml) and study 'yours' "
        "(described in config/studies/yours.yaml): one name stands for one dataset, so rename it "
        "in one of them",
    ]


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


def test_a_link_is_known_by_its_own_name(
    raw: dict[str, Any], tmp_path: Path, save_checkpoint: Callable[..., Path]
) -> None:
    (tmp_path / "runs").mkdir()
    for store, link in (("abc123", "step1000"), ("step10", "checkpoint-500")):
        target = save_checkpoint(tmp_path / "store" / store)
        (tmp_path / "runs" / link).symlink_to(target)
    raw["models"]["mine"] = {"source": "local", "path": "runs/*"}
    raw["quality"] = {"context": 64}
    run = study.read(raw).runs["mine", "released"]
    assert [point.step for point in run.checkpoints] == [500, 1000]
    raw["clouds"] = {"pca": 40, "poolings": ["token"]}
    raw["models"].pop("tiny")
    assert "clouds.pca is 40, but hidden states have 32 dimensions" in problems(raw)
    (tmp_path / "runs/step1000/config.json").write_text("{")
    assert "runs/step1000/config.json' is no JSON" in problems(raw)


def test_tasks_are_read_as_the_studys_own_section_says(
    raw: dict[str, Any], tmp_path: Path, save_checkpoint: Callable[..., Path]
) -> None:
    save_checkpoint(tmp_path / "runs" / "step7")
    raw["models"]["mine"] = {"source": "local", "path": "runs/*"}
    raw["evaluate"] = [{"dataset": "stories", "quality": {"context": 64}}]
    study.read(raw)
    raw["datasets"]["pairs"] = {"source": "generated", "kind": "paraphrases"}
    raw["downstream"] = {"tasks": ["pairs"]}
    assert "quality.context is 256, but the model's positions end at 64" in problems(raw)
    raw["quality"] = {"context": 64}
    (tmp_path / "notes.txt").write_text("A line.\n" * 400)
    raw["datasets"]["notes"] = {"source": "local", "format": "lines", "path": "notes.txt"}
    raw["downstream"] = {"tasks": ["notes"]}
    assert "dataset 'notes' is of format lines, but a task needs labelled pairs" in problems(raw)


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


def test_overlapping_windows_make_more_texts(raw: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "text").write_text("\n".join(["word " * 200] * 10))
    raw["datasets"]["few"] = {"source": "local", "format": "lines", "path": "text", "holdout": 0.9}
    raw["evaluate"] = ["few"]
    raw["quality"] = {"context": 256}
    assert "at most" in problems(raw)
    raw["quality"]["stride"] = 32
    study.read(raw)


def test_of_a_file_that_is_cut_more_can_be_held_out(raw: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "text").write_text("\n".join(["word " * 200] * 10))
    raw["datasets"]["few"] = {"source": "local", "format": "lines", "path": "text"}
    mend = "or raise datasets.few.holdout, the share of 'text' that is 'validation'"
    raw["evaluate"] = ["few"]
    assert mend in problems(raw)
    raw["clouds"] = {"points": 10**5}
    assert mend in problems(raw)
    for entry in ({"split": "train"}, {"documents": 1}):
        raw["evaluate"] = [{"dataset": "few", **entry}]
        assert "too few" in problems(raw)
        assert "holdout" not in problems(raw)
    origin = {"source": "generated", "kind": "stories", "seed": 0, "rows": {"validation": 3}}
    dataset(origin=origin, name="saved", study="mine", folder="saved")
    raw["datasets"]["few"] = {"source": "local", "format": "arrow", "path": "saved"}
    raw["evaluate"] = ["few"]
    assert "too few" in problems(raw)
    assert "holdout" not in problems(raw)


@pytest.mark.parametrize(
    ("section", "keys", "message"),
    [
        ("clouds", {"pints": 3}, r"evaluate\[1\].clouds.pints: unknown key .*points"),
        ("clouds", {"points": 2}, r"evaluate\[1\].clouds.points: .*greater than or equal to 3"),
        ("clouds", {"subsample": 201}, r"evaluate\[1\].clouds.subsample 201 is above evaluate"),
        ("clouds", {"replicates": 2}, r"evaluate\[1\].clouds.subsample equals evaluate"),
        ("clouds", {"pca": 200}, r"evaluate\[1\].clouds.pca 200 is above .*points - 1 = 199"),
        ("clouds", {"pca": 33}, r"evaluate\[1\].clouds.pca is 33, but .* 32 dimensions"),
        ("clouds", {"layers": ["block_3"]}, r"evaluate\[1\].clouds.layers names 'block_3'"),
        ("clouds", {"points": 10**6}, "datasets.articles: .*too few for clouds of 1000000"),
        ("clouds", {"keep": "none"}, r"evaluate\[1\].clouds.keep: is one for the whole study"),
        ("quality", {"stride": 301}, r"evaluate\[1\].quality: stride 301 above context 300"),
        ("quality", {"readings": ["windows"]}, r"evaluate\[1\].quality: prefix none is for"),
        (
            "quality",
            {"readings": ["document", "windows"]},
            r"evaluate\[1\].quality: prefix none does not go with reading 'windows'",
        ),
        ("quality", {"dtype": "int8"}, r"evaluate\[1\].quality.dtype: .*'float16'"),
    ],
)
def test_mistakes_in_an_entry_are_named_by_their_place(
    section: str, keys: dict[str, Any], message: str, two: dict[str, Any]
) -> None:
    import re

    two["evaluate"][1][section].update(keys)
    text = problems(two)
    assert len(text.splitlines()) == 2, text
    assert re.search(message, text), text


def test_an_entry_whose_windows_are_too_long_for_a_local_model_is_named(
    raw: dict[str, Any], save_checkpoint: Callable[..., Path]
) -> None:
    save_checkpoint(Path("runs/step1"))
    raw["models"]["mine"] = {"source": "local", "path": "runs/step*"}
    raw["evaluate"] = [{"dataset": "stories", "quality": {"context": 64}}]
    study.read(raw)  # the study's own context, 256, holds for no dataset
    raw["evaluate"][0]["quality"]["context"] = 65
    assert "evaluate[0].quality.context is 65, but the model's positions end at 64" in problems(raw)


def test_a_count_of_significant_bars_needs_draws(raw: dict[str, Any]) -> None:
    raw["signatures"] = ["significant_count"]
    raw["homology"] = {"nulls": {"gaussian": 18}}
    assert "needs 19 draws of the study's first null, but there are 18" in problems(raw)
    raw["homology"] = {"nulls": {"norm_matched": 19}}
    study.read(raw)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (
            {"signatures": "twonn"},
            ["signatures: input should be 'all', or should be a list (given: 'twonn')"],
        ),
        (
            {"signatures": ["twonn", 3]},
            ["signatures[1]: input should be a valid string (given: 3)"],
        ),
        (
            {"clouds": {"layers": ["last"]}},
            ["clouds.layers[0]: should be embedding, block_1, block_2, ... or final_norm (given"],
        ),
        ({"clouds": None}, ["clouds: should be a section of keys"]),
        (
            {"datasets": {"x": {"source": "local", "format": "text", "path": "a"}}},
            ["datasets.x: format text needs separator: the line between two documents"],
        ),
        (
            {"models": {"x": {"source": "hub", "repo": "a/b", "revisions": 7}}},
            [
                "models.x.revisions: input should be 'all' or 'log', or should be a list, or "
                "should be a section of keys (given: 7)"
            ],
        ),
        (
            {"models": {"x": {"source": "hub", "repo": "a/b", "revisions": {"evry": 7}}}},
            ["models.x.revisions.evry: unknown key (did you mean every?)"],
        ),
        (
            {"downstream": {"tasks": [{"datast": "x"}]}},
            [
                "downstream.tasks[0].dataset: required, but not given",
                "downstream.tasks[0].datast: unknown key (did you mean dataset?)",
            ],
        ),
        (
            {"datasets": {"x": {"source": "no"}}},
            ["datasets.x.source: 'no' is not known here, only"],
        ),
    ],
)
def test_what_is_wrong_is_said_by_the_keys_of_the_file(
    raw: dict[str, Any], change: dict[str, Any], expected: list[str]
) -> None:
    told = problems(raw | change).splitlines()[1:]
    assert len(told) == len(expected)
    for line, start in zip(told, expected, strict=True):
        assert line.startswith(f"  - {start}")


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("pairs probe_accuracy", None),
        ("pairs d90_said", None),
        ("pairs global_10_accuracy", None),
        ("pairs prob_accuracy", r"is neither log_perplexity.*mean pairs probe_accuracy\?"),
        ("pairs global_11_accuracy", r"mean pairs global_10_accuracy\?"),
        ("other probe_accuracy", "is neither log_perplexity"),
    ],
)
def test_targets_of_tests_are_metrics_that_there_are(
    raw: dict[str, Any], target: str, expected: str | None
) -> None:
    raw["datasets"]["pairs"] = {"source": "generated", "kind": "paraphrases"}
    raw["downstream"] = {
        "tasks": ["pairs"],
        "checkpoints": "all",
        "d90": [{"dataset": "pairs", "checkpoints": "all"}],
        "finetune": {"dimensions": [10]},
    }
    raw["clouds"] = raw.get("clouds", {}) | {"poolings": ["mean"]}
    raw["evidence"] = {"primary": [{"signature": "twonn", "target": target, "pooling": "mean"}]}
    if expected is None:
        study.read(raw)
    else:
        assert re.search(expected, problems(raw))


@pytest.mark.parametrize(
    ("target", "pooling", "expected"),
    [
        ("pairs probe_accuracy", "token", "not by 'token': give one of last, mean"),
        ("pairs probe_accuracy", "mean", "known at 1 of a run's checkpoints, but a test needs 9"),
        ("pairs zero_shot_f1", "token", r"set downstream\.checkpoints: all"),
        ("pairs d90_said", "token", r"set downstream\.d90\.checkpoints: all"),
        ("note", "token", "'note' is neither log_perplexity"),
    ],
)
def test_targets_that_no_run_has_often_enough_are_told(
    raw: dict[str, Any], target: str, pooling: str, expected: str
) -> None:
    raw["datasets"]["pairs"] = {"source": "generated", "kind": "paraphrases"}
    raw["downstream"] = {"tasks": ["pairs"], "d90": ["pairs"]}
    raw["clouds"] = raw.get("clouds", {}) | {"poolings": ["token", "mean"]}
    Path("metrics.csv").write_text("model,step,note,acc\nmine,0,hello,0.5\n")
    raw["quality"] = {"external": {"file": "metrics.csv", "unmatched": "leave_out"}}
    raw["evidence"] = {"primary": [{"signature": "twonn", "target": target, "pooling": pooling}]}
    assert re.search(expected, problems(raw))


def test_a_pair_of_sentences_needs_room(raw: dict[str, Any]) -> None:
    raw["datasets"]["pairs"] = {"source": "generated", "kind": "paraphrases"}
    raw["downstream"] = {"tasks": ["pairs"], "d90": ["pairs"]}
    raw["quality"] = {"context": 4}
    assert "a pair of sentences needs 5 tokens, but quality.context is 4" in problems(raw)


def test_a_test_at_a_block_that_no_local_model_has_is_told(
    raw: dict[str, Any], save_checkpoint: Callable[..., Path]
) -> None:
    save_checkpoint(Path("runs/step1"))
    raw["models"] = {"mine": {"source": "local", "path": "runs/*"}}
    raw["quality"] = {"context": 64}
    raw["evidence"] = {"primary": [{"signature": "twonn", "layer": "block_2"}]}
    study.read(raw)
    raw["evidence"]["primary"][0]["layer"] = "block_3"
    assert "no model has a 'block_3', at most 2 blocks" in problems(raw)


def test_primary_tests_are_of_what_is_measured(raw: dict[str, Any]) -> None:
    raw["evidence"] = {"primary": [{"signature": "twonn"}]}
    told = settings.analyse(study.read(raw))
    assert told["primary"] == [
        {
            **{"signature": "twonn", "dimension": -1, "layer": "final_norm", "pooling": "token"},
            **{"dataset": "stories", "target": "log_perplexity"},
        }
    ]
    assert told["null"] is None
    assert told["figures"]["skill"] == "figures/skill.png"
    raw["clouds"] = {"layers": ["block_1", "final_norm"]}
    for wrong, message in (
        ({"signature": "betty"}, "signature: 'betty' is not defined"),
        ({"signature": "twonn", "dataset": "wiki"}, "dataset: 'wiki' is not defined"),
        ({"signature": "twonn", "pooling": "last"}, "pooling: 'last' is not defined"),
        ({"signature": "twonn", "layer": "embedding"}, "layer: 'embedding' is not"),
        ({"signature": "twonn", "lair": "block_1"}, r"lair: unknown key \(did you mean"),
        ({"signature": "persistence_entropy"}, "dimension: 'persistence_entropy' is one"),
        ({"signature": "betti_area", "dimension": 2}, "dimension: .* homology.max_dimension, 1"),
        ({"signature": "effective_rank", "dimension": 0}, "dimension: .* leave dimension out"),
        ({"signature": "betti_curve", "dimension": 0}, "signature: 'betti_curve' is a curve"),
        ({"signature": "significant_count", "dimension": 1}, "signature: .* needs 19 draws"),
        ({"signature": "twonn", "target": "mrpc f1"}, "target: 'mrpc f1' is neither"),
    ):
        raw["evidence"] = {"primary": [wrong]}
        assert re.search(rf"evidence\.primary\[0\]\.{message}", problems(raw))
    raw["clouds"] = {}
    raw["evidence"] = {"primary": [{"signature": "twonn", "layer": "block_9"}]}
    assert "no model has a 'block_9', at most 2 blocks" in problems(raw)
    raw["evidence"] = {"primary": [{"signature": "twonn"}] * 13}
    assert "evidence.primary: should have at most 12 items, not 13" in problems(raw)


def test_a_table_from_elsewhere_has_a_folder_of_its_own(
    raw: dict[str, Any], tmp_path: Path
) -> None:
    assert study.read(raw).analysed == "results/mine"
    raw["table"] = "theirs.csv"
    assert "table: there is no file 'theirs.csv'" in problems(raw)
    (tmp_path / "theirs.csv").touch()
    found = study.read(raw)
    assert found.analysed == "results/outside/theirs"
    raw["table"] = {"file": "theirs.csv", "quality": "ppl", "primary": ["h1"]}
    told = settings.analyse(study.read(raw))
    assert told["primary"] == ["h1"]
    assert told["columns"] == {"quality": "ppl", "compute": None, "signatures": None}


@pytest.mark.parametrize(
    ("columns", "labels", "message"),
    [
        ("sentence1,sentence2,same", "01", "dataset 'mine' has no column 'label'"),
        ("sentence1,sentence2,label", ["no", "yes"], "split 'train' has the label 'no'"),
        ("sentence1,sentence2,label", "0", "has 95 pairs of label 0 and 0 of label 1"),
        ("sentence1,sentence2,label", "01", None),
    ],
)
def test_files_that_cannot_be_a_task_are_told_before_it_runs(
    raw: dict[str, Any], tmp_path: Path, columns: str, labels: Sequence[str], message: str | None
) -> None:
    rows = [f"One line.,Another line {row}.,{labels[row % len(labels)]}" for row in range(100)]
    (tmp_path / "mine.csv").write_text("\n".join([columns, *rows]) + "\n")
    raw["datasets"]["mine"] = {"source": "local", "format": "csv", "path": "mine.csv"}
    raw["downstream"] = {"tasks": ["mine"]}
    if message is None:
        study.read(raw)
    else:
        assert message in problems(raw)


def test_d90_is_of_some_models_and_checkpoints(raw: dict[str, Any]) -> None:
    raw["datasets"]["pairs"] = {"source": "generated", "kind": "paraphrases"}
    raw["models"]["other"] = {**raw["models"]["tiny"], "seed": 2}
    raw["downstream"] = {"tasks": ["pairs"], "landmarks": 2}
    raw["downstream"]["d90"] = [
        {"dataset": "pairs", "models": ["other"], "checkpoints": "landmarks"}
    ]
    found = study.read(raw)
    last = found.runs["tiny", "low"].checkpoints[-1]
    assert tasks.files(found) == [
        ("tiny", "low", "pairs", "downstream.parquet", [last.step]),
        ("other", "low", "pairs", "downstream.parquet", [last.step]),
        ("other", "low", "pairs", "d90.parquet", [0, last.step]),
    ]
    told = settings.d90(found, last, "pairs")
    assert (told["seeds"], told["dimensions"][0], told["split"]) == (3, 10, "validation")
    raw["downstream"]["d90"] = ["stories"]
    assert "downstream.d90: 'stories' is not defined (there are: pairs)" in problems(raw)
    raw["downstream"]["d90"] = [{"dataset": "pairs", "models": ["huge"]}]
    assert "downstream.d90.models: 'huge' is not defined" in problems(raw)


def test_metrics_of_others_are_matched_before_anything_runs(
    raw: dict[str, Any], tmp_path: Path
) -> None:
    (tmp_path / "mine.csv").write_text("model,step,acc\ntiny,0,0.5\ntiny,3000000,0.5\n")
    raw["quality"] = {"external": "mine.csv"}
    assert "quality.external: 'mine.csv': 1 of 2 rows" in problems(raw)
    raw["quality"] = {"external": {"file": "mine.csv", "unmatched": "leave_out"}}
    assert settings.external(study.read(raw))["unmatched"] == "leave_out"


@pytest.mark.parametrize(
    ("only", "problem"),
    [
        ({"model": "tinny"}, "only.model.*'tinny'.*tiny"),
        ({"budget": "lo"}, "only.budget.*'lo'.*low"),
        ({"dataset": "story"}, "only.dataset.*'story'.*stories"),
        ({"models": "tiny"}, "only.models"),
        ({"model": "tiny", "budget": "high"}, "none of its models has one of its budgets"),
    ],
)
def test_a_part_that_is_not_there_is_an_error(
    only: dict[str, str], problem: str, raw: dict[str, Any]
) -> None:
    raw["models"]["other"] = {**raw["models"]["tiny"], "budgets": ["high"]}
    raw["budgets"]["high"] = {"flops": 2e11}
    assert re.search(problem, problems({**raw, "only": only}))


def test_checkpoints_of_a_model_have_one_tokenizer(
    raw: dict[str, Any], save_checkpoint: Callable[..., Path], tokenizer_folder: Path
) -> None:
    for step in (1, 2):
        folder = save_checkpoint(Path(f"runs/step{step}"))
        for file in tokenizer_folder.iterdir():
            shutil.copy(file, folder)
    raw["models"] = {"mine": {"source": "local", "path": "runs/*"}}
    raw["quality"] = {"context": 64}
    study.read(raw)
    file = Path("runs/step2/tokenizer.json")
    told = json.loads(file.read_text())
    told["truncation"] = {"max_length": 8, "strategy": "LongestFirst", "stride": 0}
    told["truncation"]["direction"] = "Right"
    file.write_text(json.dumps(told))
    study.read(raw)  # a state, which no text is read with
    told["model"]["merges"] = told["model"]["merges"][:-1]
    file.write_text(json.dumps(told))
    assert "'runs/step1' and 'runs/step2' have different tokenizers" in problems(raw)
    raw["models"]["mine"]["tokenizer_path"] = "runs/step1"
    study.read(raw)


def test_tokenizers_that_are_not_compared_are_not_called_different(
    raw: dict[str, Any], save_checkpoint: Callable[..., Path]
) -> None:
    save_checkpoint(Path("runs/step1"))
    raw["quality"] = {"context": 64}
    raw["models"] = {
        "mine": {"source": "local", "path": "runs/*", "tokenizer": "one"},
        "theirs": {"source": "hub", "repo": "a/b", "revisions": ["step1"], "tokenizer": "one"},
    }
    assert (
        "models 'mine' and 'theirs' give tokenizer 'one' from the hub and from elsewhere, which "
        "are not compared: name them apart with models.NAME.tokenizer"
    ) in problems(raw)
