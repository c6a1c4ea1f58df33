"""Datasets of a hub: their splits, rows and documents, and no byte too many."""

from pathlib import Path
from typing import Any

import pytest
from standin import Fault

from lmtopo.dataset import dataset
from lmtopo.dataset.documents import documents
from lmtopo.errors import InputError
from lmtopo.files import read_json

WIKITEXT = {"source": "hub", "repo": "Salesforce/wikitext", "name": "wikitext-2-raw-v1"}
STORIES = {"source": "hub", "repo": "roneneldan/TinyStories"}
MRPC = {"source": "hub", "repo": "nyu-mll/glue", "name": "mrpc"}
SPLITS = ("train", "validation", "test")


def make(origin: dict[str, Any], folder: str = "made", **more: Any) -> Path:
    dataset(origin=origin | more, name="d", study="s", folder=folder, patience=5.0)
    return Path(folder)


def told(folder: Path) -> Any:
    return read_json(folder / "provenance.json")


def lines(hub: Any) -> int:
    """Rows of each split of the stand-in's wikitext."""
    import pyarrow.parquet as pq

    file = "datasets/Salesforce/wikitext/main/wikitext-2-raw-v1/train-00000-of-00001.parquet"
    return int(pq.read_metadata(hub.root / file).num_rows)


def fetched(hub: Any) -> list[str]:
    return [line.split("/resolve/")[1].split("/", 1)[1] for line in hub.requests if "/res" in line]


def test_wikitext_is_made_of_articles(hub: Any) -> None:
    rows = dict.fromkeys(SPLITS, lines(hub))
    folder = make(WIKITEXT, rows=rows)
    facts = told(folder)
    assert facts["documents"] == "articles"
    assert facts["licence"] == "CC BY-SA 3.0 and GFDL"
    assert {split: one["rows"] for split, one in facts["splits"].items()} == rows
    assert facts["splits"]["train"]["documents"] == len(documents(folder, "train")) > 1
    assert all(text.startswith(" = ") for text in documents(folder, "train"))
    assert facts["hub"]["repo"] == "Salesforce/wikitext"
    assert len(facts["hub"]["commit"]) == 40
    files = {f"wikitext-2-raw-v1/{split}-00000-of-00001.parquet" for split in SPLITS}
    assert facts["sha256"].keys() == files


def test_mrpc_is_made_of_sentences(hub: Any) -> None:
    folder = make(MRPC, rows=dict.fromkeys(SPLITS, 30))
    facts = told(folder)
    assert facts["documents"] == "sentences"
    assert facts["splits"]["test"]["rows"] == 30
    assert len(documents(folder, "test")) == 60


def test_stories_are_read_from_all_their_shards_in_order(hub: Any) -> None:
    folder = make(STORIES, rows={"train": 80})
    assert told(folder)["documents"] == "rows"
    found = documents(folder, "train")
    assert [text.split()[6] for text in found] == [f"F{number}." for number in range(80)]
    assert len(documents(folder, "validation")) == 20


@pytest.mark.parametrize(
    ("origin", "files"),
    [
        (WIKITEXT, {f"wikitext-2-raw-v1/{split}-00000-of-00001.parquet" for split in SPLITS}),
        (MRPC, {f"mrpc/{split}-00000-of-00001.parquet" for split in SPLITS}),
        (
            STORIES,
            {
                "data/train-00000-of-00002-ab12.parquet",
                "data/train-00001-of-00002-ab12.parquet",
                "data/validation-00000-of-00001-cd34.parquet",
            },
        ),
    ],
)
def test_only_the_card_and_the_files_of_the_splits_are_fetched_and_each_once(
    hub: Any, origin: dict[str, Any], files: set[str]
) -> None:
    counts = {"wikitext": dict.fromkeys(SPLITS, lines(hub)), "glue": dict.fromkeys(SPLITS, 30)}
    make(origin, rows=counts.get(str(origin["repo"]).split("/")[1], {"train": 80}))
    assert sorted(fetched(hub)) == sorted({"README.md", *files})


def test_nothing_of_the_download_is_left(hub: Any) -> None:
    make(STORIES, rows={"train": 80})
    assert not [path for path in Path().rglob("*") if path.suffix == ".parquet"]


def test_another_number_of_rows_than_published_is_an_error_with_both(hub: Any) -> None:
    count = lines(hub)
    with pytest.raises(InputError, match=rf"'train' has {count:,} rows, but 36,718 were published"):
        make(WIKITEXT)
    assert not Path("made").exists()


def test_rows_given_in_the_study_override_what_is_published(hub: Any) -> None:
    with pytest.raises(InputError, match=r"'test' has 30 rows, but 31 were .* rows:"):
        make(MRPC, rows={"train": 30, "validation": 30, "test": 31})
    with pytest.raises(InputError, match=r"no split 'dev' \(it has: train, validation, test\)"):
        make(MRPC, rows={"dev": 30})


def test_tokens_end_the_training_split_and_spare_the_second_shard(hub: Any) -> None:
    folder = make(STORIES, tokens=100)
    found = documents(folder, "train")
    words = [len(text.split()) for text in found]
    assert sum(words) >= 100 > sum(words[:-1])
    assert len(documents(folder, "validation")) == 20
    assert "data/train-00000-of-00002-ab12.parquet" in fetched(hub)
    assert "data/train-00001-of-00002-ab12.parquet" not in fetched(hub)


def test_tokens_that_are_never_reached_leave_the_rows_to_be_counted(hub: Any) -> None:
    with pytest.raises(InputError, match="'train' has 80 rows, but 2,119,719 were published"):
        make(STORIES, tokens=1_000_000)


def test_an_unknown_configuration_lists_what_there_is(hub: Any) -> None:
    with pytest.raises(InputError, match=r"'mrcp'.*mrpc.*\(give one with name:\)") as caught:
        make(MRPC | {"name": "mrcp"})
    assert "cola" in str(caught.value)
    assert "/names" not in str(caught.value)


def test_a_name_that_is_needed_and_not_given_lists_what_there_is(hub: Any) -> None:
    with pytest.raises(InputError, match=r"'cola', 'mrpc'.*give one with name:") as caught:
        make({"source": "hub", "repo": "nyu-mll/glue"})
    assert "/names" not in str(caught.value)


def test_a_dataset_that_is_not_there_is_told(hub: Any) -> None:
    with pytest.raises(InputError, match="check the spelling of its repo"):
        make({"source": "hub", "repo": "me/nothing"})


def test_the_same_dataset_has_the_same_bytes_and_survives_a_bad_transfer(hub: Any) -> None:
    rows = dict.fromkeys(SPLITS, 30)
    one = make(MRPC, "one", rows=rows)
    hub.faults.append(Fault("GET .*resolve.*parquet", "flip", 1))
    two = make(MRPC, "two", rows=rows)
    for path in one.rglob("*"):
        if path.is_file():
            assert path.read_bytes() == (two / path.relative_to(one)).read_bytes()


def test_a_cache_as_load_dataset_leaves_it_is_enough_offline(
    hub: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants, hf_hub_download

    # one configuration of several, and not the first
    for name in ("README.md", *(f"mrpc/{split}-00000-of-00001.parquet" for split in SPLITS)):
        hf_hub_download("nyu-mll/glue", name, repo_type="dataset", cache_dir=constants.HF_HUB_CACHE)
    hub.requests.clear()
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert len(documents(make(MRPC, rows=dict.fromkeys(SPLITS, 30)), "test")) == 60
    assert not hub.requests


def test_a_dataset_without_a_card_is_found_offline(
    hub: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from huggingface_hub import constants, hf_hub_download

    hub.root = tmp_path / "own"
    folder = hub.root / "datasets/me/web/main"
    folder.mkdir(parents=True)
    (folder / "train.jsonl").write_text('{"text": "a story"}\n')
    hf_hub_download("me/web", "train.jsonl", repo_type="dataset", cache_dir=constants.HF_HUB_CACHE)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert documents(make({"source": "hub", "repo": "me/web"}), "train") == ["a story"]


def test_two_datasets_may_be_of_one_repository_at_the_same_time(hub: Any) -> None:
    from concurrent.futures import ThreadPoolExecutor

    hub.delay = 0.02
    with ThreadPoolExecutor(2) as pool:
        found = pool.map(lambda name: make(STORIES, name, rows={"train": 80}), ("a", "b"))
        assert [len(documents(folder, "train")) for folder in found] == [80, 80]


@pytest.mark.parametrize("place", ["br[1]", "linked"])
def test_the_study_may_lie_in_any_folder(
    place: str, hub: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here" / place).mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "here" / place)
    if place == "linked":
        (tmp_path / "elsewhere").mkdir()
        Path(".lmtopo").symlink_to(tmp_path / "elsewhere")
    assert len(documents(make(STORIES, rows={"train": 80}), "train")) == 80
