"""Which figures a study has, and what each of them shows."""

from collections.abc import Callable
from typing import Any, NamedTuple

from lmtopo.schedule import spread
from lmtopo.study import tasks
from lmtopo.study.resolve import Run, Study


class Shown(NamedTuple):
    """What a figure is made of: tables of the study by name, what `lmtopo.draw` is told beside
    them, and the files of pairs that it reads."""

    tables: tuple[str, ...]
    told: dict[str, Any]
    files: tuple[str, ...] = ()


def figures(study: Study) -> dict[str, Shown]:
    """The study's figures by name; those of what it does not measure are not among them."""
    found = {name: shown(study) for name, shown in FIGURES.items()}
    width = study.file.figures.width
    return {
        name: one._replace(told={"name": name, "width": width, **one.told})
        for name, one in found.items()
        if one is not None
    }


def perplexity(study: Study) -> Shown:
    return Shown(("quality",), {})


def signatures(study: Study) -> Shown:
    return Shown(("signatures",), cloud(study))


def layers(study: Study) -> Shown:
    dataset = study.shown
    told = {"dataset": dataset, "pooling": pooling(study), "signature": signature(study)}
    return Shown(("signatures",), told)


def diagrams(study: Study, count: int = 4) -> Shown | None:
    """A few checkpoints of one run."""
    run = longest(study)
    if run is None:
        return None
    checkpoints = spread(study.observed(run, study.shown), count)
    files = tuple(f"{study.pair_folder(one, study.shown)}/diagrams.npz" for one in checkpoints)
    told = {**cloud(study), "model": run.model, "budget": run.budget}
    return Shown((), {**told, "steps": [one.step for one in checkpoints], "files": files}, files)


def downstream(study: Study) -> Shown | None:
    return Shown(("downstream",), probes(study)) if tasks.tasks(study) else None


def downstream_signature(study: Study) -> Shown | None:
    if not tasks.tasks(study):
        return None
    told = {
        **probes(study),
        "dataset": study.shown,
        "cloud_pooling": pooling(study),
        "cloud_layer": last_layer(study),
        "signature": signature(study),
    }
    return Shown(("signatures", "downstream"), told)


def evidence(study: Study) -> Shown:
    return Shown(("evidence",), {})


FIGURES: dict[str, Callable[[Study], Shown | None]] = {
    "perplexity": perplexity,
    "signatures": signatures,
    "diagrams": diagrams,
    "layers": layers,
    "downstream": downstream,
    "downstream_signature": downstream_signature,
    "evidence": evidence,
    "skill": evidence,
}
"""Every figure there is, in the order in which a report lists them."""


def cloud(study: Study) -> dict[str, str]:
    """Whose clouds a figure of one kind of clouds shows."""
    return {"dataset": study.shown, "pooling": pooling(study), "layer": last_layer(study)}


def pooling(study: Study) -> str:
    return study.clouds(study.shown).poolings[0]


def last_layer(study: Study) -> str:
    layers = study.clouds(study.shown).layers
    return "final_norm" if layers == "all" else layers[-1]


def signature(study: Study) -> str:
    """As the study says, else persistence entropy, else the first number that is computed."""
    from lmtopo.signatures import NUMBERS

    chosen, usual = study.file.signatures, "persistence_entropy"
    if study.file.figures.signature is not None:
        return study.file.figures.signature
    if chosen == "all" or usual in chosen:
        return usual
    return next(name for name in chosen if name in NUMBERS.names())


def probes(study: Study) -> dict[str, Any]:
    """Of each task, the probe that figures show: at the last layer, of means if there are any."""
    poolings = study.file.downstream.poolings
    layers = {name: tasks.clouds(study, name).layers for name in tasks.tasks(study)}
    return {
        "layers": {
            name: "final_norm" if chosen == "all" else chosen[-1] for name, chosen in layers.items()
        },
        "pooling": "mean" if "mean" in poolings else poolings[0],
    }


def longest(study: Study) -> Run | None:
    """The run that saw most, rather one that does not repeat its data; of several the last."""

    def seen(run: Run) -> tuple[float, float]:
        budget = study.file.budgets.get(run.budget)
        repeats = budget is not None and budget.unique_tokens is not None
        return -float(repeats), run.checkpoints[-1].tokens or 0.0

    return max(reversed(study.runs_on(study.shown)), key=seen, default=None)
