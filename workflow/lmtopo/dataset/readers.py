"""One file of the user's own, row by row.

Files are UTF-8, and a wrong byte is an error. A line ends at a line feed; a carriage return
before it belongs to the line's end, so it is kept inside a document of several lines and removed
where the line's end is. A byte order mark at the start of a file is not text. Files are read
once, from the first byte to the last, and never held as a whole.
"""

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from lmtopo.dataset import saved
from lmtopo.dataset.documents import TEXTS
from lmtopo.errors import InputError

Row = dict[str, Any]
Choose = Callable[[Sequence[str]], Mapping[str, str]]
"""Given the file's columns, says which to read: our name -> the file's."""

LONGEST_FIELD = 2**31 - 1


def decoded_lines(path: Path) -> Iterator[str]:
    """The lines of a file with their ends."""
    offset = 0
    with path.open("rb") as file:
        for raw in file:
            try:
                line = raw.decode("utf-8")
            except UnicodeDecodeError as error:
                raise InputError(
                    f"'{path}' is not UTF-8: byte {offset + error.start} "
                    f"(0x{raw[error.start]:02x}) cannot be read; convert the file, for example "
                    "with `iconv -f ENCODING -t UTF-8`"
                ) from None
            yield line if offset else line.removeprefix("\ufeff")
            offset += len(raw)


def without_end(line: str) -> str:
    """A line without its end, ``"\\n"`` or ``"\\r\\n"``."""
    return line[:-1].removesuffix("\r") if line.endswith("\n") else line


def text(path: Path, separator: str) -> Iterator[Row]:
    """What lies between lines that equal ``separator``, without the line ends around them."""
    lines: list[str] = []
    separated, inside = False, False
    for line in decoded_lines(path):
        if without_end(line) == separator:
            separated = True
            yield {"text": without_end("".join(lines))}
            lines = []
        else:
            inside = inside or separator in line
            lines.append(line)
    if inside and not separated:
        raise InputError(
            f"'{path}' has the separator '{separator}' inside lines, but never on a line of its "
            "own: put a line end before and after each"
        )
    yield {"text": without_end("".join(lines))}


def separates(path: Path, separator: str) -> bool:
    """Whether a line of a file holds ``separator``."""
    return any(separator in line for line in decoded_lines(path))


def lines(path: Path) -> Iterator[Row]:
    """One document a line."""
    for line in decoded_lines(path):
        yield {"text": without_end(line)}


def wikitext(path: Path) -> Iterator[Row]:
    """Lines with their ends, blank ones too."""
    for line in decoded_lines(path):
        yield {"text": line}


def jsonl(path: Path, choose: Choose) -> Iterator[Row]:
    """One JSON object a line; the first says which columns there are."""
    columns: Mapping[str, str] | None = None
    for number, line in enumerate(decoded_lines(path), 1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except ValueError as error:
            raise InputError(f"'{path}', line {number} is not JSON: {error}") from None
        if not isinstance(value, dict):
            raise InputError(f"'{path}', line {number} is not a JSON object, like {{...}}")
        columns = choose(list(value)) if columns is None else columns
        for ours, theirs in columns.items():
            if ours in TEXTS and theirs not in value:
                raise InputError(f"'{path}', line {number} has no '{theirs}': add it to each line")
        yield {ours: value.get(theirs) for ours, theirs in columns.items()}


def csv_file(path: Path, choose: Choose) -> Iterator[Row]:
    """Comma-separated, quoted as RFC 4180 says, with a header line."""
    csv.field_size_limit(LONGEST_FIELD)
    reader = csv.reader(decoded_lines(path), strict=True)
    try:
        yield from table(path, ((reader.line_num, row) for row in reader), choose)
    except csv.Error as error:
        raise InputError(f"'{path}', line {reader.line_num}: {error}") from None


def tsv(path: Path, choose: Choose) -> Iterator[Row]:
    """Tab-separated with a header line, as GLUE's files are: a quote is a character like others."""
    split = (without_end(line).split("\t") for line in decoded_lines(path))
    yield from table(path, enumerate(split, 1), choose)


def table(path: Path, rows: Iterable[tuple[int, list[str]]], choose: Choose) -> Iterator[Row]:
    """Chosen columns of numbered rows of fields, the first of which is the header."""
    header: list[str] | None = None
    places: dict[str, int] = {}
    for number, row in rows:
        if row in ([], [""]) or (header is None and not any(row)):
            continue
        if header is None:
            header = row
            places = {ours: row.index(theirs) for ours, theirs in choose(row).items()}
            if twice := next((row[at] for at in places.values() if row.count(row[at]) > 1), None):
                raise InputError(f"'{path}' has several columns '{twice}': rename or remove one")
        elif len(row) != len(header):
            raise InputError(
                f"'{path}', line {number} has {len(row)} fields, but the header has {len(header)}"
            )
        else:
            yield {ours: row[place] for ours, place in places.items()}


def parquet(path: Path, choose: Choose) -> Iterator[Row]:
    """One Parquet file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(path)
    except (pa.ArrowException, OSError) as error:
        if isinstance(error, FileNotFoundError | PermissionError):
            raise
        raise InputError(f"'{path}' is not a Parquet file: {error}") from None
    with file:
        columns = choose(file.schema_arrow.names)
        wanted = list(dict.fromkeys(columns.values()))
        batches = file.iter_batches(batch_size=10_000, columns=wanted)
        while True:
            try:
                rows = next(batches).to_pylist()
            except StopIteration:
                return
            except (pa.ArrowException, OSError) as error:
                raise InputError(f"'{path}' is damaged: {error}") from None
            for row in rows:
                yield {ours: row[theirs] for ours, theirs in columns.items()}


def arrow(path: Path, choose: Choose) -> Iterator[Row]:
    """One saved ``Dataset``."""
    columns = choose(saved.columns(path))
    for batch in saved.batches(path, list(dict.fromkeys(columns.values()))):
        for row in batch.to_pylist():
            yield {ours: row[theirs] for ours, theirs in columns.items()}
