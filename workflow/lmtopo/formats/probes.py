"""The file of a probe: what is read, and where hidden states are taken."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int64

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
class Probe:
    """What is read (``stream`` in ``windows``), what is sampled (``places``), and its facts:
    dataset, split, reading, prefix, context, stride, skip_positions, n_documents, n_tokens (those
    scored), n_words, n_bytes."""

    stream: Stream
    windows: Windows
    places: Places
    facts: dict[str, Any]


def save(path: str | Path, probe: Probe) -> None:
    """Write a probe as one safetensors file."""
    from safetensors.numpy import save_file

    arrays = {
        "ids": probe.stream.ids,
        "document": probe.stream.document,
        "boundary": probe.stream.boundary,
        "scored": probe.stream.scored,
        "window_start": probe.windows.start,
        "window_length": probe.windows.length,
        "window_fresh": probe.windows.fresh,
        "place_token": probe.places.token,
        "place_text": probe.places.text,
    }
    with atomic(path) as temporary:
        save_file(arrays, temporary, metadata={"facts": json.dumps(probe.facts)})


def load(path: str | Path) -> Probe:
    """Read a probe written by `save`."""
    from safetensors import safe_open

    with safe_open(path, framework="np") as file:
        facts = json.loads(file.metadata()["facts"])
        arrays = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    return Probe(
        Stream(arrays["ids"], arrays["document"], arrays["boundary"], arrays["scored"]),
        Windows(arrays["window_start"], arrays["window_length"], arrays["window_fresh"]),
        Places(arrays["place_token"], arrays["place_text"]),
        facts,
    )
