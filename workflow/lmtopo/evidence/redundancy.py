"""How many things the signatures say: their rank correlations with each other."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float

from lmtopo.evidence.association import FEWEST
from lmtopo.evidence.trajectories import Trajectories
from lmtopo.evidence.trend import Series, trend

Matrix = Float[np.ndarray, "k k"]

COLUMNS = {
    "dataset": "str",
    "pooling": "str",
    "dimension": "int64",
    "signature": "str",
    "other_dimension": "int64",
    "other_signature": "str",
    "rho": "float64",
    "partial": "float64",
}
"""The columns of the table `redundancy`."""


def redundancy(found: Trajectories) -> Iterator[dict[str, Any]]:
    """For every two signatures of a pooling, Spearman's correlation along a run, raw (``rho``) and
    after a smooth function of compute (``partial``): the mean over runs and layers. A signature
    that never changes has none."""
    for pooling, keys in found.keys.groupby("pooling", sort=False):
        names = keys[["dimension", "signature"]].drop_duplicates()
        kinds = pd.MultiIndex.from_frame(names)
        labels = list(names.itertuples(index=False, name=None))
        sums, counts = np.zeros((2, len(kinds), len(kinds))), np.zeros((2, len(kinds), len(kinds)))
        for _, layer in keys.groupby("layer", sort=False):
            places = kinds.get_indexer(pd.MultiIndex.from_frame(layer[["dimension", "signature"]]))
            for run in found.runs:
                if len(run.step) < FEWEST:
                    continue
                x = run.x[:, layer.index]
                for kind, values in enumerate((x, after_compute(x, run.log_compute))):
                    rho = correlations(values)
                    known = np.isfinite(rho)
                    sums[kind][np.ix_(places, places)] += np.where(known, rho, 0)
                    counts[kind][np.ix_(places, places)] += known
        with np.errstate(invalid="ignore"):
            rho, partial = sums / counts
        for i, j in zip(*np.triu_indices(len(kinds), 1), strict=True):
            yield {
                "dataset": found.dataset,
                "pooling": pooling,
                "dimension": labels[i][0],
                "signature": labels[i][1],
                "other_dimension": labels[j][0],
                "other_signature": labels[j][1],
                "rho": rho[i, j],
                "partial": partial[i, j],
            }


def after_compute(x: Series, log_compute: Float[np.ndarray, " n"]) -> Series:
    """What is left of the columns that are known at all checkpoints; NaN for the others."""
    whole = np.isfinite(x).all(axis=0)
    found = np.full_like(x, np.nan)
    found[:, whole] = trend(log_compute).rest(x[:, whole])
    moves = np.ptp(found, axis=0) > 1e-9 * np.abs(x).max(axis=0)
    return np.where(moves, found, np.nan)


def correlations(x: Series) -> Matrix:
    """Spearman's correlation of each two columns; NaN for one that is constant or not known."""
    known = np.where(np.isfinite(x).all(axis=0), x, np.nan)
    return pd.DataFrame(known).corr("spearman").to_numpy()


def directions(table: pd.DataFrame, column: str = "partial") -> tuple[int, float]:
    """Of a pooling's rows: how many signatures there are, and the number of independent
    directions, (sum l)^2 / sum l^2 over the eigenvalues l of their correlation matrix."""
    table = table[table[column].notna()]
    one = pd.MultiIndex.from_frame(table[["dimension", "signature"]])
    other = pd.MultiIndex.from_frame(table[["other_dimension", "other_signature"]])
    kinds = one.append(other).unique()
    matrix = np.eye(len(kinds))
    rows, columns = kinds.get_indexer(one), kinds.get_indexer(other)
    matrix[rows, columns] = matrix[columns, rows] = table[column]
    values = np.linalg.eigvalsh(matrix)
    return len(kinds), float(values.sum() ** 2 / (values**2).sum()) if len(kinds) else 0.0
