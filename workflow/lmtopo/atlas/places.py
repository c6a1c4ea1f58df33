"""What the points of clouds stand for: the token or the text, and where it stands."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from lmtopo.atlas.blocks import block
from lmtopo.errors import InputError
from lmtopo.formats import probes
from lmtopo.formats.probes import Reading

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

BEFORE, AFTER, TEXT = 10, 4, 24
"""Tokens shown before and after a token, and of the start of a text."""


def blocks(
    files: Mapping[str, Mapping[str, Sequence[str]]], pairs: Sequence[tuple[str, str, int, str]]
) -> dict[str, str]:
    """One block per tokenizer and dataset that some pair was observed with."""
    observed = {(model, dataset) for model, _, _, dataset in pairs}
    found = {}
    for model, datasets in files.items():
        for dataset, (probe, tokenizer) in datasets.items():
            if (model, dataset) in observed and name(tokenizer, dataset) not in found:
                found[name(tokenizer, dataset)] = block(places(probe, tokenizer))
    return found


def name(tokenizer: str, dataset: str) -> str:
    """Of the block of a tokenizer's folder and a dataset."""
    return f"places/{tokenizer.rstrip('/').rsplit('/', 1)[-1]}/{dataset}"


def places(probe: str, folder: str) -> dict[str, list[dict[str, Any]]]:
    """``token`` and ``text``: of each point its text with what stands beside it, its position in
    its window, and the number of its document."""
    found = probes.load(probe)
    reading, words = found.readings[0], Words(folder)
    tokens = reading.windows.start[found.places.token[:, 0]] + found.places.token[:, 1]
    texts = reading.windows.start[found.places.text[:, 0], None] + found.places.text[:, 1:]
    return {
        "token": [
            one_token(reading, words, int(at), int(offset))
            for at, offset in zip(tokens, found.places.token[:, 1], strict=True)
        ],
        "text": [
            {
                "text": words.of(reading.stream.ids[first : min(end, first + TEXT)])
                + ("…" if end - first > TEXT else ""),
                "position": int(offset),
                "tokens": int(end - first),
                "document": int(reading.stream.document[first]),
            }
            for (first, end), offset in zip(texts, found.places.text[:, 1], strict=True)
        ],
    }


def one_token(reading: Reading, words: "Words", at: int, offset: int) -> dict[str, Any]:
    document = reading.stream.document
    near = np.arange(max(at - BEFORE, 0), min(at + AFTER + 1, len(document)))
    near = near[(document[near] == document[at]) & ~reading.stream.boundary[near]]
    ids = reading.stream.ids
    return {
        "text": words.of(ids[at : at + 1]),
        "before": words.of(ids[near[near < at]]),
        "after": words.of(ids[near[near > at]]),
        "position": offset,
        "document": int(document[at]),
    }


class Words:
    """Text of token ids; the ids themselves where a tokenizer cannot be read."""

    def __init__(self, folder: str) -> None:
        from lmtopo import tokenizer as tokenizers

        self._tokenizer: PreTrainedTokenizerBase | None
        try:
            self._tokenizer = tokenizers.load(folder)
        except InputError as error:
            print(f"tokens are shown as numbers: {error}")  # noqa: T201 (goes to the job's log)
            self._tokenizer = None

    def of(self, ids: np.ndarray) -> str:
        if not len(ids):
            return ""
        if self._tokenizer is None:
            return " ".join(f"[{one}]" for one in ids.tolist())
        return str(self._tokenizer.decode(ids.tolist(), clean_up_tokenization_spaces=False))
