"""Readings: how a split's text is cut into windows so that every token is scored once."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int32, Int64


@dataclass(frozen=True)
class Stream:
    """All documents of a split in order, each preceded by one boundary token, or by none.

    ``ids``: token ids. ``document``: index of the document that a token belongs to; a boundary
    token belongs to the document it precedes. ``boundary``: True for boundary tokens, which are
    part of no text. ``scored``: False for the first token of a document, boundary or not, which
    is context and never a target.
    """

    ids: Int32[np.ndarray, " tokens"]
    document: Int32[np.ndarray, " tokens"]
    boundary: Bool[np.ndarray, " tokens"]
    scored: Bool[np.ndarray, " tokens"]


@dataclass(frozen=True)
class Windows:
    """Windows over a stream: ``length`` inputs from ``start``, each predicting the next token.

    Predictions before offset ``fresh`` were made by an earlier window, so that the predictions
    from ``fresh`` on, over all windows, are every prediction of the reading once.
    """

    start: Int64[np.ndarray, " windows"]
    length: Int64[np.ndarray, " windows"]
    fresh: Int64[np.ndarray, " windows"]

    def __len__(self) -> int:
        return len(self.start)


def stream(documents: Sequence[Sequence[int]], boundary: int | None) -> Stream:
    """The token stream of documents given as token ids; ``boundary`` None: nothing precedes
    them."""
    prefix = () if boundary is None else (boundary,)
    lengths = np.array([len(prefix) + len(document) for document in documents], dtype=np.int64)
    ids = np.fromiter(
        (token for document in documents for token in (*prefix, *document)),
        dtype=np.int32,
        count=int(lengths.sum()),
    )
    document = np.repeat(np.arange(len(documents), dtype=np.int32), lengths)
    first = np.diff(document, prepend=-1) > 0
    return Stream(ids, document, first & (boundary is not None), ~first)


def windows(tokens: Stream, *, context: int, stride: int) -> Windows:
    """Reading `windows`: window k starts at token k x ``stride`` and has at most ``context``
    inputs; the last ends where the stream does. A stream of n tokens has n - 1 predictions.

    With ``stride`` = ``context`` the first token of a window is the last target of the one
    before, and nothing goes unscored.

    Source: https://huggingface.co/docs/transformers/perplexity
    """
    return cut(np.array([max(len(tokens.ids) - 1, 0)]), context=context, stride=stride)


def document_windows(tokens: Stream, *, context: int, stride: int) -> Windows:
    """Reading `document`: the same windows inside each document, which sees no other.

    The last token of a document is an input too, so that its hidden state is there to be sampled;
    what it predicts, the next document's first token, is never scored.
    """
    return cut(np.bincount(tokens.document), context=context, stride=stride)


def rolling_windows(tokens: Stream, *, context: int, stride: int) -> Windows:
    """Reading `rolling`: inside each document, windows whose last one reaches back as far as
    ``context`` allows, though it scores no token again.

    These are lm-evaluation-harness's rolling windows with ``max_seq_len`` = ``context`` and
    ``context_len`` = ``context`` - ``stride`` + 1; its default, 1, is ``stride`` = ``context``.
    The last token of a document is no input.

    Source: ``get_rolling_token_windows`` in ``lm_eval/utils.py``
    """
    lengths = np.bincount(tokens.document)
    starts = np.cumsum(lengths) - lengths
    parts = cut(lengths - 1, context=context, stride=stride, starts=starts)
    further = np.where(np.isin(parts.start, starts), 0, context - parts.length)
    return Windows(parts.start - further, parts.length + further, parts.fresh + further)


def cut(
    inputs: Int64[np.ndarray, " stretches"],
    *,
    context: int,
    stride: int,
    starts: Int64[np.ndarray, " stretches"] | None = None,
) -> Windows:
    """Windows over stretches of so many inputs, from ``starts`` or one stretch after another."""
    count = np.where(inputs > 0, 1 + np.maximum(0, -(-(inputs - context) // stride)), 0)
    stretch = np.repeat(np.arange(len(inputs)), count)
    number = np.arange(len(stretch)) - (np.cumsum(count) - count)[stretch]
    offset = number * stride
    if starts is None:
        starts = np.cumsum(inputs) - inputs
    start = starts[stretch] + offset
    length = np.minimum(context, inputs[stretch] - offset)
    fresh = np.where(number == 0, 0, context - stride)
    return Windows(start, length, fresh)


def batches(parts: Windows, size: int) -> Iterator[Int64[np.ndarray, " batch"]]:
    """Indices of windows in batches of at most ``size``, all of one length, longest first, so
    that nothing is padded."""
    order = np.argsort(-parts.length, kind="stable")
    for same in np.split(order, np.flatnonzero(np.diff(parts.length[order])) + 1):
        for first in range(0, len(same), size):
            yield same[first : first + size]
