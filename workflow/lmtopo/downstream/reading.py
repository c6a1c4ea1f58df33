"""What a model makes of texts that are each read by themselves."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from jaxtyping import Float32, Float64, Int64
from torch import Tensor

from lmtopo.decoder import Decoder
from lmtopo.formats.probes import Places
from lmtopo.sampler import Sampler
from lmtopo.windows import Stream, Windows, batches, document_windows, stream


def sentence_states(
    decoder: Decoder,
    sentences: Sequence[Sequence[int]],
    *,
    boundary: int | None,
    context: int,
    skip_positions: int,
    layers: Sequence[str],
    poolings: Sequence[str],
    batch_size: int,
) -> dict[str, Float32[np.ndarray, "layers sentences width"]]:
    """By pooling, one state of each sentence (token ids, at least one) at each layer.

    Every sentence is read by itself, after the token ``boundary`` if there is one, and cut after
    ``context`` tokens with it. ``last`` is its last token's state; ``mean`` the mean over its
    tokens, the first ``skip_positions`` positions (the boundary's counted) left out as far as
    others remain.
    """
    before = 0 if boundary is None else 1
    tokens = stream([ids[: context - before] for ids in sentences], boundary)
    cut = document_windows(tokens, context=context, stride=context)
    first = np.minimum(max(before, skip_positions), cut.length - 1)
    text = np.stack([np.arange(len(cut)), first, cut.length], axis=1)
    sampler = Sampler(Places(token=text[:, :2], text=text), layers, poolings, decoder.device)
    for batch, inputs in passes(tokens, cut, batch_size):
        decoder.body(inputs.to(decoder.device), sampler.over(batch))
    return sampler.clouds()


def log_likelihoods(
    decoder: Decoder,
    requests: Sequence[tuple[Sequence[int], Sequence[int]]],
    *,
    positions: int,
    batch_size: int,
) -> Float64[np.ndarray, " requests"]:
    """ln p(continuation | context) of each request, a pair of token ids.

    What is too long for ``positions`` inputs is cut at its left, as in lm-evaluation-harness.
    Requests with the same inputs (continuations of one token after the same context) are one
    pass.
    """
    asked: dict[tuple[int, ...], list[int]] = {}
    for number, (context, continuation) in enumerate(requests):
        read = (*context, *continuation)[-(positions + 1) : -1]
        asked.setdefault(read, []).append(number)
    tokens = stream(list(asked), None)
    cut = document_windows(tokens, context=positions, stride=positions)
    numbers = list(asked.values())
    found = np.empty(len(requests))
    for batch, inputs in passes(tokens, cut, batch_size):
        final = decoder.body(inputs.to(decoder.device))
        for states, window in zip(final, batch, strict=True):
            for number in numbers[window]:
                targets = torch.tensor(requests[number][1])[-len(states) :]
                logits = decoder.head(states[-len(targets) :]).float().cpu()
                each = logits.log_softmax(-1).gather(1, targets[:, None])
                found[number] = each.double().sum().item()
    return found


def passes(
    tokens: Stream, cut: Windows, batch_size: int
) -> Iterator[tuple[Int64[np.ndarray, " batch"], Int64[Tensor, "batch time"]]]:
    """The windows in batches of one length, and their token ids."""
    ids = torch.from_numpy(tokens.ids.astype(np.int64))
    for batch in batches(cut, batch_size):
        length = int(cut.length[batch[0]])
        places = torch.from_numpy(cut.start[batch])[:, None] + torch.arange(length)
        yield batch, ids[places]
