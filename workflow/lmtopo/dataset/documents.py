"""Documents: what a row, or several rows, of a dataset mean as text to read."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice, pairwise
from pathlib import Path
from typing import Any, Literal, get_args

from lmtopo.checksums import check_folder, read_part, reading
from lmtopo.dataset.saved import batches, split_names
from lmtopo.errors import InputError

Unit = Literal["rows", "articles", "sentences"]
Cut = Callable[[Sequence[str]], Iterator[str]]
UNITS: tuple[Unit, ...] = get_args(Unit)
TEXTS = ("text", "sentence1", "sentence2")
"""Columns that hold text, where a dataset has them."""
TITLE = re.compile(r" = (?!= ).*\S(?<! =) = \s*")
"""A line with exactly one equals sign on each side; section headings have two or more."""


def documents(
    folder: str | Path,
    split: str,
    *,
    limit: int | None = None,
    min_characters: int = 0,
    cut: Cut | None = None,
) -> list[str]:
    """The documents of one split of a saved dataset, in order; the first ``limit`` of those that
    have at least ``min_characters`` characters between the white space at their ends.

    What one document is stands in the dataset's provenance: ``rows``, the column ``text`` of
    each; ``articles``, see `articles`, or as ``cut`` makes them of rows; ``sentences``, first
    ``sentence1``, then ``sentence2`` of each row.

    Raises
    ------
    InputError
        If the folder is not a dataset that stage `dataset` wrote, or has no such split.
    Damaged
        If it, or the split, is not as that stage wrote it.
    """
    folder = Path(folder)
    with reading(folder):
        known = split_names(folder)
    if known is None or not (folder / "provenance.json").is_file():
        raise InputError(
            f"'{folder}' was not written by stage dataset (it has no splits or no "
            "provenance.json): name it as a dataset of the study, with source: local and "
            "format: arrow"
        )
    if split not in known:
        raise InputError(
            f"dataset '{folder.name}' has no split '{split}' (it has: {', '.join(known)})"
        )
    check_folder(folder / split, whole=folder)
    unit = read_part(folder, "provenance.json")["documents"]
    read = batches(folder / split, text_columns(unit))
    rows = chain.from_iterable(batch.to_pylist() for batch in read)
    long = (text for text in of_rows(rows, unit, cut) if len(text.strip()) >= min_characters)
    return list(islice(long, limit))


def text_columns(unit: Unit) -> tuple[str, ...]:
    """The columns that hold the text."""
    return ("sentence1", "sentence2") if unit == "sentences" else ("text",)


def of_rows(rows: Iterable[Mapping[str, Any]], unit: Unit, cut: Cut | None = None) -> Iterator[str]:
    """The documents that rows hold, in order."""
    if unit == "articles":
        yield from (cut or articles)([row["text"] for row in rows])
    else:
        columns = text_columns(unit)
        for row in rows:
            for column in columns:
                yield row[column]


def articles(lines: Sequence[str]) -> Iterator[str]:
    """WikiText's lines assembled into articles, kept character for character.

    An article runs from its title line to the next one, both included and excluded. Lines before
    the first title belong to none. An empty string stands for the blank line ``" \\n"``, as in
    the copy of WikiText on the Hugging Face hub.
    """
    starts = article_starts(lines)
    for first, end in pairwise([*starts, len(lines)]):
        yield "".join(line or " \n" for line in lines[first:end])


def article_starts(lines: Sequence[str]) -> list[int]:
    """Places of the title lines: ``" = Title = "`` between two blank lines.

    The file's start counts as a blank line. The blank lines matter: WikiText breaks some formulas
    and tables after an equals sign, and a piece of one can look like a title.
    """
    return [
        place
        for place, line in enumerate(lines[:-1])
        if line.startswith(" = ")
        and TITLE.fullmatch(line)
        and (place == 0 or not lines[place - 1].strip())
        and not lines[place + 1].strip()
    ]
