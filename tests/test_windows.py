import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lmtopo.windows import (
    Stream,
    Windows,
    batches,
    document_windows,
    rolling_windows,
    stream,
    windows,
)


def tokens_of(length: int) -> Stream:
    return stream([[1] * length], None)


@given(tokens=st.integers(2, 400), context=st.integers(1, 60), stride=st.integers(1, 60))
def test_every_prediction_is_fresh_exactly_once(tokens: int, context: int, stride: int) -> None:
    stride = min(stride, context)
    cut = windows(tokens_of(tokens), context=context, stride=stride)
    fresh = [
        start + offset
        for start, length, first in zip(cut.start, cut.length, cut.fresh, strict=True)
        for offset in range(first, length)
    ]
    assert sorted(fresh) == list(range(tokens - 1))
    assert cut.length.max() <= context


def test_without_overlap_a_window_starts_at_the_last_target_of_the_one_before() -> None:
    cut = windows(tokens_of(11), context=4, stride=4)
    assert cut.start.tolist() == [0, 4, 8]
    assert cut.length.tolist() == [4, 4, 2]
    assert cut.fresh.tolist() == [0, 0, 0]


def test_with_overlap_a_prediction_sees_at_least_context_minus_stride_tokens() -> None:
    cut = windows(tokens_of(100), context=10, stride=3)
    assert cut.fresh.tolist()[0] == 0
    assert set(cut.fresh.tolist()[1:]) == {7}


def test_boundaries_are_context_and_never_scored() -> None:
    found = stream([[5, 6], [], [7]], 0)
    assert found.ids.tolist() == [0, 5, 6, 0, 0, 7]
    assert found.scored.tolist() == [False, True, True, False, False, True]
    assert found.boundary.tolist() == [True, False, False, True, True, False]
    assert found.document.tolist() == [0, 0, 0, 1, 2, 2]


def test_without_a_boundary_the_first_token_is_context_and_never_scored() -> None:
    found = stream([[5, 6], [], [7]], None)
    assert found.ids.tolist() == [5, 6, 7]
    assert found.scored.tolist() == [False, True, False]
    assert not found.boundary.any()
    assert found.document.tolist() == [0, 0, 2]


DOCUMENTS = st.lists(st.lists(st.integers(1, 9), max_size=30), max_size=12)


@given(
    documents=DOCUMENTS,
    boundary=st.sampled_from([0, None]),
    context=st.integers(1, 16),
    overlap=st.integers(0, 15),
)
def test_each_token_of_each_document_is_scored_once_without_sight_of_another(
    documents: list[list[int]], boundary: int | None, context: int, overlap: int
) -> None:
    tokens = stream(documents, boundary)
    cut = document_windows(tokens, context=context, stride=max(1, context - overlap))
    targets = []
    for start, length, fresh in zip(cut.start, cut.length, cut.fresh, strict=True):
        assert 0 <= fresh < length <= context
        assert len(set(tokens.document[start : start + length])) == 1
        following = np.arange(start + fresh, start + length) + 1
        following = following[following < len(tokens.ids)]
        targets += following[tokens.scored[following]].tolist()
    assert sorted(targets) == np.flatnonzero(tokens.scored).tolist()
    lost = 0 if boundary == 0 else 1
    assert len(targets) == sum(max(len(document) - lost, 0) for document in documents)


@given(documents=DOCUMENTS, context=st.integers(1, 16), overlap=st.integers(0, 15))
def test_each_token_of_each_document_is_a_fresh_input_once(
    documents: list[list[int]], context: int, overlap: int
) -> None:
    tokens = stream(documents, 0)
    cut = document_windows(tokens, context=context, stride=max(1, context - overlap))
    inputs = [
        place
        for start, length, fresh in zip(cut.start, cut.length, cut.fresh, strict=True)
        for place in range(start + fresh, start + length)
    ]
    assert inputs == list(range(len(tokens.ids)))


@given(lengths=st.lists(st.integers(1, 5), min_size=1, max_size=40), size=st.integers(1, 7))
def test_batches_hold_each_window_once_and_one_length_each(lengths: list[int], size: int) -> None:
    length = np.array(lengths, dtype=np.int64)
    parts = Windows(np.zeros_like(length), length, np.zeros_like(length))
    found = list(batches(parts, size))
    assert sorted(index for batch in found for index in batch) == list(range(len(lengths)))
    for batch in found:
        assert len(batch) <= size
        assert len({lengths[index] for index in batch}) == 1


def test_an_empty_split_has_no_windows() -> None:
    assert len(windows(tokens_of(1), context=4, stride=4)) == 0
    with pytest.raises(StopIteration):
        next(batches(windows(tokens_of(1), context=4, stride=4), 2))


def rolling_pairs(
    tokens: list[int], prefix: int, context: int, overlap: int
) -> list[tuple[list[int], list[int]]]:
    """Inputs and targets of each rolling window, from the harness's definition: the first window
    predicts all it can hold; each later one ends as many tokens further as it predicts, and is
    full of inputs."""
    pairs, predicted = [([prefix, *tokens[: context - 1]][: len(tokens)], tokens[:context])], 0
    predicted = len(pairs[0][1])
    while predicted < len(tokens):
        end = min(predicted + context - overlap, len(tokens))
        pairs.append((tokens[end - context - 1 : end - 1], tokens[predicted:end]))
        predicted = end
    return pairs if tokens else []


@given(documents=DOCUMENTS, context=st.integers(1, 16), overlap=st.integers(0, 15))
def test_rolling_windows_are_the_harness_s(
    documents: list[list[int]], context: int, overlap: int
) -> None:
    overlap = min(overlap, context - 1)
    tokens = stream(documents, 0)
    cut = rolling_windows(tokens, context=context, stride=context - overlap)
    found = [
        (
            tokens.ids[start : start + length].tolist(),
            tokens.ids[start + fresh + 1 : start + length + 1].tolist(),
        )
        for start, length, fresh in zip(cut.start, cut.length, cut.fresh, strict=True)
    ]
    expected = [
        pair for document in documents for pair in rolling_pairs(document, 0, context, overlap)
    ]
    assert found == expected


def test_the_last_rolling_window_reaches_back_but_scores_what_is_new() -> None:
    cut = rolling_windows(stream([[1] * 10], 0), context=4, stride=4)
    assert cut.start.tolist() == [0, 4, 6]
    assert cut.length.tolist() == [4, 4, 4]
    assert cut.fresh.tolist() == [0, 0, 2]
