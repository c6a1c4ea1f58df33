"""The negative log-likelihood of a reading, in one pass of the model."""

from dataclasses import replace

import numpy as np
import torch
from torch.nn.functional import cross_entropy

from lmtopo import memory
from lmtopo.decoder import Decoder
from lmtopo.errors import InputError
from lmtopo.formats.probes import Reading
from lmtopo.sampler import Sampler
from lmtopo.windows import Windows, batches

ROWS = 128
"""Positions whose logits are computed at once: so many that the product runs at full speed, and
few enough to stay in the cache."""
FEW_LOGITS, MANY_LOGITS = 2**20, 2**23
"""Logits held at once: at least so many, where the vocabulary is small, and never more."""


def score(
    decoder: Decoder, reading: Reading, batch_size: int, sampler: Sampler | None = None
) -> float:
    """Total negative log-likelihood of a reading in nats, summed in float64; in the same pass the
    sampler is shown every layer.

    Windows of equal length go together, ``batch_size`` at a time, so that nothing is padded; the
    logits of a batch are never held as a whole.

    Raises
    ------
    InputError
        If a batch does not fit into memory.
    """
    with memory.limited() as free:
        try:
            return total(decoder, reading, batch_size, sampler)
        except (RuntimeError, MemoryError) as error:
            if not memory.lacking(error):
                raise
        # here, where its error is forgotten, what the failed pass held is free again
        fits = size_that_fits(decoder, reading, batch_size)
    longest = int(reading.windows.length.max())
    raise InputError(
        f"quality.batch_size: {batch_size} windows of {longest} tokens at once need more than the "
        f"{free / 1e9:.1f} GB of memory that are free; "
        + (f"{fits} fit" if fits else "not even one fits: lower quality.context")
    )


def size_that_fits(decoder: Decoder, reading: Reading, batch_size: int) -> int:
    """The largest half, quarter, eighth ... of a batch size that fits, tried on the longest
    windows; 0 if none does."""
    size = batch_size // 2
    while size:
        longest = next(batches(reading.windows, size))
        parts = Windows(*(part[longest] for part in vars(reading.windows).values()))
        try:
            total(decoder, replace(reading, windows=parts), size)
        except (RuntimeError, MemoryError) as error:
            if not memory.lacking(error):
                raise
        else:
            return size
        size //= 2
    return 0


def total(
    decoder: Decoder, reading: Reading, batch_size: int, sampler: Sampler | None = None
) -> float:
    """What `score` gives."""
    windows, stream = reading.windows, reading.stream
    ids = torch.from_numpy(stream.ids.astype(np.int64))
    # the last token is followed by the first, which is never scored
    following = ids.roll(-1)
    scored = torch.from_numpy(stream.scored).roll(-1)
    rows = rows_at_once(decoder.vocabulary)
    nll = 0.0
    for batch in batches(windows, batch_size):
        offsets = torch.arange(int(windows.length[batch[0]]))
        inputs = torch.from_numpy(windows.start[batch])[:, None] + offsets
        states = decoder.body(ids[inputs], sampler.over(batch) if sampler else None)
        fresh = offsets >= torch.from_numpy(windows.fresh[batch])[:, None]
        counted = scored[inputs] & fresh
        kept, targets = states[counted], following[inputs][counted]
        for some, wanted in zip(kept.split(rows), targets.split(rows), strict=True):
            losses = cross_entropy(decoder.head(some).float(), wanted, reduction="none")
            nll += losses.double().sum().item()
    return nll


def rows_at_once(vocabulary: int) -> int:
    """Positions whose logits are computed together."""
    return max(1, min(max(ROWS, FEW_LOGITS // vocabulary), MANY_LOGITS // vocabulary))
