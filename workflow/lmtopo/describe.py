"""Stage `describe`: the signatures of every subsample of every cloud of one pair, as a table; the
curves of every cloud, and a picture of it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from lmtopo import tables
from lmtopo.errors import InputError
from lmtopo.files import read_json
from lmtopo.formats import clouds as cloud_files
from lmtopo.formats import curves as curve_files
from lmtopo.formats import projections
from lmtopo.formats.clouds import Clouds
from lmtopo.formats.diagrams import Diagrams, load
from lmtopo.principal import principal
from lmtopo.projection import projection as project
from lmtopo.signatures import WHOLE, Array, chosen
from lmtopo.signatures.cloud import Cloud

COLUMNS = {
    **tables.RUN,
    "dataset": "str",
    "split": "str",
    "layer": "str",
    "depth": "float64",
    "pooling": "str",
    "dimension": "int64",
    "signature": "str",
    "replicate": "int64",
    "points": "int64",
    "skip_positions": "int64",
    "dtype": "str",
    "value": "float64",
}
"""The columns of the table `signatures`."""

Values = dict[tuple[int, str], float]
"""By homology dimension (`WHOLE` for none) and signature."""
Shapes = dict[tuple[int, str], Array]


def describe(
    *,
    clouds: str,
    diagrams: str,
    quality: str,
    signatures: str,
    curves: str,
    projection: str,
    names: Sequence[str] | None,
    pca: int | None,
    subsample: int,
    replicates: int,
    seed: int,
    metric: str,
    max_dimension: int,
) -> None:
    """Read the files ``clouds``, ``diagrams`` and ``quality``; write the table ``signatures``, the
    file ``curves`` (means over the subsamples) and the file ``projection`` (whole clouds).

    ``names``: which signatures, None for all. The other parameters are those that `persist` was
    given: geometry is measured on the points whose topology it computed.

    Raises
    ------
    InputError
        If a signature is unknown, or the diagrams were computed with other parameters.
    """
    import pandas as pd
    from threadpoolctl import threadpool_limits

    facts = read_json(quality)
    found = cloud_files.load(clouds)
    persistence = load(diagrams)
    rows: list[tuple[str, str, int, int, str, float]] = []
    shapes: dict[tuple[str, str], list[Shapes]] = {}
    # The matrices are small: BLAS threads would wait for each other, 7 times longer on two cores.
    with threadpool_limits(1, "blas"):
        for key, values, drawn in measured(
            found,
            persistence,
            names,
            pca=pca,
            subsample=subsample,
            replicates=replicates,
            seed=seed,
            metric=metric,
            max_dimension=max_dimension,
        ):
            rows += [(*key, *name, value) for name, value in values.items()]
            shapes.setdefault((key[1], key[0]), []).append(drawn)
        write_projection(projection, found)
    write_curves(curves, shapes, found.layers)
    measures = ("layer", "pooling", "replicate", "dimension", "signature", "value")
    frame = pd.DataFrame.from_records(rows, columns=list(measures))
    depths = depth(found)
    frame["depth"] = [depths[row[0]] for row in rows]
    constants: Mapping[str, Any] = {**facts["run"], **facts, "points": subsample}
    for column in COLUMNS:
        if column not in frame:
            frame[column] = constants[column]
    tables.write(signatures, frame[list(COLUMNS)].astype(COLUMNS))


def measured(
    found: Clouds,
    persistence: Diagrams,
    names: Sequence[str] | None,
    *,
    pca: int | None,
    subsample: int,
    replicates: int,
    seed: int,
    metric: str,
    max_dimension: int,
) -> Iterator[tuple[tuple[str, str, int], Values, Shapes]]:
    """Of each (layer, pooling, replicate) its numbers and its curves."""
    numbers, curves = chosen(names)
    for pooling, cloud in found.arrays.items():
        subsets = cloud_files.subsamples(cloud.shape[1], subsample, replicates, seed)
        for layer, whole in zip(found.layers, cloud, strict=True):
            points = principal(whole, pca)
            for replicate, subset in enumerate(subsets):
                radius = persistence.radius(layer, pooling, replicate)
                diagrams = persistence.diagrams(layer, pooling, replicate)
                if len(diagrams) <= max_dimension:
                    raise InputError(
                        f"'{persistence.path}' ends at H{len(diagrams) - 1}, but "
                        f"homology.max_dimension is {max_dimension}: run persist again"
                    )
                bars = [one[np.isfinite(one[:, 1])] for one in diagrams[: max_dimension + 1]]
                sample = Cloud(points[subset], metric)
                yield (
                    (layer, pooling, replicate),
                    numbers.values(bars, radius, sample),
                    curves.values(bars, radius, sample),
                )


def write_curves(
    path: str, shapes: Mapping[tuple[str, str], Sequence[Shapes]], layers: Sequence[str]
) -> None:
    """Write the mean over the subsamples of each curve, by pooling and layer in ``shapes``."""
    arrays: dict[tuple[str, str], Array] = {}
    for pooling in dict.fromkeys(pooling for pooling, _ in shapes):
        means = [
            {name: np.mean([one[name] for one in samples], axis=0) for name in samples[0]}
            for samples in (shapes[pooling, layer] for layer in layers)
        ]
        for name in dict.fromkeys(name for _, name in means[0]):
            dimensions = [dimension for dimension, one in means[0] if one == name]
            stacked = np.stack([[mean[key, name] for key in dimensions] for mean in means])
            arrays[pooling, name] = stacked[:, 0] if dimensions == [WHOLE] else stacked
    curve_files.save(path, arrays, layers=layers)


def write_projection(path: str, found: Clouds) -> None:
    """Write each whole cloud along its first two principal components."""
    points, variance = {}, {}
    for pooling, cloud in found.arrays.items():
        pictures = [project(whole) for whole in cloud]
        points[pooling] = np.stack([picture for picture, _ in pictures])
        variance[pooling] = np.stack([shares for _, shares in pictures])
    projections.save(path, points, variance, layers=found.layers)


def depth(found: Clouds) -> dict[str, float]:
    """How deep each layer lies: `embedding` 0, `block_i` i / L, `final_norm` 1.

    L is the file's metadata ``blocks``; where that is missing, the last block in the file.
    """
    block = {
        layer: int(layer.removeprefix("block_"))
        for layer in found.layers
        if layer.startswith("block_")
    }
    blocks = int(found.metadata.get("blocks", max(block.values(), default=1)))
    ends = {"embedding": 0.0, "final_norm": 1.0}
    return {
        layer: block[layer] / blocks if layer in block else ends[layer] for layer in found.layers
    }
