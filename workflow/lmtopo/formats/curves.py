"""The file of curves, ``curves.npz``: the signatures of a pair that are no numbers.

Arrays are named ``{pooling}/{signature}`` and have the layers, named by the array ``layers``, along
their first axis; those of one homology dimension have the dimensions, H0 first, along the second.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Float32

from lmtopo.checksums import open_npz, reading
from lmtopo.errors import InputError
from lmtopo.files import atomic

LAYERS = "layers"


@dataclass(frozen=True)
class Curves:
    """By pooling and signature, one array for all ``layers``."""

    layers: tuple[str, ...]
    arrays: Mapping[tuple[str, str], Float32[np.ndarray, "layers ..."]]

    def curve(self, signature: str, layer: str, pooling: str) -> Float32[np.ndarray, "..."]:
        """The curve of one layer; per homology dimension, if it has one.

        Raises
        ------
        InputError
            If there is none of this name.
        """
        if layer not in self.layers or (pooling, signature) not in self.arrays:
            raise InputError(
                f"there is no curve '{signature}' of {layer}, pooling '{pooling}': the layers are "
                f"{', '.join(self.layers)}, the curves "
                f"{', '.join('/'.join(key) for key in self.arrays) or 'none'}"
            )
        return self.arrays[pooling, signature][self.layers.index(layer)]  # type: ignore[no-any-return]


def save(
    path: str | Path,
    arrays: Mapping[tuple[str, str], Float[np.ndarray, "layers ..."]],
    *,
    layers: Sequence[str],
) -> None:
    """Write curves by (pooling, signature), in float32; the same curves give the same bytes."""
    named = {"/".join(key): array.astype(np.float32) for key, array in arrays.items()}
    with atomic(path) as temporary:
        np.savez(temporary, **{LAYERS: np.array(layers, dtype=np.str_), **named})  # type: ignore[arg-type]


def load(path: str | Path) -> Curves:
    """Read a file that `save` has written; Damaged if its bytes are not those."""
    with reading(path), open_npz(path) as file:
        found: Any = {tuple(name.split("/")): file[name] for name in file.files if name != LAYERS}
        return Curves(tuple(file[LAYERS].tolist()), found)
