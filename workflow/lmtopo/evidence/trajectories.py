"""What every run shows at its checkpoints, signature by signature, from the study's tables."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
from jaxtyping import Float, Int

from lmtopo.evidence.trend import Series
from lmtopo.nulls import ROUNDING

PLACE = ["layer", "pooling", "dimension", "signature"]
RUN = ["model", "budget"]
SHOWN = {"value": "x", "excess": "excess", "null": "null"}
"""Columns of the signatures, and what they are in a `Trajectory`."""
NOWHERE = "-"
"""Layer and pooling of a score that belongs to the whole model."""
SEED = re.compile(r"([-_. ]?seed|[-_. ](run|s))[-_. ]?\d+$", re.IGNORECASE)


@dataclass(frozen=True)
class Trajectory:
    """One run at its n checkpoints after step 0, one column a signature: its value ``x``, what it
    is measured against ``y``, the ``excess`` of x over the mean of its ``null``, and that mean;
    NaN where not known.

    ``family`` is the same for runs that differ by seed, data or budget alone; ``log_compute`` is
    in nats, of FLOPs, or of steps where in a run of the family FLOPs are not known or do not grow.
    """

    model: str
    budget: str
    family: str
    step: Float[np.ndarray, " n"]
    log_compute: Float[np.ndarray, " n"]
    x: Series = field(repr=False)
    y: Series = field(repr=False)
    excess: Series = field(repr=False)
    null: Series = field(repr=False)

    def copies(self, other: "Trajectory") -> bool:
        """Whether this is the same run under another name."""
        return all(
            np.array_equal(getattr(self, name), getattr(other, name), equal_nan=True)
            for name in ("step", "x", "y")
        )

    def columns(self, some: Int[np.ndarray, " some"]) -> "Trajectory":
        """The run with some of its columns."""
        names = ("x", "y", "excess", "null")
        return replace(self, **{name: getattr(self, name)[:, some] for name in names})


@dataclass(frozen=True)
class Trajectories:
    """All runs on one dataset against one target; ``keys`` names the columns."""

    dataset: str
    target: str
    keys: pd.DataFrame
    runs: list[Trajectory]


def trajectories(
    quality: pd.DataFrame,
    signatures: pd.DataFrame,
    *,
    target: str,
    scores: pd.DataFrame | None = None,
    null: str | None = None,
) -> Iterator[Trajectories]:
    """For every dataset, the runs against ``target``, the column ``log_quality`` of the table
    ``quality`` (of several readings, the first), then against every target of ``scores``.

    ``scores`` has the columns model, budget, checkpoint, layer, pooling, target and value; a layer
    and pooling `NOWHERE` stand for all. ``null``: the null whose mean (column ``{null}_mean``)
    the excess is over; a signature's value is the mean over subsamples, its excess that over the
    subsamples that have draws.
    """
    first = quality["reading"] == quality.groupby("dataset")["reading"].transform("first")
    quality = quality[first & (quality["step"] > 0)].sort_values("step", kind="stable")
    signatures = signatures[signatures["step"] > 0]
    over = excess(signatures, null)
    mean = over if null is None else signatures[f"{null}_mean"].where(over.notna())
    signatures = signatures.assign(excess=over, null=mean)
    for dataset, measured in signatures.groupby("dataset", sort=False):
        keys = measured[PLACE].drop_duplicates().reset_index(drop=True)
        rows = quality[quality["dataset"] == dataset]
        groups = dict(iter(rows.groupby(RUN, sort=False)))
        by_step = {family(run) for run in groups.values() if not grows(run["flops"])}
        means = measured.groupby([*RUN, "checkpoint", *PLACE], sort=False)[list(SHOWN)]
        wide = pd.DataFrame(means.mean().unstack(PLACE))
        columns = pd.MultiIndex.from_frame(keys)
        shown = [pd.DataFrame(wide[name]).reindex(columns=columns) for name in SHOWN]
        others = [] if scores is None else list(scores["target"].unique())
        for this in [None, *others]:
            score = None if this is None or scores is None else by_place(scores, this)
            runs = []
            for (model, budget), run in groups.items():
                places = "step" if family(run) in by_step else "flops"
                at = pd.MultiIndex.from_frame(run[[*RUN, "checkpoint"]])
                if score is None:
                    y = np.repeat(finite(run[["log_quality"]]), len(keys), axis=1)
                else:
                    y = finite(scored(score, at, keys))
                runs.append(
                    Trajectory(
                        str(model),
                        str(budget),
                        family(run),
                        run["step"].to_numpy(dtype=np.float64),
                        np.log(run[places].to_numpy(dtype=np.float64)),
                        y=y,
                        **{
                            name: finite(one.reindex(at))
                            for name, one in zip(SHOWN.values(), shown, strict=True)
                        },
                    )
                )
            yield Trajectories(str(dataset), this or target, keys, runs)


def excess(signatures: pd.DataFrame, null: str | None) -> "pd.Series[float]":
    """Value less the null's mean; 0 where they are equal but for rounding, NaN where one is not
    known."""
    if null is None:
        return pd.Series(np.nan, index=signatures.index)
    value, difference = signatures["value"], signatures["value"] - signatures[f"{null}_mean"]
    rounded = difference.mask(difference.abs() <= ROUNDING * value.abs(), 0.0)
    return rounded.where(np.isfinite(difference))


def finite(values: pd.DataFrame | Series) -> Series:
    """Values as numbers, NaN where they are not finite: nothing can be made of those."""
    numbers = np.asarray(values, dtype=np.float64)
    return np.where(np.isfinite(numbers), numbers, np.nan)


def by_place(scores: pd.DataFrame, target: str) -> pd.DataFrame:
    """The scores of one target: a row per checkpoint, a column per layer and pooling."""
    place = ["layer", "pooling"]
    of_target = scores[scores["target"] == target]
    return pd.DataFrame(of_target.set_index([*RUN, "checkpoint", *place])["value"].unstack(place))


def scored(score: pd.DataFrame, at: pd.MultiIndex, keys: pd.DataFrame) -> Series:
    """The score (`by_place`) of each checkpoint ``at``, at the layer and pooling of each of
    ``keys``; NaN where there is none."""
    columns = score.columns.get_indexer(pd.MultiIndex.from_frame(keys[["layer", "pooling"]]))
    everywhere = score.columns.get_indexer(pd.MultiIndex.from_tuples([(NOWHERE, NOWHERE)]))
    values = score.reindex(at).to_numpy(np.float64)
    nothing = np.full((len(at), 1), np.nan)  # the last column, which is what -1 stands for
    found: Series = np.hstack([values, nothing])[:, np.where(columns < 0, everywhere, columns)]
    return found


def family(run: pd.DataFrame) -> str:
    """The number of parameters; where it is not known, the model's name without a seed."""
    parameters = run["parameters"].iloc[0]
    if pd.notna(parameters):
        return f"{parameters:.15g} parameters"
    return SEED.sub("", str(run["model"].iloc[0]))


def grows(flops: "pd.Series[float]") -> bool:
    """Whether the compute of a run's checkpoints, in order, is known and grows; rounded, it may
    stand still for a while."""
    known = flops.to_numpy(dtype=np.float64)
    if not (np.isfinite(known).all() and (known > 0).all() and (np.diff(known) >= 0).all()):
        return False
    return len(known) < 2 or bool(known[-1] > known[0])
