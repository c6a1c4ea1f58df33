"""The smallest subspace that is enough, from the answers of models tuned in many."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64

SHARE = 0.9
RESAMPLES = 1000
LEVEL = 0.95


@dataclass(frozen=True)
class Estimate:
    """A value and its interval."""

    value: float
    low: float
    high: float


def gain(
    right: Bool[np.ndarray, "seeds pairs"],
    majority: Bool[np.ndarray, " pairs"],
    rng: np.random.Generator,
) -> Estimate:
    """How much more often full fine-tuning is right than the majority's label, pair by pair, as
    `over_resamples` has it."""
    return over_resamples(right.astype(np.float64) - majority, rng)


def over_resamples(
    values: Float64[np.ndarray, "seeds pairs"], rng: np.random.Generator
) -> Estimate:
    """The mean over seeds and pairs, with its 95% interval: percentiles over resamples of
    both."""
    seeds, pairs = values.shape
    drawn = [
        values[rng.integers(0, seeds, seeds)].mean(axis=0)[rng.integers(0, pairs, pairs)].mean()
        for _ in range(RESAMPLES)
    ]
    low, high = np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Estimate(float(values.mean()), float(low), float(high))


def smallest(
    accuracies: Mapping[int, Float64[np.ndarray, " seeds"]],
    *,
    full: Float64[np.ndarray, " seeds"],
    majority: float,
    beats: bool,
) -> Estimate:
    """d90: the smallest dimension whose accuracy reaches the majority's plus 90% of what full
    fine-tuning gains over it, means over seeds.

    The interval is from the least to the greatest of the seeds' own, each against its own full
    fine-tuning. Infinite where no dimension reaches it; NaN where full fine-tuning does not beat
    the majority beyond its interval (``beats``).

    Source: Aghajanyan et al. 2020, arXiv 2012.13255, whose 90% is of the score itself: below the
    baseline of an unbalanced task.
    """
    if not beats:
        return Estimate(math.nan, math.nan, math.nan)

    def first(of: Sequence[float], reached: float) -> float:
        target = majority + SHARE * (reached - majority)
        enough = [d for d, value in zip(sorted(accuracies), of, strict=True) if value >= target]
        return float(enough[0]) if enough else math.inf

    if not accuracies:
        return Estimate(math.inf, math.inf, math.inf)
    table = np.stack([accuracies[d] for d in sorted(accuracies)])
    own = [first(column.tolist(), float(top)) for column, top in zip(table.T, full, strict=True)]
    value = first(table.mean(axis=1).tolist(), float(full.mean()))
    return Estimate(value, min(own), max(own))
