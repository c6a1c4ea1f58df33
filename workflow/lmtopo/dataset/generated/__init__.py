"""Corpora written by seeded grammars, offline, in the columns of their real counterparts.

Every corpus is a sequence that its seed fixes: more rows begin with the same rows. No row repeats.
"""

from collections.abc import Iterator
from itertools import islice

from lmtopo.dataset.generated import articles, paraphrases, stories
from lmtopo.errors import InputError
from lmtopo.seeds import generator

GRAMMARS = {"stories": stories.write, "articles": articles.write, "paraphrases": paraphrases.write}
KINDS = tuple(GRAMMARS)
LONGEST = {"stories": 2000, "articles": 5000, "paraphrases": 600}
"""No row has more bytes; what a study can count on before a corpus is written."""

PATIENCE = 1000


def generate(kind: str, *, rows: int, seed: int) -> dict[str, list[str] | list[int]]:
    """The columns of a corpus: ``text``, or ``sentence1``, ``sentence2``, ``label`` and ``idx``.

    Raises
    ------
    InputError
        If there is no such kind, or its grammar has not that many different rows.
    """
    if kind not in GRAMMARS:
        raise InputError(f"no generated corpus '{kind}': use {', '.join(GRAMMARS)}")
    found = list(islice(different(kind, seed), rows))
    if len(found) < rows:
        raise InputError(
            f"the grammar of '{kind}' has run out after {len(found)} different rows of {rows}: "
            "ask for fewer"
        )
    if kind != "paraphrases":
        return {"text": [str(text) for text in found]}
    first, second, label = zip(*found, strict=True) if found else ((), (), ())
    return {
        "sentence1": list(first),
        "sentence2": list(second),
        "label": list(label),
        "idx": list(range(len(found))),
    }


def different(kind: str, seed: int) -> Iterator[object]:
    """Rows in order, repeats left out; ends when nothing new has come for long."""
    rng = generator(seed, "generated", kind)
    seen: set[object] = set()
    repeats = 0
    while repeats < PATIENCE:
        row = GRAMMARS[kind](rng)
        if row in seen:
            repeats += 1
            continue
        repeats = 0
        seen.add(row)
        yield row
