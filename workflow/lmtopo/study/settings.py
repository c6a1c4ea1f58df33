"""What each stage is told of the study: all that its results depend on, and nothing more.

These become a rule's parameters, so that a changed key re-runs the stages that use it only.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lmtopo.study import again, shown, tasks
from lmtopo.study.again import Variant
from lmtopo.study.resolve import (
    RELEASED,
    Checkpoint,
    Run,
    Study,
    demands,
    steps,
    training_flops_per_token,
)
from lmtopo.study.schema import HubDataset, HubModel, TrainedModel


def dataset(study: Study, name: str) -> dict[str, Any]:
    origin = study.file.datasets[name].model_dump(mode="json", exclude_none=True)
    return {"name": name, "origin": origin}


def tokenizer(study: Study, name: str) -> dict[str, Any]:
    origin = study.tokenizers[name]
    return {key: value for key, value in origin.items() if key in ("vocabulary", "sha256")}


def checkpoint(study: Study, checkpoint: Checkpoint) -> dict[str, Any]:
    return {"repo": study.from_hub[checkpoint.model].repo, "revision": checkpoint.revision}


def room(study: Study) -> dict[str, Any]:
    hub = study.file.hub
    limits = {"keep": hub.keep, "patience": hub.patience}
    return {"study": study.name, **limits, "demands": demands(study.file)}


def revisions(study: Study) -> dict[str, Any]:
    repos = dict.fromkeys(model.repo for model in study.from_hub.values())
    return {"repos": list(repos), "patience": study.file.hub.patience}


def audit(study: Study) -> dict[str, Any]:
    models = [
        [
            name,
            model.repo,
            [[one.step, one.revision] for one in study.runs[name, RELEASED].checkpoints],
        ]
        for name, model in study.from_hub.items()
    ]
    return {
        "models": models,
        "quality": f"{study.results}/tables/quality.parquet",
        "distances": f"{study.results}/tables/distances.parquet",
        "report": f"{study.results}/audit.csv",
        "patience": study.file.hub.patience,
    }


def plan(study: Study) -> dict[str, Any]:
    return {
        "name": study.name,
        "models": [planned_run(study, run) for run in study.runs.values()],
        "datasets": [planned_dataset(study, name) for name in study.datasets_used],
        "again": [
            [variant.name, checkpoint.model, checkpoint.budget, checkpoint.step, dataset]
            for variant, checkpoint, dataset in again.pairs(study)
        ],
        "tasks": [planned_task(study, name) for name in tasks.tasks(study)],
        "keep": study.file.hub.keep,
        "clouds_kept": study.file.clouds.keep == "all",
        "landmarks": study.file.compare.landmarks,
        "compared": study.file.compare.replicates,
        "signatures": describe(study, next(iter(study.evaluations)))["names"],
    }


def planned_run(study: Study, run: Run) -> dict[str, Any]:
    model = study.file.models[run.model]
    told: dict[str, Any] = {
        "model": run.model,
        "budget": run.budget,
        "source": model.source,
        "tokenizer": run.tokenizer,
        "steps": [one.step for one in run.checkpoints],
        "revisions": [one.revision for one in run.checkpoints],
    }
    if isinstance(model, TrainedModel):
        shape = model.architecture
        told["shape"] = {
            "layers": shape.num_hidden_layers,
            "width": shape.hidden_size,
            "mlp": shape.mlp_size,
            "vocabulary": model.vocabulary,
            "tied": shape.tie_word_embeddings,
        }
        tokens = run.checkpoints[-1].tokens or 0.0
        told["train_flops"] = tokens * training_flops_per_token(model, study.file.train.context)
        told["dtype"], told["threads"] = study.file.train.dtype, study.file.train.threads
    elif isinstance(model, HubModel):
        told["repo"] = model.repo
    else:
        told["folder"] = run.checkpoints[-1].folder
    return told


def planned_dataset(study: Study, name: str) -> dict[str, Any]:
    origin = study.file.datasets[name]
    from_hub = isinstance(origin, HubDataset)
    told: dict[str, Any] = {
        "name": name,
        "hub": [origin.repo, origin.name] if isinstance(origin, HubDataset) else None,
        "origin": None if from_hub else origin.model_dump(mode="json", exclude_none=True),
        "cut": isinstance(origin, HubDataset) and origin.tokens is not None,
        "observed": None,
    }
    if name in study.evaluations:
        evaluation = study.evaluations[name]
        clouds, quality = study.clouds(name), study.quality(name)
        told["observed"] = {
            "split": evaluation.split,
            "documents": evaluation.documents,
            "max_tokens": evaluation.max_tokens,
            "readings": len(quality.readings),
            "context": quality.context,
            "dtype": quality.dtype,
            "threads": quality.threads,
            "layers": clouds.layers if clouds.layers == "all" else list(clouds.layers),
            "poolings": list(clouds.poolings),
            "points": clouds.points,
            "subsample": clouds.subsample,
            "replicates": clouds.replicates,
            "draws": draws_per_cloud(study, name),
            "metric": study.file.homology.metric,
            "max_dimension": study.file.homology.max_dimension,
            "pca": clouds.pca,
        }
    return told


def draws_per_cloud(study: Study, dataset: str) -> int:
    nulls = study.file.homology.nulls
    return sum(nulls.draws.values()) * min(nulls.replicates, study.clouds(dataset).replicates)


def planned_task(study: Study, name: str) -> dict[str, Any]:
    section, clouds, quality = (
        study.file.downstream,
        tasks.clouds(study, name),
        tasks.quality(study, name),
    )
    return {
        "name": name,
        "split": tasks.tasks(study)[name].split,
        "rows": section.rows,
        "layers": clouds.layers,
        "poolings": section.poolings,
        "dtype": quality.dtype,
        "threads": quality.threads,
        "finetune": section.finetune.model_dump(),
        "steps": {
            stage: {
                f"{run.model}/{run.budget}": [one.step for one in done(study, run, name)]
                for run in study.runs.values()
            }
            for stage, done in (("downstream", tasks.checkpoints), ("d90", tasks.tuned))
        },
    }


def train(study: Study, model: str, budget: str) -> dict[str, Any]:
    trained, recipe = study.trained[model], study.file.train
    contexts = [
        study.file.quality.context,
        *(study.quality(name).context for name in study.evaluations),
    ]
    chosen = {
        "architecture": {
            **trained.architecture.model_dump(),
            "intermediate_size": trained.architecture.mlp_size,
        },
        "vocabulary": trained.vocabulary,
        "positions": max(recipe.context, *contexts),
        "steps": [checkpoint.step for checkpoint in study.runs[model, budget].checkpoints],
        "unique_tokens": study.file.budgets[budget].unique_tokens,
        "flops_per_token": training_flops_per_token(trained, recipe.context),
        "seed": study.file.seed if trained.seed is None else trained.seed,
        **recipe.model_dump(exclude={"checkpoints"}),
    }
    if trained.learning_rate is not None:
        chosen["learning_rate"] = trained.learning_rate
    return {"name": f"{model} {budget}", "recipe": chosen, "device": study.file.device}


def probe(study: Study, dataset: str) -> dict[str, Any]:
    evaluation, clouds, quality = (
        study.evaluations[dataset],
        study.clouds(dataset),
        study.quality(dataset),
    )
    return {
        "name": dataset,
        "split": evaluation.split,
        "documents": evaluation.documents,
        "min_characters": evaluation.min_characters,
        "max_tokens": evaluation.max_tokens,
        "readings": quality.readings,
        "prefix": quality.prefix,
        "context": quality.context,
        "stride": quality.stride or quality.context,
        "points": clouds.points,
        "poolings": clouds.poolings,
        "skip_positions": clouds.skip_positions,
        "min_text_tokens": clouds.min_text_tokens,
        "seed": study.file.seed,
    }


def observe(study: Study, checkpoint: Checkpoint, dataset: str) -> dict[str, Any]:
    clouds, quality = study.clouds(dataset), study.quality(dataset)
    return {
        "checkpoint": checkpoint.folder,
        "run": run_columns(study, checkpoint),
        "layers": clouds.layers,
        "poolings": clouds.poolings,
        "dtype": quality.dtype,
        "batch_size": quality.batch_size,
        "threads": quality.threads,
        "linear": quality.linear,
        "device": study.file.device,
    }


def run_columns(study: Study, checkpoint: Checkpoint) -> dict[str, Any]:
    """Those run columns that are known before the weights are read."""
    return {
        "study": study.name,
        "model": checkpoint.model,
        "budget": checkpoint.budget,
        "checkpoint": checkpoint.name,
        "step": checkpoint.step,
        "tokens": checkpoint.tokens,
    }


def downstream(study: Study, checkpoint: Checkpoint, dataset: str) -> dict[str, Any]:
    section = study.file.downstream
    clouds, quality = tasks.clouds(study, dataset), tasks.quality(study, dataset)
    return {
        "checkpoint": checkpoint.folder,
        "run": run_columns(study, checkpoint),
        "name": dataset,
        "split": tasks.tasks(study)[dataset].split,
        "rows": section.rows,
        "layers": clouds.layers,
        "poolings": section.poolings,
        "skip_positions": clouds.skip_positions,
        "prefix": quality.prefix,
        "context": quality.context,
        "dtype": quality.dtype,
        "batch_size": quality.batch_size,
        "threads": quality.threads,
        "device": study.file.device,
        "seed": study.file.seed,
    }


def d90(study: Study, checkpoint: Checkpoint, dataset: str) -> dict[str, Any]:
    section, quality = study.file.downstream, tasks.quality(study, dataset)
    return {
        "checkpoint": checkpoint.folder,
        "run": run_columns(study, checkpoint),
        "name": dataset,
        "split": tasks.tasks(study)[dataset].split,
        "rows": section.rows,
        "context": quality.context,
        "threads": quality.threads,
        "device": study.file.device,
        "seed": study.file.seed,
        **section.finetune.model_dump(),
    }


def persist(study: Study, dataset: str) -> dict[str, Any]:
    homology = study.file.homology
    return {
        **sampling(study, dataset),
        "metric": homology.metric,
        "max_dimension": homology.max_dimension,
        "threshold": homology.threshold,
        "engine": homology.engine,
    }


def describe(study: Study, dataset: str) -> dict[str, Any]:
    homology, names = study.file.homology, study.file.signatures
    return {
        **sampling(study, dataset),
        "metric": homology.metric,
        "max_dimension": homology.max_dimension,
        "names": None if names == "all" else names,
    }


def compare(study: Study, runs: Sequence[Run], dataset: str) -> dict[str, Any]:
    """Of one run, compared with itself, or of several."""
    section, points = study.file.compare, subsampling(study, dataset)
    return {
        "pairs": f"{study.results}/pairs",
        "runs": [
            [run.model, run.budget, run.tokenizer, [one.step for one in observed]]
            for run in runs
            for observed in [study.observed(run, dataset)]
        ],
        "dataset": dataset,
        "clouds_kept": study.file.clouds.keep == "all",
        "landmarks": section.landmarks,
        "scale": section.scale,
        **points,
        "replicates": min(section.replicates, points["replicates"]),
    }


def noise(study: Study) -> dict[str, Any]:
    return {
        "pairs": [
            [one.model, one.budget, one.name, dataset]
            for dataset in study.evaluations
            for one in again.checkpoints(study, dataset)
        ],
        "sources": [variant.source for variant, _, _ in again.pairs(study)],
    }


def probe_again(study: Study, dataset: str, variant: Variant) -> dict[str, Any]:
    told = probe(study, dataset)
    return {**told, "seed": variant.seed, "readings": told["readings"][:1]}


def observe_again(
    study: Study, checkpoint: Checkpoint, dataset: str, variant: Variant
) -> dict[str, Any]:
    told = observe(study, checkpoint, dataset)
    return {**told, "dtype": variant.dtype or told["dtype"]}


def persist_again(study: Study, dataset: str) -> dict[str, Any]:
    return {**persist(study, dataset), "nulls": {}}


def describe_again(study: Study, dataset: str) -> dict[str, Any]:
    return {**describe(study, dataset), "nulls": {}}


def collate(study: Study) -> dict[str, Any]:
    return {
        "pairs": f"{study.results}/pairs",
        "runs": steps(study.runs.values()),
        "datasets": list(study.evaluations),
        "tasks": [list(one) for one in tasks.files(study)],
        "left_out": left_out(study),
    }


def external(study: Study) -> dict[str, Any]:
    chosen = study.file.quality.external
    return {
        "runs": steps(study.runs.values()),
        "unmatched": "fail" if chosen is None else chosen.unmatched,
    }


def left_out(study: Study) -> list[list[Any]]:
    """Model, budget, dataset, reason, and the checkpoints: short, for it goes into a command."""
    groups: dict[tuple[str, str, str, str], list[str]] = {}
    for (model, budget, checkpoint, dataset), reason in study.left_out.items():
        groups.setdefault((model, budget, dataset, reason), []).append(checkpoint)
    return [[*group, checkpoints] for group, checkpoints in groups.items()]


def subsampling(study: Study, dataset: str) -> dict[str, Any]:
    clouds = study.clouds(dataset)
    return {
        "pca": clouds.pca,
        "subsample": clouds.subsample,
        "replicates": clouds.replicates,
        "seed": study.file.seed,
    }


def sampling(study: Study, dataset: str) -> dict[str, Any]:
    """The subsamples, and the draws of their nulls."""
    nulls = study.file.homology.nulls
    return {
        **subsampling(study, dataset),
        "nulls": nulls.draws,
        "null_replicates": nulls.replicates,
    }


def analyse(study: Study) -> dict[str, Any]:
    section, chosen = study.file.evidence, study.file.table
    told = {"warmup": section.warmup, "draws": section.draws, "seed": study.file.seed}
    kind = next((one for one in ("png", "svg") if one in study.file.figures.formats), "pdf")
    if chosen is not None:
        return told | {
            "name": Path(chosen.file).stem,
            "primary": chosen.primary,
            "columns": chosen.model_dump(include={"quality", "compute", "signatures"}),
        }
    return told | {
        "name": study.name,
        "primary": [
            {**test.model_dump(), "dataset": test.dataset or study.shown}
            for test in section.primary
        ],
        "null": next(iter(study.file.homology.nulls.draws), None),
        "figures": {name: f"figures/{name}.{kind}" for name in shown.figures(study)},
    }
