"""Tables: their columns and keys, and how they are written."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lmtopo.checksums import of_schema, reading
from lmtopo.files import atomic

if TYPE_CHECKING:
    import pandas as pd

CSV_ROWS = 1_000_000
CHECKSUM = b"lmtopo.schema"

RUN = {
    "study": "str",
    "model": "str",
    "budget": "str",
    "checkpoint": "str",
    "step": "int64",
    "tokens": "float64",
    "unique_tokens": "float64",
    "flops": "float64",
    "parameters": "int64",
    "parameters_total": "int64",
}
"""The run columns: which weights, and what they cost; NaN where that is unknown."""

QUALITY = {
    **RUN,
    "dataset": "str",
    "split": "str",
    "reading": "str",
    "context": "int64",
    "stride": "int64",
    "n_documents": "int64",
    "n_tokens": "int64",
    "n_words": "int64",
    "n_bytes": "int64",
    "nll": "float64",
    "perplexity": "float64",
    "word_perplexity": "float64",
    "byte_perplexity": "float64",
    "bits_per_byte": "float64",
    "dtype": "str",
    "device": "str",
}

DOWNSTREAM = {
    **RUN,
    "task": "str",
    "split": "str",
    "layer": "str",
    "pooling": "str",
    "metric": "str",
    "value": "float64",
    "low": "float64",
    "high": "float64",
    "n": "int64",
}

PAIR = ("model", "budget", "checkpoint", "dataset")
KEYS = {
    "quality": (*PAIR, "split", "reading"),
    "signatures": (*PAIR, "layer", "pooling", "dimension", "signature", "replicate"),
    "downstream": ("model", "budget", "checkpoint", "task", "layer", "pooling", "metric"),
    "distances": (
        *("model", "budget", "checkpoint", "layer"),
        *("other_model", "other_budget", "other_checkpoint", "other_layer"),
        *("dataset", "pooling", "dimension", "distance", "replicate"),
    ),
    "noise": (*PAIR, "layer", "pooling", "dimension", "signature", "source"),
    "external": ("model", "budget", "checkpoint", "metric"),
    "evidence": (
        *("model", "budget", "dataset", "layer", "pooling", "dimension", "signature", "target"),
    ),
    "phases": ("model", "budget", "dataset", "layer", "pooling", "changes", "number"),
    "redundancy": (
        *("dataset", "pooling", "dimension", "signature", "other_dimension", "other_signature"),
    ),
    "missing": PAIR,
}
"""The primary key of each table."""


def write(path: str | Path, frame: "pd.DataFrame") -> None:
    """Write ``frame`` without its index; the same frame gives the same bytes."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.Table.from_pandas(frame, preserve_index=False)
    table = table.replace_schema_metadata({**table.schema.metadata, CHECKSUM: of_schema(table)})
    with atomic(path) as temporary:
        pq.write_table(table, temporary, compression="zstd", write_page_checksum=True)


def read(path: str | Path) -> "pd.DataFrame":
    """Read a table that `write` has written; Damaged if its bytes are not those."""
    import pyarrow.parquet as pq

    with reading(path):
        table = pq.read_table(path, page_checksum_verification=True)
        noted = (table.schema.metadata or {}).get(CHECKSUM)
        if noted is not None and noted.decode() != of_schema(table):  # None: another's table
            raise ValueError("the checksum of its columns differs")
        return table.to_pandas()  # type: ignore[no-any-return]


def write_table(path: str | Path, frame: "pd.DataFrame", key: Sequence[str]) -> None:
    """Write a table as parquet and, under a million rows, as CSV beside it.

    Raises
    ------
    ValueError
        If ``key`` does not tell its rows apart.
    """
    repeated = frame.duplicated(list(key))
    if repeated.any():
        row = frame.loc[repeated, list(key)].iloc[0].to_dict()
        raise ValueError(f"'{path}' has several rows of {row}")
    write(path, frame)
    beside = Path(path).with_suffix(".csv")
    beside.unlink(missing_ok=True)
    if len(frame) < CSV_ROWS:
        with atomic(beside) as temporary:
            write_csv(temporary, frame)


def write_csv(path: Path, frame: "pd.DataFrame") -> None:
    """Write ``frame`` without its index, numbers to the last digit, what is missing as nothing;
    pyarrow takes a tenth of pandas' time."""
    import pyarrow as pa
    from pyarrow import csv

    table = pa.Table.from_pandas(frame, preserve_index=False)
    plain, quoted = (
        csv.WriteOptions(quoting_style=how, quoting_header="none") for how in ("none", "needed")
    )
    try:
        csv.write_csv(table, path, plain)
    except pa.ArrowInvalid:  # a text has a comma, a quote or a line's end: all texts are quoted
        csv.write_csv(table, path, quoted)
