"""Simulated studies with known answers get the verdicts that they must; each has one primary test
over all runs (its q is its p), so that a share of copies is a share of studies."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import simulate
from scipy.stats import binomtest

from lmtopo.evidence import rows, verdict
from lmtopo.evidence.trajectories import Trajectories, Trajectory

PYTHIA = np.array([*(2.0**k for k in range(10)), *np.linspace(1000, 143000, 47).round()])


def verdicts(seed: int, copies: int, **study: Any) -> pd.DataFrame:
    return verdicts_of(simulate.study(np.random.default_rng(seed), copies=copies, **study))


def verdicts_of(found: Trajectories) -> pd.DataFrame:
    frame = next(rows.rows(found, 0.05, horizons=()))
    frame = frame.assign(primary=True, noise_ratio=np.nan)
    frame = frame.assign(q=verdict.joint(frame))
    return frame.assign(verdict=verdict.verdict(frame))


def share(frame: pd.DataFrame, word: str) -> float:
    return float((frame["verdict"] == word).mean())


CASES: dict[str, tuple[dict[str, Any], str]] = {
    "a": ({"signature": simulate.line}, "confounded with compute"),
    "b": ({"signature": simulate.line, "link": 0.6}, "supported"),
    "b without trend": ({"signature": None, "link": 0.6}, "supported"),
    "b in two seeds": ({"signature": simulate.fall, "link": 0.6, "seeds": 2}, "supported"),
    "b in budgets": (
        {"signature": simulate.fall, "link": 0.6, "ends": (1e5, 2e4, 1e5)},
        "supported",
    ),
    "b without seeds": ({"signature": simulate.line, "link": 0.6, "seeds": 1}, "exploratory"),
    "c": ({"signature": None}, "noise"),
    "d": ({"signature": simulate.line, "link": 0.6, "of_null": 1.0}, "spectral only"),
    "d, less than the null": (
        {"signature": None, "link": 0.6, "of_null": 1.3, "null_noise": 0.005},
        "spectral only",
    ),
    "d, more than the null": (
        {"signature": None, "link": 0.6, "of_null": 0.75, "null_noise": 0.005},
        "spectral only",
    ),
    "e": ({"signature": simulate.hump, "quality": simulate.hump}, "confounded with compute"),
    "e of another shape": (
        {"signature": simulate.wave, "quality": simulate.hump, "noise": 0.05},
        "confounded with compute",
    ),
    "f": (
        {"signature": simulate.line, "quality": simulate.line, "quality_noise": 0.0},
        "not identifiable",
    ),
    "f of another shape": ({"signature": None, "quality_noise": 0.0}, "not identifiable"),
    "short": ({"signature": simulate.line, "link": 0.6, "checkpoints": 14}, "too few checkpoints"),
}


@pytest.mark.parametrize("case", CASES)
def test_studies_with_known_answers(case: str) -> None:
    study, expected = CASES[case]
    found = verdicts(11, 40, **study)
    assert share(found, expected) >= 0.9, found["verdict"].value_counts()


@pytest.mark.slow
def test_the_naive_test_would_have_found_what_is_not_there() -> None:
    found = verdicts(5, 40, signature=simulate.hump, quality=simulate.hump)
    assert found["rho"].abs().median() > 0.7
    assert found["partial"].abs().median() < 0.1
    # a curve that four degrees of freedom cannot follow is in what is left of both, and only
    # runs that differ at equal compute tell
    sharp = verdicts(
        5, 40, signature=simulate.fall, quality=simulate.fall, noise=0.02, quality_noise=0.02
    )
    assert (sharp["p"] < 0.05).mean() > 0.5
    assert share(sharp, "supported") < 0.15


def judged(runs: Sequence[Trajectory]) -> pd.DataFrame:
    copies = runs[0].x.shape[1]
    found = simulate.study(np.random.default_rng(0), signature=None, copies=copies)
    return verdicts_of(replace(found, runs=list(runs)))


@pytest.mark.slow
@pytest.mark.parametrize(("models", "seeds"), [(1, 3), (3, 2)])
def test_a_spoilt_checkpoint_of_one_run_is_no_tie(models: int, seeds: int) -> None:
    rng = np.random.default_rng(2)
    study: dict[str, Any] = {"signature": None, "phi": 0.0, "models": models, "seeds": seeds}
    found = simulate.study(rng, copies=200, **study)
    runs = found.runs
    for series in (runs[0].x, runs[0].y):
        series[28] += 30 * series.std(axis=0)
    assert share(judged(runs), "supported") < 0.05


@pytest.mark.slow
@pytest.mark.parametrize("seeds", [2, 3])
def test_an_event_that_all_runs_share_is_no_tie_between_its_sizes(seeds: int) -> None:
    """As where the learning rate falls at one step, and each run's answer has a size of its own."""
    rng = np.random.default_rng(3)
    runs = simulate.study(rng, signature=None, phi=0.0, models=3, seeds=seeds, copies=200).runs
    for run in runs:
        for series in (run.x, run.y):
            series[38:] += 15 * series.std(axis=0) * rng.standard_normal(200)
    assert share(judged(runs), "supported") < 0.05


@pytest.mark.slow
def test_functions_of_compute_and_learning_rate_are_no_tie() -> None:
    """Budgets whose learning rate falls tenfold at 0.8 of each one's length."""
    rng = np.random.default_rng(4)
    ends = (1e5, 3e4, 9e4)
    study: dict[str, Any] = {"signature": None, "models": 1, "ends": ends}
    runs = simulate.study(rng, copies=200, noise=0.05, quality_noise=0.05, **study).runs
    for run, end in zip(runs, ends, strict=True):
        rate = np.where(run.step < 0.8 * end, 1, 0.1)[:, None]
        run.x[:] += 0.3 * rate
        run.y[:] += 0.3 * rate
    assert share(judged(runs), "supported") < 0.05


@pytest.mark.slow
def test_a_tie_that_the_null_has_no_part_in_is_beyond_it() -> None:
    rng = np.random.default_rng(6)
    runs = simulate.study(rng, signature=simulate.line, link=0.6, copies=100).runs
    for run in runs:
        run.null[:] = 0.03 * simulate.autoregressive(rng, len(run.step), 100, 0.5)
        run.x[:] += run.null
        run.excess[:] = run.x - run.null
    assert share(judged(runs), "supported") > 0.9


NOTHING: dict[str, dict[str, Any]] = {
    "a, a line": {"signature": simulate.line},
    "a, as the loss": {"signature": simulate.fall, "noise": 0.03, "quality_noise": 0.03},
    "a, at Pythia's steps": {"signature": simulate.line, "steps": PYTHIA},
    "a, 19 checkpoints": {"signature": simulate.line, "checkpoints": 19},
    "a, budgets of unequal length": {
        **{"signature": simulate.fall, "noise": 0.01, "quality_noise": 0.01},
        **{"ends": (1e5, 2e4, 1e5), "checkpoints": 24, "models": 2},
    },
    "c": {"signature": None},
    "c, phi 0.9": {"signature": None, "phi": 0.9},
    "e, humps": {"signature": simulate.hump, "quality": simulate.hump},
    "e, waves": {"signature": simulate.wave, "quality": simulate.wave},
    "e, 19 checkpoints": {
        **{"signature": simulate.wave, "quality": simulate.hump, "checkpoints": 19},
    },
}


@pytest.mark.slow
@pytest.mark.parametrize("case", NOTHING)
def test_of_2000_studies_without_a_tie_few_are_supported(case: str) -> None:
    found = verdicts(17, 2000, **NOTHING[case])
    false = int((found["verdict"] == "supported").sum())
    assert binomtest(false, 2000).proportion_ci(0.95).high <= 0.07


@pytest.mark.slow
@pytest.mark.parametrize("seeds", [2, 3])
@pytest.mark.parametrize("checkpoints", [24, 57])
def test_a_planted_tie_is_found(seeds: int, checkpoints: int) -> None:
    study = {"signature": simulate.line, "link": 0.6, "seeds": seeds, "checkpoints": checkpoints}
    assert share(verdicts(23, 500, **study), "supported") >= 0.9


def frame(**columns: Any) -> pd.DataFrame:
    """A row for which everything speaks, but for ``columns``."""
    row = {
        **{"n_run": 24, "partial": 0.6, "p": 0.001, "equal_compute": 0.5, "equal_p": 0.002},
        **{"changes": 0.4, "changes_p": 0.003},
        **{"siblings": True, "has_null": True, "excess": 0.5, "excess_p": 0.01},
        **{"noise_ratio": 9.0, "constant": False, "follows_p": 0.001},
        **{"quality_follows_p": 0.001, "quality_left": 0.1, "quality_rough": 0.5},
        **{"primary": True, "q": 0.01},
    }
    return pd.DataFrame([row | columns])


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({}, "supported"),
        ({"primary": False, "q": np.nan}, "exploratory"),
        ({"siblings": False}, "exploratory"),
        ({"n_run": 14}, "too few checkpoints"),
        ({"quality_left": 1e-9}, "not identifiable"),
        ({"quality_rough": 0.001}, "not identifiable"),
        ({"constant": True, "partial": np.nan, "p": np.nan, "q": 1.0}, "not identifiable"),
        ({"noise_ratio": 1.5}, "noise"),
        ({"noise_ratio": np.nan}, "supported"),
        ({"excess_p": 0.2}, "spectral only"),
        ({"excess": -0.5}, "spectral only"),
        ({"excess": np.nan, "excess_p": 1.0}, "spectral only"),
        ({"excess": np.nan, "excess_p": np.nan}, "exploratory"),  # not enough of the null is known
        ({"excess": np.nan, "excess_p": np.nan, "has_null": False}, "supported"),
        ({"q": 0.2}, "confounded with compute"),
        ({"q": 0.2, "follows_p": 0.5}, "noise"),
        ({"q": 0.2, "quality_follows_p": 0.5}, "noise"),
    ],
)
def test_each_rule_decides_a_row_of_its_own(columns: dict[str, Any], expected: str) -> None:
    assert verdict.verdict(frame(**columns)).tolist() == [expected]


def test_both_ways_of_taking_compute_out_must_agree() -> None:
    both = frame(p=0.001, equal_p=0.04)
    assert verdict.joint(both).tolist() == [0.04]
    assert verdict.joint(frame(equal_compute=-0.5)).tolist() == [1.0]
    assert verdict.joint(frame(changes=-0.1)).tolist() == [1.0]
    assert verdict.joint(frame(changes_p=0.3)).tolist() == [0.3]
    nothing = dict.fromkeys(("equal_compute", "equal_p", "changes", "changes_p"), np.nan)
    assert verdict.joint(frame(**nothing)).tolist() == [0.001]
    assert verdict.joint(frame(p=np.nan, partial=np.nan)).tolist() == [1.0]
