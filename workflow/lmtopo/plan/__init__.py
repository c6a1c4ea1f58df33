"""Stage `plan`: what a study will take, said before anything runs."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lmtopo import flops
from lmtopo.job import say
from lmtopo.plan import calibration, comparisons, downstream, sizes

DOWNLOAD = 50e6
"""Bytes per second that a download is assumed to get."""
GPU = 40e12
"""FLOP/s that a GPU is assumed to do: 40% of a card of 100 TFLOP/s."""
STAGES = {"observe": "quality.json", "persist": "diagrams.npz", "describe": "signatures.parquet"}
DIAGRAM_BYTES = 16 * 1.5
"""Compressed bytes of diagrams for each point of a cloud: about 1.5 bars, two float64 each."""


def plan(
    *,
    name: str,
    models: Sequence[Mapping[str, Any]],
    datasets: Sequence[Mapping[str, Any]],
    again: Sequence[Sequence[Any]],
    tasks: Sequence[Mapping[str, Any]],
    keep: int,
    clouds_kept: bool,
    landmarks: int,
    compared: int,
    signatures: Sequence[str] | None,
) -> None:
    """Say how many jobs, bytes and hours a study takes, and what is there already.

    ``again``: variant, model, budget, step and dataset of each observation for the noise floor.
    What is there is judged by files; `snakemake -n` also counts what changes make run again.
    Hours follow from FLOPs (`flops`) and a calibration of this machine.
    """
    observed = [one for one in datasets if one["observed"]]
    shapes = {run["model"]: sizes.shape(run) for run in models}
    todo = dict.fromkeys((*STAGES, "noise"), 0)
    done = dict(todo)
    seconds = dict.fromkeys(("train", *STAGES, "noise"), 0.0)
    gpu_flops = dict.fromkeys(("train", "observe", "noise", "downstream"), 0.0)
    disk, download = 0.0, 0.0
    unknown: dict[str, set[str]] = {"pairs": set(), "shape": set(), "size": set(), "tokens": set()}
    largest, checkpoints, waiting = 0.0, 0, 0
    asked = downstream.jobs(name, models, tasks, datasets, shapes, unknown)
    open_tasks = [job for job in asked if not job.path.is_file()]
    for job in open_tasks:
        seconds[job.stage] = seconds.get(job.stage, 0.0) + job.seconds
        gpu_flops[job.stage] = gpu_flops.get(job.stage, 0.0) + job.flops
    lines: list[list[str]] = []
    for run in models:
        shape, weights = shapes[run["model"]], sizes.weights(run)
        checkpoints += len(run["steps"])
        trained = Path(f"results/{name}/runs/{run['model']}/{run['budget']}")
        if run["source"] == "train" and shape is not None:
            disk += len(run["steps"]) * weights.bytes
            if not trained.is_dir():
                gpu_flops["train"] += run["train_flops"]
                rate = calibration.flops_rate(run["dtype"], run["threads"])
                seconds["train"] += run["threads"] * run["train_flops"] / rate
        needed = {
            job.step
            for job in open_tasks
            if [job.model, job.budget] == [run["model"], run["budget"]]
        }
        for dataset in observed:
            seen = dataset["observed"]
            cost = pair_cost(run, dataset, shape, name, signatures, unknown)
            for step in run["steps"]:
                pair = Path(f"results/{name}/pairs/{run['model']}/{run['budget']}/step{step}")
                for stage, file in STAGES.items():
                    if (pair / dataset["name"] / file).is_file():
                        done[stage] += 1
                        continue
                    todo[stage] += 1
                    seconds[stage] += cost[stage]
                    if stage == "observe":
                        needed.add(step)
                        gpu_flops["observe"] += cost["flops"]
            once = {**dataset, "observed": {**seen, "draws": 0}}
            cost = pair_cost(run, once, shape, name, signatures, unknown)
            for variant, model, budget, step, observed_on in again:
                if [model, budget, observed_on] != [run["model"], run["budget"], dataset["name"]]:
                    continue
                place = f"results/{name}/noise/{variant}/{model}/{budget}/step{step}/{observed_on}"
                if Path(place, STAGES["describe"]).is_file():
                    done["noise"] += 1
                    continue
                todo["noise"] += 1
                seconds["noise"] += sum(cost[stage] for stage in STAGES)
                needed.add(step)
                gpu_flops["noise"] += cost["flops"]
            if clouds_kept and shape is not None:
                layers = sizes.layers(seen["layers"], shape)
                points = seen["points"] * len(seen["poolings"])
                disk += len(run["steps"]) * layers * points * shape.width * 4
            if shape is not None:
                clouds = sizes.layers(seen["layers"], shape) * len(seen["poolings"])
                points = clouds * (seen["replicates"] + seen["draws"]) * seen["subsample"]
                disk += len(run["steps"]) * points * DIAGRAM_BYTES
        if run["source"] == "hub":
            fresh = needed - sizes.in_cache(run)
            waiting += len(fresh)
            if weights.bytes == 0 and fresh:
                unknown["size"].add(run["repo"])
            download += len(fresh) * weights.bytes
            largest = max(largest, weights.bytes if fresh else 0.0)
            told = f"{weights.bytes / 1e6:,.0f} MB" if weights.bytes else "unknown"
            cached = len(needed) - len(fresh)
            lines.append(
                [run["model"], f"{len(fresh)} x {told} ({weights.source})"]
                + ([f"{cached} in the hub's cache"] if cached else [])
            )
    for dataset in datasets:
        if dataset["hub"] and not Path("datasets", dataset["name"]).is_dir():
            size = sizes.dataset_bytes(*dataset["hub"])
            if size is None:
                unknown["size"].add(f"dataset {dataset['name']}")
            download += size or 0.0
            disk += 2 * (size or 0.0)
            told = f"{size / 1e6:,.0f} MB" if size else "unknown"
            cut = "at most " if size and dataset["cut"] else ""
            lines.append([f"dataset {dataset['name']}", cut + told])
    work = at_least(unknown, "pairs", "shape", "tokens")
    cores = os.cpu_count() or 1
    pairs = checkpoints * len(observed)
    out = [
        f"Study {name}: {len(models)} run{'s' if len(models) > 1 else ''}, "
        f"{checkpoints} checkpoints, {pairs} pairs",
        f"{'stage':10}{'to do':>8}{'there':>8}{'CPU hours':>12}{'GPU hours':>12}",
    ]
    runs = sum(run["source"] == "train" for run in models)
    there = sum(
        Path(f"results/{name}/runs/{run['model']}/{run['budget']}").is_dir()
        for run in models
        if run["source"] == "train"
    )
    if runs:
        out.append(row("train", runs - there, there, seconds["train"], gpu_flops["train"]))
    if any(run["source"] == "hub" for run in models):
        out.append(f"{'checkpoint':10}{waiting:8,}{'-':>8}{'-':>12}{'-':>12}")
    stages = (*STAGES, "noise") if again else STAGES
    out += [
        row(stage, todo[stage], done[stage], seconds[stage], gpu_flops.get(stage))
        for stage in stages
    ]
    for stage in dict.fromkeys(job.stage for job in asked):
        waiting_for = [job for job in open_tasks if job.stage == stage]
        there = sum(job.stage == stage for job in asked) - len(waiting_for)
        spent = (seconds.get(stage, 0.0), gpu_flops.get(stage, 0.0))
        out.append(row(stage, len(waiting_for), there, *spent))
    tables = comparisons.tables(name, models, observed, shapes, landmarks, compared)
    missing = {path: spent for path, spent in tables.items() if not path.is_file()}
    seconds["compare"] = sum(missing.values())
    out.append(row("compare", len(missing), len(tables) - len(missing), seconds["compare"], None))
    total = sum(seconds.values())
    out += [
        f"CPU: {work}{hours(total)} on one core of this machine, {hours(total / cores)} on {cores}",
        f"GPU: {work}{hours(sum(gpu_flops.values()) / GPU)} at an assumed "
        f"{GPU / 1e12:.0f} TFLOP/s, for what a GPU can do",
        f"download: {at_least(unknown, 'size')}{download / 1e9:,.1f} GB, "
        f"{hours(download / DOWNLOAD)} at an assumed {DOWNLOAD / 1e6:.0f} MB/s",
        *(f"  {line[0]:24} {', '.join(line[1:])}" for line in lines),
        f"peak disk: {at_least(unknown, 'shape', 'size')}"
        f"{(keep * largest + disk) / 1e9:,.1f} GB, of it "
        f"{keep * largest / 1e9:,.1f} GB for {keep} checkpoints at a time (hub.keep)",
        *(f"not known: the {what} of {name}" for what in unknown for name in sorted(unknown[what])),
        calibration.told(),
        "What is there is judged by files; `snakemake -n` counts what changes make run again.",
    ]
    say("\n".join(out))


def pair_cost(
    run: Mapping[str, Any],
    dataset: Mapping[str, Any],
    shape: "sizes.Shape | None",
    study: str,
    signatures: Sequence[str] | None,
    unknown: dict[str, set[str]],
) -> dict[str, float]:
    """Seconds of each stage of one pair on one core, and the FLOPs of its pass."""
    seen = dataset["observed"]
    nothing = dict.fromkeys((*STAGES, "flops"), 0.0)
    if shape is None:
        unknown["shape"].add(run["model"])
        return nothing
    tokens = sizes.tokens(study, run["tokenizer"], dataset)
    if tokens is None:
        unknown["tokens"].add(dataset["name"])
        tokens = 0.0
    work = (
        seen["readings"]
        * tokens
        * flops.forward_flops_per_token(
            matrix_parameters=shape.matrices,
            layers=shape.layers,
            width=shape.width,
            vocabulary=shape.vocabulary,
            context=seen["context"],
        )
    )
    layers = sizes.layers(seen["layers"], shape)
    clouds = layers * len(seen["poolings"]) * (seen["replicates"] + seen["draws"])
    persist, describe = calibration.cloud_seconds(
        points=seen["subsample"],
        width=seen["pca"] or shape.width,
        metric=seen["metric"],
        max_dimension=seen["max_dimension"],
        signatures=signatures,
    )
    rate = calibration.flops_rate(seen["dtype"], seen["threads"])
    return {
        "observe": seen["threads"] * work / rate,
        "persist": clouds * persist,
        "describe": clouds * describe,
        "flops": work,
    }


def at_least(unknown: Mapping[str, set[str]], *kinds: str) -> str:
    """What stands before a sum that lacks what is not known of these kinds."""
    return "at least " if any(unknown[kind] for kind in kinds) else ""


def row(stage: str, todo: int, done: int, seconds: float, gpu_flops: float | None) -> str:
    gpu = "-" if gpu_flops is None else f"{gpu_flops / GPU / 3600:,.2f}"
    return f"{stage:10}{todo:8,}{done:8,}{seconds / 3600:12,.2f}{gpu:>12}"


def hours(seconds: float) -> str:
    return f"{seconds / 3600:,.1f} h" if seconds >= 360 else f"{seconds / 60:,.1f} min"
