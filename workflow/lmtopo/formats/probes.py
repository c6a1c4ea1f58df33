"""The file of a probe: what is read, and where hidden states are taken."""

import json
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int64

from lmtopo import checksums
from lmtopo.files import atomic
from lmtopo.windows import Stream, Windows


@dataclass(frozen=True)
class Places:
    """Where hidden states are taken: one row per point.

    ``token``: (window, offset). ``text``: (window, first offset, offset after the last), a text
    being the part of one document that one window is the first to read.
    """

    token: Int64[np.ndarray, "points 2"]
    text: Int64[np.ndarray, "points 3"]


@dataclass(frozen=True)
class Reading:
    """One reading of a split: ``stream`` in ``windows``, and its facts: reading, prefix, context,
    stride, n_documents, n_tokens (those scored), n_words, n_bytes."""

    stream: Stream
    windows: Windows
    facts: dict[str, Any]


@dataclass(frozen=True)
class Probe:
    """What is read, once per reading; what is sampled in the first (``places``); and what holds
    for all: dataset, split, skip_positions."""

    readings: tuple[Reading, ...]
    places: Places
    facts: dict[str, Any]


def save(path: str | Path, probe: Probe) -> None:
    """Write a probe as one safetensors file."""
    from safetensors.numpy import save_file

    arrays = {"place_token": probe.places.token, "place_text": probe.places.text}
    for index, reading in enumerate(probe.readings):
        for part in (reading.stream, reading.windows):
            arrays |= {f"{index}.{name}": array for name, array in vars(part).items()}
    facts = {
        **probe.facts,
        "readings": [reading.facts for reading in probe.readings],
        "checksums": {name: checksums.of_array(array) for name, array in arrays.items()},
    }
    with atomic(path) as temporary:
        save_file(arrays, temporary, metadata={"facts": json.dumps(checksums.sealed(facts))})


def load(path: str | Path) -> Probe:
    """Read a probe written by `save`; Damaged if its bytes are not those."""
    from safetensors import safe_open

    with checksums.reading(path), safe_open(path, framework="np") as file:
        facts = checksums.opened(json.loads(file.metadata()["facts"]))
        arrays = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
        for name, checksum in facts.pop("checksums").items():
            checksums.check_array(arrays[name], checksum)

    def part(kind: type[Stream] | type[Windows], index: int) -> Any:
        return kind(**{field.name: arrays[f"{index}.{field.name}"] for field in fields(kind)})

    readings = tuple(
        Reading(part(Stream, index), part(Windows, index), told)
        for index, told in enumerate(facts.pop("readings"))
    )
    return Probe(readings, Places(arrays["place_token"], arrays["place_text"]), facts)
