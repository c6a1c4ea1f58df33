"""The table `evidence`: a row per run, signature and target, and one over all runs."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float

from lmtopo.evidence import verdict
from lmtopo.evidence.association import (
    FEWEST,
    alike,
    empty,
    left,
    partial_where_known,
    pool,
    put,
    raw,
)
from lmtopo.evidence.equal_compute import Equal, at_equal_compute, comparisons, one_run
from lmtopo.evidence.skill import HORIZONS, errors, skill
from lmtopo.evidence.trajectories import PLACE, Trajectories, Trajectory
from lmtopo.evidence.trend import Series, trend

Values = Float[np.ndarray, " series"]
Columns = dict[str, Any]

POOLED = "pooled"
COLUMNS = {
    "model": "str",
    "budget": "str",
    "dataset": "str",
    "layer": "str",
    "pooling": "str",
    "dimension": "int64",
    "signature": "str",
    "target": "str",
    "runs": "int64",
    "n": "int64",
    "n_run": "int64",
    "rho": "float64",
    "partial": "float64",
    "partial_low": "float64",
    "partial_high": "float64",
    "p": "float64",
    "equal_compute": "float64",
    "equal_p": "float64",
    "changes": "float64",
    "changes_p": "float64",
    "siblings": "bool",
    "differenced": "float64",
    "after_warmup": "float64",
    "has_null": "bool",
    "excess": "float64",
    "excess_p": "float64",
    "noise_ratio": "float64",
    "constant": "bool",
    "follows_p": "float64",
    "quality_follows_p": "float64",
    "quality_left": "float64",
    "quality_rough": "float64",
    **{f"skill_{h}{end}": "float64" for h in HORIZONS for end in ("", "_low", "_high")},
    "primary": "bool",
    "q": "float64",
    "verdict": "str",
}
"""The columns of the table `evidence`; ``config/README.md`` explains them."""


def of_run(run: Trajectory, warmup: float) -> dict[str, Any]:
    """The associations of one run by itself, and what its verdict needs beside them."""
    known = np.isfinite(run.x) & np.isfinite(run.y)
    late = run.step > warmup * run.step[-1]
    found: dict[str, Any] = {
        "n": known.sum(axis=0),
        "partial": partial_where_known(run.log_compute, run.x, run.y),
        "excess": partial_where_known(run.log_compute, run.excess, run.y),
        "after_null": partial_where_known(run.log_compute, run.excess, run.y, beside=run.null),
        "has_null": np.isfinite(run.excess).any(axis=0),
        "null_tested": (np.isfinite(run.excess) & np.isfinite(run.y)).sum(axis=0) >= FEWEST,
        "follows_p": np.full(known.shape[1], np.nan),
        "quality_follows_p": np.full(known.shape[1], np.nan),
        **{name: np.zeros(known.shape[1]) for name in SUMS},
    }
    others = {name: empty(known.shape[1]) for name in ("rho", "differenced", "after_warmup")}
    for columns in alike(known):
        rows = known[:, columns[0]]
        if rows.sum() < FEWEST:
            continue
        x, y, smooth = (
            run.x[rows][:, columns],
            run.y[rows][:, columns],
            trend(run.log_compute[rows]),
        )
        rests = left(x, smooth.rest(x)), left(y, smooth.rest(y))
        put(others["rho"], columns, raw(x, y))
        put(others["differenced"], columns, raw(np.diff(x, axis=0), np.diff(y, axis=0)))
        after = late[rows]
        if after.sum() > 4:
            put(others["after_warmup"], columns, raw(*(rest[after] for rest in rests)))
        found["follows_p"][columns] = smooth.p_of_smooth(x)
        found["quality_follows_p"][columns] = smooth.p_of_smooth(y)
        found["moves"][columns] = np.ptp(x, axis=0)
        found["total"][columns] = (left(y, y - y.mean(axis=0)) ** 2).sum(axis=0)
        found["left"][columns] = (rests[1] ** 2).sum(axis=0)
        found["rough"][columns] = (np.diff(rests[1], 2, axis=0) ** 2).sum(axis=0) / 6
    return found | others


SUMS = ("moves", "total", "left", "rough")
"""Of a run: how far the signature moves; the target's sum of squares about its mean, that about
the smooth, and the part of it that is rough: a sixth of the sum of squared second differences,
which is all of it for white noise and none for a smooth curve."""


def summed(parts: Sequence[Mapping[str, Any]], equal: Equal) -> Columns:
    """The columns of a run, or over runs, from what `of_run` gives of each."""
    from scipy import stats

    partial, excess, after_null = (
        pool([one[name] for one in parts]) for name in ("partial", "excess", "after_null")
    )
    found: Columns = {
        "n": sum(one["n"] for one in parts),
        "n_run": np.max([one["n"] for one in parts], axis=0),
        "runs": len(parts),
        "partial": partial.r,
        "partial_low": partial.low,
        "partial_high": partial.high,
        "p": partial.p,
        "excess": excess.r,
        "has_null": np.any([one["has_null"] for one in parts], axis=0),
        "constant": np.all([one["moves"] == 0 for one in parts], axis=0),
    }
    for name in ("rho", "differenced", "after_warmup"):
        found[name] = pool([one[name] for one in parts]).r
    for name in ("follows_p", "quality_follows_p"):
        values = np.clip([one[name] for one in parts], 1e-300, 1)
        known = np.isfinite(values).any(axis=0)
        found[name] = np.full(len(known), np.nan)
        combined = stats.combine_pvalues(values[:, known], axis=0, nan_policy="omit")
        found[name][known] = combined.pvalue
    total, rest, rough = (sum(one[name] for one in parts) for name in SUMS[1:])
    with np.errstate(divide="ignore", invalid="ignore"):
        found["quality_left"] = np.where((total > 0) & ~equal.exhausted, rest / total, 0.0)
        found["quality_rough"] = np.where(rest > 0, rough / rest, 0.0)
    fair = {name: pool([empty(len(partial.r)), *some]) for name, some in equal.found.items()}
    found["siblings"] = equal.siblings & (equal.exhausted | ~np.isnan(fair["x"].r))
    found["equal_compute"], found["equal_p"] = fair["x"].r, fair["x"].p
    found["changes"], found["changes_p"] = fair["changes"].r, fair["changes"].p
    tested = np.any([one["null_tested"] for one in parts], axis=0)
    # an excess that stays as it is, such as none at all, is tied to nothing
    found["excess_p"] = np.where(tested & np.isnan(excess.p), 1.0, excess.p)
    for other in (after_null, fair["excess"], fair["after_null"]):
        opposite = np.sign(other.r) * np.sign(excess.r) < 0
        larger = np.fmax(found["excess_p"], np.where(tested, other.p, np.nan))
        found["excess_p"] = np.where(opposite, 1.0, larger)
    return found


def rows(
    found: Trajectories, warmup: float, horizons: Sequence[int] = HORIZONS
) -> Iterator[pd.DataFrame]:
    """The rows of one dataset and target, without q and verdict: over all runs that are long
    enough, copies of one counted once, then run by run.

    ``warmup``: the share of a run's last step after which warm-up is over."""
    runs = [run for run in found.runs if len(run.step)]
    if not runs:
        return
    parts = [of_run(run, warmup) for run in runs]
    own = [place for place, run in enumerate(runs) if not any(map(run.copies, runs[:place]))]
    long = [place for place in own if len(runs[place].step) >= verdict.CHECKPOINTS]
    whole = long or own
    ahead = {horizon: errors(runs, horizon) for horizon in horizons}
    equal = at_equal_compute(runs, partial(comparisons, runs, long))
    pooled = summed([parts[place] for place in whole], equal)
    yield table(found, POOLED, POOLED, pooled | skills(ahead, whole))
    for place, run in enumerate(runs):
        equal = at_equal_compute(runs, partial(one_run, runs, long, place))
        alone = summed([parts[place]], equal)
        yield table(found, run.model, run.budget, alone | skills(ahead, [place]))


def skills(ahead: Mapping[int, tuple[Series, Series]], places: Sequence[int]) -> dict[str, Values]:
    found = {}
    for horizon, (base, more) in ahead.items():
        values = skill(base[places], more[places])
        for end, value in zip(("", "_low", "_high"), values, strict=True):
            found[f"skill_{horizon}{end}"] = value
    return found


def table(found: Trajectories, model: str, budget: str, columns: Columns) -> pd.DataFrame:
    names = {"model": model, "budget": budget, "dataset": found.dataset, "target": found.target}
    frame = found.keys.assign(**names, **columns)
    return frame[frame["n"] > 0]


def judged(
    frame: pd.DataFrame,
    primary: Bool[np.ndarray, " rows"],
    noise: pd.DataFrame | None,
) -> pd.DataFrame:
    """The table with ``primary``, ``noise_ratio``, ``q`` and ``verdict``: Benjamini and
    Hochberg's false discovery rate over the primary rows, of the larger p-value (`verdict.joint`).
    """
    from scipy import stats

    frame = frame.assign(primary=primary, noise_ratio=noise_ratios(frame, noise))
    q = np.full(len(frame), np.nan)
    if primary.any():
        q[primary] = stats.false_discovery_control(verdict.joint(frame)[primary])
    frame = frame.assign(q=q)
    frame = frame.assign(verdict=verdict.verdict(frame))
    return frame[list(COLUMNS)].astype(COLUMNS)


def noise_ratios(frame: pd.DataFrame, noise: pd.DataFrame | None) -> Values:
    """How many times farther the signature moves over training than subsample, seed or dtype,
    whichever moves it most, do at its last checkpoint; over runs the greatest; NaN if unknown."""
    if noise is None or noise.empty:
        return np.full(len(frame), np.nan)
    place = ["dataset", *PLACE]
    last = noise.groupby(["model", "budget", "dataset"])["step"].transform("max")
    noise = noise[noise["step"] == last]
    noise = noise.assign(ratio=noise["range_over_training"] / noise["spread"])
    runs = noise.groupby(["model", "budget", *place])["ratio"].min()
    over = runs.groupby(level=place).max().reset_index().assign(model=POOLED, budget=POOLED)
    both = pd.concat([runs.reset_index(), over])
    merged = frame[["model", "budget", *place]].merge(both, how="left", validate="many_to_one")
    return merged["ratio"].to_numpy(dtype=np.float64)
