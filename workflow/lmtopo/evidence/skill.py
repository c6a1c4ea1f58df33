"""Out of sample: does a signature help to predict the quality that is to come?

At checkpoint t of a run, what it will show at t + h is predicted from what is known at t, by a
linear model that has learned from the other runs only. The skill is the share of the baseline's
squared error that the signature saves; below 0 it makes predictions worse.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int

from lmtopo.evidence.association import alike
from lmtopo.evidence.trajectories import Trajectory
from lmtopo.evidence.trend import Series

HORIZONS = (1, 4)
"""Checkpoints ahead."""
RUNS_FOR_INTERVAL = 5
FEWEST = 20
"""Checkpoints of other runs from which is learned."""

Values = Float[np.ndarray, " series"]


def known_at(
    run: Trajectory, horizon: int, columns: Int[np.ndarray, " some"]
) -> tuple[Float[np.ndarray, "t features"], Float[np.ndarray, "t some"], Float[np.ndarray, " t"]]:
    """For each t but the first, with c log compute and y the target: what the baseline knows
    (y_t, y_t - y_(t-1), c_t, c_(t+h) - c_t, c_(t+h)^2), the signatures less their mean so far,
    so that runs need not have one level, and the outcome y_(t+h) - y_t."""
    y, c, last = run.y[:, columns[0]], run.log_compute, len(run.step) - horizon
    now, then = slice(1, last), slice(1 + horizon, None)
    features = (y[now], y[now] - y[: last - 1], c[now], c[then] - c[now], c[then] ** 2)
    x = run.x[:, columns]
    so_far = np.cumsum(x, axis=0) / np.arange(1, len(x) + 1)[:, None]
    return np.stack(features, axis=1), (x - so_far)[now], y[then] - y[now]


def errors(runs: Sequence[Trajectory], horizon: int) -> tuple[Series, Series]:
    """Per run left out of learning, and signature: the sum of squared errors of the baseline, and
    of the baseline with the signature. NaN where the run, or enough others, lack values."""
    from sklearn.linear_model import LinearRegression

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
            if sum(len(one[2]) for one in others) < FEWEST:
                continue
            features, x, outcome = (np.concatenate(parts) for parts in zip(*others, strict=True))
            model = LinearRegression().fit(features, np.column_stack([outcome, x]))
            rest = np.column_stack([outcome, x]) - model.predict(features)
            there = np.column_stack([known[place][2], known[place][1]])
            ahead = there - model.predict(known[place][0])
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
