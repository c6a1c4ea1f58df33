from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lmtopo import tokenizer
from lmtopo.errors import InputError

TEXTS = ["a red ball and a blue boat", "the boat was red", "no ball was blue"] * 5


def test_training_twice_gives_the_same_file(tmp_path: Path) -> None:
    for name in ("one", "two"):
        tokenizer.train(TEXTS, 290).save_pretrained(tmp_path / name)
    assert tokenizer.file_hash(tmp_path / "one") == tokenizer.file_hash(tmp_path / "two")


@pytest.fixture(scope="module")
def trained() -> object:
    return tokenizer.train(TEXTS, 290)


@given(text=st.text(max_size=50))
def test_bytes_are_never_lost(trained: object, text: str) -> None:
    ids = tokenizer.encode(trained, [text])[0]  # type: ignore[arg-type]
    assert trained.decode(ids, skip_special_tokens=False) == text  # type: ignore[attr-defined]
    assert max(ids, default=0) < 290


def test_documents_are_encoded_without_special_tokens(tokenizer_folder: Path) -> None:
    loaded = tokenizer.load(tokenizer_folder)
    boundary = tokenizer.boundary(loaded)
    assert loaded.convert_ids_to_tokens(boundary) == tokenizer.END_OF_TEXT
    assert all(boundary not in ids for ids in tokenizer.encode(loaded, TEXTS))


def test_a_copied_tokenizer_reads_as_the_original(tmp_path: Path, tokenizer_folder: Path) -> None:
    tokenizer.tokenizer(folder=str(tmp_path / "copy"), source=str(tokenizer_folder))
    copy, original = tokenizer.load(tmp_path / "copy"), tokenizer.load(tokenizer_folder)
    assert tokenizer.encode(copy, TEXTS) == tokenizer.encode(original, TEXTS)


def test_a_tokenizer_that_changed_meanwhile_is_refused(
    tmp_path: Path, tokenizer_folder: Path
) -> None:
    with pytest.raises(InputError, match="has changed"):
        tokenizer.tokenizer(folder=str(tmp_path / "copy"), source=str(tokenizer_folder), sha256="0")
    assert not (tmp_path / "copy").exists()


def test_a_folder_without_one_is_an_error(tmp_path: Path) -> None:
    assert not tokenizer.has_tokenizer(tmp_path)
    with pytest.raises(InputError, match="cannot read a tokenizer"):
        tokenizer.load(tmp_path)
