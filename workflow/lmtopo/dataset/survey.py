"""A look at local files before any job runs: how many documents, and how long."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lmtopo.dataset import local
from lmtopo.dataset.documents import Unit, of_rows
from lmtopo.dataset.readers import Row

LARGEST = 32_000_000
"""Bytes of an origin's files above which they are not read through."""


@dataclass(frozen=True)
class Survey:
    """What a document is, and per split the rows."""

    unit: Unit
    rows: Mapping[str, list[Row]]

    @property
    def sizes(self) -> dict[str, list[int]]:
        """Per split, the UTF-8 bytes of each document."""
        return {
            split: [len(text.encode()) for text in of_rows(rows, self.unit)]
            for split, rows in self.rows.items()
        }


def survey(origin: Mapping[str, Any]) -> Survey | None:
    """What the files of an origin hold; None if they exceed `LARGEST` bytes.

    Of large files, too, the first rows are read, so that a missing file or column is found.

    Raises
    ------
    InputError
        As stage `dataset` would.
    """
    parts = local.parts(origin)
    if sum(file.stat().st_size for part in parts for file in part.files) > LARGEST:
        return None
    found: dict[str, list[Row]] = {}
    for part in parts:
        rows = list(part.rows)
        texts = [row["text"] for row in rows] if part.unit == "articles" else None
        holdout = float(origin.get("holdout", local.HOLDOUT))
        for split, where in local.split_rows(part, len(rows), texts, holdout).items():
            found[split] = rows[where]
    return Survey(parts[0].unit, found)
