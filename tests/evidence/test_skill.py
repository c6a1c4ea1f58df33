"""A signature that knows what is to come helps; one that repeats what is known does not."""

from dataclasses import replace

import numpy as np
import pytest
import simulate

from lmtopo.evidence.skill import HORIZONS, errors, skill
from lmtopo.evidence.trajectories import Trajectory


def runs(count: int, signatures: int = 1, seed: int = 0) -> list[Trajectory]:
    """Runs whose quality drifts at random; signature 0 is the drift one step ahead, the others
    are noise."""
    rng = np.random.default_rng(seed)
    found = []
    for number in range(count):
        noise = 0.1 * rng.standard_normal(40)
        y = np.cumsum(noise)[:, None] + np.linspace(3, 1, 40)[:, None]
        x = rng.standard_normal((40, signatures))
        x[:, 0] = np.append(np.diff(y[:, 0]), 0)
        log = np.log(np.geomspace(1, 1e4, 40))
        y = np.repeat(y, signatures, axis=1)
        none = np.full_like(x, np.nan)
        found.append(Trajectory(f"m{number}", "b", "f", np.exp(log), log, x, y, none, none))
    return found


def test_a_signature_of_the_future_saves_most_of_the_error() -> None:
    value, low, high = skill(*errors(runs(6, signatures=3), 1))
    assert value[0] > 0.85
    assert low[0] > 0.7
    assert (np.abs(value[1:]) < 0.1).all()
    assert (low[1:] < 0).all()
    assert (high >= low).all()


def test_what_is_known_anyway_adds_nothing() -> None:
    some = runs(6)
    same = [replace(run, x=run.y.copy()) for run in some]
    value, _, _ = skill(*errors(same, 1))
    assert value[0] < 0.1


def test_fewer_than_five_runs_have_no_interval_and_one_run_no_skill() -> None:
    value, low, _ = skill(*errors(runs(4), 4))
    assert np.isfinite(value[0])
    assert np.isnan(low[0])
    value, low, _ = skill(*errors(runs(1), 1))
    assert np.isnan(value[0])


def test_adding_a_column_is_refitting_with_it() -> None:
    from sklearn.linear_model import LinearRegression
    from sklearn.preprocessing import SplineTransformer

    from lmtopo.evidence.skill import KNOTS, Known, known_at

    some = runs(3, signatures=2)
    base, more = errors(some, 1)
    first, *others = (known_at(run, 1, np.array([1])) for run in some)
    learned = Known(*(np.concatenate(part) for part in zip(*others, strict=True)))
    spline = SplineTransformer(KNOTS, degree=3, extrapolation="linear").fit(learned.when)
    features, ahead = (
        np.column_stack([spline.transform(one.when), one.beside]) for one in (learned, first)
    )
    model = LinearRegression().fit(np.column_stack([features, learned.signatures]), learned.outcome)
    guess = model.predict(np.column_stack([ahead, first.signatures]))
    assert more[0, 1] == pytest.approx(((first.outcome - guess) ** 2).sum())
    plain = LinearRegression().fit(features, learned.outcome).predict(ahead)
    assert base[0, 1] == pytest.approx(((first.outcome - plain) ** 2).sum())


@pytest.mark.slow
@pytest.mark.parametrize("curve", [simulate.hump, simulate.fall, None])
def test_a_signature_of_compute_alone_or_of_nothing_has_no_skill(
    curve: simulate.Curve | None,
) -> None:
    found = simulate.study(
        np.random.default_rng(3), signature=curve, noise=0.03, quality_noise=0.03, copies=12
    )
    for horizon in HORIZONS:
        value, _, _ = skill(*errors(found.runs, horizon))
        assert np.median(value) == pytest.approx(0, abs=0.03)
