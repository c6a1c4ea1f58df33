"""What stage `compare` will take: which tables it writes, and the seconds of each."""

from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

from lmtopo.comparisons import of_a_run
from lmtopo.plan import calibration, sizes
from lmtopo.schedule import spread


def tables(
    study: str,
    runs: Sequence[Mapping[str, Any]],
    datasets: Sequence[Mapping[str, Any]],
    shapes: Mapping[str, "sizes.Shape | None"],
    landmarks: int,
    replicates: int,
) -> dict[Path, float]:
    """The files of distances, and about how many seconds of one core each takes.

    How many checkpoints two runs have at equal compute is not asked: as many as can be compared
    are counted. Models of unknown shape count as nothing.
    """
    found: dict[Path, float] = {}
    for dataset in datasets:
        place = Path(f"results/{study}/compare")
        own = {
            place / run["model"] / run["budget"] / dataset["name"]: clouds_of_a_run(
                run, layers(run, dataset, shapes), landmarks
            )
            for run in runs
        }
        if len(runs) > 1:
            own[place / "across" / dataset["name"]] = sum(
                min(landmarks, len(one["steps"]), len(other["steps"]))
                * min(layers(run, dataset, shapes) for run in (one, other))
                for one, other in combinations(runs, 2)
            )
        for folder, clouds in own.items():
            spent = cost(dataset, runs, shapes) if clouds else 0.0
            count = clouds * min(replicates, dataset["observed"]["replicates"])
            poolings = len(dataset["observed"]["poolings"])
            found[folder / "distances.parquet"] = count * poolings * spent
    return found


def clouds_of_a_run(run: Mapping[str, Any], depth: int, landmarks: int) -> int:
    """Pairs of clouds of one pooling that are compared within a run of so many layers."""
    of_layers = len(spread(run["steps"], landmarks)) * max(0, depth - 1)
    return depth * len(of_a_run(run["steps"], landmarks)) + of_layers


def layers(
    run: Mapping[str, Any],
    dataset: Mapping[str, Any],
    shapes: Mapping[str, "sizes.Shape | None"],
) -> int:
    shape = shapes[run["model"]]
    return sizes.layers(dataset["observed"]["layers"], shape) if shape else 0


def cost(
    dataset: Mapping[str, Any],
    runs: Sequence[Mapping[str, Any]],
    shapes: Mapping[str, "sizes.Shape | None"],
) -> float:
    """Seconds for a pair of clouds, as wide as the first model's."""
    seen = dataset["observed"]
    widths = [shape.width for run in runs if (shape := shapes[run["model"]])]
    return calibration.distance_seconds(
        points=seen["subsample"],
        width=seen["pca"] or widths[0],
        metric=seen["metric"],
        max_dimension=seen["max_dimension"],
    )
