"""What is observed again for the noise floor: a few checkpoints, in another seed or dtype."""

from dataclasses import dataclass

from lmtopo.seeds import seed_of
from lmtopo.study.resolve import Checkpoint, Study


@dataclass(frozen=True)
class Variant:
    """Another way to observe: with the probe of another ``seed``, or in another ``dtype``; what
    is None is the study's own. ``name`` is its folder, ``source`` what it is a case of."""

    name: str
    source: str
    seed: int | None = None
    dtype: str | None = None


def variants(study: Study, dataset: str) -> dict[str, Variant]:
    """By name, how a dataset is observed again."""
    chosen = study.file.noise
    found = [
        Variant(f"seed{number}", "seed", seed=seed_of(study.file.seed, "noise", number))
        for number in range(1, chosen.seeds + 1)
    ]
    own = study.quality(dataset).dtype
    found += [Variant(dtype, "dtype", dtype=dtype) for dtype in chosen.dtypes if dtype != own]
    return {variant.name: variant for variant in found}


def checkpoints(study: Study, dataset: str) -> list[Checkpoint]:
    """Of each run, those whose noise is told on a dataset."""
    found: list[Checkpoint] = []
    for run in study.runs.values():
        seen = study.observed(run, dataset)
        ends = {"none": [], "last": seen[-1:], "ends": [*seen[:1], *seen[-1:]]}
        found += dict.fromkeys(ends[study.file.noise.checkpoints])
    return found


def pairs(study: Study) -> list[tuple[Variant, Checkpoint, str]]:
    """Every observation that is made again."""
    first = [study.shown]
    datasets = first if study.file.noise.datasets == "first" else list(study.evaluations)
    return [
        (variant, checkpoint, dataset)
        for dataset in datasets
        for checkpoint in checkpoints(study, dataset)
        for variant in variants(study, dataset).values()
    ]


def pair_folder(study: Study, variant: Variant, checkpoint: Checkpoint, dataset: str) -> str:
    """Where all that an observation made again gave lies."""
    place = f"{checkpoint.model}/{checkpoint.budget}/{checkpoint.name}/{dataset}"
    return f"{study.results}/noise/{variant.name}/{place}"
