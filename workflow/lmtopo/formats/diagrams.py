"""The file of persistence diagrams, ``diagrams.npz``.

Arrays are named ``{layer}/{pooling}/{replicate}/H{k}`` and ``.../enclosing_radius``; those of null
draws ``{layer}/{pooling}/{replicate}/{null}/{draw}/H{k}``. Any NumPy reads them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float64

from lmtopo.checksums import reading
from lmtopo.errors import InputError
from lmtopo.files import atomic

RADIUS = "enclosing_radius"


class Key(NamedTuple):
    """Whose diagrams: of a subsample of a cloud, or of the ``draw``-th of its ``null``."""

    layer: str
    pooling: str
    replicate: int
    null: str | None = None
    draw: int | None = None

    def __str__(self) -> str:
        return "/".join(str(part) for part in self if part is not None)


class Persistence(NamedTuple):
    """Diagrams H0 .. Hk of one cloud, rows (birth, death), and its enclosing radius."""

    diagrams: Sequence[Float[np.ndarray, "bars 2"]]
    radius: float


def save(path: str | Path, results: Mapping[Key, Persistence]) -> None:
    """Write diagrams, in the order of ``results``; the same diagrams give the same bytes.

    Births and deaths are stored in float32, in which `vietoris_rips.distances` are exact, and
    uncompressed: zlib would save a third, but tie the bytes to its version.
    """
    arrays: dict[str, np.ndarray] = {}
    for key, (diagrams, radius) in results.items():
        for dimension, diagram in enumerate(diagrams):
            arrays[f"{key}/H{dimension}"] = diagram.astype(np.float32)
        arrays[f"{key}/{RADIUS}"] = np.array(radius, dtype=np.float32)
    with atomic(path) as temporary:
        np.savez(temporary, **arrays)  # type: ignore[arg-type]


def load(path: str | Path) -> "Diagrams":
    """Open a file that `save` has written."""
    return Diagrams(Path(path))


def parsed(parts: Sequence[str]) -> Key:
    layer, pooling, replicate = parts[:3]
    if len(parts) == 3:
        return Key(layer, pooling, int(replicate))
    return Key(layer, pooling, int(replicate), parts[3], int(parts[4]))


@dataclass(frozen=True)
class Diagrams:
    """Diagrams in a file, each read when it is first asked for; Damaged if it is not as written."""

    path: Path
    _read: dict[str, np.ndarray] = field(default_factory=dict, init=False, repr=False)

    @cached_property
    def _file(self) -> "np.lib.npyio.NpzFile":
        with reading(self.path):
            return np.load(self.path)  # type: ignore[no-any-return]

    @cached_property
    def _dimensions(self) -> dict[Key, int]:
        counts: dict[Key, int] = {}
        names = self._file.files
        with reading(self.path):
            for name in names:
                *parts, last = name.split("/")
                key = parsed(parts)
                counts[key] = counts.get(key, 0) + (last != RADIUS)
        return counts

    def keys(self) -> list[Key]:
        """Whose diagrams there are, in the order of writing."""
        return list(self._dimensions)

    def diagrams(
        self,
        layer: str,
        pooling: str,
        replicate: int,
        null: str | None = None,
        draw: int | None = None,
    ) -> list[Float64[np.ndarray, "bars 2"]]:
        """Diagrams H0 .. Hk; InputError if the file has none of this name."""
        key = self._known(Key(layer, pooling, replicate, null, draw))
        return [self._array(f"{key}/H{k}") for k in range(self._dimensions[key])]

    def radius(
        self,
        layer: str,
        pooling: str,
        replicate: int,
        null: str | None = None,
        draw: int | None = None,
    ) -> float:
        """Enclosing radius of the cloud; InputError if the file has none of this name."""
        key = self._known(Key(layer, pooling, replicate, null, draw))
        return float(self._array(f"{key}/{RADIUS}"))

    def _known(self, key: Key) -> Key:
        if key not in self._dimensions:
            raise InputError(
                f"'{self.path}' has no diagrams of {key}: run persist again with these settings"
            )
        return key

    def _array(self, name: str) -> Float64[np.ndarray, "..."]:
        if name not in self._read:
            file = self._file
            with reading(self.path):  # zip verifies a checksum of every array
                self._read[name] = file[name].astype(np.float64)
        return self._read[name]
