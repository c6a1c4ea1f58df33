"""Source `local`: files of the user's own, in eight formats, as rows of one shape."""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Any

from lmtopo.dataset import readers, saved
from lmtopo.dataset.documents import TEXTS, UNITS, Unit, article_starts, text_columns
from lmtopo.dataset.readers import Row
from lmtopo.errors import InputError

PLAIN = ("text", "lines", "wikitext")
TABLES = {
    "jsonl": readers.jsonl,
    "csv": readers.csv_file,
    "tsv": readers.tsv,
    "parquet": readers.parquet,
    "arrow": readers.arrow,
}
HOLDOUT = 0.05
OPTIONAL = ("label", "idx")
"""Columns that are kept where a file has them; beside text, if they are text or numbers."""
Scalar = str | int | float | None


@dataclass(frozen=True)
class Part:
    """Rows of one file, or of one saved split: of a split, or (None) of what a holdout cuts.

    ``unit`` is what a document is. ``dropped`` counts, while ``rows`` are read, those that were
    left out because they hold no text.
    """

    split: str | None
    path: Path
    unit: Unit
    rows: Iterator[Row] = field(repr=False)
    dropped: Counter[Path] = field(repr=False)

    @property
    def files(self) -> list[Path]:
        return saved.data_files(self.path) if self.path.is_dir() else [self.path]


def parts(origin: Mapping[str, Any]) -> list[Part]:
    """The files of an origin, opened: their first rows are read, the others wait to be.

    Raises
    ------
    InputError
        If a file or a column is missing, a file has no text, or keys do not go together.
    """
    check_keys(origin)
    check_separator(origin)
    found = [open_part(origin, split, path) for split, path in paths(origin).items()]
    if len({part.unit for part in found}) > 1:
        told = ", ".join(f"'{part.path}': {part.unit}" for part in found)
        raise InputError(f"files differ in what a document is ({told}): say it with documents:")
    return found


def check_keys(origin: Mapping[str, Any]) -> None:
    kind, unit = origin["format"], origin.get("documents")
    possible = UNITS if kind in TABLES else UNITS[:2] if kind == "wikitext" else UNITS[:1]
    if kind not in (*PLAIN, *TABLES):
        known = ", ".join((*PLAIN, *TABLES))
        raise InputError(f"format '{kind}' is not known (there are: {known})")
    if kind == "text" and not origin.get("separator"):
        raise InputError("format text needs separator: the line between two documents")
    if kind != "text" and origin.get("separator") is not None:
        raise InputError(f"format {kind} has no separator; only format text has")
    if kind in PLAIN and origin.get("columns"):
        raise InputError(f"format {kind} has no columns: leave out columns, or change format")
    if unit is not None and unit not in possible:
        raise InputError(
            f"documents: {unit} cannot be had from format {kind}, only {' or '.join(possible)}"
        )


def check_separator(origin: Mapping[str, Any]) -> None:
    """Refuse a separator that none of the files has; one of several may be a single document."""
    separator, files = origin.get("separator"), paths(origin).values()
    if separator and not any(readers.separates(file, separator) for file in files):
        named = ", ".join(f"'{file}'" for file in files)
        raise InputError(
            f"the separator '{separator}' stands on no line of {named}: correct it (a single "
            "document ends with it)"
        )


def paths(origin: Mapping[str, Any]) -> dict[str | None, Path]:
    """Split -> file or saved folder; None stands for the one that a holdout cuts.

    A saved ``DatasetDict`` under ``path`` has splits of its own.
    """
    path, given = origin.get("path"), origin.get("splits") or {}
    if (path is None) == (not given):
        raise InputError("give either path (cut by holdout) or splits")
    found: dict[str | None, Path] = {split: Path(file) for split, file in given.items()}
    if path is not None:
        found[None] = Path(path)
    for file in found.values():
        check_path(file, origin["format"])
    if origin["format"] == "arrow":
        for split, folder in list(found.items()):
            inside = saved.split_names(folder)
            if inside is None:
                continue
            if split is not None:
                raise InputError(
                    f"'{folder}' holds splits of its own ({', '.join(inside)}): name one of "
                    f"them, for example '{folder / inside[0]}', or give the folder as path"
                )
            return {name: folder / name for name in inside}
    return found


def check_path(path: Path, kind: str) -> None:
    if kind == "arrow":
        if path.is_file():
            raise InputError(
                f"'{path}' is a file: format arrow reads a folder that save_to_disk wrote"
            )
    elif not path.exists():
        raise InputError(f"file '{path}' does not exist")
    elif path.is_dir():
        raise InputError(
            f"'{path}' is a folder: format {kind} reads one file (a folder that save_to_disk "
            "wrote is format arrow)"
        )


def open_part(origin: Mapping[str, Any], split: str | None, path: Path) -> Part:
    return open_rows(origin, split, path, [path])


def open_rows(
    origin: Mapping[str, Any], split: str | None, path: Path, files: Iterable[Path]
) -> Part:
    """The rows of ``files``, one after the other; messages call them ``path``."""
    kind: str = origin["format"]
    unit: Unit | None = origin.get("documents")
    if kind == "text":
        rows = in_turn(lambda file: readers.text(file, origin["separator"]), files)
    elif kind in PLAIN:
        rows = in_turn({"lines": readers.lines, "wikitext": readers.wikitext}[kind], files)
        unit = unit or ("articles" if kind == "wikitext" else "rows")
    else:

        def choose(available: Sequence[str]) -> dict[str, str]:
            return chosen_columns(available, origin.get("columns") or {}, unit, path)

        rows = in_turn(lambda file: TABLES[kind](file, choose), files)
        rows = without_odd(rows, origin.get("columns") or {})
    # WikiText's blank lines are part of an article
    keep_blank = kind == "wikitext" or unit == "articles"
    dropped: Counter[Path] = Counter()
    kept = checked(rows, path, keep_blank, dropped)
    first = next(kept, None)
    if first is None:
        why = f" ({dropped[path]} empty ones)" if dropped[path] else ""
        raise InputError(f"'{path}' has no rows with text{why}: give another file")
    if unit is None:
        unit = "rows" if "text" in first else "sentences"
    return Part(split, path, unit, chain([first], kept), dropped)


def without_odd(rows: Iterator[Row], given: Mapping[str, str]) -> Iterator[Row]:
    """Rows of text without the `OPTIONAL` columns that nobody has named and that hold neither text
    nor numbers in the first row."""
    first = next(rows, None)
    if first is None:
        return
    odd = [
        name
        for name in OPTIONAL
        if "text" in first and name not in given and not isinstance(first.get(name), Scalar)
    ]
    for row in chain([first], rows):
        for name in odd:
            row.pop(name, None)
        yield row


def in_turn(read: Callable[[Path], Iterator[Row]], files: Iterable[Path]) -> Iterator[Row]:
    return chain.from_iterable(read(file) for file in files)


def chosen_columns(
    available: Sequence[str], given: Mapping[str, str], unit: Unit | None, path: Path
) -> dict[str, str]:
    """Our columns -> the file's: those of the text, those that ``given`` names, and `OPTIONAL`.

    Where ``unit`` does not say it, text is the column ``text`` or, without one, the two columns
    ``sentence1`` and ``sentence2``.
    """
    if unit is None:
        named = [known for known in (given, available) if set(TEXTS) & set(known)]
        unit = "sentences" if named and "text" not in named[0] else "rows"
    texts = {name: given.get(name, name) for name in text_columns(unit)}
    optional = {name: name for name in OPTIONAL if name in available and name not in given}
    chosen = {**texts, **optional, **given}
    for ours, theirs in chosen.items():
        if theirs not in available:
            raise InputError(
                f"'{path}' has no column '{theirs}' (it has: {', '.join(available)}): "
                f"say which one it is with columns: {{{ours}: NAME}}"
            )
    return chosen


def checked(
    rows: Iterator[Row], path: Path, keep_blank: bool, dropped: Counter[Path]
) -> Iterator[Row]:
    """Rows whose text is text, without those that have none; the latter are counted."""
    for number, row in enumerate(rows, 1):
        blank = False
        for column, value in row.items():
            if column in TEXTS:
                if value is None:
                    value = row[column] = ""
                if not isinstance(value, str):
                    raise InputError(
                        f"'{path}', row {number}: column '{column}' is {type(value).__name__} "
                        f"{value!r:.40}, not text: name another one with columns:"
                    )
                blank = blank or not value.strip()
            elif not isinstance(value, Scalar):
                raise InputError(
                    f"'{path}', row {number}: column '{column}' is {type(value).__name__}, "
                    "neither text nor number: name another one with columns:"
                )
            if isinstance(value, str) and not value.isascii():
                check_characters(value, path, number, column)
        if blank and not keep_blank:
            dropped[path] += 1
        else:
            yield row


def check_characters(value: str, path: Path, number: int, column: str) -> None:
    """JSON can name halves of characters (``"\\ud83d"``), which no text file can hold."""
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise InputError(
            f"'{path}', row {number}: column '{column}' has half a surrogate pair "
            f"({value[error.start]!a}): mend or remove the row"
        ) from None


def holdout_start(
    texts: Sequence[str] | None, rows: int, unit: Unit, *, holdout: float, path: Path
) -> int:
    """First row of ``validation``: that of the last ceil(``holdout`` · n) of n documents.

    Pairs of sentences are kept together. ``texts`` is the column ``text``; only articles need it.

    Raises
    ------
    InputError
        If nothing would be left for ``train``.
    """
    if not 0 <= holdout < 1:
        raise InputError(f"holdout is {holdout}: give a share of at least 0 and less than 1")
    starts = article_starts(texts) if unit == "articles" and texts is not None else range(rows)
    held = math.ceil(Fraction(str(holdout)) * len(starts))
    if held == 0:
        return rows
    if held >= len(starts):
        raise InputError(
            f"holdout {holdout} of '{path}', which has {len(starts)} document(s), leaves none to "
            "train on: give more text, name files with splits, or set holdout: 0"
        )
    return starts[len(starts) - held]


def split_rows(
    part: Part, rows: int, texts: Sequence[str] | None, holdout: float
) -> dict[str, slice]:
    """Where each split lies among the rows of a part."""
    if part.unit == "articles" and texts is not None and not article_starts(texts):
        raise InputError(
            f"'{part.path}' has no article: none of its lines is a title, like ' = Title = ' "
            "between two blank lines"
        )
    if part.split is not None:
        return {part.split: slice(0, rows)}
    cut = holdout_start(texts, rows, part.unit, holdout=holdout, path=part.path)
    found = {"train": slice(0, cut), "validation": slice(cut, rows)}
    return {split: where for split, where in found.items() if where.stop > where.start}
