"""Runs at equal compute share every function of compute, whatever its shape."""

from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest
import simulate

from lmtopo.evidence import equal_compute, rows
from lmtopo.evidence.association import p_value
from lmtopo.evidence.trajectories import family


def sharp(u: np.ndarray) -> np.ndarray:
    """A step, which no smooth of a few degrees of freedom can follow."""
    return np.where(u > 0.5, 1.0, 0.0)


@pytest.mark.slow
def test_what_runs_share_is_no_tie_between_them() -> None:
    rng = np.random.default_rng(0)
    found = simulate.study(
        rng, signature=sharp, quality=sharp, models=1, seeds=2, copies=200, noise=0.05
    )
    first, second = found.runs
    alone = rows.of_run(second, 0.05)["partial"]
    assert np.median(alone.r) > 0.25
    beside = equal_compute.against(second, [first])["x"]
    assert abs(np.median(beside.r)) < 0.05
    assert (p_value(beside) < 0.05).mean() < 0.1


def test_a_tie_within_runs_is_there_beside_others() -> None:
    rng = np.random.default_rng(1)
    found = simulate.study(rng, signature=sharp, link=0.7, models=1, seeds=2, copies=50)
    beside = equal_compute.against(found.runs[1], [found.runs[0]])["x"]
    assert np.median(beside.r) == pytest.approx(0.65, abs=0.1)


def test_values_between_checkpoints_are_interpolated_and_none_are_made_up() -> None:
    known = np.array([0.0, 1.0, 2.0, 3.0])
    values = np.array([[0.0, 0.0], [10.0, np.nan], [20.0, 20.0], [30.0, 30.0]])
    found = equal_compute.at(np.array([-0.5, 0.0, 0.5, 2.0, 2.5, 3.0, 3.1]), known, values)
    np.testing.assert_allclose(found[:, 0], [np.nan, 0, 5, 20, 25, 30, np.nan])
    np.testing.assert_allclose(found[:, 1], [np.nan, 0, np.nan, 20, 25, 30, np.nan])


def test_runs_need_not_be_of_one_scale() -> None:
    trend = np.linspace(0, 9, 30)[:, None]
    np.testing.assert_allclose(
        np.ptp(equal_compute.differences(3 * trend + 1, trend), axis=0), 0, atol=1e-12
    )


def test_each_run_is_compared_with_those_of_its_family_that_have_gone_as_far() -> None:
    rng = np.random.default_rng(0)
    runs = simulate.study(rng, signature=None, models=2, seeds=3, ends=(1e5, 2e4, 1e5)).runs
    pairs = equal_compute.comparisons(runs, range(6), range(6))
    assert pairs == [(0, [2]), (1, [0, 2]), (2, [0]), (3, [5]), (4, [3, 5]), (5, [3])]
    strangers = simulate.study(rng, signature=None, models=2, seeds=1).runs
    assert equal_compute.comparisons(strangers, [0, 1], [0, 1]) == [(0, [1]), (1, [0])]
    assert equal_compute.comparisons(strangers, [0, 1], [0]) == []
    assert equal_compute.comparisons(strangers, [1], [0, 1]) == []


@pytest.mark.parametrize("seeds", [2, 3, 5])
def test_runs_of_one_length_weigh_as_much_as_there_are_differences(seeds: int) -> None:
    rng = np.random.default_rng(seeds)
    runs = simulate.study(rng, signature=None, models=1, seeds=seeds).runs
    pairs = equal_compute.comparisons(runs, range(seeds), range(seeds))
    assert equal_compute.shares(pairs) == pytest.approx([(seeds - 1) / seeds] * seeds)


def test_a_comparison_with_what_no_other_compares_has_all_its_weight() -> None:
    assert equal_compute.shares([(1, [0]), (2, [0, 1]), (3, [0, 1, 2])]) == pytest.approx([1, 1, 1])
    assert equal_compute.shares([(1, [0]), (0, [1])]) == pytest.approx([0.5, 0.5])
    assert equal_compute.shares([]) == []


@pytest.mark.slow
def test_the_order_of_runs_changes_nothing() -> None:
    found = simulate.study(
        np.random.default_rng(0), signature=None, models=1, ends=(1e5, 2e4, 1e5), copies=5
    )
    columns = ["partial", "equal_compute", "equal_p", "p"]
    expected = next(rows.rows(found, 0.05, horizons=()))[columns]
    for order in permutations(found.runs):
        table = next(rows.rows(replace(found, runs=list(order)), 0.05, horizons=()))
        np.testing.assert_allclose(table[columns], expected, rtol=1e-9)


def test_an_excess_that_points_the_other_way_at_equal_compute_does_not_hold() -> None:
    rng = np.random.default_rng(3)
    found = simulate.study(rng, signature=None, models=1, seeds=4, checkpoints=40, copies=20)
    shared = simulate.autoregressive(rng, 40, 20, 0.5)  # by all runs, so gone at equal compute
    for run in found.runs:
        own = simulate.autoregressive(rng, 40, 20, 0.5)
        run.y[:] = run.x[:] = shared + own
        run.excess[:] = 2 * shared - own
    table = next(rows.rows(found, 0.05, horizons=()))
    apart = table["excess"] > 0.1
    assert apart.mean() > 0.9
    assert (table.loc[apart, "excess_p"] == 1).all()


def test_a_run_that_lacks_a_signature_leaves_the_others_their_comparison() -> None:
    rng = np.random.default_rng(4)
    found = simulate.study(rng, signature=simulate.line, link=0.6, models=1, seeds=4, copies=3)
    found.runs[0].x[:, 0] = np.nan
    with_three = replace(found, runs=found.runs[1:])
    columns = ["partial", "p", "equal_compute", "equal_p", "changes", "changes_p", "siblings"]
    some, three = (next(rows.rows(one, 0.05, horizons=()))[columns] for one in (found, with_three))
    np.testing.assert_allclose(some.iloc[0].astype(float), three.iloc[0].astype(float), rtol=1e-9)
    assert not np.allclose(some["equal_compute"].iloc[1:], three["equal_compute"].iloc[1:])


def test_copies_of_a_run_are_no_more_runs() -> None:
    rng = np.random.default_rng(4)
    found = simulate.study(rng, signature=None, models=1, seeds=2, copies=4)
    copies = [replace(run, model=f"{run.model}-again") for run in found.runs]
    columns = ["runs", "n", "partial", "p", "equal_p", "changes_p"]
    once, twice = (
        next(rows.rows(replace(found, runs=runs), 0.05, horizons=()))[columns].astype(float)
        for runs in (found.runs, [*found.runs, *copies])
    )
    np.testing.assert_array_equal(once, twice)


def test_a_target_that_all_runs_share_leaves_nothing_to_compare() -> None:
    rng = np.random.default_rng(5)
    found = simulate.study(rng, signature=None, models=1, seeds=3, checkpoints=40, copies=5)
    for run in found.runs:
        run.y[:] = sharp(np.linspace(0, 1, 40))[:, None]
    assert equal_compute.exhausted(found.runs[0], found.runs[1:]).all()
    assert (next(rows.rows(found, 0.05, horizons=()))["quality_left"] == 0).all()
    found.runs[0].y[7, 0] += 1e-3
    assert not equal_compute.exhausted(found.runs[0], found.runs[1:])[0]
    assert (next(rows.rows(found, 0.05, horizons=()))["quality_left"].iloc[0]) > 0


@pytest.mark.parametrize(
    ("model", "parameters", "expected"),
    [
        ("pythia-70m-seed3", np.nan, "pythia-70m"),
        ("small_s2", np.nan, "small"),
        ("pythia-410m", np.nan, "pythia-410m"),
        ("gpt-2", np.nan, "gpt-2"),
        ("neox-64", 123456, "123456 parameters"),
        ("neox-64", 0.162, "0.162 parameters"),
    ],
)
def test_runs_that_differ_by_seed_or_budget_are_one_family(
    model: str, parameters: float, expected: str
) -> None:
    import pandas as pd

    assert family(pd.DataFrame({"model": [model], "parameters": [parameters]})) == expected
