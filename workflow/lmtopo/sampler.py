"""Clouds of hidden states, taken at a probe's places while the model runs."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from jaxtyping import Float, Float32, Int64
from torch import Tensor

from lmtopo.formats.probes import Places


class Sampler:
    """Keeps the hidden states at the places of a probe and lets all others go.

    Pooling `token` takes single positions, `last` the last position of each text, `mean` the mean
    over each text (in float32 whatever the model's dtype).
    """

    def __init__(self, places: Places, layers: Sequence[str], poolings: Sequence[str]) -> None:
        self._rows = {layer: row for row, layer in enumerate(layers)}
        ends = np.stack([places.text[:, 0], places.text[:, 2] - 1], axis=1)
        self._single = {"token": places.token, "last": ends}
        self._texts = places.text
        self._poolings = list(poolings)
        self._clouds: dict[str, np.ndarray] = {}

    def over(self, batch: Int64[np.ndarray, " windows"]) -> Callable[[str, Tensor], None]:
        """What the layers show their states to while they read the windows ``batch``."""
        order = np.argsort(batch)

        def rows(windows: Int64[np.ndarray, " places"]) -> tuple[np.ndarray, np.ndarray]:
            points = np.flatnonzero(np.isin(windows, batch))
            return points, order[np.searchsorted(batch[order], windows[points])]

        single = {}
        for pooling, places in self._single.items():
            points, row = rows(places[:, 0])
            single[pooling] = points, torch.from_numpy(row), torch.from_numpy(places[points, 1])
        points, row = rows(self._texts[:, 0])
        texts = list(zip(row.tolist(), *self._texts[points, 1:].T.tolist(), strict=True))

        def see(layer: str, states: Float[Tensor, "batch time width"]) -> None:
            if layer not in self._rows:
                return
            for pooling in self._poolings:
                if pooling != "mean":
                    where, row, offset = single[pooling]
                    self._keep(pooling, layer, where, states[row, offset].float())
                elif texts:
                    means = [states[row, first:end].float().mean(0) for row, first, end in texts]
                    self._keep(pooling, layer, points, torch.stack(means))

        return see

    def _keep(
        self,
        pooling: str,
        layer: str,
        points: Int64[np.ndarray, " some"],
        states: Float32[Tensor, "some width"],
    ) -> None:
        if pooling not in self._clouds:
            count = len(self._single["token"] if pooling == "token" else self._texts)
            shape = (len(self._rows), count, states.shape[1])
            self._clouds[pooling] = np.full(shape, np.nan, dtype=np.float32)
        self._clouds[pooling][self._rows[layer], points] = states.cpu().numpy()

    def clouds(self) -> dict[str, Float32[np.ndarray, "layers points width"]]:
        """The clouds by pooling; a place that was never read is NaN."""
        return self._clouds
