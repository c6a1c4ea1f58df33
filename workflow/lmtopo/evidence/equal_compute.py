"""What is left at equal compute: a run against others that have spent the same.

Any function of compute alone is the same in runs that differ by seed, whatever its shape; a
spline of a few degrees of freedom takes out only what is smooth. So the other runs are the
better control: what they show at the same compute is taken out first.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from lmtopo.evidence.association import (
    Association,
    alike,
    changes,
    empty,
    left,
    partial_where_known,
    put,
)
from lmtopo.evidence.trajectories import Trajectory
from lmtopo.evidence.trend import Series

ROUNDING = 1e-9
"""Ends of runs that differ by less, in log compute, are one."""


def at(
    places: Float[np.ndarray, " m"],
    known: Float[np.ndarray, " n"],
    values: Float[np.ndarray, "n series"],
) -> Float[np.ndarray, "m series"]:
    """``values`` at ``known`` (ascending), interpolated linearly at ``places``; NaN outside, and
    between values of which one is NaN."""
    after = np.clip(np.searchsorted(known, places), 1, len(known) - 1)
    with np.errstate(divide="ignore", invalid="ignore"):  # compute that is rounded stands still
        share = (places - known[after - 1]) / (known[after] - known[after - 1])
    share = np.where(np.abs(share - share.round()) < 1e-9, share.round(), share)[:, None]
    inside = (share >= 0) & (share <= 1)
    before, then = values[after - 1], values[after]
    # at a checkpoint of its own, a neighbour that is not known does no harm
    between = np.where(
        share == 0, before, np.where(share == 1, then, before + share * (then - before))
    )
    return np.where(inside, between, np.nan)


def differences(values: Series, others: Series) -> Series:
    """``values`` - b ``others`` with the least-squares b of each column: runs need not be of one
    scale. As b is that of the whole trajectories, noise hardly lowers it."""
    known = ~np.isnan(values) & ~np.isnan(others)
    count = np.maximum(known.sum(axis=0), 1)
    a, b = np.where(known, values, 0), np.where(known, others, 0)
    a, b = (np.where(known, one - one.sum(axis=0) / count, 0) for one in (a, b))
    squares = (b * b).sum(axis=0)
    slope = np.divide((a * b).sum(axis=0), squares, out=np.zeros_like(squares), where=squares > 0)
    return values - slope * others  # type: ignore[no-any-return]


def places(run: Trajectory, beside: Trajectory) -> Float[np.ndarray, " n"]:
    """Where the checkpoints of a run stand beside another: by log compute for runs of one family
    (the same number of parameters), else by log step."""
    return run.log_compute if run.family == beside.family else np.log(run.step)


def beyond(run: Trajectory, others: Sequence[Trajectory], name: str) -> Series:
    """What ``run`` shows of ``name`` beyond the mean of ``others`` at the same `places`."""
    shown = [at(places(run, other), places(other, run), getattr(other, name)) for other in others]
    return differences(getattr(run, name), np.mean(shown, axis=0))


def exhausted(run: Trajectory, others: Sequence[Trajectory]) -> Bool[np.ndarray, " series"]:
    """Whether the others show all that the target does at equal compute, but for rounding."""
    shown = beyond(run, others, "y")
    known = ~np.isnan(shown)
    found = known.any(axis=0)
    for columns in alike(known[:, found]):
        own = np.flatnonzero(found)[columns]
        rows = known[:, own[0]]
        y, rest = run.y[rows][:, own], shown[rows][:, own]
        found[own] = (left(y, rest - rest.mean(axis=0)) == 0).all(axis=0)
    return found  # type: ignore[no-any-return]


def against(run: Trajectory, others: Sequence[Trajectory]) -> dict[str, Association]:
    """Of signature and target `beyond` the others: their `partial` association, and that of their
    `changes`."""
    x, y = (beyond(run, others, name) for name in ("x", "y"))
    return {
        "x": partial_where_known(run.log_compute, x, y, flexible=True),
        "changes": changes(x, y),
    }


def excess_against(run: Trajectory, others: Sequence[Trajectory]) -> dict[str, Association]:
    """The same of the signature's excess over its null: as it is, and after the null's mean."""
    x, y, null = (beyond(run, others, name) for name in ("excess", "y", "null"))
    return {
        "excess": partial_where_known(run.log_compute, x, y, flexible=True),
        "after_null": partial_where_known(run.log_compute, x, y, beside=null, flexible=True),
    }


Pairs = Sequence[tuple[int, Sequence[int]]]
"""A run and those that it is compared with, by their places."""


def comparisons(runs: Sequence[Trajectory], long: Sequence[int], there: Sequence[int]) -> Pairs:
    """Which runs, of those ``long`` enough and ``there``, are compared at equal compute with which
    others: each with all of its family that have gone as far or farther, so that all of it is
    compared; where no family has two runs, with all that have taken as many steps."""
    among = [place for place in long if place in there]
    families: dict[str, list[int]] = {}
    for place in among:
        families.setdefault(runs[place].family, []).append(place)
    groups = [members for members in families.values() if len(members) > 1]
    found = []
    for members in groups or [among]:
        for place in members:
            if others := farther(runs, place, [one for one in members if one != place]):
                found.append((place, others))
    return found


def farther(runs: Sequence[Trajectory], place: int, others: Sequence[int]) -> list[int]:
    """Those of the others that have gone as far as a run or farther, but for rounding."""
    run = runs[place]
    return [
        one for one in others if places(runs[one], run)[-1] >= places(run, runs[one])[-1] - ROUNDING
    ]


def shares(pairs: Pairs) -> list[float]:
    """How much of each comparison the others do not say again: 1 / sum_j rho_ij^2 over all
    comparisons j, with rho_ij the correlation of what i and j compare, if runs are independent and
    alike. Of k runs of one length, each with all others, it is (k - 1) / k."""
    runs = max((one for place, others in pairs for one in (place, *others)), default=0) + 1
    contrasts = np.zeros((len(pairs), runs))
    for row, (place, others) in enumerate(pairs):
        contrasts[row, place] = 1
        contrasts[row, list(others)] = -1 / len(others)
    products = contrasts @ contrasts.T
    squares = products**2 / np.outer(np.diag(products), np.diag(products))
    return [float(1 / one) for one in squares.sum(axis=1)]


@dataclass(frozen=True)
class Equal:
    """Associations at equal compute, a list of those of each comparison, of signatures, of their
    changes, of their excess, and of that after the null's mean; whether comparisons are of one
    family (``siblings``); and whether these leave nothing of the target (``exhausted``)."""

    found: dict[str, list[Association]]
    siblings: Bool[np.ndarray, " series"]
    exhausted: Bool[np.ndarray, " series"]


def at_equal_compute(runs: Sequence[Trajectory], choose: Callable[[Sequence[int]], Pairs]) -> Equal:
    """Column by column, the comparisons that ``choose`` makes of the runs that show a signature at
    all, by their places; each with the weight that is its own (`shares`)."""
    found: dict[str, list[Association]] = {
        name: [] for name in ("x", "changes", "excess", "after_null")
    }
    siblings, something = (np.zeros(runs[0].x.shape[1], dtype=bool) for _ in range(2))
    for name, compare in {"x": against, "excess": excess_against}.items():
        shown = np.stack([np.isfinite(getattr(run, name) + run.y).any(axis=0) for run in runs])
        for columns in alike(shown):
            there = np.flatnonzero(shown[:, columns[0]]).tolist()
            some = {place: runs[place].columns(columns) for place in there}
            pairs = choose(there)
            for (place, others), share in zip(pairs, shares(pairs), strict=True):
                beside = [some[other] for other in others]
                for what, one in compare(some[place], beside).items():
                    whole = empty(len(siblings))
                    put(whole, columns, one.weighted(share))
                    found[what].append(whole)
                if name == "x" and runs[place].family == runs[others[0]].family:
                    siblings[columns] = True
                    something[columns] |= ~exhausted(some[place], beside)
    return Equal(found, siblings, siblings & ~something)


def one_run(
    runs: Sequence[Trajectory], long: Sequence[int], place: int, there: Sequence[int]
) -> Pairs:
    """What a run by itself is compared with: all of its family, or else all, that are ``there``;
    of those, the ones that have gone as far, if any."""
    if place not in long or place not in there:
        return []
    others = [i for i in long if i != place and i in there]
    others = [i for i in others if runs[i].family == runs[place].family] or others
    others = farther(runs, place, others) or others
    return [(place, others)] if others else []
