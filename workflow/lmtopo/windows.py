"""Readings: how a split's text is cut into windows so that every token is scored once."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int32, Int64


@dataclass(frozen=True)
class Stream:
    """All documents of a split in order, each preceded by one boundary token.

    ``ids``: token ids. ``document``: index of the document that a token belongs to; a boundary
    token belongs to the document it precedes. ``scored``: False for boundary tokens, which are
    context and never a target.
    """

    ids: Int32[np.ndarray, " tokens"]
    document: Int32[np.ndarray, " tokens"]
    scored: Bool[np.ndarray, " tokens"]


@dataclass(frozen=True)
class Windows:
    """Windows over a stream: ``length`` inputs from ``start``, each predicting the next token.

    Predictions before offset ``fresh`` were made by an earlier window, so that the predictions
    from ``fresh`` on, over all windows, are every prediction of the stream once.
    """

    start: Int64[np.ndarray, " windows"]
    length: Int64[np.ndarray, " windows"]
    fresh: Int64[np.ndarray, " windows"]

    def __len__(self) -> int:
        return len(self.start)


def stream(documents: Sequence[Sequence[int]], boundary: int) -> Stream:
    """The token stream of documents given as token ids."""
    lengths = np.array([len(document) + 1 for document in documents], dtype=np.int64)
    ids = np.fromiter(
        (token for document in documents for token in (boundary, *document)),
        dtype=np.int32,
        count=int(lengths.sum()),
    )
    scored = np.ones(len(ids), dtype=bool)
    scored[np.cumsum(lengths) - lengths] = False
    document = np.repeat(np.arange(len(documents), dtype=np.int32), lengths)
    return Stream(ids, document, scored)


def windows(tokens: int, *, context: int, stride: int) -> Windows:
    """Reading `windows`: window k starts at token k x ``stride`` and has at most ``context``
    inputs; the last ends where the stream does. A stream of n tokens has n - 1 predictions.

    With ``stride`` = ``context`` the first token of a window is the last target of the one
    before, and nothing goes unscored.

    Source: https://huggingface.co/docs/transformers/perplexity
    """
    predictions = max(tokens - 1, 0)
    count = 1 + max(0, -(-(predictions - context) // stride)) if predictions else 0
    start = np.arange(count, dtype=np.int64) * stride
    length = np.minimum(context, predictions - start)
    fresh = np.where(start == 0, 0, context - stride)
    return Windows(start, length, fresh)


def batches(parts: Windows, size: int) -> Iterator[Int64[np.ndarray, " batch"]]:
    """Indices of windows in batches of at most ``size``, all of one length, longest first, so
    that nothing is padded."""
    order = np.argsort(-parts.length, kind="stable")
    for same in np.split(order, np.flatnonzero(np.diff(parts.length[order])) + 1):
        for first in range(0, len(same), size):
            yield same[first : first + size]
