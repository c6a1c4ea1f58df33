"""A look at local files before any job runs: how many documents, and how long."""

from collections.abc import Mapping
from typing import Any

from lmtopo.dataset import local
from lmtopo.dataset.documents import of_rows

LARGEST = 32_000_000
"""Bytes of an origin's files above which they are not read through."""


def survey(origin: Mapping[str, Any]) -> dict[str, list[int]] | None:
    """Per split, the UTF-8 bytes of each document; None if the files exceed `LARGEST` bytes.

    Of large files, too, the first rows are read, so that a missing file or column is found.

    Raises
    ------
    InputError
        As stage `dataset` would.
    """
    parts = local.parts(origin)
    if sum(file.stat().st_size for part in parts for file in part.files) > LARGEST:
        return None
    sizes: dict[str, list[int]] = {}
    for part in parts:
        rows = list(part.rows)
        texts = [row["text"] for row in rows] if part.unit == "articles" else None
        holdout = float(origin.get("holdout", local.HOLDOUT))
        for split, where in local.split_rows(part, len(rows), texts, holdout).items():
            sizes[split] = [len(text.encode()) for text in of_rows(rows[where], part.unit)]
    return sizes
