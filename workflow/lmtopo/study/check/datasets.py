"""Datasets that are missing, too small, unfit for their task, or already something else."""

from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from lmtopo.dataset.holdout import or_hold_out
from lmtopo.errors import InputError
from lmtopo.files import read_json
from lmtopo.study.check.parse import parse
from lmtopo.study.schema import (
    Dataset,
    Evaluation,
    GeneratedDataset,
    LocalDataset,
    StudyFile,
    Task,
    TrainedModel,
)

if TYPE_CHECKING:
    from lmtopo.dataset.survey import Survey

STUDY_FILES = ("config/config.yaml", "config/studies/*.yaml")


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
        try:
            other = read_json(saved)
        except ValueError:
            return [f"'{saved}' is damaged: delete {saved.parent}, which is then made anew"]
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
