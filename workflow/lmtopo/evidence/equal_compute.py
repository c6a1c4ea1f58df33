"""What is left at equal compute: a run against others that have spent the same.

Any function of compute alone is the same in runs that differ by seed, whatever its shape; a
spline of a few degrees of freedom takes out only what is smooth. So the other runs are the
better control: what they show at the same compute is taken out first.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from lmtopo.evidence.association import Association, partial_where_known
from lmtopo.evidence.trajectories import Trajectory
from lmtopo.evidence.trend import Series


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


def against(run: Trajectory, others: Sequence[Trajectory], *, excess: bool = False) -> Association:
    """`partial` of what ``run`` shows beyond the mean of ``others`` at the same `places`."""
    means = []
    for name in ("excess" if excess else "x", "y"):
        shown = [
            at(places(run, other), places(other, run), getattr(other, name)) for other in others
        ]
        means.append(differences(getattr(run, name), np.mean(shown, axis=0)))
    return partial_where_known(run.log_compute, *means, flexible=True)
