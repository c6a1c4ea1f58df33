"""What is asked of the checkpoints beside their perplexity: the tasks of section `downstream`."""

from collections.abc import Sequence
from typing import TypeVar

from lmtopo.study.resolve import Checkpoint, Run, Study
from lmtopo.study.schema import Clouds, Quality, Task

T = TypeVar("T")


def tasks(study: Study) -> dict[str, Task]:
    """The tasks by their dataset."""
    return {task.dataset: task for task in study.file.downstream.tasks}


def checkpoints(study: Study, run: Run, dataset: str) -> list[Checkpoint]:
    """Of one run, those that do a task and are not left out."""
    section = study.file.downstream
    count = {"last": 1, "landmarks": section.landmarks, "all": len(run.checkpoints)}
    return [
        one
        for one in spread(run.checkpoints, count[section.checkpoints])
        if (run.model, run.budget, one.name, dataset) not in study.left_out
    ]


def pairs(study: Study) -> list[tuple[Checkpoint, str]]:
    """Every checkpoint with every task that it does, runs in the file's order."""
    return [
        (one, dataset)
        for run in study.runs.values()
        for dataset in tasks(study)
        for one in checkpoints(study, run, dataset)
    ]


def clouds(study: Study, dataset: str) -> Clouds:
    """The section ``clouds`` as it holds for a dataset, whether or not it is observed."""
    return study.clouds(dataset) if dataset in study.evaluations else study.file.clouds


def quality(study: Study, dataset: str) -> Quality:
    """The section ``quality`` as it holds for a dataset, whether or not it is observed."""
    return study.quality(dataset) if dataset in study.evaluations else study.file.quality


def spread(items: Sequence[T], count: int) -> list[T]:
    """``count`` of the items, evenly from the first to the last; of one, the last."""
    last = len(items) - 1
    if count == 1:
        return list(items[-1:])
    if last < count:
        return list(items)
    return [items[round(last * part / (count - 1))] for part in range(count)]
