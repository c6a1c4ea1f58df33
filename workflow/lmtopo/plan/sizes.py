"""How large things are before they are there: weights, datasets, splits, models."""

import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lmtopo import flops, known_models
from lmtopo.checksums import read_part
from lmtopo.errors import InputError
from lmtopo.plan import texts

if TYPE_CHECKING:
    from lmtopo.hub.snapshot import Snapshot

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
    """The shape of a run's model; None if neither we nor the hub know it."""
    if run["source"] == "train":
        given = run["shape"]
        matrices = flops.gpt_neox_matrix_parameters(
            width=given["width"], layers=given["layers"], mlp=given["mlp"]
        )
        ends = (1 if given["tied"] else 2) * given["width"] * given["vocabulary"]
        total = matrices + ends
        return Shape(given["layers"], given["width"], matrices, given["vocabulary"], total)
    if run["source"] == "hub":
        facts = known_models.facts(run["repo"])
        if facts is not None:
            return Shape(
                facts.layers, facts.width, facts.matrices, facts.vocabulary, facts.parameters_total
            )
        return configured(run["repo"], run["revisions"][-1])
    return shape_in(Path(run["folder"]))


def shape_in(folder: Path) -> Shape | None:
    """The shape that a ``config.json`` gives; None if transformers does not know the model."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    try:
        config = AutoConfig.from_pretrained(folder, trust_remote_code=False)
        with torch.device("meta"):  # no weights, and no room for them
            model = AutoModelForCausalLM.from_config(config, trust_remote_code=False)
    except (ValueError, KeyError, OSError):
        return None
    _, total = flops.count_parameters(model)
    return Shape(
        config.num_hidden_layers,
        config.hidden_size,
        flops.matrix_parameters(model),
        config.vocab_size,
        total,
    )


def layers(chosen: str | Sequence[str], shape: Shape) -> int:
    """Layers that are observed: embedding, blocks and final norm, or those that are named."""
    return shape.layers + 2 if isinstance(chosen, str) else len(chosen)


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
def snapshot(repo: str, revision: str) -> "Snapshot | None":
    """What the hub, or offline the user's cache, has of a revision; None if it does not answer."""
    from lmtopo.hub.calls import silent
    from lmtopo.hub.snapshot import read

    if not HUB_ANSWERS[0]:
        return None
    try:
        return read(repo, revision, patience=ASKING)
    except InputError as error:
        HUB_ANSWERS[0] = not silent(error)
        return None


@cache
def configured(repo: str, revision: str) -> Shape | None:
    """The shape that a revision's ``config.json`` gives; None if it is not to be had."""
    from lmtopo.hub.download import fetch

    found = snapshot(repo, revision)
    if found is None or "config.json" not in found.files:
        return None
    with tempfile.TemporaryDirectory() as folder, suppress(InputError):
        fetch(found, "config.json", Path(folder), patience=ASKING)
        return shape_in(Path(folder))
    return None


@cache
def listed(repo: str, revision: str) -> float | None:
    """Bytes of a revision's weights as the hub lists them; None if it does not answer."""
    from lmtopo.formats.checkpoints import weights_among

    there = snapshot(repo, revision)
    files = {} if there is None else there.files
    found = weights_among(files)
    return float(sum(files[name].size for name in found)) if found else None


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
    """Tokens of the observed split in one reading: counted where a probe is there, else from its
    bytes."""
    name = dataset["name"]
    probe = Path(f"results/{study}/probes/{tokenizer}/{name}/probe.safetensors")
    if probe.is_file():
        from lmtopo.formats.probes import load

        return float(load(probe).readings[0].facts["n_tokens"])
    return estimated_tokens(dataset)


def estimated_tokens(dataset: Mapping[str, Any]) -> float | None:
    """Tokens of the observed split in one reading, from its bytes."""
    seen = dataset["observed"]
    size = split_size(dataset, seen["split"])
    if size is None:
        return None
    count, documents = size
    kept = min(seen["documents"] or documents, documents)
    found: float = count / BYTES_PER_TOKEN * kept / documents
    return min(found, float(kept * seen["max_tokens"])) if seen["max_tokens"] else found


def split_size(dataset: Mapping[str, Any], split: str) -> tuple[int, int] | None:
    """Bytes of text and documents of a split: of the saved dataset, else as published, or as the
    files or the grammar that it is made of have it."""
    saved = Path("datasets") / dataset["name"] / "provenance.json"
    if saved.is_file():
        found = read_part(saved.parent, saved.name)["splits"].get(split)
        return (found["bytes"], found["documents"]) if found else None
    if dataset["hub"]:
        return SPLITS.get((*dataset["hub"], split))
    return texts.splits(dataset["origin"]).get(split)
