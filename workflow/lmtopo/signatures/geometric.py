"""Geometric baselines on the points whose topology is measured.

Below, n points x_i of width d; s_1 >= s_2 >= ... are the singular values of the points about
their mean, and v_j = s_j^2, proportional to the eigenvalues of their covariance. Where all points
are equal there are no singular values, and what needs them is NaN.
"""

import math

import numpy as np

from lmtopo.signatures import of_cloud
from lmtopo.signatures.cloud import Cloud

DECAY_RANKS = (4, 100)


@of_cloud
def effective_rank(cloud: Cloud) -> float:
    """exp(-sum_j p_j ln p_j) with p_j = s_j / sum_k s_k: from 1 to the rank; NaN for equal points.

    RankMe, but of the centred points, so that the mean direction (`anisotropy`) does not count,
    and without its 1e-7 added to p.
    Source: Roy and Vetterli, "The effective rank" (EUSIPCO 2007); Garrido et al., "RankMe"
    (ICML 2023).
    """
    s = cloud.singular_values
    if len(s) == 0:
        return math.nan
    p = s / s.sum()
    return float(np.exp(-(p @ np.log(p))))


@of_cloud
def participation_ratio(cloud: Cloud) -> float:
    """(sum_j v_j)^2 / sum_j v_j^2: from 1 to the rank; NaN for equal points.

    Source: Gao et al., "A theory of multineuronal dimensionality, dynamics and measurement"
    (bioRxiv 2017).
    """
    v = cloud.singular_values**2
    return float(v.sum() ** 2 / (v @ v)) if len(v) else math.nan


@of_cloud
def stable_rank(cloud: Cloud) -> float:
    """sum_j v_j / v_1: from 1 to the rank; NaN for equal points.

    Source: Rudelson and Vershynin, "Sampling from large matrices", J. ACM 54 (2007).
    """
    v = cloud.singular_values**2
    return float(v.sum() / v[0]) if len(v) else math.nan


@of_cloud
def spectrum_decay(cloud: Cloud) -> float:
    """The exponent a in v_j ~ j^-a: least squares of ln v_j on ln j, weighted by 1 / j.

    Fitted over the ranks 4 to 100, or to the last that is not zero; NaN if these are fewer than
    three. The paper names neither range nor weights; these are its authors' code's: fastssl's
    `stringer_get_powerlaw` is called with `np.arange(3, 100)`, ranks from 0, and weighs by 1 / j.
    Source: Agrawal et al., "alpha-ReQ" (NeurIPS 2022); github.com/kumarkrishna/fastssl,
    utils/powerlaw.py and scripts/train_model.py, after Stringer et al. (Nature 2019).
    """
    first, last = DECAY_RANKS
    v = cloud.singular_values[first - 1 : last] ** 2
    if len(v) < 3:
        return math.nan
    rank = np.arange(first, first + len(v))
    weight = (1 / rank) / (1 / rank).sum()
    x = np.log(rank) - weight @ np.log(rank)
    return float(-(weight * x) @ np.log(v) / ((weight * x) @ x))


@of_cloud
def duplicate_count(cloud: Cloud) -> float:
    """Number of points equal to an earlier one, or closer to it than 1e-5 enclosing radii, in the
    metric of the study: n less the number of different points."""
    return float(cloud.duplicates.sum())


@of_cloud
def anisotropy(cloud: Cloud) -> float:
    """Mean of cos(x_i, x_j) over i != j, from -1/(n - 1) to 1; about the origin, not the mean.

    Points at the origin have no direction and are left out; NaN below two others.
    Source: Ethayarajh, "How contextual are contextualized word representations?" (EMNLP 2019).
    """
    n = len(cloud.directions)
    if n < 2:
        return math.nan
    total = cloud.directions.sum(axis=0)
    return float((total @ total - n) / (n * (n - 1)))


@of_cloud
def mean_norm(cloud: Cloud) -> float:
    """sum_i |x_i| / n, Euclidean, about the origin, in the unit of the points."""
    return float(cloud.norms.mean())
