import hashlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from lmtopo import dataset as stage
from lmtopo.dataset import dataset
from lmtopo.dataset.documents import documents
from lmtopo.errors import InputError

ROOT = Path(__file__).parents[2]


def make(folder: Path, origin: dict[str, Any]) -> dict[str, Any]:
    """Save a dataset; its provenance."""
    dataset(origin=origin, name="mine", study="one", folder=str(folder))
    found: dict[str, Any] = json.loads((folder / "provenance.json").read_text())
    return found


def contents(folder: Path) -> dict[str, bytes]:
    files = (file for file in folder.rglob("*") if file.is_file())
    return {str(file.relative_to(folder)): file.read_bytes() for file in files}


@pytest.fixture
def origin(tmp_path: Path) -> dict[str, Any]:
    file = tmp_path / "file.jsonl"
    rows = [{"body": f"text nº {number}", "label": number % 2} for number in range(25)]
    file.write_text("".join(json.dumps(row) + "\n" for row in [*rows, {"body": ""}]))
    columns = {"text": "body"}
    return {"source": "local", "format": "jsonl", "path": str(file), "columns": columns}


def test_the_datasets_library_loads_what_is_saved(origin: dict[str, Any], tmp_path: Path) -> None:
    import datasets

    make(tmp_path / "saved", origin)
    loaded = datasets.load_from_disk(tmp_path / "saved")
    assert {split: rows.num_rows for split, rows in loaded.items()} == {
        "train": 23,
        "validation": 2,
    }
    assert loaded["train"][1] == {"text": "text nº 1", "label": 1}
    assert loaded["validation"]["text"][:] == documents(tmp_path / "saved", "validation")


def test_provenance_says_whence_and_how_much(origin: dict[str, Any], tmp_path: Path) -> None:
    found = make(tmp_path / "saved", origin | {"licence": "CC0-1.0"})
    path = origin["path"]
    assert found["name"] == "mine"
    assert found["study"] == "one"
    assert found["origin"] == origin | {"licence": "CC0-1.0"}
    assert found["documents"] == "rows"
    assert found["licence"] == "CC0-1.0"
    texts = documents(tmp_path / "saved", "train")
    size = sum(len(text.encode()) for text in texts)
    assert found["splits"]["train"] == {"rows": 23, "bytes": size, "documents": 23}
    assert found["sha256"] == {path: hashlib.sha256(Path(path).read_bytes()).hexdigest()}
    assert found["dropped"] == {path: 1}
    assert set(found["versions"]) == {"lmtopo", "datasets", "pyarrow"}


@pytest.mark.slow
def test_the_same_origin_gives_the_same_bytes_in_another_process(
    origin: dict[str, Any], tmp_path: Path
) -> None:
    make(tmp_path / "one", origin)
    call = {"origin": origin, "name": "mine", "study": "one", "folder": str(tmp_path / "two")}
    home = tmp_path / "cache"
    subprocess.run(
        [sys.executable, "-c", f"from lmtopo.dataset import dataset; dataset(**{call!r})"],
        check=True,
        env=os.environ | {"PYTHONPATH": str(ROOT / "workflow"), "HF_HOME": str(home)},
    )
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    assert not home.exists()


def test_the_fingerprint_is_of_the_rows_alone(origin: dict[str, Any], tmp_path: Path) -> None:
    first = make(tmp_path / "one", origin)["fingerprint"]
    path = Path(origin["path"])
    copy = path.rename(path.with_name("renamed.jsonl"))
    assert make(tmp_path / "two", origin | {"path": str(copy)})["fingerprint"] == first
    copy.write_text(copy.read_text().replace("25", "").replace(" 7", " 8"))
    assert make(tmp_path / "three", origin | {"path": str(copy)})["fingerprint"] != first


def test_the_fingerprint_is_that_of_the_rows_as_json(tmp_path: Path) -> None:
    file = tmp_path / "file.txt"
    file.write_text("é\n")
    origin = {"source": "local", "format": "lines", "splits": {"test": str(file)}}
    split = hashlib.sha256('["text"]\n["é"]\n'.encode()).hexdigest()
    expected = hashlib.sha256(f'{{"test": "{split}"}}'.encode()).hexdigest()
    assert make(tmp_path / "saved", origin)["fingerprint"] == expected


@pytest.mark.parametrize(
    ("labels", "kind"),
    [(["1", "0", "-1"], "int64"), (["1", "no", "0"], "string"), (["1", "", "0"], "string")],
)
def test_labels_are_numbers_where_all_are(labels: list[str], kind: str, tmp_path: Path) -> None:
    import datasets

    files = {}
    for split, label in zip(("train", "dev", "test-2"), labels, strict=True):
        files[split] = str(tmp_path / f"{split}.csv")
        Path(files[split]).write_text(f"text,label\na,{label}\n")
    make(tmp_path / "saved", {"source": "local", "format": "csv", "splits": files})
    loaded = datasets.load_from_disk(tmp_path / "saved")
    assert list(loaded) == list(files)
    assert {rows.features["label"].dtype for rows in loaded.values()} == {kind}


def test_a_column_of_mixed_values_is_an_error(tmp_path: Path) -> None:
    file = tmp_path / "file.jsonl"
    file.write_text('{"text": "a", "label": 1}\n{"text": "b", "label": "x"}\n')
    origin = {"source": "local", "format": "jsonl", "path": str(file), "holdout": 0}
    with pytest.raises(InputError, match="values of column 'label' do not go into one column"):
        make(tmp_path / "saved", origin)


def test_a_failure_leaves_what_was_there(
    origin: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(tmp_path / "saved", origin)
    before = contents(tmp_path)

    def fail(*arguments: Any) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(stage, "write_json", fail)
    with pytest.raises(OSError, match="disk full"):
        make(tmp_path / "saved", origin)
    assert contents(tmp_path) == before


def generate(kind: str, *, rows: int, seed: int) -> dict[str, list[Any]]:
    if kind == "paraphrases":
        sides = {f"sentence{side}": [f"{side} {row}" for row in range(rows)] for side in (1, 2)}
        return {**sides, "label": [row % 2 for row in range(rows)], "idx": list(range(rows))}
    return {"text": [f"{kind} {seed} {row}" for row in range(rows)]}


@pytest.fixture
def grammar(monkeypatch: pytest.MonkeyPatch) -> None:
    import types

    module = types.ModuleType("lmtopo.dataset.generated")
    module.generate = generate  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "lmtopo.dataset.generated", module)


def generated(kind: str = "stories", **rows: int) -> dict[str, Any]:
    return {"source": "generated", "kind": kind, "seed": 3, "rows": rows}


@pytest.mark.usefixtures("grammar")
def test_generated_splits_share_no_row_and_more_training_moves_none(tmp_path: Path) -> None:
    found = make(tmp_path / "small", generated(train=5, validation=2, test=3))
    assert list(found["splits"]) == ["train", "validation", "test"]
    make(tmp_path / "large", generated(train=9, validation=2, test=3))
    small, large = (
        {split: documents(tmp_path / size, split) for split in ("train", "validation", "test")}
        for size in ("small", "large")
    )
    assert len({text for texts in large.values() for text in texts}) == 14
    assert large["validation"] == small["validation"]
    assert large["test"] == small["test"]
    assert large["train"][:5] == small["train"]


@pytest.mark.usefixtures("grammar")
def test_a_split_without_rows_is_left_out(tmp_path: Path) -> None:
    assert list(make(tmp_path / "saved", generated(train=5, test=0))["splits"]) == ["train"]
    with pytest.raises(InputError, match="every split has 0 rows"):
        make(tmp_path / "none", generated(train=0))
    assert not (tmp_path / "none").exists()


@pytest.mark.usefixtures("grammar")
def test_paraphrases_are_read_sentence_by_sentence(tmp_path: Path) -> None:
    found = make(tmp_path / "saved", generated("paraphrases", train=2))
    assert found["documents"] == "sentences"
    assert found["splits"]["train"]["documents"] == 4
    assert documents(tmp_path / "saved", "train") == ["1 0", "2 0", "1 1", "2 1"]


@pytest.mark.skipif("LMTOPO_DATA" not in os.environ, reason="LMTOPO_DATA is not set")
def test_the_shipped_study_of_real_text(tmp_path: Path) -> None:
    import datasets

    from lmtopo.dataset.survey import survey

    data = os.environ["LMTOPO_DATA"]
    text = (ROOT / "config" / "studies" / "local.yaml").read_text().replace("{data}", data)
    rows = {
        "tinystories-local": {"train": 6135, "validation": 323},
        "wikitext-2-local": {"validation": 3760, "test": 4358},
        "mrpc-local": {"train": 3668, "validation": 408, "test": 1725},
    }
    for name, origin in yaml.safe_load(text)["datasets"].items():
        found = make(tmp_path / name, origin)
        loaded = datasets.load_from_disk(tmp_path / name)
        assert {split: part.num_rows for split, part in loaded.items()} == rows[name]
        known = survey(origin)
        assert known is not None
        sizes = known.sizes
        for split, facts in found["splits"].items():
            assert facts["documents"] == len(sizes[split])
            assert facts["bytes"] == sum(sizes[split])
            assert len(documents(tmp_path / name, split)) == facts["documents"]


def test_every_example_of_the_guide_is_valid() -> None:
    from pydantic import TypeAdapter

    from lmtopo.dataset import local
    from lmtopo.study.schema import Dataset

    adapter: TypeAdapter[Any] = TypeAdapter(Dataset)
    guide = (ROOT / "datasets" / "README.md").read_text()
    formats = set()
    for block in re.findall(r"```yaml\n(.*?)```", guide, re.DOTALL):
        for origin in yaml.safe_load(block).values():
            adapter.validate_python(origin)
            if origin["source"] == "local":
                local.check_keys(origin)
                formats.add(origin["format"])
    assert formats == {*local.PLAIN, *local.TABLES}
