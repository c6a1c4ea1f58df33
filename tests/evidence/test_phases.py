"""A series with a break has a change point there; one that merely wanders has none."""

import numpy as np
import pandas as pd
import pytest
import simulate
from scipy.stats import binomtest

from lmtopo.evidence.phases import phases, segmented, surrogate
from lmtopo.evidence.trajectories import Trajectories
from lmtopo.evidence.trend import trend


def with_break(at: int | None, seed: int = 0) -> Trajectories:
    """One run of 60 checkpoints, five signatures; from ``at`` to ``at`` + 8 three are higher."""
    rng = np.random.default_rng(seed)
    found = simulate.study(
        rng, signature=None, copies=5, models=1, seeds=1, checkpoints=60, noise=1.0
    )
    if at is not None:
        found.runs[0].x[at : at + 8, :3] += 4
    return found


def table(found: Trajectories) -> pd.DataFrame:
    return pd.DataFrame(phases(found, draws=39, seed=1))


def test_a_break_is_found_where_it_is() -> None:
    found = with_break(25)
    two = table(found).query("changes == 2")
    assert two["step"].tolist() == [int(found.runs[0].step[place]) for place in (25, 33)]
    assert (two["p"] <= 0.05).all()
    assert (two["gain"] > two["null_high"]).all()


EVEN = np.geomspace(1, 1e5, 24)
PYTHIA = np.array([*(2.0**k for k in range(10)), *np.linspace(1000, 143000, 14).round()])


@pytest.mark.slow
@pytest.mark.parametrize("steps", [EVEN, PYTHIA], ids=["even", "as of Pythia"])
@pytest.mark.parametrize("phi", [0.5, 0.9])
def test_of_series_without_breaks_few_have_a_clear_one(steps: np.ndarray, phi: float) -> None:
    clear = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        found = simulate.study(
            rng, signature=None, copies=5, models=1, seeds=1, steps=steps, noise=1.0, phi=phi
        )
        first = next(row for row in phases(found, draws=19, seed=seed) if row["changes"] == 1)
        clear += first["p"] <= 0.05
    assert binomtest(clear, 60, 0.05, alternative="greater").pvalue > 0.01


def test_a_step_in_one_dimension_is_cut_there() -> None:
    path = np.r_[np.zeros(10), np.ones(15)][:, None]
    cuts, gains = segmented(path)
    assert cuts[0] == [10]
    assert gains[0] == pytest.approx(1)
    assert gains[1:] == pytest.approx([0, 0], abs=1e-9)


@pytest.mark.slow
def test_null_series_keep_variance_and_autocorrelation() -> None:
    run = with_break(None).runs[0]
    path = simulate.autoregressive(np.random.default_rng(1), 60, 2, 0.7)
    rng = np.random.default_rng(2)
    drawn = [surrogate(path, rng, run) for _ in range(200)]

    def lagged(series: np.ndarray) -> float:
        return float((series[1:] * series[:-1]).sum() / (series**2).sum())

    own = lagged(trend(run.log_compute).rest(path))
    assert np.mean([lagged(one) for one in drawn]) == pytest.approx(own, abs=0.12)
    for one in drawn:
        np.testing.assert_allclose(one.std(axis=0), path.std(axis=0))


def test_the_same_seed_gives_the_same_table() -> None:
    found = with_break(25)
    pd.testing.assert_frame_equal(table(found), table(found))
