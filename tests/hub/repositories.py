"""Small repositories in the hub's layout, for the stand-in to serve."""

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any


def card(configs: Mapping[str, Mapping[str, str]], rows: Mapping[str, int] | None = None) -> str:
    """A dataset's README.md: configurations as split -> pattern, and the rows it claims."""
    told: dict[str, Any] = {
        "configs": [
            {
                "config_name": name,
                "data_files": [{"split": split, "path": path} for split, path in files.items()],
            }
            for name, files in configs.items()
        ]
    }
    if rows is not None:
        splits = [
            {"name": split, "num_bytes": 1, "num_examples": count} for split, count in rows.items()
        ]
        features = [{"name": "text", "dtype": "string"}]
        told["dataset_info"] = [
            {"config_name": next(iter(configs)), "features": features, "splits": splits}
        ]
    return f"---\n{json.dumps(told)}\n---\nA card.\n"  # JSON is YAML


def write_parquet(path: Path, columns: Mapping[str, Sequence[Any]]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(dict(columns)), path)


def stories(count: int, first: int = 0) -> list[str]:
    return [
        f"Once there was a fox named F{number}. " + "It ran over the hill and saw a tree. " * 6
        for number in range(first, first + count)
    ]


def make_datasets(root: Path) -> None:
    """A wikitext with one configuration, a TinyStories in two shards, and an MRPC."""
    from lmtopo.dataset.generated import generate

    wikitext = root / "datasets/Salesforce/wikitext/main"
    lines = [line for text in stories(30) for line in ("", " = A Fox = \n", "", f" {text} \n")]
    for split in ("train", "validation", "test"):
        file = wikitext / f"wikitext-2-raw-v1/{split}-00000-of-00001.parquet"
        write_parquet(file, {"text": lines})
    names = {split: f"wikitext-2-raw-v1/{split}-*" for split in ("test", "train", "validation")}
    (wikitext / "README.md").write_text(card({"wikitext-2-raw-v1": names}))
    tiny = root / "datasets/roneneldan/TinyStories/main"
    for shard in range(2):
        write_parquet(
            tiny / f"data/train-0000{shard}-of-00002-ab12.parquet",
            {"text": stories(40, 40 * shard)},
        )
    write_parquet(tiny / "data/validation-00000-of-00001-cd34.parquet", {"text": stories(20, 900)})
    (tiny / "TinyStories-train.txt").write_text("not to be fetched\n")
    (tiny / "README.md").write_text("---\nlicense: cdla-sharing-1.0\n---\n")
    glue = root / "datasets/nyu-mll/glue/main"
    pairs = generate("paraphrases", rows=30, seed=2)
    for split in ("train", "validation", "test"):
        write_parquet(glue / f"mrpc/{split}-00000-of-00001.parquet", pairs)
    write_parquet(glue / "cola/train-00000-of-00001.parquet", {"sentence": ["a"], "label": [1]})
    (glue / "README.md").write_text(
        card(
            {
                "cola": {"train": "cola/train-*"},
                "mrpc": {split: f"mrpc/{split}-*" for split in ("train", "validation", "test")},
            }
        )
    )


def make_model(
    root: Path,
    repo: str,
    revisions: Sequence[str],
    save_checkpoint: Callable[..., Path],
    *,
    architecture: str = "gpt_neox",
    weights: str = "safetensors",
    decoys: bool = True,
) -> Path:
    """A repository with a branch for each revision, each with weights of its own (two that start
    alike as Pythia's step0 and step1, where both are there)."""
    base = root / "models" / repo
    for seed, revision in enumerate(revisions):
        seed = 0 if revision in ("step0", "step1") else seed
        folder = save_checkpoint(base / revision, architecture, seed=seed)
        rewrite(folder, architecture, weights, seed)
        if decoys:
            (folder / "flax_model.msgpack").write_bytes(b"not to be fetched")
            if weights == "safetensors":
                (folder / "pytorch_model.bin").write_bytes(b"not to be fetched")
    return base


def rewrite(folder: Path, architecture: str, weights: str, seed: int) -> None:
    """Store the weights of a folder as ``safetensors`` in float16, ``sharded``, or ``pickle``."""
    import torch
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float16)
    (folder / "model.safetensors").unlink()
    if weights == "safetensors":
        model.save_pretrained(folder)
    elif weights == "sharded":
        model.save_pretrained(folder, max_shard_size="40KB")
        assert (folder / "model.safetensors.index.json").is_file()
    else:
        torch.save(model.state_dict(), folder / "pytorch_model.bin")
    shutil.rmtree(folder / ".cache", ignore_errors=True)
