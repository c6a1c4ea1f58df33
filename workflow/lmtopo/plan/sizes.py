"""How large things are before they are there: weights, datasets, splits, models."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from lmtopo import flops, known_models
from lmtopo.errors import InputError
from lmtopo.files import read_json
from lmtopo.formats import checkpoints

ASKING = 5.0
"""Seconds that a plan waits for a hub."""
BYTES_PER_TOKEN = 4.3

DATASETS = {
    ("Salesforce/wikitext", "wikitext-2-raw-v1"): 7.4e6,
    ("roneneldan/TinyStories", None): 1.0e9,
    ("nyu-mll/glue", "mrpc"): 1.0e6,
}
"""Bytes of the files to download."""
SPLITS = {
    ("Salesforce/wikitext", "wikitext-2-raw-v1", "validation"): (1_121_000, 60),
    ("Salesforce/wikitext", "wikitext-2-raw-v1", "test"): (1_256_000, 60),
    ("roneneldan/TinyStories", None, "validation"): (19_300_000, 21_990),
    ("nyu-mll/glue", "mrpc", "train"): (870_000, 7_336),
    ("nyu-mll/glue", "mrpc", "validation"): (97_000, 816),
}
"""Bytes of text and documents of the splits that studies read."""


@dataclass(frozen=True)
class Shape:
    """What FLOPs depend on: blocks, width, parameters of the blocks' matrices, vocabulary."""

    layers: int
    width: int
    matrices: int
    vocabulary: int
    total: int


@dataclass(frozen=True)
class Weights:
    """Bytes of one checkpoint's weights, 0 if unknown, and who says so."""

    bytes: float
    source: str


def shape(run: Mapping[str, Any]) -> Shape | None:
    """The shape of a run's model; None if it is not known without a download."""
    if run["source"] == "train":
        given = run["shape"]
        matrices = flops.gpt_neox_matrix_parameters(
            width=given["width"], layers=given["layers"], mlp=given["mlp"]
        )
        total = matrices + 2 * given["width"] * given["vocabulary"]
        return Shape(given["layers"], given["width"], matrices, given["vocabulary"], total)
    if run["source"] == "hub":
        facts = known_models.facts(run["repo"])
        if facts is None:
            return None
        return Shape(
            facts.layers, facts.width, facts.matrices, facts.vocabulary, facts.parameters_total
        )
    read = checkpoints.read_shape(run["folder"])
    config = read_json(Path(run["folder"]) / "config.json")
    width = config.get("hidden_size") or config.get("n_embd")
    mlp = config.get("intermediate_size") or (4 * width if width else None)
    if not width or not mlp:
        return None
    matrices = flops.gpt_neox_matrix_parameters(width=width, layers=read.layers, mlp=mlp)
    total = matrices + 2 * width * read.vocabulary
    return Shape(read.layers, width, matrices, read.vocabulary, total)


def weights(run: Mapping[str, Any]) -> Weights:
    """Bytes of one checkpoint: as the hub lists them, else as published."""
    if run["source"] == "train":
        found = shape(run)
        return Weights(4.0 * found.total if found else 0.0, "float32")
    if run["source"] == "local":
        return Weights(0.0, "there")
    listed_bytes = listed(run["repo"], run["revisions"][-1])
    if listed_bytes is not None:
        return Weights(listed_bytes, "as listed")
    facts = known_models.facts(run["repo"])
    return Weights(float(facts.bytes), "as published") if facts else Weights(0.0, "unknown")


HUB_ANSWERS = [True]
"""Whether the hub has answered so far: a plan waits for it once."""


@cache
def listed(repo: str, revision: str) -> float | None:
    """Bytes of a revision's weights as the hub lists them; None if it does not answer."""
    from huggingface_hub import constants

    from lmtopo.checkpoint import SINGLE
    from lmtopo.hub.snapshot import read

    if constants.is_offline_mode() or not HUB_ANSWERS[0]:
        return None
    try:
        files = read(repo, revision, patience=ASKING).files
    except InputError:
        HUB_ANSWERS[0] = False
        return None
    for whole in SINGLE:
        stem, _, suffix = whole.rpartition(".")
        found = [
            file.size
            for path, file in files.items()
            if path == whole or (path.startswith(f"{stem}-") and path.endswith(f".{suffix}"))
        ]
        if found:
            return float(sum(found))
    return None


def in_cache(run: Mapping[str, Any]) -> set[int]:
    """Steps whose weights lie in the user's hub cache."""
    from huggingface_hub import try_to_load_from_cache

    names = ("model.safetensors", "pytorch_model.bin", "model.safetensors.index.json")
    return {
        step
        for step, revision in zip(run["steps"], run["revisions"], strict=True)
        if any(
            isinstance(try_to_load_from_cache(run["repo"], name, revision=revision), str)
            for name in names
        )
    }


def dataset_bytes(repo: str, name: str | None) -> float | None:
    """Bytes that a dataset of the hub takes to download; None if unknown."""
    return DATASETS.get((repo, name))


def tokens(study: str, tokenizer: str, dataset: Mapping[str, Any]) -> float | None:
    """Tokens of the observed split: counted where a probe is there, else from its bytes."""
    seen, name = dataset["observed"], dataset["name"]
    probe = Path(f"results/{study}/probes/{tokenizer}/{name}/probe.safetensors")
    if probe.is_file():
        from lmtopo.formats.probes import load

        return float(load(probe).facts["n_tokens"])
    size = split_size(dataset, seen["split"])
    if size is None:
        return None
    count, documents = size
    kept = min(seen["documents"] or documents, documents)
    found: float = count / BYTES_PER_TOKEN * kept / documents
    return min(found, kept * seen["max_tokens"]) if seen["max_tokens"] else found


def split_size(dataset: Mapping[str, Any], split: str) -> tuple[int, int] | None:
    """Bytes of text and documents of a split: of the saved dataset, else as published."""
    saved = Path("datasets") / dataset["name"] / "provenance.json"
    if saved.is_file():
        found = read_json(saved)["splits"].get(split)
        return (found["bytes"], found["documents"]) if found else None
    return SPLITS.get((*dataset["hub"], split)) if dataset["hub"] else None
