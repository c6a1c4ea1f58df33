"""The file of persistence diagrams, ``diagrams.npz``.

Arrays are named ``{layer}/{pooling}/{replicate}/H{k}`` and ``.../enclosing_radius``. The draws of a
null lie one after another in ``{layer}/{pooling}/{replicate}/{null}/H{k}``, with ``.../H{k}_bars``
bars each, and ``.../enclosing_radius`` has one number a draw: an array of its own for each would
take longer to open than to compute. Any NumPy reads them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float64

from lmtopo.checksums import open_npz, reading
from lmtopo.diagram_distances import finite
from lmtopo.errors import InputError
from lmtopo.files import atomic

RADIUS, BARS = "enclosing_radius", "_bars"


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
    """Write diagrams, in the order of ``results``, in which the draws of a null are numbered from
    0 on; the same diagrams give the same bytes.

    Births and deaths are stored in float32, in which `vietoris_rips.distances` are exact, and
    uncompressed: zlib would save a third, but tie the bytes to its version.
    """
    arrays: dict[str, np.ndarray] = {}
    drawn: dict[str, list[Persistence]] = {}
    for key, found in results.items():
        if key.null is None:
            for dimension, diagram in enumerate(found.diagrams):
                arrays[f"{key}/H{dimension}"] = diagram.astype(np.float32)
            arrays[f"{key}/{RADIUS}"] = np.array(found.radius, dtype=np.float32)
        else:
            drawn.setdefault(str(key._replace(draw=None)), []).append(found)
    for name, draws in drawn.items():
        for dimension, bars in enumerate(zip(*(one.diagrams for one in draws), strict=True)):
            arrays[f"{name}/H{dimension}"] = np.concatenate(bars).astype(np.float32)
            arrays[f"{name}/H{dimension}{BARS}"] = np.array([len(one) for one in bars])
        radii = [one.radius for one in draws]
        arrays[f"{name}/{RADIUS}"] = np.array(radii, dtype=np.float32)
    with atomic(path) as temporary:
        np.savez(temporary, **arrays)  # type: ignore[arg-type]


def load(path: str | Path) -> "Diagrams":
    """Open a file that `save` has written."""
    return Diagrams(Path(path))


@dataclass(frozen=True)
class Diagrams:
    """Diagrams in a file, each read when it is first asked for; Damaged if it is not as written."""

    path: Path
    _read: dict[str, np.ndarray] = field(default_factory=dict, init=False, repr=False)
    _split: dict[str, list[np.ndarray]] = field(default_factory=dict, init=False, repr=False)

    @cached_property
    def _file(self) -> "np.lib.npyio.NpzFile":
        with reading(self.path):
            return open_npz(self.path)

    @cached_property
    def _dimensions(self) -> dict[Key, int]:
        """Of clouds, and with ``draw`` None of all draws of a null together."""
        counts: dict[Key, int] = {}
        names = self._file.files
        with reading(self.path):
            for name in names:
                layer, pooling, replicate, *null, last = name.split("/")
                key = Key(layer, pooling, int(replicate), null[0] if null else None)
                counts[key] = counts.get(key, 0) + (last != RADIUS and not last.endswith(BARS))
        return counts

    def keys(self) -> list[Key]:
        """Whose diagrams there are: subsamples, then draws, in the order of writing."""
        found = []
        for key in self._dimensions:
            draws = [None] if key.null is None else range(len(self._array(f"{key}/{RADIUS}")))
            found += [key._replace(draw=draw) for draw in draws]
        return found

    def diagrams(
        self,
        layer: str,
        pooling: str,
        replicate: int,
        null: str | None = None,
        draw: int | None = None,
    ) -> list[Float64[np.ndarray, "bars 2"]]:
        """Diagrams H0 .. Hk; InputError if the file has none of this name."""
        name = self._known(layer, pooling, replicate, null, draw)
        every = [f"{name}/H{k}" for k in range(self._dimensions[name])]
        return [self._array(one) if draw is None else self._draws(one)[draw] for one in every]

    def radius(
        self,
        layer: str,
        pooling: str,
        replicate: int,
        null: str | None = None,
        draw: int | None = None,
    ) -> float:
        """Enclosing radius of the cloud; InputError if the file has none of this name."""
        found = self._array(f"{self._known(layer, pooling, replicate, null, draw)}/{RADIUS}")
        return float(found if draw is None else found[draw])

    def relative(
        self, layer: str, pooling: str, replicate: int
    ) -> list[Float64[np.ndarray, "_bars 2"]]:
        """Diagrams H0 .. Hk of the bars that die in units of the cloud's enclosing radius, in which
        shape is compared and not size."""
        key = (layer, pooling, replicate)
        radius = self.radius(*key) or 1.0  # points that are all the same have no bars
        return [finite(one) / radius for one in self.diagrams(*key)]

    def _known(
        self, layer: str, pooling: str, replicate: int, null: str | None, draw: int | None
    ) -> Key:
        """The cloud, or the draws of which it is one."""
        name = Key(layer, pooling, replicate, null)
        if name in self._dimensions and (null is None) == (draw is None):
            draws = 0 if draw is None else len(self._array(f"{name}/{RADIUS}"))
            if draw is None or 0 <= draw < draws:
                return name
        there = self._dimensions
        told = [
            f"{what} {', '.join(dict.fromkeys(str(getattr(key, what)) for key in there))}"
            for what in ("layer", "pooling", "replicate")
        ]
        counts = {key.null: len(self._array(f"{key}/{RADIUS}")) for key in there if key.null}
        told += [f"draws of {null} 0 to {count - 1}" for null, count in counts.items()]
        mend = "" if null is None else ": where draws were asked for since, run persist again"
        raise InputError(
            f"'{self.path}' has no diagrams of {name._replace(draw=draw)} (it has: "
            f"{'; '.join(told)}){mend}"
        )

    def _draws(self, name: str) -> list[Float64[np.ndarray, "_bars 2"]]:
        if name not in self._split:
            ends = np.cumsum(self._array(f"{name}{BARS}"), dtype=np.int64)
            self._split[name] = np.split(self._array(name), ends[:-1])
        return self._split[name]

    def _array(self, name: str) -> Float64[np.ndarray, "..."]:
        if name not in self._read:
            file = self._file
            with reading(self.path):  # zip verifies a checksum of every array
                self._read[name] = file[name].astype(np.float64)
        return self._read[name]
