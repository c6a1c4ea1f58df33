"""Change points of a run's trajectory through all signatures, beside those of null series."""

from collections.abc import Iterator, Sequence
from typing import Any, cast

import numpy as np
from jaxtyping import Float

from lmtopo.evidence.association import FEWEST
from lmtopo.evidence.trajectories import Trajectories, Trajectory
from lmtopo.evidence.trend import PHIS, trend
from lmtopo.seeds import generator

CHANGES = 3
"""So many change points at most."""
COMPONENTS = 5
"""Principal components of the signatures that make the trajectory."""
SHORTEST = 2
"""Checkpoints of a phase."""

COLUMNS = {
    "model": "str",
    "budget": "str",
    "dataset": "str",
    "layer": "str",
    "pooling": "str",
    "changes": "int64",
    "number": "int64",
    "step": "int64",
    "gain": "float64",
    "null_mean": "float64",
    "null_high": "float64",
    "p": "float64",
}
"""The columns of the table `phases`."""


def phases(found: Trajectories, draws: int, seed: int) -> Iterator[dict[str, Any]]:
    """For 1 to `CHANGES` change points of each run, layer and pooling, a row per change point:
    ``step``, the first checkpoint of the new phase; ``gain``, the share of the variance that the
    last of them saves; beside the mean and the 95th percentile that it saves in ``draws`` null
    series, and the p-value of that.
    """
    for run in found.runs:
        places = found.keys.groupby(["layer", "pooling"], sort=False).groups
        for where, columns in places.items():
            layer, pooling = cast(tuple[str, str], where)
            path = trajectory(run, np.asarray(columns))
            if path is None:
                continue
            names = (found.dataset, run.model, run.budget, layer, pooling)
            rng = generator(seed, "phases", *map(str, names))
            cuts, gains = segmented(path)
            null = np.array([segmented(surrogate(path, rng, run))[1] for _ in range(draws)])
            for changes, (cut, gain) in enumerate(zip(cuts, gains, strict=True), start=1):
                drawn = null[:, changes - 1]
                for number, place in enumerate(cut, start=1):
                    yield {
                        "model": run.model,
                        "budget": run.budget,
                        "dataset": found.dataset,
                        "layer": layer,
                        "pooling": pooling,
                        "changes": changes,
                        "number": number,
                        "step": int(run.step[place]),
                        "gain": gain,
                        "null_mean": drawn.mean(),
                        "null_high": np.quantile(drawn, 0.95),
                        "p": (1 + (drawn >= gain).sum()) / (1 + draws),
                    }


def trajectory(
    run: Trajectory, columns: Sequence[int] | np.ndarray
) -> Float[np.ndarray, "n components"] | None:
    """The run's signatures after a smooth function of compute is taken out, each of variance 1,
    along their principal components; None where that leaves nothing."""
    from sklearn.decomposition import PCA

    n = len(run.step)
    if n < max(FEWEST, (CHANGES + 1) * SHORTEST):
        return None
    x = run.x[:, columns]
    x = x[:, np.isfinite(x).all(axis=0)]
    rest = trend(run.log_compute).rest(x)
    size = rest.std(axis=0)
    moves = size > 1e-9 * np.abs(x).max(axis=0, initial=0)
    if not moves.any():
        return None
    rest = rest[:, moves] / size[moves]
    components = min(COMPONENTS, *rest.shape)
    return PCA(components, svd_solver="full").fit_transform(rest)  # type: ignore[no-any-return]


def segmented(path: Float[np.ndarray, "n components"]) -> tuple[list[list[int]], list[float]]:
    """For 1 to `CHANGES` changes the best places, by squared distance from each phase's mean, and
    the share of the variance that one more change saves."""
    import ruptures

    search = ruptures.KernelCPD(kernel="linear", min_size=SHORTEST).fit(path)
    cost = ruptures.costs.CostL2().fit(path)
    whole = before = cost.sum_of_costs([len(path)])
    cuts, gains = [], []
    for changes in range(1, CHANGES + 1):
        ends = search.predict(n_bkps=changes)
        now = cost.sum_of_costs(ends)
        cuts.append(ends[:-1])
        gains.append(float((before - now) / whole))
        before = now
    return cuts, gains


def surrogate(
    path: Float[np.ndarray, "n components"], rng: np.random.Generator, run: Trajectory
) -> Float[np.ndarray, "n components"]:
    """A series without change points that is like ``path``: each component AR(1) noise, with a phi
    drawn by its likelihood (`evidence.trend.Trend.phis`) and the smooth taken out, of the
    component's variance."""
    from scipy.signal import lfilter

    smooth = trend(run.log_compute)
    drawn = np.empty_like(path)
    for component, weights in enumerate(smooth.phis(path)):
        phi = rng.choice(PHIS, p=weights)
        noise = rng.standard_normal(len(path))
        noise[0] /= np.sqrt(1 - phi**2)  # as if it had gone on for long
        drawn[:, component] = lfilter([1.0], [1.0, -phi], noise)
    rest = smooth.rest(drawn)
    return rest * (path.std(axis=0) / rest.std(axis=0))  # type: ignore[no-any-return]
