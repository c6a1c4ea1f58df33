"""The windows a run trains on, batch by batch, as a function of the step alone."""

import hashlib
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Int64
from torch import Tensor

from lmtopo import tokenizer as tokenizers
from lmtopo.dataset.documents import documents
from lmtopo.errors import InputError
from lmtopo.seeds import generator
from lmtopo.windows import stream

DOCUMENTS_AT_ONCE = 1000


class TrainingData:
    """Windows of ``context`` inputs over the documents of a dataset's ``train`` split.

    Documents come in a seeded random order, each preceded by a boundary token, and only as many
    are tokenized as the run will see. The first epoch reads the windows in that order, so that a
    longer run begins as a shorter one; every later epoch reads them in a new random order.
    ``unique_tokens`` limits the data to the first so many tokens, which then repeat.
    """

    def __init__(
        self,
        dataset: str,
        tokenizer: str,
        *,
        context: int,
        batch_size: int,
        steps: int,
        unique_tokens: int | None,
        seed: int,
    ) -> None:
        loaded = tokenizers.load(tokenizer)
        self.boundary = tokenizers.boundary(loaded)
        wanted = steps * batch_size * context + 1
        if unique_tokens is not None:
            wanted = min(wanted, unique_tokens)
        texts = documents(dataset, "train")
        order = generator(seed, "documents").permutation(len(texts))
        read: list[list[int]] = []
        count = 0
        for first in range(0, len(order), DOCUMENTS_AT_ONCE):
            some = [texts[index] for index in order[first : first + DOCUMENTS_AT_ONCE]]
            read += tokenizers.encode(loaded, some)
            count += sum(len(document) + 1 for document in read[first:])
            if count >= wanted:
                break
        if unique_tokens is not None and count < wanted:
            raise InputError(
                f"the budget asks for {unique_tokens} unique tokens, but the train split of "
                f"'{Path(dataset).name}' has {count}: lower unique_tokens or give more text"
            )
        self._ids = stream(read, self.boundary).ids[:wanted]
        self._windows = (len(self._ids) - 1) // context
        if self._windows < 1:
            raise InputError(
                f"the train split of '{Path(dataset).name}' has {len(self._ids)} tokens, less "
                f"than one window of {context + 1}: lower train.context or give more text"
            )
        self._context, self._batch_size, self._seed = context, batch_size, seed
        self.unique_tokens = self._windows * context
        self.fingerprint = hashlib.sha256(self._ids.tobytes()).hexdigest()

    def batch(self, step: int) -> tuple[Int64[Tensor, "batch time"], Int64[Tensor, "batch time"]]:
        """Inputs and targets (the inputs shifted by one) of a step."""
        places = np.arange(step * self._batch_size, (step + 1) * self._batch_size)
        epochs, within = np.divmod(places, self._windows)
        starts = [
            self.order(int(epoch))[place] * self._context
            for epoch, place in zip(epochs, within, strict=True)
        ]
        rows = np.stack([self._ids[start : start + self._context + 1] for start in starts])
        ids = torch.from_numpy(rows.astype(np.int64))
        return ids[:, :-1], ids[:, 1:]

    @lru_cache(maxsize=2)  # noqa: B019  one instance lives as long as its run
    def order(self, epoch: int) -> Int64[np.ndarray, " windows"]:
        """The order in which an epoch reads the windows."""
        if epoch == 0:
            return np.arange(self._windows)
        return generator(self._seed, "epoch", epoch).permutation(self._windows)
