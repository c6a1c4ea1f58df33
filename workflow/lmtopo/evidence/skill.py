"""Out of sample: does a signature help to predict the quality that is to come?

At checkpoint t of a run, what it will show at t + h is predicted from what is known at t, by a
linear model that has learned from the other runs only. The baseline has a flexible curve of log
steps at t + h, which in one family is compute: with less, any signature that bends with compute
would seem to know something. The skill is the share of the baseline's
squared error that the signature saves; below 0 it makes predictions worse.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from lmtopo.evidence.association import alike
from lmtopo.evidence.trajectories import Trajectory
from lmtopo.evidence.trend import Series

HORIZONS = (1, 4)
"""Checkpoints ahead."""
RUNS_FOR_INTERVAL = 5
FEWEST = 30
"""Checkpoints of other runs from which is learned."""
KNOTS = 4
"""Of the baseline's cubic spline of log steps."""

Values = Float[np.ndarray, " series"]


class Known(NamedTuple):
    """Of some checkpoints t: when t + h is, what else the baseline knows, the signatures, and the
    outcome."""

    when: Float[np.ndarray, "t 1"]
    beside: Float[np.ndarray, "t features"]
    signatures: Float[np.ndarray, "t some"]
    outcome: Float[np.ndarray, " t"]


def known_at(run: Trajectory, horizon: int, columns: Int[np.ndarray, " some"]) -> Known:
    """For each t but the first, with y the target, c log compute and s log steps: s_(t+h); what
    else the baseline knows (y_t, y_t - y_(t-1), c_(t+h) - c_t); the signatures less their mean so
    far, so that runs need not have one level; and the outcome y_(t+h) - y_t."""
    y, c, last = run.y[:, columns[0]], run.log_compute, len(run.step) - horizon
    now, then = slice(1, last), slice(1 + horizon, None)
    beside = np.stack([y[now], y[now] - y[: last - 1], c[then] - c[now]], axis=1)
    x = run.x[:, columns]
    so_far = np.cumsum(x, axis=0) / np.arange(1, len(x) + 1)[:, None]
    return Known(np.log(run.step)[then][:, None], beside, (x - so_far)[now], y[then] - y[now])


def errors(runs: Sequence[Trajectory], horizon: int) -> tuple[Series, Series]:
    """Per run left out of learning, and signature: the sum of squared errors of the baseline, and
    of the baseline with the signature. NaN where the run, or enough others, lack values."""
    from sklearn.linear_model import LinearRegression
    from sklearn.preprocessing import SplineTransformer

    shape = (len(runs), runs[0].x.shape[1])
    base, more = np.full(shape, np.nan), np.full(shape, np.nan)
    long = [len(run.step) > horizon + 2 for run in runs]
    usable = (
        np.stack([np.isfinite(run.x).all(axis=0) & np.isfinite(run.y).all(axis=0) for run in runs])
        & np.array(long)[:, None]
    )
    # one target for all signatures is the rule; a score of a layer has few signatures beside it
    for columns in [
        group[some]
        for group in alike(usable)
        for some in alike_targets(np.concatenate([run.y[:, group] for run in runs]))
    ]:
        held = [int(place) for place in np.flatnonzero(usable[:, columns[0]])]
        known = {place: known_at(runs[place], horizon, columns) for place in held}
        for place in held:
            others = [known[other] for other in held if other != place]
            if sum(len(one.outcome) for one in others) < FEWEST:
                continue
            learned = Known(*(np.concatenate(parts) for parts in zip(*others, strict=True)))
            spline = SplineTransformer(KNOTS, degree=3, extrapolation="linear").fit(learned.when)
            features, features_ahead = (
                np.column_stack([spline.transform(one.when), one.beside])
                for one in (learned, known[place])
            )
            outcome, x = learned.outcome, learned.signatures
            both = np.column_stack([outcome, x])
            model = LinearRegression().fit(features, both)
            rest = both - model.predict(features)
            there = np.column_stack([known[place].outcome, known[place].signatures])
            ahead = there - model.predict(features_ahead)
            # the coefficient of x beside the baseline is that of what the baseline leaves of both
            squares = (rest[:, 1:] ** 2).sum(axis=0)
            slope = np.divide(
                rest[:, 1:].T @ rest[:, 0],
                squares,
                out=np.zeros_like(squares),
                where=squares > 1e-12 * (x**2).sum(axis=0),
            )
            base[place, columns] = (ahead[:, 0] ** 2).sum()
            more[place, columns] = ((ahead[:, :1] - ahead[:, 1:] * slope) ** 2).sum(axis=0)
    return base, more


def alike_targets(y: Series) -> list[Int[np.ndarray, " some"]]:
    """The columns, in groups of one target."""
    _, group = np.unique(y, axis=1, return_inverse=True)
    return [np.flatnonzero(group == number) for number in range(group.max(initial=-1) + 1)]


def skill(base: Series, more: Series) -> tuple[Values, Values, Values]:
    """1 - sum(more) / sum(base) over the runs left out, and where there are at least
    `RUNS_FOR_INTERVAL` of them its 95% interval, by Student's t over the runs' own skills
    (weighted alike, so the value itself may lie off its middle)."""
    from scipy import stats

    with np.errstate(invalid="ignore", divide="ignore"):
        value = 1 - np.nansum(more, axis=0) / np.nansum(base, axis=0)
        single = 1 - more / base
    runs = np.isfinite(single).sum(axis=0)
    value = np.where(runs > 0, value, np.nan)
    enough = runs >= RUNS_FOR_INTERVAL
    low, high = np.full_like(value, np.nan), np.full_like(value, np.nan)
    if enough.any():
        some = single[:, enough]
        error = np.nanstd(some, axis=0, ddof=1) / np.sqrt(runs[enough])
        reach = stats.t.ppf(0.975, runs[enough] - 1) * error
        middle = np.nanmean(some, axis=0)
        low[enough], high[enough] = middle - reach, middle + reach
    return value, low, high
