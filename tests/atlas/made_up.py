"""Made-up studies of any size, as the atlas reads them: no model is needed."""

import math
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from lmtopo.formats import diagrams, probes, projections
from lmtopo.formats.diagrams import Key, Persistence
from lmtopo.formats.probes import Places, Probe, Reading
from lmtopo.tables import KEYS, write
from lmtopo.tokenizer import train
from lmtopo.windows import stream, windows

TEXT = "the cat sat on the mat and </script> the dog sat on the cat until the sun went down "
DISTINCT = 40
"""Pairs with clouds of their own: more would fill the disk with noise, fewer would let gzip, which
looks 32 kB back, find clouds again."""


def write_study(
    folder: Path,
    *,
    runs: Sequence[tuple[str, str]] = (("small", "low"), ("small", "high"), ("large", "low")),
    checkpoints: int = 4,
    datasets: Sequence[str] = ("stories", "articles"),
    layers: int = 3,
    poolings: Sequence[str] = ("token", "mean"),
    points: int = 24,
    bars: int = 5,
    nulls: Mapping[str, int] | None = None,
    names: Sequence[str] = ("persistence_entropy", "total_persistence"),
    lost: Sequence[tuple[str, str, int, str]] = (),
    flops: float = 1e9,
) -> dict[str, Any]:
    """Write the study's files into ``folder``; the arguments of `atlas` beside its page."""
    nulls = {"gaussian": 2} if nulls is None else nulls
    states = ["embedding", *(f"block_{i}" for i in range(1, layers - 1)), "final_norm"][-layers:]
    steps = [0, *(2**i for i in range(checkpoints - 1))]
    if checkpoints > 40:
        steps = [1000 * i for i in range(checkpoints)]
    pairs = [
        (model, budget, step, dataset)
        for model, budget in runs
        for dataset in datasets
        for step in steps
        if (model, budget, step, dataset) not in lost
    ]
    made: list[Path] = []
    for at, (model, budget, step, dataset) in enumerate(pairs):
        place = folder / "pairs" / model / budget / f"step{step}" / dataset
        place.mkdir(parents=True)
        for name in ("diagrams.npz", "projection.npz"):
            if at >= DISTINCT:
                (place / name).hardlink_to(made[at % DISTINCT] / name)
        if at < DISTINCT:
            write_pair(place, states, poolings, points, bars, nulls, seed=at)
            made.append(place)
    write(folder / "quality.parquet", quality(pairs, flops))
    write(folder / "signatures.parquet", signatures(pairs, states, poolings, nulls, names))
    gone = [(*one[:2], f"step{one[2]}", one[3], "the download was cut") for one in lost]
    columns = [*KEYS["missing"], "reason"]
    write(folder / "missing.parquet", pd.DataFrame(gone, columns=columns, dtype="str"))
    write_probe(folder, points)
    read = [str(folder / "probe.safetensors"), str(folder / "tokenizer")]
    return {
        "quality": str(folder / "quality.parquet"),
        "signatures": str(folder / "signatures.parquet"),
        "missing": str(folder / "missing.parquet"),
        "pairs": str(folder / "pairs"),
        "study": "made-up",
        "runs": list(runs),
        "probes": {model: dict.fromkeys(datasets, read) for model, _ in runs},
        "opening": {
            **{"model": runs[0][0], "budget": runs[0][1], "dataset": datasets[0]},
            **{"layer": states[-1], "pooling": poolings[0], "dimension": 1, "signature": names[0]},
        },
        "max_dimension": 1,
        "checkpoints": 64,
        "layers": 13,
        "megabytes": 25.0,
    }


def write_pair(
    folder: Path,
    layers: Sequence[str],
    poolings: Sequence[str],
    points: int,
    bars: int,
    nulls: Mapping[str, int],
    seed: int,
) -> None:
    rng = np.random.default_rng(seed)
    keys = [Key(layer, pooling, 0) for layer in layers for pooling in poolings]
    keys += [
        key._replace(null=null, draw=draw)
        for key in keys
        for null, count in nulls.items()
        for draw in range(count)
    ]
    diagrams.save(folder / "diagrams.npz", {key: persistence(rng, points, bars) for key in keys})
    shape = (len(layers), points, 2)
    spread = {pooling: rng.normal(size=shape).astype(np.float32) for pooling in poolings}
    shares = {pooling: np.full((len(layers), 2), 0.25, np.float32) for pooling in poolings}
    projections.save(folder / "projection.npz", spread, shares, layers=layers)


def persistence(rng: np.random.Generator, points: int, bars: int) -> Persistence:
    """``points`` components, of which one never dies, and ``bars`` loops."""
    merges = np.append(np.sort(rng.uniform(0.2, 1.5, points - 1)), math.inf)
    born = rng.uniform(0.8, 1.6, bars)
    died = np.minimum(born + rng.exponential(0.2, bars), 2.0)
    loops = np.stack([born, died], axis=1)
    return Persistence([np.stack([np.zeros(points), merges], axis=1), loops], 2.0)


def quality(pairs: Sequence[tuple[str, str, int, str]], flops: float) -> pd.DataFrame:
    frame = pd.DataFrame(pairs, columns=["model", "budget", "step", "dataset"])
    frame["checkpoint"] = "step" + frame["step"].astype(str)
    frame["reading"] = "windows"
    frame["tokens"], frame["flops"] = frame["step"] * 1024.0, frame["step"] * flops
    frame["parameters"] = frame["model"].map(len) * 1000
    frame["perplexity"] = 5 + 300 / (1 + frame["step"])
    frame["bits_per_byte"] = np.log2(frame["perplexity"]) / 3
    frame["word_perplexity"] = frame["byte_perplexity"] = math.nan
    return frame


def signatures(
    pairs: Sequence[tuple[str, str, int, str]],
    layers: Sequence[str],
    poolings: Sequence[str],
    nulls: Mapping[str, int],
    names: Sequence[str],
) -> pd.DataFrame:
    kinds = [(dimension, name) for dimension in (0, 1) for name in names] + [(-1, "twonn")]
    parts = {
        "pair": np.arange(len(pairs)),
        "layer": np.arange(len(layers)),
        "pooling": np.arange(len(poolings)),
        "kind": np.arange(len(kinds)),
        "replicate": np.arange(2),
    }
    at = {
        name: grid.ravel()
        for name, grid in zip(parts, np.meshgrid(*parts.values(), indexing="ij"), strict=True)
    }

    frame = pd.DataFrame()
    for column, name in enumerate(["model", "budget", "step", "dataset"]):
        values = [pair[column] for pair in pairs]
        frame[name] = np.array(values, dtype=object if name != "step" else np.int64)[at["pair"]]
    frame["checkpoint"] = "step" + frame["step"].astype(str)
    frame["layer"] = np.array(layers, dtype=object)[at["layer"]]
    frame["pooling"] = np.array(poolings, dtype=object)[at["pooling"]]
    frame["dimension"] = np.array([one for one, _ in kinds])[at["kind"]]
    frame["signature"] = np.array([name for _, name in kinds], dtype=object)[at["kind"]]
    frame["replicate"] = at["replicate"]
    frame["value"] = np.random.default_rng(1).normal(3, 1, len(frame))
    for null, count in nulls.items():
        drawn = (at["replicate"] == 0) & (frame["dimension"] >= 0)
        frame[f"{null}_mean"] = np.where(drawn, 2.5, math.nan)
        frame[f"{null}_sd"] = np.where(drawn, 0.25, math.nan)
        frame[f"{null}_percentile"] = np.where(drawn, 100.0, math.nan)
        frame[f"{null}_draws"] = np.where(drawn, count, 0)
    texts = ["model", "budget", "dataset", "checkpoint", "layer", "pooling", "signature"]
    return frame.astype(dict.fromkeys(texts, "str"))


@cache
def tokenizer() -> Any:
    return train([TEXT] * 4, 300)


def write_probe(folder: Path, points: int) -> None:
    made = tokenizer()
    made.save_pretrained(folder / "tokenizer")
    read = stream([made(TEXT * 4)["input_ids"]] * 3, 0)
    cut = windows(read, context=32, stride=32)
    token = np.array([[i % (len(cut) - 1), 1 + i % 30] for i in range(points)])
    text = np.array([[i % (len(cut) - 1), 1, 2 + i % 30] for i in range(points)])
    facts = {"dataset": "stories", "split": "validation", "skip_positions": 1}
    reading = Reading(read, cut, {"reading": "windows"})
    probes.save(folder / "probe.safetensors", Probe((reading,), Places(token, text), facts))
