"""What runs show is taken from tables as it is known; where it is not known nothing is made up."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from lmtopo.evidence import rows
from lmtopo.evidence.trajectories import Trajectory, excess, trajectories

STEPS = np.arange(1, 31)


def tables(**flops: Any) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Two seeds and a stranger at 30 checkpoints; their FLOPs are ten times the step, but for
    those given."""
    runs = []
    for number, model in enumerate(("neox-seed1", "neox-seed2", "other")):
        rng = np.random.default_rng(number)
        run = pd.DataFrame({"model": model, "budget": "b", "step": STEPS, "dataset": "d"})
        run["checkpoint"] = "step" + run["step"].astype("str")
        spent = flops.get(model.replace("-", "_"), 10.0 * STEPS)
        runs.append(run.assign(flops=spent, parameters=np.nan, value=rng.standard_normal(30)))
    both = pd.concat(runs, ignore_index=True)
    quality = both.assign(reading="windows", log_quality=both["value"] ** 2)
    place = {"layer": "-", "pooling": "-", "dimension": 1, "signature": "s", "replicate": 0}
    return quality, both.assign(**place, null_mean=0.1)


def read(quality: pd.DataFrame, signatures: pd.DataFrame) -> dict[str, Trajectory]:
    (found,) = trajectories(quality, signatures, target="quality", null="null")
    return {run.model: run for run in found.runs}


def test_an_excess_is_known_where_value_and_null_are() -> None:
    table = pd.DataFrame(
        {"value": [np.nan, np.inf, 1.0, 2.0, 3.0], "null_mean": [5, 5, np.nan, 1.5, 3 + 1e-12]}
    )
    np.testing.assert_array_equal(excess(table, "null"), [np.nan, np.nan, np.nan, 0.5, 0.0])
    assert excess(table, None).isna().all()


@pytest.mark.parametrize("odd", [np.inf, -np.inf, np.nan])
def test_what_is_not_finite_is_not_known(odd: float) -> None:
    quality, signatures = tables()
    quality.loc[3, "log_quality"] = odd
    signatures.loc[5, "value"] = odd
    run = read(quality, signatures)["neox-seed1"]
    assert np.flatnonzero(np.isnan(run.y[:, 0])).tolist() == [3]
    assert np.flatnonzero(np.isnan(run.x[:, 0])).tolist() == [5]
    assert np.flatnonzero(np.isnan(run.excess[:, 0])).tolist() == [5]


def test_runs_that_are_compared_have_one_measure_of_compute() -> None:
    known = read(*tables())
    for run in known.values():
        np.testing.assert_allclose(run.log_compute, np.log(10.0 * STEPS))
    blank = 10.0 * STEPS
    blank[4] = np.nan
    mixed = read(*tables(neox_seed2=blank))
    for model in ("neox-seed1", "neox-seed2"):
        np.testing.assert_allclose(mixed[model].log_compute, np.log(STEPS))
    np.testing.assert_allclose(mixed["other"].log_compute, np.log(10.0 * STEPS))


@pytest.mark.parametrize("known", [0, 8, 9])
def test_against_a_null_at_a_few_checkpoints_nothing_is_tested(known: int) -> None:
    quality, signatures = tables()
    signatures.loc[signatures["step"] > known, "null_mean"] = np.nan
    (found,) = trajectories(quality, signatures, target="quality", null="null")
    table = next(rows.rows(found, 0.05, horizons=()))
    assert table["has_null"].tolist() == [known > 0]
    assert table["excess_p"].isna().tolist() == [known < 9]


def test_an_excess_that_is_always_the_same_is_tied_to_nothing() -> None:
    quality, signatures = tables()
    signatures["null_mean"] = signatures["value"]
    (found,) = trajectories(quality, signatures, target="quality", null="null")
    assert next(rows.rows(found, 0.05, horizons=()))["excess_p"].tolist() == [1.0]
