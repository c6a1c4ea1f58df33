"""A linear classifier on pairs of vectors, and its scores with their intervals."""

import math
from typing import Any

import numpy as np
from jaxtyping import Float64, Int64
from scipy import sparse
from scipy.stats import bootstrap
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

STRENGTHS = tuple(10.0**power for power in range(-4, 2))
"""C of the logistic regression, from strong regularisation to weak."""
FOLDS = 5
ROWS_PER_FEATURE = 4
"""From so many rows on, Newton's method is the faster one: its steps cost features^2 times rows."""
ITERATIONS = 2000
RESAMPLES = 1000
LEVEL = 0.95


def features(first: Any, second: Any) -> Any:
    """[|u - v|, u * v] of vectors u and v, one pair a row: dense (n, d) arrays or sparse ones to
    (n, 2 d). It does not change when the two are exchanged, as a paraphrase does not.

    Source: Conneau and Kiela 2018, SentEval, arXiv 1803.05449, its task MRPC.
    """
    if sparse.issparse(first):
        return sparse.hstack([abs(first - second), first.multiply(second)], format="csr")
    return np.hstack([np.abs(first - second), first * second])


def first_best(results: dict[str, Any]) -> int:
    """Of the best means of cross-validation, equal but for rounding, the first."""
    means = np.asarray(results["mean_test_score"])
    return int(np.flatnonzero(means >= means.max() - 1e-9)[0])


def learn(
    train: Any, labels: Int64[np.ndarray, " pairs"], test: Any
) -> tuple[Int64[np.ndarray, " tested"], float]:
    """Labels of the rows of ``test``, and the C that was chosen.

    Logistic regression with an L2 penalty on features divided by their standard deviation (and
    centred, where they are dense: with an intercept that changes nothing). C is the one of
    `STRENGTHS` with the best mean accuracy in stratified 5-fold cross-validation inside ``train``,
    the standardisation repeated in each fold; of equals, the strongest regularisation.
    """
    few = not sparse.issparse(train) and ROWS_PER_FEATURE * train.shape[1] <= len(train)
    model = make_pipeline(
        StandardScaler(with_mean=not sparse.issparse(train)),
        LogisticRegression(max_iter=ITERATIONS, solver="newton-cholesky" if few else "lbfgs"),
    )
    search = GridSearchCV(
        model,
        {"logisticregression__C": STRENGTHS},
        scoring="accuracy",
        cv=StratifiedKFold(FOLDS),
        refit=first_best,
    )
    search.fit(train, labels)
    return search.predict(test), float(search.best_params_["logisticregression__C"])


def accuracy(
    labels: Int64[np.ndarray, "*many pairs"], guessed: Int64[np.ndarray, "*many pairs"]
) -> Float64[np.ndarray, "*many"]:
    """The share of pairs whose label is guessed."""
    return np.asarray((labels == guessed).mean(axis=-1))


def f1(
    labels: Int64[np.ndarray, "*many pairs"], guessed: Int64[np.ndarray, "*many pairs"]
) -> Float64[np.ndarray, "*many"]:
    """F1 of label 1, 2 tp / (2 tp + fp + fn); 0 where there are none, true or guessed."""
    hits = 2.0 * (labels * guessed).sum(axis=-1)
    marked = labels.sum(axis=-1) + guessed.sum(axis=-1)
    return np.asarray(hits / np.maximum(marked, 1))


SCORES = {"accuracy": accuracy, "f1": f1}


def interval(
    score: str,
    labels: Int64[np.ndarray, " pairs"],
    guessed: Int64[np.ndarray, " pairs"],
    rng: np.random.Generator,
) -> tuple[float, float, float]:
    """A score of `SCORES` and its 95% interval: percentiles over 1000 resamples of the pairs; of
    one pair NaN."""
    value = float(SCORES[score](labels, guessed))
    if len(labels) < 2:
        return value, math.nan, math.nan
    found = bootstrap(
        (labels, guessed),
        lambda some, guesses, axis: SCORES[score](some, guesses),
        paired=True,
        vectorized=True,
        n_resamples=RESAMPLES,
        confidence_level=LEVEL,
        method="percentile",
        rng=rng,
    ).confidence_interval
    return value, float(found.low), float(found.high)
