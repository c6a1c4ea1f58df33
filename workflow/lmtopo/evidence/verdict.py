"""The verdict on a row of the table `evidence`: every rule, in order, in this one place."""

import numpy as np
import pandas as pd

SUPPORTED = "supported"
CONFOUNDED = "confounded with compute"
SPECTRAL = "spectral only"
NOISE = "noise"
NOT_IDENTIFIABLE = "not identifiable"
EXPLORATORY = "exploratory"
TOO_FEW = "too few checkpoints"

ALPHA = 0.05
CHECKPOINTS = 15
"""Checkpoints a run must have after step 0."""
QUALITY_LEFT = 1e-5
"""Share of the target's variance within runs below which nothing is left of it."""
ROUGH = 0.02
"""Share of what is left of the target that is rough (`evidence.roughness`) below which it is still
a smooth curve, of which a few autocorrelated points can say nothing."""
FOLLOWS = 0.05
"""p-value of no trend in compute below which a series follows compute."""


def verdict(rows: pd.DataFrame) -> "pd.Series[str]":
    """The first of these rules that holds for a row.

    1. `TOO_FEW`: the run, or every run of a pooled row, has fewer than `CHECKPOINTS`.
    2. `NOT_IDENTIFIABLE`: nothing but a smooth function of compute, or of what other runs of its
       family show at equal compute, is left of the target; or the signature never changes.
    3. `NOISE`: over all of training the signature moves less than twice as far as subsample, seed
       or dtype move it, where the table `noise` tells.
    4. The tie *holds* if the partial correlation is not 0 (``p``) and, where there are other runs
       to compare with, neither is that at equal compute (``equal_p``), nor that of the changes
       from checkpoint to checkpoint there (``changes_p``), all of one sign; for a primary row, by
       ``q``, the largest of the three corrected for all primary rows.

       - `SPECTRAL`: it holds, but that of the excess over the null does not, with the same sign
       - `SUPPORTED`: it holds in a primary row, at equal compute between runs of one family, and,
         where there is a null, at checkpoints enough to compare with it
       - `EXPLORATORY`: it holds otherwise.
    5. `CONFOUNDED`: signature and target both follow compute.
    6. `NOISE`: what is left.
    """
    p = joint(rows)
    holds = np.where(rows["primary"], rows["q"], p) <= ALPHA
    same = np.sign(rows["partial"]) == np.sign(rows["excess"])
    unknown = rows["has_null"] & rows["excess_p"].isna()
    beyond = ~rows["has_null"] | unknown | ((rows["excess_p"] <= ALPHA) & same)
    claim = rows["primary"] & rows["siblings"] & ~unknown
    return pd.Series(
        np.select(
            [
                rows["n_run"] < CHECKPOINTS,
                (rows["quality_left"] < QUALITY_LEFT)
                | (rows["quality_rough"] < ROUGH)
                | rows["constant"],
                rows["noise_ratio"] < 2,
                holds & ~beyond,
                holds & claim,
                holds,
                (rows["follows_p"] <= FOLLOWS) & (rows["quality_follows_p"] <= FOLLOWS),
            ],
            [TOO_FEW, NOT_IDENTIFIABLE, NOISE, SPECTRAL, SUPPORTED, EXPLORATORY, CONFOUNDED],
            NOISE,
        ),
        index=rows.index,
        dtype="str",
    )


def joint(rows: pd.DataFrame) -> "pd.Series[float]":
    """The p-value that all ways of taking compute out must pass: the largest; 1 where they differ
    in sign. Where no other run can be compared with, that of the partial alone."""
    compared = rows["equal_p"].notna()
    sign = np.sign(rows["partial"])
    opposite = compared & (
        (np.sign(rows["equal_compute"]) != sign) | (np.sign(rows["changes"]) != sign)
    )
    largest = rows[["p", "equal_p", "changes_p"]].max(axis=1, skipna=True)
    return largest.where(~opposite, 1.0).where(rows["p"].notna(), 1.0)
