"""References between sections of a study, and to files, that lead nowhere or clash."""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from lmtopo import external
from lmtopo.errors import InputError
from lmtopo.formats import checkpoints
from lmtopo.study.check.parse import unknown
from lmtopo.study.check.sections import evidence, sections, signatures, tasks
from lmtopo.study.resolve import budgets_of
from lmtopo.study.schema import HubModel, LocalDataset, LocalModel, StudyFile, TrainedModel


def names(file: StudyFile) -> list[str]:
    """References between sections that lead nowhere or clash."""
    problems = []
    if file.data is None and "{data}" in file.model_dump_json():
        problems.append("'{data}' is used, but data is not given: add data: FOLDER")
    elif file.data is not None and not Path(file.data).is_dir():
        problems.append(
            f"data: folder '{file.data}' does not exist: "
            "set it in the file or on the command line with --config data=FOLDER"
        )
    for name, model in file.models.items():
        if isinstance(model, TrainedModel):
            if model.dataset not in file.datasets:
                problems.append(unknown(f"models.{name}.dataset", model.dataset, file.datasets))
            for budget in model.budgets:
                if budget not in file.budgets:
                    problems.append(unknown(f"models.{name}.budgets", budget, file.budgets))
    if "pooled" in file.models:
        problems.append("models: 'pooled' is what tables call all runs together: rename the model")
    seen: set[str] = set()
    for entry in file.evaluate:
        if entry.dataset not in file.datasets:
            problems.append(unknown("evaluate", entry.dataset, file.datasets))
        if entry.dataset in seen:
            problems.append(
                f"evaluate: dataset '{entry.dataset}' stands there twice: "
                "a study evaluates a dataset on one split"
            )
        seen.add(entry.dataset)
    problems += paths(file)
    problems += tasks(file)
    problems += sections(file)
    problems += signatures(file)
    problems += evidence(file)
    problems += only(file)
    return problems


def paths(file: StudyFile) -> list[str]:
    """Paths that Snakemake would take for a pattern, or sources where datasets are saved, which
    Snakemake would delete before they are read."""
    given: dict[str, str | None] = {}
    sources: dict[str, str] = {}
    for name, origin in file.datasets.items():
        if isinstance(origin, LocalDataset):
            if origin.path is not None:
                sources[f"datasets.{name}.path"] = origin.path
            for split, path in (origin.splits or {}).items():
                sources[f"datasets.{name}.splits.{split}"] = path
    for name, model in file.models.items():
        if isinstance(model, LocalModel):
            given[f"models.{name}.path"] = model.path
            given[f"models.{name}.tokenizer_path"] = model.tokenizer_path
    given["quality.external"] = getattr(file.quality.external, "file", None)
    given["table"] = getattr(file.table, "file", None)
    problems = [
        f"{where}: '{path}' has a brace, which Snakemake takes for a pattern: rename it"
        for where, path in {**sources, **given}.items()
        if path is not None and set(path) & set("{}") and "{data}" not in path
    ]
    here = Path("datasets").resolve()
    for where, path in sources.items():
        for place in (Path(os.path.abspath(path)), Path(path).resolve()):
            inside = place.relative_to(here).parts if place.is_relative_to(here) else None
            if inside is not None and (len(inside) < 2 or inside[0] in file.datasets):
                problems.append(
                    f"{where}: '{path}' lies where lmtopo saves datasets, and would be overwritten "
                    "there: keep it elsewhere"
                )
                break
    return problems


def only(file: StudyFile) -> list[str]:
    """Names in ``only`` that the study has not, or that no pair has together."""
    models, chosen = file.models, file.only
    budgets = {name: budgets_of(model) for name, model in models.items()}
    there = {
        "model": list(models),
        "budget": list(dict.fromkeys(one for some in budgets.values() for one in some)),
        "dataset": [
            *(entry.dataset for entry in file.evaluate),
            *(task.dataset for task in file.downstream.tasks),
        ],
    }
    problems = [
        unknown(f"only.{key}", name, known)
        for key, known in there.items()
        for name in getattr(chosen, key) or []
        if name not in known
    ]
    if not problems and not any(
        set(budgets[name]) & set(chosen.budget or budgets[name])
        for name in chosen.model or list(models)
    ):
        problems.append("only: none of its models has one of its budgets")
    return problems


def tokenizers(file: StudyFile) -> list[str]:
    """One tokenizer name must stand for one tokenizer."""
    from lmtopo.study.resolve import tokenizer_name, tokenizer_origin

    problems = []
    origins: dict[str, tuple[str, Any]] = {}
    for name, model in file.models.items():
        try:
            # those from the hub are compared when each revision's listing is read
            origin: Any = "hub" if isinstance(model, HubModel) else tokenizer_origin(model)
            if isinstance(model, LocalModel):
                one_tokenizer(model)
        except InputError as error:
            problems.append(f"models.{name}: {error}")
            continue
        tokenizer = tokenizer_name(name, model)
        first, known = origins.setdefault(tokenizer, (name, origin))
        if known != origin and not same_source(known, origin):
            told = (
                "from the hub and from elsewhere, which are not compared"
                if "hub" in (known, origin)
                else "different contents"
            )
            problems.append(
                f"models '{first}' and '{name}' give tokenizer '{tokenizer}' {told}: "
                "name them apart with models.NAME.tokenizer"
            )
    return problems


def one_tokenizer(model: LocalModel) -> None:
    """Refuse checkpoints of one model that come with different tokenizers."""
    from lmtopo.tokenizer import another, has_tokenizer

    if model.tokenizer_path is not None:
        return
    paths = [folder.path for folder in checkpoints.find(model.path, step=model.step)]
    having = [path for path in paths if has_tokenizer(path)]
    if having and (other := another(having)) is not None:
        raise InputError(
            f"'{having[0]}' and '{other}' have different tokenizers: give those of one tokenizer a "
            "model of their own, or say which one reads all with tokenizer_path"
        )


def same_source(one: Any, other: Any) -> bool:
    """Whether two origins are folders of one tokenizer."""
    from lmtopo.tokenizer import another

    local = all(isinstance(origin, dict) and "source" in origin for origin in (one, other))
    return local and another([one["source"], other["source"]]) is None


def outside_metrics(file: StudyFile, runs: Iterable[Sequence[Any]]) -> list[str]:
    """Why the file of ``quality.external`` cannot be joined to the runs (model, budget, steps)."""
    chosen = file.quality.external
    if chosen is None:
        return []
    try:
        external.match(chosen.file, list(runs), chosen.unmatched)
    except InputError as error:
        return [f"quality.external: {error}"]
    return []
