"""The negative log-likelihood of a reading, in one pass of the model."""

from dataclasses import replace

import numpy as np
import torch
from torch.nn.functional import cross_entropy

from lmtopo import memory
from lmtopo.decoder import Decoder
from lmtopo.formats.probes import Reading
from lmtopo.sampler import Sampler
from lmtopo.windows import Windows, batches

ROWS = 128
"""Positions whose logits are computed at once: so many that the product runs at full speed, and
few enough to stay in the cache."""
FEW_LOGITS, MANY_LOGITS = 2**20, 2**23
"""Logits held at once: at least so many, where the vocabulary is small, and never more."""
GPU_LOGITS = 2**26
"""The same on a GPU: so many that it is busy with one product, in 0.3 GB of float32."""


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
    longest = int(reading.windows.length.max())
    return memory.in_batches(
        lambda size: total(decoder, reading, size, sampler),
        batch_size,
        attempt=lambda size: total(decoder, first_batch(reading, size), size),
        device=decoder.device,
        what=f"quality.batch_size: {{}} windows of {longest} tokens",
        otherwise="lower quality.context",
    )


def first_batch(reading: Reading, batch_size: int) -> Reading:
    """The reading with its longest windows alone."""
    longest = next(batches(reading.windows, batch_size))
    return replace(
        reading, windows=Windows(*(part[longest] for part in vars(reading.windows).values()))
    )


def total(
    decoder: Decoder, reading: Reading, batch_size: int, sampler: Sampler | None = None
) -> float:
    """What `score` gives."""
    windows, stream, device = reading.windows, reading.stream, decoder.device
    ids = torch.from_numpy(stream.ids.astype(np.int64))
    # the last token is followed by the first, which is never scored
    following = ids.roll(-1)
    scored = torch.from_numpy(stream.scored).roll(-1)
    rows = rows_at_once(decoder.vocabulary, device)
    nll = torch.zeros((), dtype=torch.float64, device=device)
    for batch in batches(windows, batch_size):
        offsets = torch.arange(int(windows.length[batch[0]]))
        inputs = torch.from_numpy(windows.start[batch])[:, None] + offsets
        states = decoder.body(ids[inputs].to(device), sampler.over(batch) if sampler else None)
        fresh = offsets >= torch.from_numpy(windows.fresh[batch])[:, None]
        counted = (scored[inputs] & fresh).flatten().nonzero().squeeze(1)
        kept = states.flatten(0, 1)[counted.to(device)]
        targets = following[inputs].flatten()[counted].to(device)
        for some, wanted in zip(kept.split(rows), targets.split(rows), strict=True):
            losses = cross_entropy(decoder.head(some).float(), wanted, reduction="none")
            nll += losses.double().sum()
    return nll.item()


def rows_at_once(vocabulary: int, device: torch.device) -> int:
    """Positions whose logits are computed together."""
    if device.type != "cpu":
        return max(1, GPU_LOGITS // vocabulary)
    return max(1, min(max(ROWS, FEW_LOGITS // vocabulary), MANY_LOGITS // vocabulary))
