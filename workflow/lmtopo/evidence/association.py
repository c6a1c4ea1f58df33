"""How two series of a run hang together, with and without compute; and over several runs."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from lmtopo.evidence.trend import DF, Series, Trend, trend

Values = Float[np.ndarray, " series"]

FEWEST = 2 * DF + 1
"""Checkpoints of a run below which nothing is computed."""
FLEXIBLE = 2 * DF
"""Degrees of freedom of a smooth that may be flexible, if a run is long enough."""
LOST = 3
"""By so much the weight of Fisher's z is less than the number of values."""
DIFFERENCED = 1.5
"""So many differences of white noise are worth one that is independent: 1 + 2 (1/2)^2, as the
correlation of neighbours is -1/2 in both series."""
SMALLEST = 1e-12
"""What is left of a series, relative to its size, that is nothing but rounding."""


@dataclass(frozen=True)
class Association:
    """Spearman correlations ``r`` and the number ``effective`` of independent pairs of values
    that each rests on; NaN and 0 where there is none."""

    r: Values
    effective: Values

    @property
    def weight(self) -> Values:
        """The inverse variance of Fisher's z, n - 3."""
        return np.where(np.isnan(self.r), 0, np.maximum(self.effective - LOST, 0))

    def weighted(self, share: float) -> "Association":
        """The same correlations with a ``share`` of their weight."""
        return Association(self.r, LOST + share * (self.effective - LOST))


def empty(size: int) -> Association:
    return Association(np.full(size, np.nan), np.zeros(size))


def put(into: Association, columns: Int[np.ndarray, " some"], found: Association) -> None:
    into.r[columns], into.effective[columns] = found.r, found.effective


def spearman(x: Series, y: Series) -> Values:
    """Spearman's rank correlation, column by column; NaN where a column is constant."""
    from scipy.stats import rankdata

    # at once for thousands of columns, which scipy.stats.spearmanr would take two by two
    a, b = (rankdata(one, axis=0) - (len(one) + 1) / 2 for one in (x, y))
    scale = np.sqrt((a * a).sum(axis=0) * (b * b).sum(axis=0))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(scale > 0, (a * b).sum(axis=0) / scale, np.nan)


def left(series: Series, rest: Series) -> Series:
    """``rest`` without what is rounding: zero where the series has been all smooth."""
    size = np.abs(series - series.mean(axis=0)).max(axis=0)
    rounding = 4 * len(series) * np.finfo(np.float64).eps
    floor = np.maximum(size * SMALLEST, np.abs(series).max(axis=0) * rounding)
    return np.where(np.abs(rest).max(axis=0) > floor, rest, 0.0)


def partial(
    log_compute: Float[np.ndarray, " n"],
    x: Series,
    y: Series,
    df: int = DF,
    beside: Series | None = None,
) -> Association:
    """Spearman correlation of what is left of x and y after a smooth function of log compute; and,
    of x, after ``beside``, if given."""
    smooth = trend(log_compute, df)
    own = x if beside is None else without(x, beside, smooth)
    r = spearman(left(x, smooth.rest(own)), left(y, smooth.rest(y)))
    return Association(r, smooth.effective(smooth.phis(own), smooth.phis(y)))


def without(series: Series, other: Series, smooth: Trend) -> Series:
    """``series`` less the multiple of ``other`` that is in what the smooth leaves of both."""
    rest = left(other, smooth.rest(other))
    squares, products = (rest**2).sum(axis=0), (rest * series).sum(axis=0)
    slope = np.divide(products, squares, out=np.zeros_like(squares), where=squares > 0)
    return series - slope * other  # type: ignore[no-any-return]


def partial_where_known(
    log_compute: Float[np.ndarray, " n"],
    x: Series,
    y: Series,
    *,
    beside: Series | None = None,
    flexible: bool = False,
) -> Association:
    """`partial` at the checkpoints where all are known, column by column; NaN where they are
    fewer than `FEWEST`. A ``flexible`` smooth has a third of their number as degrees of freedom,
    from `DF` to `FLEXIBLE`."""
    known = np.isfinite(x) & np.isfinite(y)
    if beside is not None:
        known &= np.isfinite(beside)
    r, effective = np.full(x.shape[1], np.nan), np.zeros(x.shape[1])
    for columns in alike(known):
        rows = known[:, columns[0]]
        count = int(rows.sum())
        if count < FEWEST:
            continue
        df = max(DF, min(FLEXIBLE, (count - 1) // 3)) if flexible else DF
        other = None if beside is None else beside[rows][:, columns]
        found = partial(log_compute[rows], x[rows][:, columns], y[rows][:, columns], df, other)
        r[columns], effective[columns] = found.r, found.effective
    return Association(r, effective)


def changes(x: Series, y: Series) -> Association:
    """Spearman correlation of the first differences of x and y, from one checkpoint to the next at
    which both are known, column by column: of all, and of all but those of any one checkpoint, the
    weakest; 0 where these differ in sign. Differences of white noise are autocorrelated, so that
    n of them are worth n / 1.5."""
    known = np.isfinite(x) & np.isfinite(y)
    r, effective = np.full(x.shape[1], np.nan), np.zeros(x.shape[1])
    for columns in alike(known):
        rows = known[:, columns[0]]
        if rows.sum() < FEWEST:
            continue
        a, b = (np.diff(one[rows][:, columns], axis=0) for one in (x, y))
        r[columns] = steadiest(a, b)
        effective[columns] = LOST + (len(a) - LOST) / DIFFERENCED
    return Association(r, effective)


def steadiest(x: Series, y: Series) -> Values:
    """Spearman's rank correlation of differences, the weakest that is left when any checkpoint is
    left out, and with it the differences before and after it."""
    from scipy.stats import rankdata

    a, b = (rankdata(one, axis=0) - (len(one) + 1) / 2 for one in (x, y))

    def leaving_out(products: Series) -> Float[np.ndarray, "places series"]:
        """The sum without the products at each of two neighbouring places, one of none."""
        none = np.zeros((1, products.shape[1]))
        padded = np.concatenate([none, products, none])
        return products.sum(axis=0) - padded[1:] - padded[:-1]  # type: ignore[no-any-return]

    with np.errstate(invalid="ignore", divide="ignore"):
        scale = np.sqrt(leaving_out(a * a) * leaving_out(b * b))
        left_out = np.where(scale > 0, leaving_out(a * b) / scale, np.nan)
    whole = spearman(x, y)
    weakest = np.min(np.sign(whole) * np.vstack([whole, left_out]), axis=0)
    return np.sign(whole) * np.maximum(weakest, 0)  # type: ignore[no-any-return]


def alike(known: Bool[np.ndarray, "n series"]) -> list[Int[np.ndarray, " some"]]:
    """The columns, in groups that are known in the same rows."""
    if known.shape[1] and (known == known[:, :1]).all():  # as they mostly are
        return [np.arange(known.shape[1])]
    _, group = np.unique(known, axis=1, return_inverse=True)
    return [np.flatnonzero(group == number) for number in range(group.max(initial=-1) + 1)]


def raw(x: Series, y: Series) -> Association:
    """Spearman correlation as it is; every pair of values counts as independent, which they are
    not: no p-value should be made of this."""
    return Association(spearman(x, y), np.full(x.shape[1], float(len(x))))


def p_value(found: Association) -> Values:
    """Two-sided p-value of no correlation, by Student's t with effective - 2 degrees of
    freedom."""
    from scipy import stats

    free = np.maximum(found.effective - 2, 1e-9)
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.abs(found.r) * np.sqrt(free / np.maximum(1 - found.r**2, 0))
        return np.where(found.effective > 3, 2 * stats.t.sf(t, free), np.nan)


@dataclass(frozen=True)
class Pooled:
    """Correlations over several runs, with 95% intervals and p-values of none."""

    r: Values
    low: Values
    high: Values
    p: Values


def pool(runs: list[Association]) -> Pooled:
    """The mean over runs of Fisher's z, weighted by effective - 3; of one run, itself.

    Runs without a correlation have no weight.
    """
    from scipy import stats

    weights = np.stack([run.weight for run in runs])
    z = np.arctanh(np.clip(np.stack([run.r for run in runs]), -1 + 1e-12, 1 - 1e-12))
    total = weights.sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = (weights * np.nan_to_num(z)).sum(axis=0) / total
        error = 1 / np.sqrt(total)
    single = (weights > 0).sum(axis=0) == 1
    p = 2 * stats.norm.sf(np.abs(mean) / error)
    if single.any():
        exact = np.stack([p_value(run) for run in runs])
        p = np.where(single, np.where(weights > 0, exact, 0).sum(axis=0), p)
    reach = stats.norm.ppf(0.975) * error
    none = total <= 0
    values = (np.tanh(mean), np.tanh(mean - reach), np.tanh(mean + reach), p)
    return Pooled(*(np.where(none, np.nan, value) for value in values))
