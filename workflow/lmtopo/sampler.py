"""Clouds of hidden states, taken at a probe's places while the model runs."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from jaxtyping import Float, Float32, Int64
from torch import Tensor

from lmtopo.errors import InputError
from lmtopo.formats.probes import Places


class Sampler:
    """Keeps the hidden states at the places of a probe and lets all others go.

    Pooling `token` takes single positions, `last` the last position of each text, `mean` the mean
    over each text (in float32 whatever the model's dtype). The states stay on the ``device`` of the
    model until they are asked for, so that a GPU is not kept waiting.
    """

    def __init__(
        self,
        places: Places,
        layers: Sequence[str],
        poolings: Sequence[str],
        device: torch.device | None = None,
    ) -> None:
        self._device = device or torch.device("cpu")
        self._rows = {layer: row for row, layer in enumerate(layers)}
        ends = np.stack([places.text[:, 0], places.text[:, 2] - 1], axis=1)
        self._single = {"token": places.token, "last": ends}
        self._texts = places.text
        self._poolings = list(poolings)
        self._clouds: dict[str, Tensor] = {}

    def over(self, batch: Int64[np.ndarray, " windows"]) -> Callable[[str, Tensor], None]:
        """What the layers show their states to while they read the windows ``batch``."""
        order = np.argsort(batch)

        def rows(windows: Int64[np.ndarray, " places"]) -> tuple[np.ndarray, np.ndarray]:
            points = np.flatnonzero(np.isin(windows, batch))
            return points, order[np.searchsorted(batch[order], windows[points])]

        def here(numbers: Int64[np.ndarray, " some"]) -> Int64[Tensor, " some"]:
            return torch.from_numpy(numbers).to(self._device)

        single = {}
        for pooling, places in self._single.items():
            points, row = rows(places[:, 0])
            single[pooling] = here(points), here(row), here(places[points, 1])
        points, row = rows(self._texts[:, 0])
        first, end = self._texts[points, 1:].T
        texts, read = here(points), Texts(row, first, end, self._device)

        def see(layer: str, states: Float[Tensor, "batch time width"]) -> None:
            if layer not in self._rows:
                return
            for pooling in self._poolings:
                if pooling != "mean":
                    where, row, offset = single[pooling]
                    self._keep(pooling, layer, where, states[row, offset].float())
                elif len(texts):
                    self._keep(pooling, layer, texts, read.means(states))

        return see

    def _keep(
        self,
        pooling: str,
        layer: str,
        points: Int64[Tensor, " some"],
        states: Float32[Tensor, "some width"],
    ) -> None:
        if pooling not in self._clouds:
            count = len(self._single["token"] if pooling == "token" else self._texts)
            shape = (len(self._rows), count, states.shape[1])
            self._clouds[pooling] = torch.full(shape, torch.nan, device=self._device)
        if states.shape[1] != (width := self._clouds[pooling].shape[2]):
            raise InputError(
                f"{layer} is {states.shape[1]} wide and the layers before it {width}, but a cloud "
                f"holds layers of one width: leave {layer} out of the layers"
            )
        self._clouds[pooling][self._rows[layer], points] = states

    def clouds(self) -> dict[str, Float32[np.ndarray, "layers points width"]]:
        """The clouds by pooling; a place that was never read is NaN."""
        return {pooling: cloud.cpu().numpy() for pooling, cloud in self._clouds.items()}


class Texts:
    """Texts inside the windows of a batch: rows, and their first and past-the-last positions."""

    def __init__(
        self,
        row: Int64[np.ndarray, " texts"],
        first: Int64[np.ndarray, " texts"],
        end: Int64[np.ndarray, " texts"],
        device: torch.device,
    ) -> None:
        self._texts = list(zip(row.tolist(), first.tolist(), end.tolist(), strict=True))
        self._average: Tensor | None = None
        if device.type != "cpu":
            lengths = end - first
            text = np.repeat(np.arange(len(row)), lengths)
            within = np.arange(len(text)) - np.repeat(lengths.cumsum() - lengths, lengths)
            positions = np.repeat(first, lengths) + within
            average = np.zeros((len(row), len(text)), dtype=np.float32)
            average[text, np.arange(len(text))] = 1 / lengths[text]
            self._average = torch.from_numpy(average).to(device)
            self._rows = torch.from_numpy(np.repeat(row, lengths)).to(device)
            self._positions = torch.from_numpy(positions).to(device)

    def means(self, states: Float[Tensor, "batch time width"]) -> Float32[Tensor, "texts width"]:
        """The mean state of each text; on a GPU by one product, where a kernel for each text would
        take longer than the model."""
        if self._average is not None:
            return self._average @ states[self._rows, self._positions].float()
        return torch.stack([states[row, a:b].float().mean(0) for row, a, b in self._texts])
