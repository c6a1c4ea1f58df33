"""Stage `dataset`: a corpus from a grammar, the user's files or the hub, saved as Arrow."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lmtopo import __version__
from lmtopo.checksums import seal_folder
from lmtopo.errors import InputError
from lmtopo.files import atomic, sha256, write_json

if TYPE_CHECKING:
    import pyarrow as pa

    from lmtopo.dataset.documents import Unit

ROWS_AT_ONCE = 10_000
GENERATED_ORDER = ("validation", "test", "train")
"""Splits are cut from one corpus in this order: more training rows leave the others as they are."""


def dataset(
    *, origin: Mapping[str, Any], name: str, study: str, folder: str, patience: float = 600.0
) -> None:
    """Write ``folder``: a `datasets.DatasetDict` as ``save_to_disk`` leaves it, and a
    ``provenance.json`` beside its splits.

    ``origin`` is the dataset's section of the study file, with ``source`` `generated`, `local` or
    `hub`. The same origin gives the same files, byte for byte. ``patience``: seconds without
    progress after which a download is given up.

    Raises
    ------
    InputError
        If a file or a column is missing, cannot be read as its format, or a split is empty, or
        has not the rows that were published.
    """
    from lmtopo.dataset.documents import of_rows

    if origin["source"] == "generated":
        tables, facts = from_grammar(origin)
    elif origin["source"] == "hub":
        tables, facts = from_hub(origin, patience, folder)
    else:
        tables, facts = from_files(origin)
    unit: Unit = facts["documents"]
    splits = {}
    for split, table in tables.items():
        sizes = [len(text.encode()) for text in of_rows(rows_of(table), unit)]
        if not sizes:
            raise InputError(f"dataset '{name}': split '{split}' has no documents")
        splits[split] = {"rows": table.num_rows, "bytes": sum(sizes), "documents": len(sizes)}
    prints = {split: fingerprint(table) for split, table in tables.items()}
    with atomic(folder) as temporary:
        save(tables, prints, temporary)
        for split in tables:
            seal_folder(temporary / split)
        write_json(
            temporary / "provenance.json",
            {
                "name": name,
                "study": study,
                "origin": dict(origin),
                "documents": unit,
                "splits": splits,
                "sha256": facts["sha256"],
                "dropped": facts["dropped"],
                "fingerprint": hashlib.sha256(json.dumps(prints).encode()).hexdigest(),
                "licence": origin.get("licence", facts.get("licence")),
                **({"hub": facts["hub"]} if "hub" in facts else {}),
                "versions": {
                    "lmtopo": __version__,
                    "datasets": version("datasets"),
                    "pyarrow": version("pyarrow"),
                },
            },
        )


def from_grammar(origin: Mapping[str, Any]) -> tuple[dict[str, "pa.Table"], dict[str, Any]]:
    """Consecutive slices of one generated corpus, so that no row is in two splits."""
    import pyarrow as pa

    from lmtopo.dataset.generated import generate

    rows = {split: origin["rows"].get(split, 0) for split in GENERATED_ORDER}
    if not any(rows.values()):
        raise InputError("rows: every split has 0 rows: give train, validation or test some")
    whole = pa.table(generate(origin["kind"], rows=sum(rows.values()), seed=origin["seed"]))
    tables, first = {}, 0
    for split, count in rows.items():
        tables[split] = whole.slice(first, count)
        first += count
    unit = "rows" if "text" in whole.column_names else "sentences"
    ordered = {split: tables[split] for split in ("train", "validation", "test") if rows[split]}
    return ordered, {"documents": unit, "sha256": {}, "dropped": {}}


def from_files(origin: Mapping[str, Any]) -> tuple[dict[str, "pa.Table"], dict[str, Any]]:
    """The splits of local files."""
    from lmtopo.dataset import local

    tables: dict[str, pa.Table] = {}
    parts = local.parts(origin)
    for part in parts:
        table = table_of(part.rows, part.path)
        texts = table.column("text").to_pylist() if part.unit == "articles" else None
        holdout = float(origin.get("holdout", local.HOLDOUT))
        for split, where in local.split_rows(part, table.num_rows, texts, holdout).items():
            tables[split] = table.slice(where.start, where.stop - where.start)
    facts = {
        "documents": parts[0].unit,
        "sha256": {str(file): sha256(file) for part in parts for file in part.files},
        "dropped": {str(part.path): part.dropped[part.path] for part in parts},
    }
    return with_whole_number_labels(tables), facts


def from_hub(
    origin: Mapping[str, Any], patience: float, folder: str
) -> tuple[dict[str, "pa.Table"], dict[str, Any]]:
    """The splits of a dataset on the hub, with as many rows as were published."""
    from lmtopo.dataset import hub
    from lmtopo.dataset.published import KNOWN

    found = hub.source(origin, patience=patience, folder=folder)
    tables = {str(part.split): table_of(part.rows, part.path) for part in found.parts}
    dropped = {str(part.split): part.dropped[part.path] for part in found.parts}
    found.check_rows({split: table.num_rows + dropped[split] for split, table in tables.items()})
    found.close()
    known, snapshot = KNOWN.get((origin["repo"], origin.get("name"))), found.snapshot
    listed = {path: snapshot.files[path].sha256 or snapshot.files[path].blob for path in found.used}
    facts = {
        "documents": found.parts[0].unit,
        "sha256": listed,
        "dropped": dropped,
        "licence": known.licence if known else None,
        "hub": {"repo": snapshot.repo, "commit": snapshot.commit},
    }
    return with_whole_number_labels(tables), facts


def table_of(rows: Iterable[Mapping[str, Any]], path: Path) -> "pa.Table":
    """An Arrow table of rows that all have the same keys, built some thousand rows at a time."""
    import pyarrow as pa

    from lmtopo.dataset.documents import TEXTS

    pieces: dict[str, list[pa.Array]] = {}
    values: dict[str, list[Any]] = {}
    waiting = iter(rows)
    while some := list(islice(waiting, ROWS_AT_ONCE)):
        for column in some[0]:
            read = [row[column] for row in some]
            if column in TEXTS:
                pieces.setdefault(column, []).append(pa.array(read, pa.string()))
            else:
                values.setdefault(column, []).extend(read)
    for column, read in values.items():
        try:
            pieces[column] = [pa.array(read)]
        except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError) as error:
            raise InputError(
                f"'{path}': the values of column '{column}' do not go into one column: {error}"
            ) from None
    return pa.table({column: pa.chunked_array(arrays) for column, arrays in pieces.items()})


def with_whole_number_labels(tables: Mapping[str, "pa.Table"]) -> dict[str, "pa.Table"]:
    """Labels as int64 where all of them, in every split, are whole numbers: CSV has only text."""
    import pyarrow as pa
    import pyarrow.compute as pc

    def numeric(table: pa.Table) -> bool:
        labels = table.column("label")
        if labels.type != pa.string():
            return False
        whole = pc.match_substring_regex(labels, r"^-?[0-9]{1,18}$")
        return bool(pc.all(whole).as_py())

    labelled = {split for split, table in tables.items() if "label" in table.column_names}
    if not all(numeric(tables[split]) for split in labelled):
        return dict(tables)

    def cast(table: pa.Table) -> pa.Table:
        place = table.column_names.index("label")
        return table.set_column(place, "label", table.column("label").cast(pa.int64()))

    return {split: cast(table) if split in labelled else table for split, table in tables.items()}


def rows_of(table: "pa.Table") -> Iterator[dict[str, Any]]:
    for batch in table.to_batches(ROWS_AT_ONCE):
        yield from batch.to_pylist()


def fingerprint(table: "pa.Table") -> str:
    """SHA-256 over the columns' names and the rows, each as a line of JSON: what a split says,
    whatever library saved it."""
    digest = hashlib.sha256(json.dumps(table.column_names).encode() + b"\n")
    for row in rows_of(table):
        digest.update(json.dumps(list(row.values()), ensure_ascii=False).encode() + b"\n")
    return digest.hexdigest()


def save(tables: Mapping[str, "pa.Table"], prints: Mapping[str, str], folder: Path) -> None:
    """Write the splits as a `datasets.DatasetDict`; the same rows give the same bytes."""
    # by their modules: beside the folder datasets/ mypy takes `datasets` for a package of ours
    from datasets.arrow_dataset import Dataset
    from datasets.dataset_dict import DatasetDict

    # the library's own fingerprint hashes a pickle, which changes with versions of the libraries
    splits = {
        split: Dataset(table, fingerprint=prints[split][:16]) for split, table in tables.items()
    }
    with without_progress_bars():
        DatasetDict(splits).save_to_disk(folder)


@contextmanager
def without_progress_bars() -> Iterator[None]:
    from datasets.utils import (
        are_progress_bars_disabled,
        disable_progress_bars,
        enable_progress_bars,
    )

    shown = not are_progress_bars_disabled()
    disable_progress_bars()
    try:
        yield
    finally:
        if shown:
            enable_progress_bars()
