"""Stage `describe`: the signatures of every subsample of every cloud of one pair, as a table,
beside what they are on the draws of its nulls; the curves of every cloud, and a picture of it."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float, Float64

from lmtopo import tables
from lmtopo.blas import one_thread
from lmtopo.checksums import read_sealed
from lmtopo.errors import InputError
from lmtopo.formats import clouds as cloud_files
from lmtopo.formats import curves as curve_files
from lmtopo.formats import projections
from lmtopo.formats.clouds import Clouds
from lmtopo.formats.diagrams import Diagrams, Key, load
from lmtopo.nulls import SAME_SPECTRUM, STATISTICS, against
from lmtopo.projection import projection as project
from lmtopo.samples import samples
from lmtopo.signatures import WHOLE, Array, chosen, significant
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
"""The columns of the table `signatures`, before those of the nulls."""

DRAWS = {
    "layer": "str",
    "pooling": "str",
    "replicate": "int64",
    "null": "str",
    "draw": "int64",
    "dimension": "int64",
    "signature": "str",
    "value": "float64",
}
"""The columns of a pair's table of single draws."""

Values = dict[tuple[int, str], float]
"""By homology dimension (`WHOLE` for none) and signature."""
Shapes = dict[tuple[int, str], Array]


def describe(
    *,
    clouds: str,
    diagrams: str,
    quality: str,
    signatures: str,
    draws: str,
    curves: str,
    projection: str,
    names: Sequence[str] | None,
    pca: int | None,
    subsample: int,
    replicates: int,
    seed: int,
    nulls: Mapping[str, int],
    null_replicates: int,
    metric: str,
    max_dimension: int,
) -> None:
    """Read the files ``clouds``, ``diagrams`` and ``quality``; write the tables ``signatures``,
    and ``draws``, the signatures of each draw of a null, the file ``curves`` (means over the
    subsamples) and the file ``projection`` (whole clouds).

    ``names``: which signatures, None for all. The other parameters are those that `persist` was
    given: geometry is measured on the points whose topology it computed. Each null of ``nulls``
    gives `signatures` the columns ``{null}_{statistic}`` (`nulls.against`), which are NaN, and 0
    draws, for subsamples without draws.

    Raises
    ------
    InputError
        If a signature is unknown, or the diagrams were computed with other parameters.
    """
    import pandas as pd
    import scipy.linalg  # noqa: F401  it brings a BLAS of its own

    facts = read_sealed(quality)
    found = cloud_files.load(clouds)
    measure = Measure(load(diagrams), names, metric, max_dimension)
    rows: list[tuple[Any, ...]] = []
    drawn_rows: list[tuple[Any, ...]] = []
    shapes: dict[tuple[str, str], list[Shapes]] = {}
    # matrices are small, too: threads would wait for each other, 7 times longer on two cores
    with one_thread():
        for key, values, drawn, shape in measured(
            found,
            measure,
            pca=pca,
            subsample=subsample,
            replicates=replicates,
            seed=seed,
            nulls=nulls,
            null_replicates=null_replicates,
        ):
            rows += [
                (*key[:3], *name, value, *statistics)
                for (name, value), *statistics in zip(
                    values.items(), *compared(values, drawn, nulls), strict=True
                )
            ]
            drawn_rows += [
                (*draw, *name, value) for draw in drawn for name, value in drawn[draw].items()
            ]
            shapes.setdefault((key.pooling, key.layer), []).append(shape)
        write_projection(projection, found)
    write_curves(curves, shapes, found.layers)
    measures = ("layer", "pooling", "replicate", "dimension", "signature", "value")
    of_nulls = {
        f"{null}_{statistic}": kind for null in nulls for statistic, kind in STATISTICS.items()
    }
    frame = pd.DataFrame.from_records(rows, columns=[*measures, *of_nulls])
    depths = depth(found)
    frame["depth"] = [depths[row[0]] for row in rows]
    constants: Mapping[str, Any] = {**facts["run"], **facts, "points": subsample}
    for column in COLUMNS:
        if column not in frame:
            frame[column] = constants[column]
    columns = {**COLUMNS, **of_nulls}
    tables.write(signatures, frame[list(columns)].astype(columns))
    tables.write(draws, pd.DataFrame.from_records(drawn_rows, columns=list(DRAWS)).astype(DRAWS))


class Measure:
    """The signatures ``names`` (None: all) of clouds whose diagrams are in ``persistence``."""

    def __init__(
        self, persistence: Diagrams, names: Sequence[str] | None, metric: str, max_dimension: int
    ) -> None:
        self._numbers, self._curves = chosen(names)
        self._significant = names is None or significant.NAME in names
        self._persistence, self._metric, self._max_dimension = persistence, metric, max_dimension

    def cloud(self, points: Float[np.ndarray, "points width"], **known: Any) -> Cloud:
        return Cloud(points, self._metric, **known)

    def numbers(self, key: Key, cloud: Cloud) -> Values:
        """The numbers of a cloud whose diagrams have the name ``key``."""
        return self._numbers.values(self._bars(key), self._persistence.radius(*key), cloud)

    def curves(self, key: Key, cloud: Cloud) -> Shapes:
        """Its curves."""
        return self._curves.values(self._bars(key), self._persistence.radius(*key), cloud)

    def significant(self, key: Key, points: int, draws: Sequence[Key]) -> Values:
        """`significant_count` of the diagrams ``key``, against those of a null's ``draws``."""
        if not self._significant:
            return {}
        drawn = [self._diagrams(draw) for draw in draws]
        return {
            (dimension, significant.NAME): significant.significant_count(
                diagram,
                [significant.longest_bar(one[dimension], dimension) for one in drawn],
                dimension=dimension,
                points=points,
                metric=self._metric,
            )
            for dimension, diagram in enumerate(self._diagrams(key))
        }

    def _bars(self, key: Key) -> list[Float64[np.ndarray, "bars 2"]]:
        """The diagrams without what never dies."""
        return [one[np.isfinite(one[:, 1])] for one in self._diagrams(key)]

    def _diagrams(self, key: Key) -> list[Float64[np.ndarray, "bars 2"]]:
        diagrams = self._persistence.diagrams(*key)
        if len(diagrams) <= self._max_dimension:
            raise InputError(
                f"'{self._persistence.path}' ends at H{len(diagrams) - 1}, but "
                f"homology.max_dimension is {self._max_dimension}: run persist again"
            )
        return diagrams[: self._max_dimension + 1]


def measured(
    found: Clouds, measure: Measure, *, nulls: Mapping[str, int], **sampling: Any
) -> Iterator[tuple[Key, Values, dict[Key, Values], Shapes]]:
    """Of each subsample its name, its numbers, by name those of the draws of its nulls, and its
    curves; ``nulls`` and ``sampling`` are what `samples.samples` takes."""
    for batch in samples(found, nulls=nulls, **sampling):
        for key, points in batch.items():
            if key.null is not None:
                continue
            cloud = measure.cloud(points)
            values, drawn = measure.numbers(key, cloud), {}
            for draw in [one for one in batch if one[:3] == key[:3] and one.null is not None]:
                # What a null keeps is not computed again, and is equal to the last bit.
                spectrum = cloud.singular_values if draw.null in SAME_SPECTRUM else None
                drawn[draw] = measure.numbers(draw, measure.cloud(batch[draw], spectrum=spectrum))
            if nulls:
                first = next(iter(nulls))
                of_first = [draw for draw in drawn if draw.null == first]
                values |= measure.significant(key, len(points), of_first)
            yield key, values, drawn, measure.curves(key, cloud)


def compared(values: Values, drawn: Mapping[Key, Values], nulls: Iterable[str]) -> list[list[Any]]:
    """The columns of the nulls, one after the other, each a value per signature of ``values``."""
    columns: list[list[Any]] = []
    for null in nulls:
        draws = [
            [of_draw.get(name, math.nan) for name in values]
            for draw, of_draw in drawn.items()
            if draw.null == null
        ]
        found = against(
            np.array(list(values.values()), dtype=np.float64),
            np.array(draws, dtype=np.float64).reshape(-1, len(values)),
        )
        columns += [found[statistic].tolist() for statistic in STATISTICS]
    return columns


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
