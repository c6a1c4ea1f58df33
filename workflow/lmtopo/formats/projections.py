"""The file of projections, ``projection.npz``: every whole cloud of a pair in two dimensions.

Arrays are named ``{pooling}/points`` (layers x points x 2) and ``{pooling}/variance`` (layers x 2:
each component's share of the variance); the array ``layers`` names the layers.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float32

from lmtopo.checksums import open_npz, reading
from lmtopo.files import atomic

ENDINGS = ("/points", "/variance")


@dataclass(frozen=True)
class Projections:
    """By pooling, the points of every layer and the share of the variance that they show."""

    layers: tuple[str, ...]
    points: Mapping[str, Float32[np.ndarray, "layers points 2"]]
    variance: Mapping[str, Float32[np.ndarray, "layers 2"]]


def save(
    path: str | Path,
    points: Mapping[str, Float32[np.ndarray, "layers points 2"]],
    variance: Mapping[str, Float32[np.ndarray, "layers 2"]],
    *,
    layers: Sequence[str],
) -> None:
    """Write projections by pooling; the same ones give the same bytes."""
    arrays = {"layers": np.array(layers, dtype=np.str_)}
    for pooling in points:
        arrays[f"{pooling}/points"] = points[pooling]
        arrays[f"{pooling}/variance"] = variance[pooling]
    with atomic(path) as temporary:
        np.savez(temporary, **arrays)  # type: ignore[arg-type]


def load(path: str | Path) -> Projections:
    """Read a file that `save` has written; Damaged if its bytes are not those."""
    with reading(path), open_npz(path) as file:
        layers = tuple(file["layers"].tolist())
        if odd := [name for name in file.files if not name.endswith(("layers", *ENDINGS))]:
            raise ValueError(f"it has '{odd[0]}', which is no array of projections")
        points, variance = (
            {name.removesuffix(ending): file[name] for name in file.files if name.endswith(ending)}
            for ending in ENDINGS
        )
    return Projections(layers, points, variance)
