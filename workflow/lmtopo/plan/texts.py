"""How much text the splits of a dataset will have, from the user's files or the grammar."""

import json
from collections.abc import Mapping
from functools import cache
from itertools import islice
from typing import Any

from lmtopo.dataset import local
from lmtopo.dataset.documents import TEXTS, of_rows
from lmtopo.dataset.generated import generate
from lmtopo.dataset.survey import survey

ROWS = 2000
"""Of a large file, from which the length of its documents is taken."""
WRITTEN = 50
"""Of a grammar, likewise."""


def splits(origin: Mapping[str, Any]) -> dict[str, tuple[int, int]]:
    """Per split, the bytes of text and the documents of a local or generated dataset: exact where
    its files are small enough to be read (`lmtopo.dataset.survey`), else about so many."""
    return dict(_splits(json.dumps(origin, sort_keys=True)))


@cache
def _splits(told: str) -> dict[str, tuple[int, int]]:
    origin = json.loads(told)
    if origin["source"] == "generated":
        return of_grammar(origin)
    surveyed = survey(origin)
    if surveyed is not None:
        return {split: (sum(sizes), len(sizes)) for split, sizes in surveyed.sizes.items()}
    return of_large_files(origin)


def of_grammar(origin: Mapping[str, Any]) -> dict[str, tuple[int, int]]:
    """As the first rows of the corpus are."""
    written = generate(origin["kind"], rows=WRITTEN, seed=origin["seed"])
    texts = [text for name, column in written.items() if name in TEXTS for text in column]
    mean = sum(len(str(text).encode()) for text in texts) / len(texts)
    documents = len(texts) // WRITTEN
    return {
        split: (round(documents * rows * mean), documents * rows)
        for split, rows in origin["rows"].items()
        if rows
    }


def of_large_files(origin: Mapping[str, Any]) -> dict[str, tuple[int, int]]:
    """By the sizes of the files, as if they held nothing but text; a holdout by its share."""
    held = float(origin.get("holdout", local.HOLDOUT))
    found = {}
    for part in local.parts(origin):
        size = sum(file.stat().st_size for file in part.files)
        first = [len(text.encode()) for text in of_rows(islice(part.rows, ROWS), part.unit)]
        mean = max(1.0, sum(first) / max(1, len(first)))
        shares = {"train": 1 - held, "validation": held} if part.split is None else {part.split: 1}
        for split, share in shares.items():
            if share:
                found[split] = (round(share * size), max(1, round(share * size / mean)))
    return found
