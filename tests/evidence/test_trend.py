"""What compute explains and what is left: facts about series, before the code."""

import numpy as np
import pytest
import simulate
from statsmodels.stats.multitest import multipletests
from statsmodels.tsa.arima.model import ARIMA

from lmtopo.evidence.association import Association, p_value, partial, pool, spearman
from lmtopo.evidence.trend import PHIS, trend

LOG = np.log(np.geomspace(1, 1e5, 57))


def test_a_cubic_in_log_compute_is_taken_out_whole_and_noise_is_not() -> None:
    u = (LOG - LOG.mean()) / 4
    curves = np.stack([1 + 2 * u, u**2, 3 - u**3], axis=1)
    smooth = trend(LOG)
    np.testing.assert_allclose(smooth.rest(curves), 0, atol=1e-9)
    white = np.random.default_rng(0).standard_normal((57, 400))
    assert (smooth.rest(white) ** 2).mean() == pytest.approx(52 / 57, rel=0.02)


def test_white_noise_has_as_many_independent_values_as_the_smooth_leaves() -> None:
    smooth = trend(LOG)
    white = np.zeros((1, len(PHIS)))
    white[0, np.flatnonzero(PHIS == 0)] = 1
    assert smooth.effective(white, white)[0] == pytest.approx(57 - 5 + 1)
    slow = np.zeros((1, len(PHIS)))
    slow[0, np.flatnonzero(PHIS == 0.8)] = 1
    assert smooth.effective(slow, slow)[0] < 25
    assert smooth.effective(white, slow)[0] == pytest.approx(53, rel=0.1)  # one is enough


@pytest.mark.slow
@pytest.mark.parametrize("phi", [0.0, 0.5, 0.8])
def test_autocorrelation_is_found_as_statsmodels_finds_it(phi: float) -> None:
    long = np.log(np.geomspace(1, 1e5, 400))
    series = simulate.autoregressive(np.random.default_rng(1), 400, 1, phi)
    ours = (trend(long).phis(series) @ PHIS)[0]
    theirs = ARIMA(trend(long).rest(series)[:, 0], order=(1, 0, 0)).fit().arparams[0]
    assert ours == pytest.approx(theirs, abs=0.05)
    short = simulate.autoregressive(np.random.default_rng(2), 24, 500, phi)
    smooth = trend(LOG[:24])
    rest = smooth.rest(short)
    lagged = (rest[1:] * rest[:-1]).sum(axis=0) / (rest**2).sum(axis=0)
    assert lagged.mean() < phi - 0.15  # the smooth has taken the slow part
    assert abs((smooth.phis(short) @ PHIS).mean() - phi) < abs(lagged.mean() - phi) * 0.7


@pytest.mark.parametrize(("n", "phi"), [(19, 0.0), (19, 0.5), (24, 0.8), (57, 0.5), (57, 0.9)])
def test_p_values_of_independent_series_are_even(n: int, phi: float) -> None:
    rng = np.random.default_rng(n)
    log_compute = np.log(np.geomspace(1, 1e5, n))
    x, y = (simulate.autoregressive(rng, n, 1500, phi) for _ in range(2))
    x = x + 5 * simulate.hump(np.linspace(0, 1, n))[:, None]
    y = y - 5 * np.linspace(0, 1, n)[:, None]
    found = partial(log_compute, x, y)
    assert (p_value(found) < 0.05).mean() == pytest.approx(0.05, abs=0.02)
    naive = Association(found.r, np.full(1500, float(n)))
    if phi >= 0.8:
        assert (p_value(naive) < 0.05).mean() > 0.1
    thirds = [Association(found.r[part::3], found.effective[part::3]) for part in range(3)]
    assert (pool(thirds).p < 0.05).mean() == pytest.approx(0.05, abs=0.035)


def test_intervals_cover_a_planted_correlation() -> None:
    rng = np.random.default_rng(3)
    e, f = (simulate.autoregressive(rng, 57, 1000, 0.5) for _ in range(2))
    found = pool([partial(LOG, 0.6 * e + 0.8 * f, e)])
    truth = 6 / np.pi * np.arcsin(0.3)  # Spearman's of a bivariate normal with Pearson's 0.6
    covered = (found.low < truth) & (truth < found.high)
    assert 0.92 < covered.mean() < 0.99


def test_ranks_are_correlated_as_scipy_does() -> None:
    from scipy.stats import spearmanr

    rng = np.random.default_rng(4)
    x, y = rng.integers(0, 6, (2, 30, 4)).astype(float)
    ours = spearman(x, y)
    for column in range(4):
        assert ours[column] == pytest.approx(spearmanr(x[:, column], y[:, column]).statistic)
    assert np.isnan(spearman(np.ones((9, 1)), y[:9, :1]))[0]


def test_the_false_discovery_rate_is_benjamini_and_hochbergs() -> None:
    from scipy.stats import false_discovery_control

    p = np.array([0.001, 0.02, 0.03, 0.4])
    np.testing.assert_allclose(
        false_discovery_control(p), multipletests(p, method="fdr_bh")[1], rtol=1e-12
    )


def test_a_series_that_is_constant_has_nothing_left_to_correlate() -> None:
    rng = np.random.default_rng(0)
    constants = np.broadcast_to(rng.normal(size=300) * 10.0 ** rng.integers(-6, 7, 300), (57, 300))
    noise = rng.normal(size=constants.shape)
    assert np.isnan(partial(LOG, np.array(constants), noise).r).all()
