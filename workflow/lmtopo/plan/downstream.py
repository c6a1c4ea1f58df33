"""What stage `downstream` will take: its files, and the seconds and FLOPs of each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lmtopo import flops
from lmtopo.plan import calibration, sizes


@dataclass(frozen=True)
class Job:
    """One checkpoint on one task."""

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
    unknown: set[str],
) -> list[Job]:
    """Every job, with the cost of its pass over the sentences and of its probes on one core; what
    is not known costs nothing and is added to ``unknown``."""
    by_name = {dataset["name"]: dataset for dataset in datasets}
    found = []
    for task in tasks:
        dataset = by_name[task["name"]]
        splits = [sizes.split_size(dataset, split) for split in ("train", task["split"])]
        for run in runs:
            steps = task["steps"].get(f"{run['model']}/{run['budget']}", [])
            shape, seconds, work = shapes[run["model"]], 0.0, 0.0
            if None in splits:
                unknown.add(f"the pairs of {task['name']}")
            elif shape is not None:
                seconds, work = cost(task, [size for size in splits if size], shape)
            for step in steps:
                pair = f"{run['model']}/{run['budget']}/step{step}/{task['name']}"
                path = Path(f"results/{study}/pairs/{pair}/downstream.parquet")
                found.append(Job(run["model"], run["budget"], step, path, seconds, work))
    return found


def cost(
    task: Mapping[str, Any], splits: Sequence[tuple[int, int]], shape: "sizes.Shape"
) -> tuple[float, float]:
    """Seconds and FLOPs of one job on splits of so many bytes and sentences."""
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
