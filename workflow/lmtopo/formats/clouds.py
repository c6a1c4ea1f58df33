"""The file of clouds, ``clouds.safetensors``, and the subsamples that are taken of them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32, Int64

from lmtopo.checksums import check_array, of_array, opened, reading, sealed
from lmtopo.errors import InputError
from lmtopo.files import atomic
from lmtopo.seeds import generator

HEADER = "lmtopo"


@dataclass(frozen=True)
class Clouds:
    """The clouds of one checkpoint on one probe.

    ``arrays``: by pooling, the points of every layer. ``layers``: what the rows of the first axis
    are. ``metadata``: what the writer had to say.
    """

    arrays: Mapping[str, Float32[np.ndarray, "layers points width"]]
    layers: tuple[str, ...]
    metadata: Mapping[str, str]


def save(
    path: str | Path,
    clouds: Mapping[str, Float32[np.ndarray, "layers points width"]],
    *,
    layers: Sequence[str],
    metadata: Mapping[str, str],
) -> None:
    """Write clouds by pooling; the same clouds give the same bytes.

    The layers' names, the metadata and a checksum of every cloud are JSON under one key of the
    file's header: safetensors writes several keys in random order.

    Raises
    ------
    InputError
        If a cloud has not one row per layer.
    """
    from safetensors.numpy import save_file

    for pooling, cloud in clouds.items():
        if len(cloud) != len(layers):
            raise InputError(
                f"the clouds of pooling '{pooling}' have {len(cloud)} layers, but "
                f"{len(layers)} are named: {', '.join(layers)}"
            )
    # safetensors writes the buffer as it lies, whatever the strides.
    arrays = {pooling: np.ascontiguousarray(clouds[pooling]) for pooling in sorted(clouds)}
    facts = {
        "layers": list(layers),
        "metadata": dict(sorted(metadata.items())),
        "checksums": {name: [of_array(cloud) for cloud in array] for name, array in arrays.items()},
    }
    with atomic(path) as temporary:
        save_file(arrays, temporary, metadata={HEADER: json.dumps(sealed(facts))})


def header(metadata: Mapping[str, str] | None, path: str | Path) -> dict[str, Any]:
    """What `save` has noted in the file's header."""
    if metadata is None or HEADER not in metadata:
        raise InputError(f"'{path}' is no file of clouds: it does not name its layers")
    return opened(json.loads(metadata[HEADER]))


def load(path: str | Path) -> Clouds:
    """Read a file that `save` has written; poolings come in alphabetical order.

    Raises
    ------
    InputError
        If it is another safetensors file.
    Damaged
        If its bytes are not those.
    """
    from safetensors import safe_open

    with reading(path), safe_open(path, framework="numpy") as file:
        facts = header(file.metadata(), path)
        arrays = {pooling: file.get_tensor(pooling) for pooling in sorted(file.keys())}
        for pooling, checksums in facts["checksums"].items():
            for cloud, checksum in zip(arrays[pooling], checksums, strict=True):
                check_array(cloud, checksum)
    return Clouds(arrays, tuple(facts["layers"]), facts["metadata"])


def load_layer(path: str | Path, pooling: str, layer: str) -> Float32[np.ndarray, "points width"]:
    """The cloud of one pooling and layer, read alone from a file that `save` has written.

    Raises
    ------
    InputError
        If the file has no such cloud.
    Damaged
        If its bytes are not those.
    """
    from safetensors import safe_open

    with reading(path), safe_open(path, framework="numpy") as file:
        facts = header(file.metadata(), path)
        layers = facts["layers"]
        if layer not in layers or pooling not in facts["checksums"]:
            raise InputError(
                f"'{path}' has no cloud of {layer}, pooling '{pooling}': "
                "run observe again with these settings"
            )
        row = layers.index(layer)
        cloud: Float32[np.ndarray, "points width"] = file.get_slice(pooling)[row]
        check_array(cloud, facts["checksums"][pooling][row])
    return cloud


def subsamples(
    points: int, size: int, replicates: int, seed: int
) -> list[Int64[np.ndarray, " size"]]:
    """``replicates`` sets of ``size`` of ``points`` indices (m out of n), each sorted.

    Drawn without replacement, from the seed and the replicate's number alone: the same points
    at every checkpoint, layer and pooling, and more replicates leave the first ones as they are.

    Raises
    ------
    InputError
        If ``size`` is not within 1 .. ``points``, or several replicates would be all points.
    """
    if not 1 <= size <= points:
        raise InputError(
            f"subsamples of {size} points cannot be drawn from {points}: "
            f"set clouds.subsample to 1 .. {points}"
        )
    if size == points and replicates > 1:
        raise InputError(
            f"{replicates} subsamples of all {points} points would be the same: "
            "lower clouds.subsample, or set clouds.replicates: 1"
        )
    return [
        np.sort(generator(seed, "subsample", replicate).choice(points, size, replace=False))
        for replicate in range(replicates)
    ]
