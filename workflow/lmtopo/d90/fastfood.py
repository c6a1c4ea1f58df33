"""Random subspaces of a model's parameters, by the Fastfood transform.

Parameters are theta_0 + P z with z in R^d and P a random D x d matrix that is never formed. Of a
tensor with D_i of the D parameters, with n the power of two that holds both D_i and d:

    P_i = (H G Q H B)[:D_i, :d] / sqrt(n D)

H: Walsh-Hadamard matrix; B: random signs; Q: a random permutation; G: standard normal, diagonal.
Columns of P are orthonormal in expectation: E[P^T P] = I.

Source: Le et al. 2013, Fastfood; Li et al. 2018, arXiv 1804.08838; Aghajanyan et al. 2020, arXiv
2012.13255, sections 3.1 (DID) and 3.2 (SAID).
"""

import math
from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor, nn

from lmtopo.errors import InputError
from lmtopo.seeds import seed_of


def walsh_hadamard(x: Float[Tensor, " n"]) -> Float[Tensor, " n"]:
    """H x for the Walsh-Hadamard matrix of order n, a power of two; n log n operations."""
    size, half = x.numel(), 1
    while half < size:
        pairs = x.view(-1, 2, half)
        first, second = pairs[:, 0], pairs[:, 1]
        x = torch.stack((first + second, first - second), dim=1).view(-1)
        half *= 2
    return x


class Fastfood(nn.Module):
    """One tensor's rows of P, times the square root of D."""

    signs: Tensor
    order: Tensor
    normal: Tensor

    def __init__(self, rows: int, dimension: int, seed: int) -> None:
        super().__init__()
        self.rows = rows
        size = 1 << (max(rows, dimension) - 1).bit_length()
        draw = torch.Generator().manual_seed(seed)
        signs = torch.randint(0, 2, (size,), generator=draw, dtype=torch.int8) * 2 - 1
        self.register_buffer("signs", signs)
        self.register_buffer("order", torch.randperm(size, generator=draw))
        self.register_buffer("normal", torch.randn(size, generator=draw))

    def forward(self, z: Float[Tensor, " dimension"]) -> Float[Tensor, " rows"]:
        size = len(self.signs)
        padded = nn.functional.pad(z, (0, size - len(z)))
        mixed = walsh_hadamard(padded * self.signs)[self.order] * self.normal
        return walsh_hadamard(mixed)[: self.rows] / math.sqrt(size)


class Subspace(nn.Module):
    """``start`` plus a point of a random subspace of so many dimensions.

    ``groups``: by parameter, the layer it belongs to. With them (SAID) each layer's part of P z
    is multiplied by a learned number, 1 at the start; these numbers are among the dimensions.

    Raises
    ------
    InputError
        If the dimensions do not exceed the layers' numbers.
    """

    def __init__(
        self,
        start: Mapping[str, Tensor],
        dimension: int,
        *,
        seed: int,
        groups: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__()
        self._names = list(start)
        self._start = dict(start)
        layers = list(dict.fromkeys(groups[name] for name in start)) if groups else []
        if dimension <= len(layers):
            raise InputError(
                f"a subspace of dimension {dimension} has no room beside the scales of "
                f"{len(layers)} layers (SAID): ask for more dimensions"
            )
        self._layer = [layers.index(groups[name]) if groups else -1 for name in start]
        self.parameters_total = sum(tensor.numel() for tensor in start.values())
        inside = dimension - len(layers)
        self.z = nn.Parameter(torch.zeros(inside))
        self.scales = nn.Parameter(torch.ones(len(layers)))
        self.projections = nn.ModuleList(
            Fastfood(tensor.numel(), inside, seed_of(seed, "subspace", name))
            for name, tensor in start.items()
        )

    def forward(self) -> dict[str, Tensor]:
        """The parameters at the current point."""
        unit = self.parameters_total**-0.5
        found = {}
        for name, layer, projection in zip(self._names, self._layer, self.projections, strict=True):
            start = self._start[name]
            moved = projection(self.z).view(start.shape) * unit
            found[name] = start + (moved if layer < 0 else self.scales[layer] * moved)
        return found
