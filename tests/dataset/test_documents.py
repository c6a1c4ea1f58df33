import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lmtopo.dataset import dataset
from lmtopo.dataset.documents import article_starts, articles, documents
from lmtopo.errors import Damaged, InputError
from lmtopo.fingerprint import digest

LINES = [
    " \n",
    " = Ceres ( dwarf planet ) = \n",
    " \n",
    " Ceres is round , with an eccentricity of e \n",
    " = 0 @.@ 08 and an inclination of i = \n",
    " 10 degrees . \n",
    " \n",
    " = = Name = = \n",
    " \n",
    " = = = Origin = = = \n",
    " \n",
    " Named “ Ceres ” . \n",
    " \n",
    " = Pallas = \n",
    " \n",
    " Pallas is large . \n",
]


def save(tmp_path: Path, **origin: Any) -> Path:
    folder = tmp_path / "saved"
    dataset(origin={"source": "local", **origin}, name="d", study="s", folder=str(folder))
    return folder


def test_an_article_is_character_for_character_the_files_text() -> None:
    ceres, pallas = articles(LINES)
    assert ceres + pallas == "".join(LINES[1:])
    assert ceres.startswith(" = Ceres ( dwarf planet ) = \n \n Ceres is")
    assert pallas == " = Pallas = \n \n Pallas is large . \n"


def test_neither_a_heading_nor_half_an_equation_is_a_title() -> None:
    assert article_starts(LINES) == [1, 13]


def test_an_empty_row_stands_for_a_blank_line() -> None:
    hub = ["" if line == " \n" else line for line in LINES]
    assert list(articles(hub)) == list(articles(LINES))


def test_a_title_may_hold_an_equals_sign() -> None:
    assert article_starts([" = E = mc2 = \n", " \n", " An equation . \n"]) == [0]


@given(st.lists(st.sampled_from([" \n", " = A = \n", " = = B = = \n", " text \n", " = c \n"])))
def test_articles_lose_nothing_after_the_first_title(lines: list[str]) -> None:
    starts = article_starts(lines)
    assert "".join(articles(lines)) == "".join(lines[starts[0] :] if starts else [])


def test_a_limit_takes_the_first(tmp_path: Path) -> None:
    file = tmp_path / "file.txt"
    file.write_text("one\ntwo\nthree\n")
    folder = save(tmp_path, format="lines", path=str(file), holdout=0)
    assert documents(folder, "train") == ["one", "two", "three"]
    assert documents(str(folder), "train", limit=2) == ["one", "two"]
    assert documents(folder, "train", limit=9) == ["one", "two", "three"]


def test_short_documents_are_left_out_before_the_first_are_counted(tmp_path: Path) -> None:
    file = tmp_path / "file.txt"
    file.write_text("three\n   six   \nlonger\nthe longest\n")
    folder = save(tmp_path, format="lines", path=str(file), holdout=0)
    assert documents(folder, "train", limit=1, min_characters=6) == ["longer"]
    assert documents(folder, "train", min_characters=6) == ["longer", "the longest"]
    assert documents(folder, "train", min_characters=3)[1] == "   six   "


def test_both_sentences_of_a_pair_are_documents(tmp_path: Path) -> None:
    file = tmp_path / "pairs.csv"
    file.write_text('sentence1,sentence2\n"a, b",c\nd,e\n')
    folder = save(tmp_path, format="csv", path=str(file), holdout=0)
    assert documents(folder, "train") == ["a, b", "c", "d", "e"]
    assert documents(folder, "train", limit=3) == ["a, b", "c", "d"]


def test_a_missing_split_names_those_that_exist(tmp_path: Path) -> None:
    file = tmp_path / "file.txt"
    file.write_text("one\ntwo\n")
    folder = save(tmp_path, format="lines", path=str(file))
    with pytest.raises(InputError, match=r"has no split 'dev' \(it has: train, validation\)"):
        documents(folder, "dev")


def test_a_folder_that_is_no_dataset_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        documents(tmp_path / "nowhere", "train")
    with pytest.raises(InputError, match=r"neither dataset_dict\.json nor"):
        documents(tmp_path, "train")
    file = tmp_path / "file.txt"
    file.write_text("one\ntwo\n")
    folder = save(tmp_path, format="lines", path=str(file))
    (folder / "provenance.json").unlink()
    with pytest.raises(InputError, match="was not written by stage dataset"):
        documents(folder, "train")


@pytest.mark.parametrize("name", ["dataset_dict.json", "provenance.json"])
@pytest.mark.parametrize("kept", [0, 20])
def test_a_dataset_whose_description_is_cut_is_damaged(
    tmp_path: Path, name: str, kept: int
) -> None:
    (tmp_path / "file.txt").write_text("one\ntwo\n")
    folder = save(tmp_path, format="lines", path=str(tmp_path / "file.txt"))
    file = folder / name
    file.write_bytes(file.read_bytes()[:kept])
    with pytest.raises(Damaged, match=r"saved' is damaged \(.*\): delete it and run snakemake"):
        documents(folder, "train")


def test_what_reads_documents_does_not_depend_on_what_wrote_them() -> None:
    # or an edit of the grammar would train every model again, whatever its data
    assert set(digest("dataset.documents")[1]) == {
        "checksums",
        "dataset.saved",
        "errors",
    }
    assert set(digest("dataset.saved")[1]) == {"errors", "files"}


@pytest.mark.skipif("LMTOPO_DATA" not in os.environ, reason="LMTOPO_DATA is not set")
@pytest.mark.parametrize(
    ("file", "count"),
    [
        ("wikitext-2-raw/wiki.valid.raw", 60),
        ("wikitext-2-raw/wiki.test.raw", 60),
        ("wikitext-2-train/wiki.train.tokens", 600),
    ],
)
def test_wikitext_2_has_as_many_articles_as_its_paper_says(file: str, count: int) -> None:
    # Merity et al. 2016, arXiv 1609.07843, table 1
    text = (Path(os.environ["LMTOPO_DATA"]) / file).read_bytes().decode()
    found = list(articles([line + "\n" for line in text.removesuffix("\n").split("\n")]))
    assert len(found) == count
    assert "".join(found) == text.removeprefix(" \n")
