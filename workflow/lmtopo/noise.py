"""Stage `noise`: how far subsample, seed and dtype alone move signatures of the same weights."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from lmtopo.tables import KEYS, PAIR, read, write_table

if TYPE_CHECKING:
    import pandas as pd

PLACE = ("layer", "pooling", "dimension", "signature")
CLOUD = [*PAIR, *PLACE]
"""What tells the values of one signature of one pair from others, but for its replicates."""

COLUMNS = {
    **dict.fromkeys(PAIR, "str"),
    "step": "int64",
    "layer": "str",
    "pooling": "str",
    "dimension": "int64",
    "signature": "str",
    "source": "str",
    "observations": "int64",
    "spread": "float64",
    "range_over_training": "float64",
}
"""The columns of the table `noise`."""


def noise(
    *,
    signatures: str,
    again: Sequence[str],
    noise: str,
    pairs: Sequence[Sequence[str]],
    sources: Sequence[str],
) -> None:
    """Read the study's table ``signatures`` and those of what was observed ``again``, each for
    one of ``sources`` (``seed`` or ``dtype``); write the table ``noise``.

    With v_or the value of observation o (o = 1 the study's own) on replicate r of a cloud, the
    table has for each of ``pairs`` (model, budget, checkpoint, dataset)

    - of source ``subsample``: ``spread`` = sd_r(v_1r), over the replicates
    - of ``seed`` and ``dtype``: ``spread`` = sqrt(mean_r(var_o(v_or))), over the observations of
      that source and the study's own, replicate by replicate (the same points in another dtype,
      others with another seed)

    both with ddof = 1, in the signature's unit, so that each is the standard deviation of a
    single value; ``observations`` is the number over which it is taken. ``range_over_training``
    is the greatest less the least, over all checkpoints of the run on the dataset, of the mean
    over replicates. What has fewer than two values has no row.
    """
    import pandas as pd

    table = read(signatures)
    wanted = pd.MultiIndex.from_tuples([tuple(pair) for pair in pairs], names=list(PAIR))
    own = table[pd.MultiIndex.from_frame(table[list(PAIR)]).isin(wanted)]
    found = [spread(own, CLOUD).assign(source="subsample")]
    for source in dict.fromkeys(sources):
        others = [
            read(path).assign(observation=number)
            for number, (path, this) in enumerate(zip(again, sources, strict=True), start=1)
            if this == source
        ]
        both = pd.concat([own.assign(observation=0), *others])
        found.append(spread(both, [*CLOUD, "replicate"]).assign(source=source))
    frame = pd.concat(found).merge(ranges(table), how="left")
    frame = frame.merge(own[[*PAIR, "step"]].drop_duplicates(), how="left")
    order = own[CLOUD].drop_duplicates().merge(frame)
    write_table(noise, order[list(COLUMNS)].astype(COLUMNS), KEYS["noise"])


def spread(values: "pd.DataFrame", within: list[str]) -> "pd.DataFrame":
    """Standard deviation of the values that have all of ``within`` in common, its square averaged
    over what else tells those of a cloud apart."""
    groups = values.groupby(within, sort=False)["value"]
    found = groups.agg(variance="var", observations="count").reset_index()
    found = found[found["observations"] > 1]
    pooled = found.groupby(CLOUD, sort=False).agg({"variance": "mean", "observations": "max"})
    return pooled.assign(spread=pooled.pop("variance") ** 0.5).reset_index()


def ranges(table: "pd.DataFrame") -> "pd.DataFrame":
    """How far the mean over replicates moves over the checkpoints of a run."""
    run = [name for name in CLOUD if name != "checkpoint"]
    means = table.groupby([*run, "checkpoint"], sort=False)["value"].mean()
    by_run = means.groupby(level=run, sort=False)
    return (by_run.max() - by_run.min()).rename("range_over_training").reset_index()
