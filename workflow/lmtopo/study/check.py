"""What can be wrong with a study, found before any job starts and told all at once."""

import difflib
import math
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from pydantic import ValidationError

from lmtopo import external
from lmtopo.dataset.holdout import or_hold_out
from lmtopo.errors import InputError
from lmtopo.files import read_json
from lmtopo.study.resolve import RELEASED
from lmtopo.study.schema import (
    Dataset,
    Evaluation,
    GeneratedDataset,
    HubModel,
    LocalDataset,
    LocalModel,
    Model,
    StudyFile,
    Task,
    TrainedModel,
    fill_data,
)

if TYPE_CHECKING:
    from lmtopo.dataset.survey import Survey

STUDY_FILES = ("config/config.yaml", "config/studies/*.yaml")


def report(study: str, problems: list[str]) -> str:
    """All problems as one message, one a line."""
    count = f"{len(problems)} problem{'s' if len(problems) > 1 else ''}"
    return "\n".join([f"study '{study}' has {count}:", *(f"  - {line}" for line in problems)])


def parse(raw: Mapping[str, Any]) -> StudyFile:
    """The typed study file.

    Raises
    ------
    InputError
        With every unknown key, missing key and wrong value, each by its path in the file.
    """
    data = raw.get("data")
    try:
        return StudyFile.model_validate(fill_data(dict(raw), None if data is None else str(data)))
    except ValidationError as error:
        problems = [explain(item, raw) for item in error.errors()]
        raise InputError(report(str(raw.get("study", "?")), problems)) from None


def explain(item: Mapping[str, Any], raw: Mapping[str, Any]) -> str:
    """One of pydantic's findings in the file's own words."""
    path, schema = key_path(item["loc"], raw), item["type"]
    if schema == "extra_forbidden":
        name = str(item["loc"][-1])
        close = difflib.get_close_matches(name, all_keys(), 1, 0.6)
        return f"{path}: unknown key" + (f" (did you mean {close[0]}?)" if close else "")
    if schema == "missing":
        return f"{path}: required, but not given"
    if schema == "union_tag_invalid":
        known = item["ctx"]["expected_tags"]
        return f"{path}.source: {item['ctx']['tag']!r} is not known here, only {known}"
    if schema == "union_tag_not_found":
        return f"{path}.source: required, but not given"
    message = item["msg"].removeprefix("Value error, ")
    message = message[:1].lower() + message[1:]
    value = item.get("input")
    shown = f" (given: {value!r})" if isinstance(value, str | int | float) else ""
    return f"{path}: {message}{shown}"


def key_path(loc: tuple[str | int, ...], raw: Any) -> str:
    """``loc`` without the steps pydantic adds for the branches of a union."""
    path = ""
    for key in loc:
        if isinstance(key, int):
            path += f"[{key}]"
            raw = raw[key] if isinstance(raw, list) and key < len(raw) else None
        elif key == loc[-1] or (isinstance(raw, Mapping) and key in raw):
            path += f".{key}"
            raw = raw.get(key) if isinstance(raw, Mapping) else None
    return path.removeprefix(".")


def all_keys() -> list[str]:
    schema = StudyFile.model_json_schema()
    parts = [schema, *schema["$defs"].values()]
    return [key for part in parts for key in part.get("properties", {})]


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
    budgets = {name: trained_budgets(model) for name, model in models.items()}
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


def trained_budgets(model: Model) -> list[str]:
    """A model's budgets; one that is not trained here has one."""
    return model.budgets if isinstance(model, TrainedModel) else [RELEASED]


def tasks(file: StudyFile) -> list[str]:
    """Tasks of ``downstream`` without a dataset, with one that has no pairs, or given twice."""
    from lmtopo.dataset.local import PLAIN

    problems = []
    seen: set[str] = set()
    for task in file.downstream.tasks:
        origin = file.datasets.get(task.dataset)
        if origin is None:
            problems.append(unknown("downstream.tasks", task.dataset, file.datasets))
        elif isinstance(origin, LocalDataset) and origin.format in PLAIN:
            problems.append(
                f"downstream.tasks: dataset '{task.dataset}' is of format {origin.format}, but a "
                "task needs labelled pairs of sentences, columns of a table"
            )
        elif isinstance(origin, GeneratedDataset) and origin.kind != "paraphrases":
            problems.append(
                f"downstream.tasks: dataset '{task.dataset}' is of kind {origin.kind}, but a task "
                "needs labelled pairs of sentences: of those generated, paraphrases"
            )
        if task.dataset in seen:
            problems.append(f"downstream.tasks: dataset '{task.dataset}' stands there twice")
        if task.split == "train":
            problems.append(
                f"downstream.tasks: '{task.dataset}' would be scored on the split it is learned "
                "from: give another split than train"
            )
        seen.add(task.dataset)
    chosen: set[str] = set()
    for one in file.downstream.d90:
        if one.dataset not in seen:
            problems.append(unknown("downstream.d90", one.dataset, seen))
        if one.dataset in chosen:
            problems.append(f"downstream.d90: dataset '{one.dataset}' stands there twice")
        models = [] if one.models == "all" else one.models
        problems += [
            unknown("downstream.d90.models", model, file.models)
            for model in models
            if model not in file.models
        ]
        chosen.add(one.dataset)
    return problems


def sections(file: StudyFile) -> list[str]:
    """Keys of ``clouds`` or ``quality`` that contradict each other, for the study or a dataset."""
    problems = [
        f"evaluate[{index}].clouds.keep: is one for the whole study: set clouds.keep"
        for index, entry in enumerate(file.evaluate)
        if entry.clouds is not None and "keep" in entry.clouds.model_fields_set
    ]
    problems += [
        f"evaluate[{index}].quality.external: is one for the whole study: set quality.external"
        for index, entry in enumerate(file.evaluate)
        if entry.quality is not None and "external" in entry.quality.model_fields_set
    ]
    for where, clouds in file.clouds_used.items():
        for key in ("layers", "poolings"):
            named = getattr(clouds, key)
            if named != "all" and len(set(named)) < len(named):
                problems.append(f"{where}.{key}: names one of them twice")
        if clouds.subsample > clouds.points:
            problems.append(
                f"{where}.subsample {clouds.subsample} is above {where}.points {clouds.points}"
            )
        if clouds.subsample == clouds.points and clouds.replicates > 1:
            problems.append(
                f"{where}.subsample equals {where}.points, so its {clouds.replicates} replicates "
                "would all be the same cloud: lower subsample, or set replicates: 1"
            )
        if clouds.pca is not None and clouds.pca >= clouds.points:
            problems.append(
                f"{where}.pca {clouds.pca} is above {where}.points - 1 = {clouds.points - 1}: "
                "n points have n - 1 principal components"
            )
    for where, quality in file.quality_used.items():
        if quality.stride is not None and quality.stride > quality.context:
            problems.append(
                f"{where}: stride {quality.stride} above context {quality.context} would leave "
                "tokens unscored"
            )
        if quality.prefix == "none" and "document" not in quality.readings:
            problems.append(f"{where}: prefix none is for reading 'document', which is not read")
        elif quality.prefix == "none" and "windows" in quality.readings:
            problems.append(
                f"{where}: prefix none does not go with reading 'windows': nothing else would part "
                "a document from the one before"
            )
        if len(set(quality.readings)) < len(quality.readings):
            problems.append(f"{where}.readings: names a reading twice")
    for index, entry in enumerate(file.evaluate):
        whole = {"rolling", "wikitext"}.intersection(file.quality_on(entry).readings)
        if entry.max_tokens is not None and whole:
            problems.append(
                f"evaluate[{index}].max_tokens: reading '{min(whole)}' scores whole documents: "
                "leave max_tokens out, or read with 'document'"
            )
    return problems


def signatures(file: StudyFile) -> list[str]:
    """Signatures that do not exist, or are shown but not computed, or no number."""
    shown = file.figures.signature
    if file.signatures == "all" and shown is None:
        return []
    from lmtopo.signatures import NUMBERS, known, significant

    chosen = known() if file.signatures == "all" else file.signatures
    problems = [unknown("signatures", name, known()) for name in chosen if name not in known()]
    numbers = [*NUMBERS.names(), significant.NAME]
    tabled = [name for name in chosen if name in numbers]
    if not tabled and not problems:
        problems.append(
            f"signatures: {', '.join(chosen)}: only curves; name a number too, for the tables and "
            f"figures ({', '.join(numbers)})"
        )
    if shown is not None and shown not in tabled:
        problems.append(unknown("figures.signature", shown, tabled))
    asked = [shown] if file.signatures == "all" else [shown, *chosen]
    if significant.NAME in asked:
        problems += too_few_draws(file, "signatures")
    return problems


def too_few_draws(file: StudyFile, where: str) -> list[str]:
    """Where `significant_count` is asked for, which needs a null's draws, if there are too few."""
    from lmtopo.nulls import CLAIM
    from lmtopo.signatures import significant

    draws = next(iter(file.homology.nulls.draws.values()), 0)
    if draws >= CLAIM:
        return []
    return [
        f"{where}: '{significant.NAME}' needs {CLAIM} draws of the study's first null, but there "
        f"are {draws}: set homology.nulls.gaussian: {CLAIM}"
    ]


def evidence(file: StudyFile) -> list[str]:
    """Primary tests of what is not measured; a table that is not there."""
    from lmtopo.signatures import CURVES, NUMBERS, known, significant

    problems = []
    names = known() if file.signatures == "all" else file.signatures
    by_dimension = [*NUMBERS.of_diagram, significant.NAME]
    top = file.homology.max_dimension
    entries = {entry.dataset: entry for entry in file.evaluate}
    for index, test in enumerate(file.evidence.primary):
        where = f"evidence.primary[{index}]"
        if test.signature not in names:
            problems.append(unknown(f"{where}.signature", test.signature, names))
        elif test.signature in CURVES.names():
            problems.append(
                f"{where}.signature: '{test.signature}' is a curve, and tests are of numbers"
            )
        elif test.signature in by_dimension and not 0 <= test.dimension <= top:
            problems.append(
                f"{where}.dimension: '{test.signature}' is one number for each homology dimension: "
                f"give dimension, from 0 to homology.max_dimension, {top}"
            )
        elif test.signature not in by_dimension and test.dimension != -1:
            problems.append(
                f"{where}.dimension: '{test.signature}' belongs to no homology dimension: leave "
                "dimension out"
            )
        blocks = [
            model.architecture.num_hidden_layers if isinstance(model, TrainedModel) else math.inf
            for model in file.models.values()
        ]
        if test.layer.startswith("block_") and int(test.layer[len("block_") :]) > max(blocks):
            problems.append(
                f"{where}.layer: no model has a '{test.layer}', at most {max(blocks)} blocks"
            )
        if test.signature == significant.NAME:
            problems += too_few_draws(file, f"{where}.signature")
        if not known_target(file, test.target):
            problems.append(
                f"{where}.target: '{test.target}' is neither log_perplexity, nor a task of "
                "downstream and its metric, nor a column of quality.external"
            )
        if test.dataset is not None and test.dataset not in entries:
            problems.append(unknown(f"{where}.dataset", test.dataset, entries))
            continue
        clouds = file.clouds_on(entries[test.dataset or next(iter(entries))])
        if test.pooling not in clouds.poolings:
            problems.append(unknown(f"{where}.pooling", test.pooling, clouds.poolings))
        if clouds.layers != "all" and test.layer not in clouds.layers:
            problems.append(unknown(f"{where}.layer", test.layer, clouds.layers))
    if file.table is not None and not Path(file.table.file).is_file():
        problems.append(f"table: there is no file '{file.table.file}'")
    return problems


def known_target(file: StudyFile, target: str) -> bool:
    """Whether a target of a test may be measured: which metrics a task has, `downstream` knows."""
    if target == external.OWN or target.split(" ")[0] in {
        task.dataset for task in file.downstream.tasks
    }:
        return True
    if file.quality.external is None:
        return False
    try:
        return target in external.read(file.quality.external.file)[0]
    except InputError:
        return True  # which is said where the file is joined


def unknown(where: str, name: str, known: Iterable[str]) -> str:
    return f"{where}: '{name}' is not defined (there are: {', '.join(known) or 'none'})"


def tokenizers(file: StudyFile) -> list[str]:
    """One tokenizer name must stand for one tokenizer."""
    from lmtopo.study.resolve import tokenizer_name, tokenizer_origin

    problems = []
    origins: dict[str, tuple[str, Any]] = {}
    for name, model in file.models.items():
        try:
            # those from the hub are compared when each revision's listing is read
            origin: Any = "hub" if isinstance(model, HubModel) else tokenizer_origin(model)
        except InputError as error:
            problems.append(f"models.{name}: {error}")
            continue
        if isinstance(model, LocalModel):
            origin = origin["sha256"]
        tokenizer = tokenizer_name(name, model)
        first, known = origins.setdefault(tokenizer, (name, origin))
        if known != origin:
            problems.append(
                f"models '{first}' and '{name}' give tokenizer '{tokenizer}' different contents: "
                "name them apart with models.NAME.tokenizer"
            )
    return problems


def datasets(file: StudyFile) -> list[str]:
    """Datasets that are missing, too small, or already stand for something else."""
    problems = []
    trained = [model for model in file.models.values() if isinstance(model, TrainedModel)]
    evaluated = {entry.dataset: entry for entry in file.evaluate}
    tasks = {task.dataset: task for task in file.downstream.tasks}
    for name in dict.fromkeys([*(model.dataset for model in trained), *evaluated, *tasks]):
        problems += [f"datasets.{name}: {line}" for line in other_origin(file, name)]
        try:
            surveyed = look(file.datasets[name])
        except InputError as error:
            problems.append(f"datasets.{name}: {error}")
            continue
        sizes = document_bytes(file.datasets[name], surveyed)
        if sizes is None:
            continue
        wanted = {"train"} if any(model.dataset == name for model in trained) else set()
        if name in evaluated:
            wanted.add(evaluated[name].split)
        if name in tasks:
            wanted |= {"train", tasks[name].split}
        for split in sorted(wanted - sizes.keys()):
            have = ", ".join(sizes)
            problems.append(f"datasets.{name}: has no split '{split}' (it has: {have})")
        if name in evaluated and evaluated[name].split in sizes:
            entry = evaluated[name]
            line = too_small(file, entry, sizes[entry.split])
            if line:
                problems.append(f"datasets.{name}: split '{entry.split}' {line}")
        if name in tasks and surveyed is not None:
            problems += unlearnable(file, tasks[name], surveyed)
    for name, model in file.models.items():
        if isinstance(model, TrainedModel):
            problems += [f"models.{name}: {line}" for line in too_few_unique(file, model)]
    return problems


def look(origin: Dataset) -> "Survey | None":
    """What lies in local files, where they are small enough to look."""
    if not isinstance(origin, LocalDataset):
        return None
    from lmtopo.dataset.survey import survey

    found: Survey | None = survey(origin.model_dump(exclude_none=True))
    return found


def unlearnable(file: StudyFile, chosen: Task, surveyed: "Survey") -> list[str]:
    """Why local files cannot be a task of ``downstream``, if they cannot."""
    from lmtopo.downstream import task

    try:
        for split in ("train", chosen.split):
            rows = surveyed.rows.get(split, [])[: file.downstream.rows]
            if rows:
                labels = task.labels_of(chosen.dataset, split, rows)
                if split == "train":
                    task.check_learnable(chosen.dataset, labels)
    except InputError as error:
        return [f"downstream.tasks: {error}"]
    return []


def document_bytes(origin: Dataset, surveyed: "Survey | None") -> dict[str, list[int]] | None:
    """Per split the size in bytes of each document, where that is cheap to know."""
    if isinstance(origin, GeneratedDataset):
        from lmtopo.dataset.generated import LONGEST

        longest = LONGEST[origin.kind]
        rows = origin.rows.model_dump()
        return {split: [longest] * count for split, count in rows.items() if count}
    return None if surveyed is None else surveyed.sizes


def too_small(file: StudyFile, entry: Evaluation, sizes: list[int]) -> str | None:
    """Why documents of these sizes cannot fill a cloud, if they cannot.

    A token takes at least one byte, so the bound is safe: what passes may still be too small, and
    is then refused by stage `probe`, which counts.
    """
    clouds, quality = file.clouds_on(entry), file.quality_on(entry)
    text = clouds.min_text_tokens
    if entry.min_characters:
        # bytes do not tell which documents are long enough in characters, so the largest are taken
        sizes = sorted((size for size in sizes if size >= entry.min_characters), reverse=True)
    sizes = sizes[: entry.documents]
    tokens = [min(size, entry.max_tokens or size) for size in sizes]
    positions = sum(count for count in tokens if count >= text)
    stride = quality.stride or quality.context
    texts = sum(min(count // text, count // stride + 2) for count in tokens)
    origin = file.datasets[entry.dataset].model_dump()
    mend = or_hold_out(origin, entry.dataset, entry.split, limited=len(sizes) == entry.documents)
    if positions < clouds.points:
        return (
            f"has {sum(sizes)} bytes in {len(sizes)} documents: too few tokens for clouds of "
            f"{clouds.points} points; give more text or lower clouds.points{mend}"
        )
    if texts < clouds.points and set(clouds.poolings) & {"last", "mean"}:
        return (
            f"has at most {texts} texts of {text} tokens: too few for clouds of {clouds.points} "
            "points with pooling 'last' or 'mean'; give more text, lower clouds.points or "
            f"clouds.min_text_tokens, or pool by 'token' alone{mend}"
        )
    return None


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


def too_few_unique(file: StudyFile, model: TrainedModel) -> list[str]:
    problems = []
    for name in model.budgets:
        unique = file.budgets[name].unique_tokens
        if unique is not None and unique <= file.train.context:
            problems.append(
                f"budgets.{name}.unique_tokens is {unique}, less than one window of "
                f"train.context + 1 = {file.train.context + 1} tokens"
            )
    return problems


def other_origin(file: StudyFile, name: str) -> list[str]:
    """Other studies that give the dataset's name a different origin, on disk or in a file: one
    problem, however many they are."""
    mine = file.datasets[name].model_dump(mode="json", exclude_none=True)
    found: dict[str, list[str]] = {}
    saved = Path("datasets") / name / "provenance.json"
    if saved.is_file():
        other = read_json(saved)
        if other["study"] != file.study and other["origin"] != mine:
            found[other["study"]] = [f"saved in {saved.parent}"]
    for path in (path for pattern in STUDY_FILES for path in sorted(Path().glob(pattern))):
        try:
            sibling = parse({**yaml.safe_load(path.read_text()), "data": file.data})
        except (InputError, yaml.YAMLError, TypeError):
            continue  # what is wrong with another study is said when that one is run
        theirs = sibling.datasets.get(name)
        if sibling.study != file.study and theirs is not None and theirs != file.datasets[name]:
            found.setdefault(sibling.study, []).append(f"described in {path}")
    if not found:
        return []
    others = " and ".join(f"study '{study}' ({', '.join(where)})" for study, where in found.items())
    return [
        f"study '{file.study}' makes it from another origin than {others}: one name stands for one "
        "dataset, so rename it in one of them"
    ]
