"""Which figures a study has, what each of them shows, and what its atlas does."""

from collections.abc import Callable
from typing import Any, NamedTuple

from lmtopo.schedule import spread
from lmtopo.study import tasks
from lmtopo.study.resolve import Run, Study

BETTI = "betti_curve"


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
    return Shown(("quality",), runs(study))


def signatures(study: Study) -> Shown:
    """All runs, and the first null of one of them."""
    run = longest(study)
    beside = {
        "run": None if run is None else (run.model, run.budget),
        "null": first_null(study),
    }
    return Shown(("signatures",), {**runs(study), **cloud(study), **beside})


def layers(study: Study) -> Shown:
    told = {"dataset": study.shown, "pooling": pooling(study), "signature": signature(study)}
    return Shown(("signatures",), {**runs(study), **told})


def diagrams(study: Study, count: int = 4) -> Shown | None:
    """A few checkpoints of one run."""
    run = longest(study)
    if run is None:
        return None
    steps = [one.step for one in spread(study.observed(run, study.shown), count)]
    file = pair_file(study, "diagrams.npz")
    files = tuple(file.format(**one_run(run), step=step) for step in steps)
    told = {**cloud(study), **one_run(run), "steps": steps, "files": files}
    return Shown((), told, files)


def crocker(study: Study, count: int = 60) -> Shown | None:
    """One run at all of its checkpoints, or so many."""
    run, file = longest(study), pair_file(study, "curves.npz")
    measured = study.file.signatures
    if run is None or not (measured == "all" or BETTI in measured):
        return None
    observed = study.observed(run, study.shown)
    steps = [one.step for one in spread(observed, count)]
    told = {**cloud(study), **one_run(run), "steps": steps, "of": len(observed)}
    file = file.format(**one_run(run), step="{step}")
    return Shown((), {**told, "files": file}, tuple(file.format(step=step) for step in steps))


def space(study: Study, total: int = 72, most: int = 12) -> Shown:
    """A few checkpoints of all runs, or of so many, fewer of each where there are many runs."""
    observed = study.runs_on(study.shown)
    of = len(observed)
    observed = spread(observed, most)
    each = min(12, total // max(len(observed), 1))
    file = pair_file(study, "diagrams.npz")
    paths = [
        (
            run.model,
            run.budget,
            [one.step for one in spread(study.observed(run, study.shown), each)],
        )
        for run in observed
    ]
    files = tuple(
        file.format(model=model, budget=budget, step=step)
        for model, budget, steps in paths
        for step in steps
    )
    return Shown(
        (), {**runs(study), **cloud(study), "paths": paths, "of": of, "files": file}, files
    )


def distances(study: Study) -> Shown:
    return Shown(("distances", "phases"), {**runs(study), **cloud(study)})


def equal_compute(study: Study) -> Shown:
    told = {**runs(study), **cloud(study), "shown": declared(study, 3)}
    return Shown(("quality", "signatures"), told)


def redundancy(study: Study) -> Shown:
    return Shown(("redundancy",), {"dataset": study.shown, "pooling": pooling(study)})


def downstream(study: Study) -> Shown | None:
    return Shown(("downstream",), runs(study) | probes(study)) if tasks.tasks(study) else None


def downstream_signature(study: Study) -> Shown | None:
    if not tasks.tasks(study):
        return None
    told = {
        **runs(study),
        **probes(study),
        "dataset": study.shown,
        "cloud_pooling": pooling(study),
        "cloud_layer": last_layer(study),
        "signature": signature(study),
    }
    return Shown(("signatures", "downstream"), told)


def evidence(study: Study) -> Shown:
    return Shown(("evidence",), {"null": first_null(study)})


def skill(study: Study) -> Shown:
    return Shown(("evidence",), {})


def first_null(study: Study) -> str | None:
    return next(iter(study.file.homology.nulls.draws), None)


FIGURES: dict[str, Callable[[Study], Shown | None]] = {
    "perplexity": perplexity,
    "signatures": signatures,
    "layers": layers,
    "diagrams": diagrams,
    "barcodes": diagrams,
    "crocker": crocker,
    "distances": distances,
    "space": space,
    "downstream": downstream,
    "downstream_signature": downstream_signature,
    "evidence": evidence,
    "equal_compute": equal_compute,
    "skill": skill,
    "redundancy": redundancy,
}
"""Every figure there is, in the order in which a report lists them."""


def atlas(study: Study) -> dict[str, Any]:
    """What the atlas reads beside its tables, and where it opens."""
    run = longest(study)
    opening = {} if run is None else {**one_run(run), "dataset": study.shown}
    folders = {
        run.model: {
            dataset: [
                f"{study.results}/probes/{run.tokenizer}/{dataset}/probe.safetensors",
                f"{study.results}/tokenizers/{run.tokenizer}",
            ]
            for dataset in study.evaluations
        }
        for run in study.runs.values()
    }
    return {
        **runs(study),
        "pairs": f"{study.results}/pairs",
        "study": study.name,
        "probes": folders,
        "opening": opening
        | {
            "layer": last_layer(study),
            "pooling": pooling(study),
            "dimension": min(1, study.file.homology.max_dimension),
            "signature": signature(study),
        },
        "max_dimension": study.file.homology.max_dimension,
        **study.file.atlas.model_dump(),
    }


def runs(study: Study) -> dict[str, Any]:
    """All runs, by whose order a figure chooses colours and lines: the same in all figures."""
    return {"runs": list(study.runs)}


def one_run(run: Run) -> dict[str, str]:
    return {"model": run.model, "budget": run.budget}


def pair_file(study: Study, name: str) -> str:
    """A file of pairs, with ``{model}``, ``{budget}`` and ``{step}`` in it."""
    return f"{study.results}/pairs/{{model}}/{{budget}}/step{{step}}/{study.shown}/{name}"


def cloud(study: Study) -> dict[str, str]:
    """Whose clouds a figure of one kind of clouds shows."""
    return {"dataset": study.shown, "pooling": pooling(study), "layer": last_layer(study)}


def declared(study: Study, count: int) -> list[tuple[int, str]]:
    """Dimension and name of a few of the signatures that the study has declared tests of, on the
    clouds that figures show; if there are none, of the one that figures show."""
    where = cloud(study)
    found = [
        (test.dimension, test.signature)
        for test in study.file.evidence.primary
        if (test.dataset in (None, where["dataset"]))
        and (test.layer, test.pooling) == (where["layer"], where["pooling"])
    ]
    if found:
        return spread(list(dict.fromkeys(found)), count)
    return [(dimension(study, signature(study)), signature(study))]


def dimension(study: Study, name: str) -> int:
    """The highest homology dimension that has a signature of this name, -1 if none has."""
    from lmtopo.signatures import NUMBERS, WHOLE, significant

    topological = name in (*NUMBERS.of_diagram, significant.NAME)
    return study.file.homology.max_dimension if topological else WHOLE


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
