"""What stages `downstream` and `d90` will take: their files, and the seconds and FLOPs of each."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lmtopo import flops
from lmtopo.plan import calibration, sizes

ADDITIONS = 5e8
"""Additions per second that a core is assumed to do in the transforms of `d90`."""


@dataclass(frozen=True)
class Job:
    """One checkpoint on one task."""

    stage: str
    model: str
    budget: str
    step: int
    path: Path
    seconds: float
    flops: float


def jobs(
    study: str,
    runs: Sequence[Mapping[str, Any]],
    tasks: Sequence[Mapping[str, Any]],
    datasets: Sequence[Mapping[str, Any]],
    shapes: Mapping[str, "sizes.Shape | None"],
    unknown: dict[str, set[str]],
) -> list[Job]:
    """Every job, with its cost on one core; what is not known costs nothing and is added to
    ``unknown``."""
    by_name = {dataset["name"]: dataset for dataset in datasets}
    found = []
    for task in tasks:
        dataset = by_name[task["name"]]
        splits = [sizes.split_size(dataset, split) for split in ("train", task["split"])]
        for run in runs:
            shape = shapes[run["model"]]
            if None in splits:
                unknown["pairs"].add(task["name"])
            for stage, of_stage in (("downstream", cost), ("d90", cost_of_d90)):
                steps = task["steps"][stage].get(f"{run['model']}/{run['budget']}", [])
                spent = (0.0, 0.0)
                if steps and shape is not None and None not in splits:
                    spent = of_stage(task, [size for size in splits if size], shape)
                for step in steps:
                    pair = f"{run['model']}/{run['budget']}/step{step}/{task['name']}"
                    path = Path(f"results/{study}/pairs/{pair}/{stage}.parquet")
                    found.append(Job(stage, run["model"], run["budget"], step, path, *spent))
    return found


def cost(
    task: Mapping[str, Any], splits: Sequence[tuple[int, int]], shape: "sizes.Shape"
) -> tuple[float, float]:
    """Seconds and FLOPs of the pass over splits of so many bytes and sentences, and of probes."""
    read = [min(1.0, 2 * task["rows"] / sentences) for _, sentences in splits]
    tokens = sum(
        share * size / sizes.BYTES_PER_TOKEN for share, (size, _) in zip(read, splits, strict=True)
    )
    work = tokens * flops.forward_flops_per_token(
        matrix_parameters=shape.matrices,
        layers=shape.layers,
        width=shape.width,
        vocabulary=0,  # states alone; the prompts are few beside them
        context=int(tokens / sum(sentences for _, sentences in splits)) + 1,
    )
    layers = task["layers"]
    clouds = (shape.layers + 2 if isinstance(layers, str) else len(layers)) * len(task["poolings"])
    fit = calibration.probe_seconds(pairs=round(read[0] * splits[0][1] / 2), width=shape.width)
    passing = task["threads"] * work / calibration.flops_rate(task["dtype"], task["threads"])
    return passing + clouds * fit, work


def cost_of_d90(
    task: Mapping[str, Any], splits: Sequence[tuple[int, int]], shape: "sizes.Shape"
) -> tuple[float, float]:
    """Seconds and FLOPs of all fine-tunings: full, and two in each dimension, for each seed."""
    recipe = task["finetune"]
    size, sentences = splits[0]
    length = 2 * size / sentences / sizes.BYTES_PER_TOKEN
    runs = recipe["seeds"] * (1 + 2 * len(recipe["dimensions"]))
    passes = runs * recipe["steps"] * recipe["batch_size"] * length
    work = passes * flops.training_flops_per_token(
        matrix_parameters=shape.matrices,
        layers=shape.layers,
        width=shape.width,
        vocabulary=0,
        context=int(length) + 1,
    )
    # four transforms of n log n additions a step, there and back
    additions = 4 * runs * recipe["steps"] * shape.total * math.log2(shape.total)
    rate = calibration.flops_rate("float32", task["threads"])
    return task["threads"] * work / rate + additions / ADDITIONS, work
