"""What is asked of the checkpoints beside their perplexity: the tasks of section `downstream`."""

from lmtopo.schedule import spread
from lmtopo.study.resolve import Checkpoint, Run, Study
from lmtopo.study.schema import Clouds, Quality, Task


def tasks(study: Study) -> dict[str, Task]:
    """The tasks by their dataset."""
    return {task.dataset: task for task in study.file.downstream.tasks}


def checkpoints(study: Study, run: Run, dataset: str) -> list[Checkpoint]:
    """Of one run, those that do a task and are not left out."""
    return some(study, run, dataset, study.file.downstream.checkpoints)


def tuned(study: Study, run: Run, dataset: str) -> list[Checkpoint]:
    """Of one run, those whose d90 is measured on a task."""
    for one in study.file.downstream.d90:
        if one.dataset == dataset and (one.models == "all" or run.model in one.models):
            return some(study, run, dataset, one.checkpoints)
    return []


def some(study: Study, run: Run, dataset: str, which: str) -> list[Checkpoint]:
    section = study.file.downstream
    count = {"last": 1, "landmarks": section.landmarks, "all": len(run.checkpoints)}
    return [
        one
        for one in spread(run.checkpoints, count[which])
        if (run.model, run.budget, one.name, dataset) not in study.left_out
    ]


def files(study: Study) -> list[tuple[str, str, str, str, list[int]]]:
    """Model, budget, dataset, name of the file and steps, of all that is asked."""
    return [
        (run.model, run.budget, dataset, name, [one.step for one in done])
        for run in study.runs.values()
        for dataset in tasks(study)
        for name, done in (
            ("downstream.parquet", checkpoints(study, run, dataset)),
            ("d90.parquet", tuned(study, run, dataset)),
        )
        if done
    ]


def clouds(study: Study, dataset: str) -> Clouds:
    """The section ``clouds`` as it holds for a dataset, whether or not it is observed."""
    return study.clouds(dataset) if dataset in study.evaluations else study.file.clouds


def quality(study: Study, dataset: str) -> Quality:
    """The section ``quality`` as it holds for a dataset, whether or not it is observed."""
    return study.quality(dataset) if dataset in study.evaluations else study.file.quality
