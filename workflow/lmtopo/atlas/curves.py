"""What the page shows of signatures over training: one block per dataset, pooling and layer."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from lmtopo.atlas.blocks import block, bounds, scaled, short
from lmtopo.atlas.thin import Kept

if TYPE_CHECKING:
    import pandas as pd

KEY = ["model", "budget", "step", "dataset", "pooling", "layer", "dimension", "signature"]
OF_NULLS = ("mean", "sd", "percentile")
OWN = "own"
"""What stands beside a null: the value of the subsamples that have draws of it."""


def table(path: str, kept: Kept) -> "pd.DataFrame":
    """Of each kept cloud and signature, over its subsamples: ``value`` (their mean), ``low`` and
    ``high`` (their range), and per null the means of ``{null}_mean``, ``_sd``, ``_percentile`` and
    of the value itself (``_own``) over those that have draws; indexed by `KEY`, rows in the order
    of the file."""
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    names = pq.read_schema(path).names
    nulls = [name.removesuffix("_percentile") for name in names if name.endswith("_percentile")]
    columns = [f"{null}_{statistic}" for null in nulls for statistic in OF_NULLS]
    # a table of every checkpoint and layer of a large study need not fit into memory
    layers = sorted({layer for some in kept.layers.values() for layer in some})
    steps = sorted({step for some in kept.steps.values() for step in some})
    chosen = pc.field("layer").isin(layers) & pc.field("step").isin(steps)
    frame = pq.read_table(path, columns=[*KEY, "value", *columns], filters=chosen).to_pandas()
    for null in nulls:
        frame[f"{null}_{OWN}"] = frame["value"].where(frame[f"{null}_mean"].notna())
        columns.append(f"{null}_{OWN}")
    groups = frame.groupby(KEY, sort=False, observed=True)
    value = groups["value"]
    found: pd.DataFrame = value.mean().to_frame("value")
    found["low"], found["high"] = value.min(), value.max()
    for column in columns:
        found[column] = groups[column].mean()
    return found


def nulls(table: "pd.DataFrame") -> list[str]:
    """The nulls that a `table` has columns of."""
    ending = "_percentile"
    return [name.removesuffix(ending) for name in map(str, table) if name.endswith(ending)]


def blocks(table: "pd.DataFrame", kept: Kept) -> Iterator[tuple[str, str]]:
    """A block's header lists, per run and signature, the dimension, the name, and what numbers
    from 0 to `TOP` stand for: of values, null means and what stands beside them, and of standard
    deviations (from 0)."""
    means, deviations, ranks = ([f"{null}_{one}" for null in nulls(table)] for one in OF_NULLS)
    own = [f"{null}_{OWN}" for null in nulls(table)]
    parts = [
        table[columns].to_numpy(dtype=np.float64).T
        for columns in (["value", "low", "high", *means, *own], deviations, ranks)
    ]
    headers: dict[str, list[dict[str, Any]]] = {}
    numbers: dict[str, list[np.ndarray]] = {}
    steps = table.index.get_level_values("step").to_numpy()
    series = [name for name in KEY if name != "step"]
    groups: dict[Any, Any] = table.groupby(level=series, sort=False).indices
    for (model, budget, dataset, pooling, layer, dimension, signature), rows in groups.items():
        if layer not in kept.layers.get((model, dataset), []):
            continue
        place = {step: at for at, step in enumerate(kept.steps[model, budget])}
        shown = np.array([row for row in rows if steps[row] in place], dtype=np.int64)
        at = [place[step] for step in steps[shown]]
        values, spread, percentiles = (np.full((len(part), len(place)), np.nan) for part in parts)
        for filled, part in zip((values, spread, percentiles), parts, strict=True):
            filled[:, at] = part[:, shown]
        (low, high), (_, widest) = bounds(values), bounds(spread)
        told = {"model": model, "budget": budget, "dimension": int(dimension), "name": signature}
        told |= {"from": short(low, 9), "to": short(high, 9), "sd": short(widest)}
        name = "/".join(("signatures", dataset, pooling, layer))
        headers.setdefault(name, []).append(told)
        numbers.setdefault(name, []).extend(
            [
                scaled(values, low, high),
                scaled(spread, 0.0, widest),
                scaled(percentiles, 0.0, 100.0),
            ]
        )
    for name, header in headers.items():
        yield name, block(header, numbers[name])
