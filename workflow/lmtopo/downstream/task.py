"""A task: labelled pairs of sentences, as MRPC has them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int64

from lmtopo.checksums import check_folder, reading
from lmtopo.dataset.saved import batches, columns, split_names
from lmtopo.errors import InputError

COLUMNS = ("sentence1", "sentence2", "label")
FEWEST = 5
"""Pairs of each label that must be learned from: each of five folds needs one."""


@dataclass(frozen=True)
class Pairs:
    """Pairs of sentences; label 1: they mean the same."""

    first: list[str]
    second: list[str]
    labels: Int64[np.ndarray, " pairs"]

    def __len__(self) -> int:
        return len(self.first)

    @property
    def sentences(self) -> list[str]:
        """The first sentences of all pairs, then the second ones."""
        return [*self.first, *self.second]


def read(folder: str | Path, split: str, *, rows: int) -> Pairs:
    """The first ``rows`` pairs of a split of a saved dataset.

    Raises
    ------
    InputError
        If there is no such split, a column is missing, or a label is neither 0 nor 1.
    Damaged
        If it, or the split, is not as stage `dataset` wrote it.
    """
    folder = Path(folder)
    with reading(folder):
        known = split_names(folder) or []
    if split not in known:
        raise InputError(
            f"dataset '{folder.name}' has no split '{split}' (it has: {', '.join(known)})"
        )
    check_folder(folder / split, whole=folder)
    check_columns(folder.name, columns(folder / split))
    first: list[str] = []
    second: list[str] = []
    labels: list[object] = []
    for batch in batches(folder / split, COLUMNS):
        some = batch.slice(0, rows - len(first)).to_pydict()
        first += some["sentence1"]
        second += some["sentence2"]
        labels += some["label"]
        if len(first) == rows:
            break
    return Pairs(first, second, numbers(folder.name, split, labels))


def labels_of(
    name: str, split: str, rows: Sequence[Mapping[str, Any]]
) -> Int64[np.ndarray, " pairs"]:
    """The labels of rows of the user's files.

    Raises
    ------
    InputError
        As `read` would, once the rows are saved.
    """
    check_columns(name, rows[0])
    return numbers(name, split, [row["label"] for row in rows])


def check_columns(name: str, known: Collection[str]) -> None:
    lacking = [column for column in COLUMNS if column not in known]
    if lacking:
        raise InputError(
            f"dataset '{name}' has no column '{lacking[0]}': a task of downstream needs "
            f"{', '.join(COLUMNS)}; its `columns` can name the file's own"
        )


def numbers(name: str, split: str, labels: Sequence[Any]) -> Int64[np.ndarray, " pairs"]:
    """Labels as numbers; in files of text, where another split has other labels, they are words."""
    for label in labels:
        if label not in (0, 1, "0", "1"):
            raise InputError(
                f"dataset '{name}', split '{split}' has the label {label!r}: a task of "
                "downstream has labels 0 and 1 (1: the sentences mean the same)"
            )
    return np.array([int(label) for label in labels], dtype=np.int64)


def check_learnable(name: str, labels: Int64[np.ndarray, " pairs"]) -> None:
    """Refuse labels that cannot be learned from.

    Raises
    ------
    InputError
        If a label has fewer than five pairs.
    """
    counts = np.bincount(labels, minlength=2)
    if counts.min() < FEWEST:
        raise InputError(
            f"task '{name}' has {counts[0]} pairs of label 0 and {counts[1]} of label 1 to learn "
            f"from, but needs {FEWEST} of each: give it a larger train split, or raise "
            "downstream.rows"
        )
