"""Stage `probe`: the tokens that every checkpoint of a tokenizer reads, and where it is sampled."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Int64

from lmtopo import harness
from lmtopo.checksums import read_part
from lmtopo.errors import InputError
from lmtopo.formats.probes import Places, Probe, Reading, save
from lmtopo.seeds import generator
from lmtopo.windows import Stream, Windows, document_windows, rolling_windows, stream, windows

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

CUTS: Mapping[str, Callable[..., Windows]] = {
    "windows": windows,
    "document": document_windows,
    "rolling": rolling_windows,
    "wikitext": rolling_windows,
}
"""How each reading cuts a stream into windows."""
HARNESS = ("rolling", "wikitext")
"""Readings whose tokens and words are counted as lm-evaluation-harness does."""


def probe(
    *,
    tokenizer: str,
    dataset: str,
    probe: str,
    name: str,
    split: str,
    documents: int | None,
    min_characters: int,
    max_tokens: int | None,
    readings: Sequence[str],
    prefix: str,
    context: int,
    stride: int,
    points: int,
    poolings: Sequence[str],
    skip_positions: int,
    min_text_tokens: int,
    seed: int,
) -> None:
    """Tokenize a split, cut it into windows, draw the sampled places, and save all of it.

    ``tokenizer`` and ``dataset`` are folders, ``probe`` is the file to write. Of the documents
    with at least ``min_characters`` characters the first ``documents`` are read, each to its
    first ``max_tokens`` tokens; words and bytes are counted in what is read. ``readings``, of
    which the first is sampled: ``windows`` over all documents in order; each ``document`` by
    itself; lm-evaluation-harness's ``rolling`` windows over each; and its task ``wikitext``, which
    is ``rolling`` over detokenised pages. ``prefix``: what precedes a document in the first two,
    ``eos`` or, in ``document``, ``none``.

    Raises
    ------
    InputError
        If the split has too few texts or positions for ``points``, or the tokenizer cannot tell
        where ``max_tokens`` end.
    """
    from lmtopo import tokenizer as tokenizers
    from lmtopo.dataset.documents import documents as read
    from lmtopo.dataset.holdout import or_hold_out

    loaded = tokenizers.load(tokenizer)
    found = []
    for reading in readings:
        cut = harness.pages if reading == "wikitext" else None
        texts = read(dataset, split, limit=documents, min_characters=min_characters, cut=cut)
        if reading in HARNESS:
            tokens, facts = as_harness(loaded, texts, detokenise=reading == "wikitext")
        else:
            tokens, facts = as_given(loaded, texts, max_tokens=max_tokens, prefix=prefix)
        facts = {"reading": reading, "context": context, "stride": stride, **facts}
        parts = CUTS[reading](tokens, context=context, stride=stride)
        found.append(Reading(tokens, parts, facts))
    first = found[0]
    try:
        places = draw_places(
            first.stream,
            first.windows,
            points=points,
            poolings=poolings,
            skip_positions=skip_positions,
            min_text_tokens=min_text_tokens,
            rng=generator(seed, "probe", name),
        )
    except InputError as error:
        origin = read_part(dataset, "provenance.json")["origin"]
        limited = first.facts["n_documents"] == documents
        mend = or_hold_out(origin, name, split, limited=limited)
        raise InputError(f"dataset '{name}', split '{split}': {error}{mend}") from error
    facts = {"dataset": name, "split": split, "skip_positions": skip_positions}
    save(probe, Probe(tuple(found), places, facts))


def as_given(
    tokenizer: "PreTrainedTokenizerBase",
    texts: list[str],
    *,
    max_tokens: int | None,
    prefix: str,
) -> tuple[Stream, dict[str, Any]]:
    """The stream of texts as they are, or of their starts, and its facts. Words are what white
    space parts."""
    from lmtopo import tokenizer as tokenizers

    if max_tokens is None:
        encoded = tokenizers.encode(tokenizer, texts)
    else:
        encoded, texts = encode_start(tokenizer, texts, max_tokens)
    tokens = stream(encoded, tokenizers.boundary(tokenizer) if prefix == "eos" else None)
    words = sum(len(text.split()) for text in texts)
    return tokens, {"prefix": prefix, **counts(tokens, texts, words)}


def as_harness(
    tokenizer: "PreTrainedTokenizerBase", texts: list[str], *, detokenise: bool
) -> tuple[Stream, dict[str, Any]]:
    """The stream that lm-evaluation-harness scores, and its facts: words and bytes are those of
    the texts before they are detokenised."""
    shown = [harness.detokenise(text) for text in texts] if detokenise else texts
    prefix, boundary = harness.prefix(tokenizer)
    tokens = stream(harness.encode(tokenizer, shown), boundary)
    words = sum(map(harness.count_words, texts))
    return tokens, {"prefix": prefix, **counts(tokens, texts, words)}


def counts(tokens: Stream, texts: list[str], words: int) -> dict[str, int]:
    return {
        "n_documents": len(texts),
        "n_tokens": int(tokens.scored.sum()),
        "n_words": words,
        "n_bytes": sum(len(text.encode()) for text in texts),
    }


def encode_start(
    tokenizer: "PreTrainedTokenizerBase", texts: list[str], max_tokens: int
) -> tuple[list[list[int]], list[str]]:
    """The first ``max_tokens`` token ids of each text, and the part of the text they stand for.

    A character whose bytes are divided between the last token and the next belongs to the part.

    Raises
    ------
    InputError
        If the tokenizer does not know which characters a token stands for.
    """
    if not tokenizer.is_fast:
        raise InputError(
            f"evaluate.max_tokens is {max_tokens}, but the tokenizer ({type(tokenizer).__name__}) "
            "does not tell which characters a token stands for: leave max_tokens out, or give the "
            "model a tokenizer with a tokenizer.json"
        )
    ids, parts = [], []
    for text in texts:
        encoded = tokenizer(
            text, add_special_tokens=False, return_offsets_mapping=True, verbose=False
        )
        cut = len(encoded["input_ids"]) > max_tokens
        ids.append(encoded["input_ids"][:max_tokens])
        parts.append(text[: encoded["offset_mapping"][max_tokens - 1][1]] if cut else text)
    return ids, parts


def find_texts(
    tokens: Stream, cut: Windows, *, skip_positions: int, min_text_tokens: int
) -> Int64[np.ndarray, "texts 3"]:
    """All texts: (window, first offset, offset after the last) of each part of one document, at
    least ``min_text_tokens`` long, among the inputs that a window is the first to read, its first
    ``skip_positions`` positions left out."""
    found = []
    for index, (start, length, fresh) in enumerate(
        zip(cut.start, cut.length, cut.fresh, strict=True)
    ):
        first = max(int(fresh), skip_positions)
        inside = slice(int(start) + first, int(start + length))
        edges = np.flatnonzero(
            np.diff(tokens.document[inside]).astype(bool) | tokens.boundary[inside][1:]
        )
        for begin, end in zip([0, *(edges + 1)], [*(edges + 1), length - first], strict=True):
            begin += int(tokens.boundary[inside][begin]) if end > begin else 0
            if end - begin >= min_text_tokens:
                found.append((index, first + begin, first + end))
    return np.array(found, dtype=np.int64).reshape(-1, 3)


def draw_places(
    tokens: Stream,
    cut: Windows,
    *,
    points: int,
    poolings: Sequence[str],
    skip_positions: int,
    min_text_tokens: int,
    rng: np.random.Generator,
) -> Places:
    """``points`` texts, and ``points`` single positions over all texts, each without repetition.

    Raises
    ------
    InputError
        If there are fewer than that of a kind that ``poolings`` needs.
    """
    texts = find_texts(tokens, cut, skip_positions=skip_positions, min_text_tokens=min_text_tokens)
    positions = np.array(
        [(window, offset) for window, first, end in texts for offset in range(first, end)],
        dtype=np.int64,
    ).reshape(-1, 2)
    if set(poolings) & {"last", "mean"} and len(texts) < points:
        raise InputError(
            f"clouds of {points} points need as many texts, but there are {len(texts)} of at "
            f"least {min_text_tokens} tokens: give more text, or lower clouds.points or "
            "clouds.min_text_tokens"
        )
    if "token" in poolings and len(positions) < points:
        raise InputError(
            f"clouds of {points} points need as many positions, but there are {len(positions)} "
            f"in texts of at least {min_text_tokens} tokens: give more text, or lower "
            "clouds.points or clouds.min_text_tokens"
        )

    def draw(rows: Int64[np.ndarray, "rows columns"]) -> Int64[np.ndarray, "drawn columns"]:
        chosen = rng.permutation(len(rows))[:points]
        return rows[np.sort(chosen)]

    return Places(token=draw(positions), text=draw(texts))
