from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lmtopo import tokenizer
from lmtopo.dataset import dataset
from lmtopo.dataset.documents import documents
from lmtopo.errors import InputError
from lmtopo.formats import probes
from lmtopo.probe import encode_start, find_texts
from lmtopo.windows import document_windows, stream, windows


@given(
    documents=st.lists(st.lists(st.integers(1, 9), max_size=30), min_size=1, max_size=12),
    reading=st.sampled_from([("windows", 0), ("document", 0), ("document", None)]),
    context=st.integers(2, 16),
    overlap=st.integers(0, 15),
    skip=st.integers(0, 3),
    shortest=st.integers(1, 5),
)
def test_texts_are_stretches_of_one_document_and_never_overlap(
    documents: list[list[int]],
    reading: tuple[str, int | None],
    context: int,
    overlap: int,
    skip: int,
    shortest: int,
) -> None:
    tokens = stream(documents, reading[1])
    stride = max(1, context - overlap)
    if reading[0] == "windows":
        cut = windows(tokens, context=context, stride=stride)
    else:
        cut = document_windows(tokens, context=context, stride=stride)
    texts = find_texts(tokens, cut, skip_positions=skip, min_text_tokens=shortest)
    covered: list[int] = []
    for window, first, end in texts:
        places = cut.start[window] + np.arange(first, end)
        assert first >= skip
        assert first >= cut.fresh[window]
        assert end - first >= shortest
        assert len(set(tokens.document[places])) == 1
        assert not tokens.boundary[places].any()
        covered += places.tolist()
    assert len(covered) == len(set(covered))


def test_texts_are_as_long_as_they_can_be() -> None:
    tokens = stream([[1] * 5, [2] * 9], 0)  # 0 11111 0 222222222
    cut = windows(tokens, context=8, stride=8)
    found = find_texts(tokens, cut, skip_positions=0, min_text_tokens=1)
    assert found.tolist() == [[0, 1, 6], [0, 7, 8], [1, 0, 7]]


def test_a_document_read_by_itself_is_one_text_from_its_first_token_to_its_last() -> None:
    tokens = stream([[1] * 5, [], [2] * 9], None)
    cut = document_windows(tokens, context=9, stride=9)
    found = find_texts(tokens, cut, skip_positions=0, min_text_tokens=1)
    assert found.tolist() == [[0, 0, 5], [1, 0, 9]]
    tokens = stream([[1] * 5, [], [2] * 9], 0)
    cut = document_windows(tokens, context=10, stride=10)
    found = find_texts(tokens, cut, skip_positions=0, min_text_tokens=1)
    assert found.tolist() == [[0, 1, 6], [2, 1, 10]]


def test_a_probe_comes_back_as_it_was_saved_and_twice_alike(
    tmp_path: Path, make_probe: Callable[..., Path]
) -> None:
    one, two = make_probe(tmp_path / "one"), make_probe(tmp_path / "two")
    assert one.read_bytes() == two.read_bytes()
    loaded = probes.load(one)
    [reading] = loaded.readings
    assert reading.facts["n_tokens"] == reading.stream.scored.sum()
    assert reading.facts["reading"] == "windows"
    assert reading.facts["n_documents"] == 7
    assert loaded.facts["dataset"] == "stories"
    assert len(loaded.places.token) == len(loaded.places.text) == 40


def test_a_token_more_is_scored_where_something_precedes_each_document(
    tmp_path: Path, make_probe: Callable[..., Path]
) -> None:
    found = {
        prefix: probes.load(
            make_probe(tmp_path / prefix, readings=["document"], prefix=prefix)
        ).readings[0]
        for prefix in ("eos", "none")
    }
    for reading in found.values():
        assert reading.facts["n_tokens"] == reading.stream.scored.sum()
    assert found["eos"].facts["n_tokens"] - found["none"].facts["n_tokens"] == 7
    assert found["eos"].facts["n_bytes"] == found["none"].facts["n_bytes"]


def test_a_documents_start_has_the_bytes_of_its_tokens(
    tmp_path: Path, make_probe: Callable[..., Path], dataset_folder: Path, loaded: Any
) -> None:
    texts = documents(dataset_folder, "validation", limit=7)
    kept = [
        loaded.decode(ids[:50], clean_up_tokenization_spaces=False)
        for ids in tokenizer.encode(loaded, texts)
    ]
    loaded_probe = probes.load(make_probe(tmp_path / "probe", max_tokens=50, points=7))
    found = loaded_probe.readings[0].facts
    assert found["n_tokens"] == 50 * 7
    assert found["n_bytes"] == len("".join(kept).encode())
    assert found["n_words"] == sum(len(text.split()) for text in kept)
    assert all(text.startswith(start) for text, start in zip(texts, kept, strict=True))


@pytest.fixture(scope="module")
def loaded(tokenizer_folder: Path) -> Any:
    return tokenizer.load(tokenizer_folder)


@given(text=st.text(max_size=40), most=st.integers(1, 30))
def test_a_start_is_the_first_tokens_and_the_text_they_stand_for(
    loaded: Any, text: str, most: int
) -> None:
    [whole] = tokenizer.encode(loaded, [text])
    [ids], [start] = encode_start(loaded, [text], most)
    assert ids == whole[:most]
    assert text.startswith(start)
    assert start == text or len(whole) > most
    held = loaded.decode(ids, skip_special_tokens=False, clean_up_tokenization_spaces=False)
    assert start.startswith(held.rstrip("\ufffd"))  # what is left of a character cut in two


def test_a_tokenizer_without_offsets_cannot_cut() -> None:
    class Slow:
        is_fast = False

    with pytest.raises(InputError, match=r"max_tokens is 5, but the tokenizer \(Slow\)"):
        encode_start(Slow(), ["text"], 5)  # type: ignore[arg-type]


def test_another_seed_samples_other_places_of_the_same_texts(
    tmp_path: Path, make_probe: Callable[..., Path]
) -> None:
    one = probes.load(make_probe(tmp_path / "one"))
    two = probes.load(make_probe(tmp_path / "two", seed=2))
    assert (one.readings[0].stream.ids == two.readings[0].stream.ids).all()
    assert (one.places.token != two.places.token).any()


def test_too_few_texts_are_counted_in_the_error(
    tmp_path: Path, make_probe: Callable[..., Path]
) -> None:
    with pytest.raises(InputError, match=r"there are \d+ of at least 8 tokens"):
        make_probe(tmp_path / "probe", points=100_000)
    with pytest.raises(InputError, match="need as many positions"):
        make_probe(tmp_path / "probe", points=100_000, poolings=["token"])
    assert list(tmp_path.iterdir()) == []


def test_of_a_file_that_is_cut_more_can_be_held_out(
    tmp_path: Path, make_probe: Callable[..., Path]
) -> None:
    file, folder = tmp_path / "text", tmp_path / "mine"
    file.write_text("A bird sang on the hill and flew away.\n" * 40)
    origin = {"source": "local", "format": "lines", "path": str(file)}
    dataset(origin=origin, name="mine", study="test", folder=str(folder))
    told = {"dataset": str(folder), "name": "mine", "points": 100_000}
    mend = f"or raise datasets.mine.holdout, the share of '{file}' that is 'validation'"
    with pytest.raises(InputError, match=mend):
        make_probe(tmp_path / "probe", **told)
    for change in ({"split": "train"}, {"documents": 2}):
        with pytest.raises(InputError, match=r"clouds.min_text_tokens$"):
            make_probe(tmp_path / "probe", **told | change)


def test_several_readings_are_kept_apart_and_the_first_is_sampled(
    tmp_path: Path, make_probe: Callable[..., Path]
) -> None:
    alone = probes.load(make_probe(tmp_path / "alone", readings=["document"]))
    both = probes.load(make_probe(tmp_path / "both", readings=["document", "windows"]))
    assert [reading.facts["reading"] for reading in both.readings] == ["document", "windows"]
    assert (both.places.token == alone.places.token).all()
    document, windows = both.readings
    assert (document.windows.start == alone.readings[0].windows.start).all()
    assert len(windows.windows) < len(document.windows)
    assert document.facts["n_tokens"] == windows.facts["n_tokens"]


def test_rolling_words_are_counted_at_the_ends_too(
    tmp_path: Path, make_probe: Callable[..., Path], dataset_folder: Path
) -> None:
    texts = documents(dataset_folder, "validation")
    probe = probes.load(make_probe(tmp_path / "probe", readings=["windows", "rolling"]))
    windows, rolling = (reading.facts for reading in probe.readings)
    ends = sum(text[0].isspace() + text[-1].isspace() for text in texts)
    assert rolling["n_words"] == windows["n_words"] + ends
    assert rolling["n_bytes"] == windows["n_bytes"]
    assert rolling["n_tokens"] == windows["n_tokens"]
