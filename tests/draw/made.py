"""Made-up results of a study, as far as figures read them."""

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from lmtopo import study as studies
from lmtopo.evidence import phases, redundancy, rows
from lmtopo.formats import curves, diagrams
from lmtopo.study import shown
from lmtopo.study.resolve import Study
from lmtopo.tables import write

GEOMETRIC = ("twonn", "mean_norm", "constant")
TOPOLOGICAL = ("persistence_entropy", "total_persistence")


def config(*, models: int = 2, blocks: int = 2, checkpoints: int = 5, **more: Any) -> Any:
    """A study file of small models, each under the budgets ``low`` and ``high``."""
    names = ("small", "large", *(f"m{number}" for number in range(2, models)))[:models]
    rows_of = {"train": 400, "validation": 60, "test": 0}
    return {
        "study": "made",
        "datasets": {
            name: {"source": "generated", "kind": name, "rows": rows_of}
            for name in ("stories", "articles", "paraphrases")
        },
        "models": {
            name: {
                "source": "train",
                "dataset": "stories",
                "vocabulary": 300,
                "architecture": {
                    "hidden_size": 16,
                    "num_hidden_layers": blocks,
                    "num_attention_heads": 2,
                },
                "budgets": ["low", "high"],
            }
            for name in names
        },
        "budgets": {"low": {"tokens": 10_000_000}, "high": {"tokens": 200_000_000}},
        "evaluate": ["stories", "articles"],
        "clouds": {"points": 24, "subsample": 12, "replicates": 2},
        "train": {"checkpoints": checkpoints},
        "homology": {"nulls": {"gaussian": 2}},
        **more,
    }


def results(folder: Path, raw: Any, *, keep: slice = slice(None), evidence: bool = True) -> Study:
    """Results of the study in ``folder``, the working directory; the checkpoints ``keep`` of each
    run are observed, the others are left out."""
    read = studies.read(raw)
    gone = {
        (run.model, run.budget, one.name, dataset): "lost"
        for run in read.runs.values()
        for one in set(run.checkpoints) - set(run.checkpoints[keep])
        for dataset in read.evaluations
    }
    found = Study(read.file, read.runs, gone)
    rng = np.random.default_rng(0)
    tables = folder / "results/made/tables"
    quality = losses(found)
    write(tables / "quality.parquet", quality)
    write(tables / "signatures.parquet", values(found, quality, rng))
    write(tables / "distances.parquet", apart(found, rng))
    write(tables / "downstream.parquet", scores(quality, rng))
    write(tables / "phases.parquet", changes(found, evidence))
    write(tables / "redundancy.parquet", alike(rng, evidence))
    write(tables / "evidence.parquet", tested(evidence, primary=True))
    dimensions = found.file.homology.max_dimension + 1
    for checkpoint, dataset in found.pairs:
        pair = folder / found.pair_folder(checkpoint, dataset)
        bars = [np.sort(rng.random((11, 2)), axis=1) for _ in range(dimensions)]
        bars[0][:, 0] = 0
        known = {
            diagrams.Key(layer, "token", 0): diagrams.Persistence(bars, 1.0)
            for layer in layers(found)
        }
        diagrams.save(pair / "diagrams.npz", known)
        counts = rng.integers(0, 9, (len(layers(found)), dimensions, 65)).astype(np.float64)
        curves.save(pair / "curves.npz", {("token", "betti_curve"): counts}, layers=layers(found))
    return found


def told(found: Study) -> dict[str, dict[str, Any]]:
    """What a job of each figure is told, as the workflow tells it."""
    return {
        name: {
            **json.loads(json.dumps(one.told)),
            **{table: f"{found.results}/tables/{table}.parquet" for table in one.tables},
        }
        for name, one in shown.figures(found).items()
    }


def layers(found: Study) -> list[str]:
    blocks = next(iter(found.trained.values())).architecture.num_hidden_layers
    return ["embedding", *(f"block_{block}" for block in range(1, blocks + 1)), "final_norm"]


def losses(found: Study) -> pd.DataFrame:
    rows = [
        {"model": one.model, "budget": one.budget, "checkpoint": one.name, "step": one.step}
        | {"flops": 1e5 * (one.tokens or 0), "dataset": dataset, "split": "validation"}
        | {"reading": "windows", "perplexity": 300 / (1 + one.step) ** 0.3}
        for one, dataset in found.pairs
    ]
    return pd.DataFrame(rows)


def values(found: Study, quality: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    dimensions = range(found.file.homology.max_dimension + 1)
    kinds = [(d, name) for d in dimensions for name in TOPOLOGICAL]
    kinds += [(-1, name) for name in GEOMETRIC]
    places = [(layer, number) for number, layer in enumerate(layers(found))]
    grid = pd.DataFrame(
        [
            (layer, depth, "token", dimension, name, replicate)
            for layer, depth in places
            for dimension, name in kinds
            for replicate in range(2)
        ],
        columns=["layer", "depth", "pooling", "dimension", "signature", "replicate"],
    )
    table = quality.merge(grid, how="cross")
    trend = np.log1p(table["step"]) * (1 + table["dimension"])
    table["value"] = np.where(table["signature"] == "constant", 3.0, trend + rng.random(len(table)))
    for null in found.file.homology.nulls.draws:
        table[f"{null}_draws"] = np.where(table["replicate"] == 0, 2, 0)
        table[f"{null}_mean"] = (table["value"] + 1).where(table["replicate"] == 0)
        table[f"{null}_sd"] = 0.2
    return table


def apart(found: Study, rng: np.random.Generator) -> pd.DataFrame:
    kinds = [(d, "wasserstein_1") for d in range(found.file.homology.max_dimension + 1)]
    rows = [
        {"model": run.model, "budget": run.budget, "step": one.step, "other_step": other.step}
        | {"flops": 1e5 * (one.tokens or 0), "other_flops": 1e5 * (other.tokens or 0)}
        | {"layer": "final_norm", "dataset": dataset, "pooling": "token", "scale": "none"}
        | {"relation": "consecutive", "dimension": dimension, "distance": distance}
        | {"replicate": 0, "value": rng.random()}
        for dataset in found.evaluations
        for run in found.runs_on(dataset)
        for observed in [found.observed(run, dataset)]
        for one, other in pairwise(observed)
        for dimension, distance in [*kinds, (-1, "linear_cka")]
    ]
    columns = ["model", "budget", "step", "other_step", "flops", "other_flops", "layer", "dataset"]
    columns += ["pooling", "scale", "relation", "dimension", "distance", "replicate", "value"]
    return pd.DataFrame(rows, columns=columns)


def changes(found: Study, known: bool) -> pd.DataFrame:
    """Two change points in every run but the last, which has too few checkpoints."""
    runs = found.runs_on("stories")[:-1] if known else []
    rows = [
        {"model": run.model, "budget": run.budget, "dataset": "stories", "layer": "final_norm"}
        | {"pooling": "token", "changes": number, "number": place + 1, "gain": 0.1}
        | {"step": observed[1 + place].step, "p": 0.01 if number < 3 else 0.5}
        for run in runs
        for observed in [found.observed(run, "stories")]
        for number in (1, 2, 3)
        for place in range(min(number, len(observed) - 1))
    ]
    return pd.DataFrame(rows, columns=list(phases.COLUMNS))


def alike(rng: np.random.Generator, known: bool) -> pd.DataFrame:
    kinds = [(d, name) for d in (0, 1) for name in TOPOLOGICAL] + [(-1, n) for n in GEOMETRIC]
    rows = [
        {"dataset": "stories", "pooling": "token", "dimension": one[0], "signature": one[1]}
        | {"other_dimension": other[0], "other_signature": other[1]}
        | {"rho": rng.uniform(-1, 1), "partial": rng.uniform(-0.5, 0.5) if known else np.nan}
        for place, one in enumerate(kinds)
        for other in kinds[place + 1 :]
    ]
    return pd.DataFrame(rows, columns=list(redundancy.COLUMNS))


def tested(known: bool, *, primary: bool) -> pd.DataFrame:
    """Three signatures of one run and over all, the last of them declared if ``primary``."""
    found = []
    for model in ("pooled", "small"):
        for number, name in enumerate(("twonn", "mean_norm", "persistence_entropy")):
            row = dict.fromkeys(rows.COLUMNS, 0.1 * number) | {"model": model, "budget": "low"}
            row |= {"dataset": "stories", "layer": "final_norm", "pooling": "token"}
            row |= {"dimension": 1, "signature": name, "target": "log_perplexity"}
            row |= {"primary": primary and model == "pooled" and number == 2}
            found.append(row | {"rho": 0.3 * number, "verdict": "noise"})
    return pd.DataFrame(found if known else [], columns=list(rows.COLUMNS))


def scores(quality: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Of a task: probes at two layers, answers in words, and baselines."""
    found = []
    for row in quality.query("dataset == 'stories'").to_dict("records"):
        for layer, pooling, metric, value in (
            ("final_norm", "mean", "probe_accuracy", rng.uniform(0.6, 0.8)),
            ("block_1", "mean", "probe_accuracy", 0.0),
            ("-", "-", "zero_shot_accuracy", rng.uniform(0.3, 0.6)),
            ("-", "-", "majority_accuracy", 0.68),
            ("-", "-", "bag_of_words_accuracy", 0.75),
        ):
            place = {"task": "paraphrases", "layer": layer, "pooling": pooling, "metric": metric}
            ends = {"value": value, "low": value - 0.05, "high": value + 0.05}
            found.append({**row, **place, **ends})
    return pd.DataFrame(found)
