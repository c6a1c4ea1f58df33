"""Copies of one thing are one direction; independent things are as many as they are."""

import numpy as np
import pandas as pd
import pytest
import simulate
from scipy.stats import spearmanr

from lmtopo.evidence.redundancy import directions, redundancy
from lmtopo.evidence.trajectories import Trajectories


def table(found: Trajectories) -> pd.DataFrame:
    return pd.DataFrame(redundancy(found))


def test_copies_are_one_direction_and_independent_signatures_many() -> None:
    found = simulate.study(np.random.default_rng(0), signature=simulate.line, copies=6)
    rows = table(found)
    assert len(rows) == 6 * 5 / 2
    count, raw = directions(rows, "rho")
    _, partial = directions(rows, "partial")
    assert count == 6
    assert raw < 2  # all follow compute
    assert partial > 5
    for run in found.runs:
        run.x[:, 1:] = 3 - 2 * run.x[:, :1]
    assert directions(table(found))[1] == pytest.approx(1)


def test_one_run_has_scipys_correlation_and_constants_none() -> None:
    found = simulate.study(np.random.default_rng(1), signature=None, models=1, seeds=1, copies=3)
    x = found.runs[0].x
    x[:, 2] = 7
    rows = table(found)
    assert rows["rho"].iloc[0] == pytest.approx(spearmanr(x[:, 0], x[:, 1]).statistic)
    assert rows["rho"].isna().tolist() == [False, True, True]
    assert directions(rows)[0] == 2
