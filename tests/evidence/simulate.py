"""Simulated studies with known answers: several models, several seeds of each, many signatures.

Every signature of a study is an independent copy of the case, so that one call simulates many
studies: the column is the study.
"""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lmtopo.evidence.trajectories import Trajectories, Trajectory

Array = NDArray[np.float64]
Curve = Callable[[Array], Array]


def autoregressive(rng: np.random.Generator, n: int, copies: int, phi: float) -> Array:
    """Stationary AR(1) series of variance 1, one a column."""
    found = rng.standard_normal((n, copies))
    for t in range(1, n):
        found[t] = phi * found[t - 1] + np.sqrt(1 - phi**2) * found[t]
    return found


def line(u: Array) -> Array:
    return u


def hump(u: Array) -> Array:
    """Up and down again."""
    return 1 - 4 * (u - 0.5) ** 2


def fall(u: Array) -> Array:
    """As a loss falls: a plateau, a steep part, a tail."""
    return 1 / (1 + np.exp((u - 0.4) / 0.12))


def wave(u: Array) -> Array:
    return np.sin(2 * np.pi * u)


def study(
    rng: np.random.Generator,
    *,
    signature: Curve | None,
    quality: Curve = fall,
    link: float = 0.0,
    of_null: float = 0.0,
    null_noise: float = 0.02,
    noise: float = 0.15,
    quality_noise: float = 0.1,
    copies: int = 1,
    models: int = 3,
    seeds: int = 3,
    checkpoints: int = 57,
    phi: float = 0.5,
    steps: Array | None = None,
    ends: Sequence[float] | None = None,
) -> Trajectories:
    """Studies of ``models`` x ``seeds`` runs, in which signature and quality are curves of log
    compute, of a scale of each model's own, plus AR(1) noise; ``link`` is the correlation of the
    two noises, and ``of_null`` the share of the signature that its null shows too, but for
    ``null_noise`` (white, as of the mean of few draws). ``ends``: the last step of each seed, for
    budgets of unequal length, whose checkpoints do not coincide."""
    last = 1e5 if steps is None else steps[-1]
    runs = []
    for model in range(models):
        scales = rng.uniform(0.7, 1.3, (2, copies))
        for seed in range(seeds):
            end = last if ends is None else ends[seed]
            at = np.geomspace(1, end, checkpoints) if steps is None else steps
            u = np.log(at) / np.log(last)
            e, f = (autoregressive(rng, len(u), copies, phi) for _ in range(2))
            y = 3 + quality(u)[:, None] * scales[0] + quality_noise * e
            tied = link * e + np.sqrt(1 - link**2) * f
            x = noise * tied
            if signature is not None:
                x = x + signature(u)[:, None] * scales[1]
            drawn = of_null * x + null_noise * autoregressive(rng, len(u), copies, 0)
            runs.append(
                Trajectory(
                    model=f"m{model}-seed{seed}",
                    budget="released",
                    family=f"m{model}",
                    step=at,
                    log_compute=np.log(at) + np.log(10.0 ** (6 + model)),
                    x=x,
                    y=y,
                    excess=x - drawn if of_null else np.full_like(x, np.nan),
                    null=drawn if of_null else np.full_like(x, np.nan),
                )
            )
    keys = pd.DataFrame(
        {
            "layer": "final_norm",
            "pooling": "token",
            "dimension": 1,
            "signature": [f"copy{number}" for number in range(copies)],
        }
    )
    return Trajectories("simulated", "log_perplexity", keys, runs)
