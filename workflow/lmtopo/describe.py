"""Stage `describe`: the signatures of every subsample of every cloud of one pair, as a table."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from lmtopo import tables
from lmtopo.errors import InputError
from lmtopo.files import read_json
from lmtopo.formats import clouds as cloud_files
from lmtopo.formats.clouds import Clouds
from lmtopo.formats.diagrams import Diagrams, load
from lmtopo.principal import principal
from lmtopo.signatures import chosen
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

GEOMETRY = -1


def describe(
    *,
    clouds: str,
    diagrams: str,
    quality: str,
    signatures: str,
    names: Sequence[str] | None,
    pca: int | None,
    subsample: int,
    replicates: int,
    seed: int,
    metric: str,
    max_dimension: int,
) -> None:
    """Read the files ``clouds``, ``diagrams`` and ``quality``; write the table ``signatures``.

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
    # The matrices are small: BLAS threads would wait for each other, 7 times longer on two cores.
    with threadpool_limits(1, "blas"):
        rows = list(
            measured(
                found,
                persistence,
                names,
                pca=pca,
                subsample=subsample,
                replicates=replicates,
                seed=seed,
                metric=metric,
                max_dimension=max_dimension,
            )
        )
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
) -> Iterator[tuple[str, str, int, int, str, float]]:
    """Rows (layer, pooling, replicate, dimension, signature, value)."""
    topological, geometric = chosen(names)
    for pooling, cloud in found.arrays.items():
        subsets = cloud_files.subsamples(cloud.shape[1], subsample, replicates, seed)
        for layer, whole in zip(found.layers, cloud, strict=True):
            points = principal(whole, pca)
            for replicate, subset in enumerate(subsets):
                if topological:
                    radius = persistence.radius(layer, pooling, replicate)
                    diagrams = persistence.diagrams(layer, pooling, replicate)
                    if len(diagrams) <= max_dimension:
                        raise InputError(
                            f"'{persistence.path}' ends at H{len(diagrams) - 1}, but "
                            f"homology.max_dimension is {max_dimension}: run persist again"
                        )
                    for dimension, diagram in enumerate(diagrams[: max_dimension + 1]):
                        bars = diagram[np.isfinite(diagram[:, 1])]
                        for name, of_diagram in topological.items():
                            value = of_diagram(bars, radius)
                            yield layer, pooling, replicate, dimension, name, value
                sample = Cloud(points[subset], metric)
                for name, of_cloud in geometric.items():
                    yield layer, pooling, replicate, GEOMETRY, name, of_cloud(sample)


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
