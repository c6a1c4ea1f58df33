"""Stage `compare`: how far apart the diagrams and clouds of several checkpoints are.

A run is compared with itself, several runs with each other at equal compute. The table's column
``relation`` says why two clouds were compared:

- ``consecutive``: neighbours among the run's observed checkpoints, the earlier one first;
- ``landmarks``: others of up to so many checkpoints, evenly from the first to the last of the
  run's list of them;
- ``layers``: a layer and the next of one of these;
- ``runs``: checkpoints of two runs at equal compute (`comparisons.at_equal_compute`), at layers
  of equal depth; of more than so many such pairs, those evenly from the first to the last.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float64

from lmtopo import comparisons, tables
from lmtopo.blas import one_thread
from lmtopo.checksums import read_sealed
from lmtopo.cka import alignment, gram
from lmtopo.diagram_distances import bottleneck, finite, sliced_wasserstein, wasserstein
from lmtopo.formats import clouds as cloud_files
from lmtopo.formats.diagrams import Diagrams, load
from lmtopo.principal import principal
from lmtopo.schedule import spread

Bars = Float64[np.ndarray, "bars 2"]

DISTANCES: dict[str, Callable[[Bars, Bars], float]] = {
    "bottleneck": bottleneck,
    "wasserstein_1": wasserstein,
    "wasserstein_2": lambda a, b: wasserstein(a, b, order=2),
    "sliced_wasserstein": sliced_wasserstein,
}
ALIGNMENTS = {"linear_cka": False, "linear_cka_debiased": True}
"""Similarities of clouds, and whether they are debiased."""
CLOUDS = -1
"""The dimension of rows that compare clouds, not diagrams."""

COLUMNS = {
    "study": "str",
    "model": "str",
    "budget": "str",
    "checkpoint": "str",
    "step": "int64",
    "flops": "float64",
    "layer": "str",
    "other_model": "str",
    "other_budget": "str",
    "other_checkpoint": "str",
    "other_step": "int64",
    "other_flops": "float64",
    "other_layer": "str",
    "dataset": "str",
    "pooling": "str",
    "relation": "str",
    "dimension": "int64",
    "distance": "str",
    "replicate": "int64",
    "scale": "str",
    "value": "float64",
}
"""The columns of the table `distances`."""

Pair = tuple[str, "Observed", "Observed"]
"""A relation, and the checkpoints that stand in it."""


class Measured(NamedTuple):
    """How much of two clouds is compared, and on which points: as `persist` was told."""

    scale: str
    pca: int | None
    subsample: int
    replicates: int
    seed: int


@dataclass(frozen=True, eq=False)
class Observed:
    """What one checkpoint has given on the dataset; ``clouds`` is None if they are not kept."""

    run: dict[str, Any]
    tokenizer: str
    blocks: int
    diagrams: Diagrams
    clouds: Path | None

    @property
    def layers(self) -> list[str]:
        return list(dict.fromkeys(key.layer for key in self.diagrams.keys()))  # noqa: SIM118

    @property
    def poolings(self) -> list[str]:
        return list(dict.fromkeys(key.pooling for key in self.diagrams.keys()))  # noqa: SIM118

    def end(self, layer: str) -> list[Any]:
        names = ("model", "budget", "checkpoint", "step", "flops")
        return [*(self.run[name] for name in names), layer]


def compare(
    *,
    pairs: str,
    runs: Sequence[Sequence[Any]],
    dataset: str,
    distances: str,
    clouds_kept: bool,
    landmarks: int,
    scale: str,
    pca: int | None,
    subsample: int,
    replicates: int,
    seed: int,
) -> None:
    """Compare one run with itself, or several with each other; write the table ``distances``.

    ``runs``: model, budget, tokenizer and steps of each run, as observed on ``dataset``; what the
    pairs gave lies in the folder ``pairs``. The first ``replicates`` subsamples are compared, each
    with the same of the other cloud. Where two runs have one tokenizer their points correspond;
    then there is CKA too, if ``clouds_kept``. With ``scale`` ``enclosing_radius`` instead of
    ``none``, diagrams are in units of their clouds' enclosing radii. ``pca``, ``subsample`` and
    ``seed`` are those that `persist` was given.

    Raises
    ------
    InputError
        If the diagrams were computed with other parameters.
    """
    import pandas as pd

    read = [read_run(pairs, run, dataset, clouds_kept) for run in runs]
    groups = within(read[0], landmarks) if len(read) == 1 else between(read, landmarks)
    how = Measured(scale, pca, subsample, replicates, seed)
    with one_thread():
        rows = [
            row
            for layer, other_layer, compared in groups
            for pooling in compared[0][1].poolings
            for row in measured(compared, layer, other_layer, pooling, how)
        ]
    constants = {"study": read[0][0].run["study"], "dataset": dataset, "scale": scale}
    frame = pd.DataFrame(rows, columns=[name for name in COLUMNS if name not in constants])
    frame = frame.assign(**constants)
    tables.write(distances, frame[list(COLUMNS)].astype(COLUMNS))


def read_run(pairs: str, run: Sequence[Any], dataset: str, clouds_kept: bool) -> list[Observed]:
    model, budget, tokenizer, steps = run
    found = []
    for step in steps:
        folder = Path(pairs, model, budget, f"step{step}", dataset)
        facts = read_sealed(folder / "quality.json")
        diagrams = load(folder / "diagrams.npz")
        clouds = folder / "clouds.safetensors" if clouds_kept else None
        found.append(Observed(facts["run"], tokenizer, facts["blocks"], diagrams, clouds))
    return found


def within(run: Sequence[Observed], landmarks: int) -> Iterator[tuple[str, str, list[Pair]]]:
    """Layer, other layer, and what is compared there, of one run."""
    layers, compared = run[0].layers, comparisons.of_a_run(run, landmarks)
    for layer in layers if compared else ():
        yield layer, layer, compared
    for layer, following in pairwise(layers):
        yield (
            layer,
            following,
            [("layers", one, one) for one in spread(run, landmarks)],
        )


def between(
    runs: Sequence[Sequence[Observed]], landmarks: int
) -> Iterator[tuple[str, str, list[Pair]]]:
    """Layer, other layer, and what is compared there, of every two runs."""
    spent = [
        [np.nan if one.run["flops"] is None else float(one.run["flops"]) for one in run]
        for run in runs
    ]
    for i, j in combinations(range(len(runs)), 2):
        equal = comparisons.at_equal_compute(spent[i], spent[j])
        compared: list[Pair] = [
            ("runs", runs[i][one], runs[j][other]) for one, other in spread(equal, landmarks)
        ]
        if compared:
            one, other = runs[i][0], runs[j][0]
            for layer, other_layer in comparisons.at_equal_depth(
                one.layers, one.blocks, other.layers, other.blocks
            ):
                yield layer, other_layer, compared


def measured(
    compared: Sequence[Pair], layer: str, other_layer: str, pooling: str, how: Measured
) -> Iterator[tuple[Any, ...]]:
    """Rows, without the columns that are the same in all of them."""

    @cache  # for these layers only: Gram matrices of a whole study would fill the memory
    def grams(of: Observed, layer: str) -> list[dict[str, Float64[np.ndarray, "n n"]]]:
        if of.clouds is None:
            return [{}] * how.replicates
        whole = principal(cloud_files.load_layer(of.clouds, pooling, layer), how.pca)
        subsets = cloud_files.subsamples(len(whole), how.subsample, how.replicates, how.seed)
        return [
            {name: gram(whole[rows], debiased=debiased) for name, debiased in ALIGNMENTS.items()}
            for rows in subsets
        ]

    @cache
    def diagrams(of: Observed, layer: str, replicate: int) -> list[Bars]:
        if how.scale == "enclosing_radius":
            return of.diagrams.relative(layer, pooling, replicate)
        return [finite(one) for one in of.diagrams.diagrams(layer, pooling, replicate)]

    for relation, one, other in compared:
        ends = (*one.end(layer), *other.end(other_layer), pooling, relation)
        for replicate in range(how.replicates):
            both = diagrams(one, layer, replicate), diagrams(other, other_layer, replicate)
            for dimension, (ours, theirs) in enumerate(zip(*both, strict=True)):
                for name, distance in DISTANCES.items():
                    yield (*ends, dimension, name, replicate, distance(ours, theirs))
            if one.tokenizer == other.tokenizer:
                first, second = grams(one, layer)[replicate], grams(other, other_layer)[replicate]
                for name in first:
                    value = alignment(first[name], second[name])
                    yield (*ends, CLOUDS, name, replicate, value)
