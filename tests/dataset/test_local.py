"""Each format reads what its files say, and says what is wrong with them."""

import csv
import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lmtopo.dataset import local, survey
from lmtopo.dataset.documents import of_rows
from lmtopo.errors import InputError

TEXTS = ['She said "no".', "naïve café – 日本", "a, b; c", "'quoted'", "last one  "]
PAIRS = [('He said "yes" .', "Yes , he said .", 1), ('An open " quote', "a , b", 0)] * 3


def read(path: Path, kind: str, **keys: Any) -> list[str]:
    """All documents of one file."""
    (part,) = local.parts({"format": kind, "path": str(path), **keys})
    return list(of_rows(part.rows, part.unit))


def write(folder: Path, kind: str, columns: dict[str, list[Any]]) -> Path:
    """The same columns in a table format."""
    path = folder / f"file.{kind}"
    rows = list(zip(*columns.values(), strict=True))
    if kind == "jsonl":
        lines = [json.dumps(dict(zip(columns, row, strict=True))) for row in rows]
        path.write_text("\n".join(lines) + "\n")
    elif kind == "csv":
        with path.open("w", newline="") as file:
            csv.writer(file).writerows([list(columns), *rows])
    elif kind == "tsv":
        path.write_text("".join("\t".join(map(str, row)) + "\n" for row in [tuple(columns), *rows]))
    elif kind == "parquet":
        import pyarrow as pa
        import pyarrow.parquet as pq

        pq.write_table(pa.table(columns), path)
    else:
        import datasets

        datasets.Dataset.from_dict(columns).save_to_disk(path)
    return path


@pytest.mark.parametrize("kind", ["jsonl", "csv", "tsv", "parquet", "arrow"])
def test_every_table_format_gives_the_same_documents(kind: str, tmp_path: Path) -> None:
    assert read(write(tmp_path, kind, {"n": [1] * 5, "text": TEXTS}), kind) == TEXTS


@pytest.mark.parametrize("kind", ["jsonl", "csv", "tsv", "parquet", "arrow"])
def test_columns_may_have_names_of_their_own(kind: str, tmp_path: Path) -> None:
    first, second, label = (list(values) for values in zip(*PAIRS, strict=True))
    path = write(tmp_path, kind, {"Quality": label, "#1 String": first, "#2 String": second})
    names = {"sentence1": "#1 String", "sentence2": "#2 String", "label": "Quality"}
    expected = [text for pair in PAIRS for text in pair[:2]]
    assert read(path, kind, columns=names) == expected
    (part,) = local.parts({"format": kind, "path": str(path), "columns": names})
    assert {int(row["label"]) for row in part.rows} == {0, 1}


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_plain_text_gives_the_same_documents(end: str, tmp_path: Path) -> None:
    file = tmp_path / "file.txt"
    file.write_bytes(end.join(TEXTS).encode())
    assert read(file, "lines") == TEXTS
    file.write_bytes(f"{end}--{end}".join(TEXTS).encode())
    assert read(file, "text", separator="--") == TEXTS


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r"))))
def test_what_lies_between_separators_is_kept_as_it_is(tmp_path: Path, texts: list[str]) -> None:
    texts = [text for text in texts if text.strip() and "|" not in text]
    file = tmp_path / "file.txt"
    file.write_bytes("".join(f"{text}\n|\n" for text in [*texts, "end"]).encode())
    assert read(file, "text", separator="|") == [*texts, "end"]


def test_lines_end_at_line_feeds_alone(tmp_path: Path) -> None:
    file = tmp_path / "file.txt"
    file.write_bytes("a\u2028b\x0bc\x85d\n\ne\rf\n".encode())
    assert read(file, "lines") == ["a\u2028b\x0bc\x85d", "e\rf"]


def test_a_byte_order_mark_is_not_text(tmp_path: Path) -> None:
    file = tmp_path / "file.txt"
    file.write_bytes(b"\xef\xbb\xbftext\tn\none\t1\n")
    assert read(file, "tsv") == ["one"]
    assert read(file, "lines")[0] == "text\tn"


def test_a_field_may_be_longer_than_the_csv_module_allows(tmp_path: Path) -> None:
    file = tmp_path / "file.csv"
    file.write_text('text\n"' + "a\n" * 100_000 + '"\n')
    assert read(file, "csv") == ["a\n" * 100_000]


def test_empty_documents_are_left_out_and_counted(tmp_path: Path) -> None:
    file = tmp_path / "file.txt"
    file.write_text("--\n--\none\n--\n \n\n--\ntwo\n--\n")
    (part,) = local.parts({"format": "text", "path": str(file), "separator": "--"})
    assert [row["text"] for row in part.rows] == ["one", "two"]
    assert part.dropped[file] == 4
    path = write(tmp_path, "parquet", {"text": ["one", None, "", "two"]})
    (part,) = local.parts({"format": "parquet", "path": str(path)})
    assert [row["text"] for row in part.rows] == ["one", "two"]
    assert part.dropped[path] == 2


@pytest.mark.parametrize(
    ("count", "holdout", "held"), [(20, 0.05, 1), (21, 0.05, 2), (30, 0.1, 3), (3, 0.5, 2)]
)
def test_the_holdout_is_the_last_documents_rounded_up(
    count: int, holdout: float, held: int, tmp_path: Path
) -> None:
    file = tmp_path / "file.txt"
    file.write_text("".join(f"{'x' * (number + 1)}\n" for number in range(count)))
    found = sizes({"format": "lines", "path": str(file), "holdout": holdout})
    lengths = list(range(1, count + 1))
    assert found == {"train": lengths[:-held], "validation": lengths[-held:]}


def sizes(origin: dict[str, Any]) -> dict[str, list[int]]:
    """Bytes of each document of files that are small enough to look."""
    found = survey.survey(origin)
    assert found is not None
    return found.sizes


def test_no_holdout_leaves_train_alone(tmp_path: Path) -> None:
    file = tmp_path / "file.txt"
    file.write_text("one\n")
    assert sizes({"format": "lines", "path": str(file), "holdout": 0}) == {"train": [3]}


def test_a_holdout_cuts_between_articles(tmp_path: Path) -> None:
    file = tmp_path / "file.raw"
    file.write_text("".join(f" \n = {name} = \n \n Text {name} é . \n" for name in "ABC"))
    found = sizes({"format": "wikitext", "path": str(file), "holdout": 0.1})
    size = len(" = A = \n \n Text A é . \n \n".encode())
    assert found == {"train": [size, size], "validation": [size - 2]}


def test_a_saved_dict_has_its_own_splits(tmp_path: Path) -> None:
    import datasets

    saved = {name: datasets.Dataset.from_dict({"text": [name]}) for name in ("train", "dev")}
    datasets.DatasetDict(saved).save_to_disk(tmp_path / "saved")
    folder = str(tmp_path / "saved")
    assert sizes({"format": "arrow", "path": folder}) == {"train": [5], "dev": [3]}
    named = {"format": "arrow", "splits": {"test": f"{folder}/dev"}}
    assert sizes(named) == {"test": [3]}
    with pytest.raises(InputError, match=r"holds splits of its own \(train, dev\)"):
        survey.survey({"format": "arrow", "splits": {"test": folder}})


def test_rows_of_articles_may_come_from_a_table(tmp_path: Path) -> None:
    rows = ["", " = A = \n", "", " Text . \n"]
    path = write(tmp_path, "parquet", {"text": rows})
    assert read(path, "parquet", documents="articles") == [" = A = \n \n Text . \n"]


def test_large_files_are_opened_but_not_read_through(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(survey, "LARGEST", 10)
    path = write(tmp_path, "jsonl", {"text": TEXTS})
    assert survey.survey({"format": "jsonl", "path": str(path)}) is None
    with pytest.raises(InputError, match="has no column 'body'"):
        survey.survey({"format": "jsonl", "path": str(path), "columns": {"text": "body"}})


def write_bytes(content: bytes) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(content)


@pytest.mark.parametrize(
    ("make", "keys", "message"),
    [
        (lambda path: None, {"format": "lines"}, r"file '.*file' does not exist"),
        (lambda path: None, {"format": "arrow"}, r"folder '.*file' does not exist"),
        (Path.mkdir, {"format": "jsonl"}, r"'.*file' is a folder: format jsonl reads one file"),
        (Path.mkdir, {"format": "arrow"}, "neither dataset_dict.json nor state.json"),
        (write_bytes(b"a\n"), {"format": "arrow"}, "is a file: format arrow reads a folder"),
        (write_bytes(b""), {"format": "lines"}, r"'.*file' has no rows with text: give another"),
        (write_bytes(b"\n \n"), {"format": "lines"}, r"no rows with text \(2 empty ones\)"),
        (write_bytes(b""), {"format": "csv"}, "has no rows with text"),
        (write_bytes(b"text\n"), {"format": "csv"}, "has no rows with text"),
        (write_bytes(b"ab\nc\xe9d\n"), {"format": "lines"}, r"is not UTF-8: byte 4 \(0xe9\)"),
        (write_bytes(b"{'a': 1}\n"), {"format": "jsonl"}, r"file', line 1 is not JSON"),
        (write_bytes(b'"a"\n'), {"format": "jsonl"}, "line 1 is not a JSON object"),
        (write_bytes(b'{"text": "a"}\n\n{"b": 1}'), {"format": "jsonl"}, "line 3 has no 'text'"),
        (write_bytes(b'{"text": 7}\n'), {"format": "jsonl"}, "row 1: column 'text' is int 7, not"),
        (write_bytes(rb'{"text": "\ud83d"}'), {"format": "jsonl"}, "half a surrogate pair"),
        (
            write_bytes(b'{"sentence1": "a", "sentence2": "b", "label": []}\n'),
            {"format": "jsonl"},
            "column 'label' is list, neither text nor number",
        ),
        (
            write_bytes(b'{"text": "a", "x": []}\n'),
            {"format": "jsonl", "columns": {"label": "x"}},
            "column 'label' is list, neither text nor number",
        ),
        (
            write_bytes(b"body,title\na,b\n"),
            {"format": "csv"},
            r"no column 'text' \(it has: body, title\): say which one it is with columns: {text",
        ),
        (
            write_bytes(b"sentence1\tother\na\tb\n"),
            {"format": "tsv"},
            "has no column 'sentence2' .*columns: {sentence2: NAME}",
        ),
        (write_bytes(b"text\tn\na\n"), {"format": "tsv"}, "line 2 has 1 fields, but the header"),
        (write_bytes(b'text\n"a\n'), {"format": "csv"}, r"file', line 2: unexpected end of data"),
        (write_bytes(b"text\na\n"), {"format": "parquet"}, "is not a Parquet file"),
        (write_bytes(b"a\nb\n"), {"format": "wikitext"}, "has no article"),
        (write_bytes(b"a\n"), {"format": "lines"}, r"1 document\(s\), leaves none to train on"),
        (write_bytes(b"a\nb\n"), {"format": "lines", "holdout": 1.0}, "holdout is 1.0"),
        (write_bytes(b"a\n"), {"format": "text"}, "format text needs separator"),
        (
            write_bytes(b"a|b\nc\n"),
            {"format": "text", "separator": "|"},
            r"separator '\|' inside lines, but never on a line of its own",
        ),
        (
            write_bytes(b"a\nb\n"),
            {"format": "text", "separator": "<eos>"},
            "the separator '<eos>' stands on no line of '.*file': correct it",
        ),
        (write_bytes(b"x,x,text,text\n1,1,a,b\n"), {"format": "csv"}, "several columns 'text'"),
        (write_bytes(b"a\n"), {"format": "lines", "separator": "|"}, "lines has no separator"),
        (write_bytes(b"a\n"), {"format": "lines", "columns": {"text": "a"}}, "has no columns"),
        (write_bytes(b"a\n"), {"format": "lines", "documents": "articles"}, "only rows"),
        (write_bytes(b"a\n"), {"format": "pdf"}, "format 'pdf' is not known"),
        (write_bytes(b"a\n"), {"format": "lines", "splits": {"x": "y"}}, "either path"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(
    make: Callable[[Path], object], keys: dict[str, Any], message: str, tmp_path: Path
) -> None:
    path = tmp_path / "file"
    make(path)
    with pytest.raises(InputError) as raised:
        survey.survey({"path": str(path), **keys})
    assert re.search(message, str(raised.value)), raised.value
    assert "\n" not in str(raised.value)


def test_files_that_differ_in_their_documents_are_refused(tmp_path: Path) -> None:
    one, two = tmp_path / "one.csv", tmp_path / "two.csv"
    one.write_text("text\na\n")
    two.write_text("sentence1,sentence2\na,b\n")
    with pytest.raises(InputError, match="differ in what a document is"):
        local.parts({"format": "csv", "splits": {"train": str(one), "test": str(two)}})


@pytest.mark.skipif("LMTOPO_DATA" not in os.environ, reason="LMTOPO_DATA is not set")
def test_tinystories_is_cut_at_its_separators() -> None:
    file = Path(os.environ["LMTOPO_DATA"], "tinystories", "tinystories_sample_5M.txt")
    text = file.read_bytes().decode()
    stories = read(file, "text", separator="<|endoftext|>")
    assert len(stories) == 6458
    assert "\n<|endoftext|>\n".join(stories) == text


@pytest.mark.skipif("LMTOPO_DATA" not in os.environ, reason="LMTOPO_DATA is not set")
def test_mrpc_is_read_as_glue_reads_it() -> None:
    folder = Path(os.environ["LMTOPO_DATA"], "mrpc")
    names = {"sentence1": "#1 String", "sentence2": "#2 String", "label": "Quality"}
    for file, rows in {"train": 3668, "dev": 408, "test_labelled": 1725}.items():
        path = folder / f"{file}.tsv"
        with path.open(newline="", encoding="utf-8") as opened:
            glue = list(csv.DictReader(opened, delimiter="\t", quoting=csv.QUOTE_NONE))
        (part,) = local.parts({"format": "tsv", "path": str(path), "columns": names})
        found = list(part.rows)
        assert len(found) == rows
        assert found == [{ours: row[theirs] for ours, theirs in names.items()} for row in glue]
        assert any('"' in row["sentence1"] for row in found)


def test_a_single_document_ends_with_its_separator(tmp_path: Path) -> None:
    (tmp_path / "one.txt").write_text("a\nb\n---\n")
    one = {"format": "text", "separator": "---", "path": str(tmp_path / "one.txt")}
    (part,) = local.parts(one)
    assert [row["text"] for row in part.rows] == ["a\nb"]
    (tmp_path / "bare.txt").write_text("c\n")  # needs none beside a file that has it
    splits = {"train": str(tmp_path / "one.txt"), "validation": str(tmp_path / "bare.txt")}
    found = local.parts({"format": "text", "separator": "---", "splits": splits})
    assert [[row["text"] for row in part.rows] for part in found] == [["a\nb"], ["c"]]


@pytest.mark.parametrize("kind", ["csv", "tsv"])
def test_rows_without_text_are_counted_and_blank_lines_are_none(tmp_path: Path, kind: str) -> None:
    sign = "," if kind == "csv" else "\t"
    lines = ["", f"text{sign}stars", f"a{sign}1", "", sign, f"{sign}3", f"b{sign}2", ""]
    path = tmp_path / f"file.{kind}"
    path.write_text("\n".join(lines))
    (part,) = local.parts({"format": kind, "path": str(path)})
    assert [row["text"] for row in part.rows] == ["a", "b"]
    assert part.dropped[path] == 2
