"""Stage `external`: metrics measured elsewhere, joined to the study's checkpoints."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lmtopo.errors import InputError

Run = Sequence[Any]
"""Model, budget, and the steps of the run's checkpoints."""

KEYS = ("model", "budget", "step")
OWN = "log_perplexity"
"""The target that every study has."""
SHOWN = 3
"""Rows that a message names before it counts the others."""


@dataclass(frozen=True)
class Found:
    """Rows of a file that belong to checkpoints of a study.

    ``values``: model, budget, step, metric and value; ``unmatched``: what the other rows are
    about, as the file says it; ``text``: columns that hold text and are therefore no metric.
    """

    values: list[tuple[str, str, int, str, float]]
    unmatched: list[str]
    text: list[str]


def external(
    *, file: str, quality: str, external: str, runs: Sequence[Run], unmatched: str
) -> None:
    """Write the table ``external``: a row per checkpoint and metric of ``file``, with the run
    columns that table ``quality`` has for the checkpoint.

    Raises
    ------
    InputError
        As `match`.
    """
    import pandas as pd

    from lmtopo.job import say
    from lmtopo.tables import KEYS as TABLE_KEYS
    from lmtopo.tables import RUN, read, write_table

    found = match(file, runs, unmatched)
    if found.unmatched:
        say(f"external: {len(found.unmatched)} rows of '{file}' are of no checkpoint of the study")
    for column in found.text:
        say(f"external: column '{column}' of '{file}' holds text and is left out")
    checkpoints = read(quality)[list(RUN)].drop_duplicates(["model", "budget", "checkpoint"])
    values = pd.DataFrame(found.values, columns=[*KEYS, "metric", "value"])
    frame = checkpoints.merge(values, on=list(KEYS), validate="one_to_many")
    write_table(external, frame, TABLE_KEYS["external"])


def match(path: str | Path, runs: Sequence[Run], unmatched: str) -> Found:
    """The rows of a CSV file with the columns ``model`` and ``step``, a column ``budget`` where a
    model has several, and a metric in every other column; a cell that is empty or NaN is no value.

    ``unmatched``: ``fail``, or ``leave_out`` rows of no checkpoint of ``runs``.

    Raises
    ------
    InputError
        If the file cannot be read as that, two rows are of one checkpoint, a row is of no
        checkpoint or of several, none is of any, or there is no number of a metric.
    """
    rows = read(path)
    metrics = metrics_of(rows)
    if OWN in metrics:
        raise InputError(
            f"'{path}': column '{OWN}' is called as the study's own quality is: rename it"
        )
    text = columns_of_text(rows)
    budgets: dict[str, dict[str, set[int]]] = {}
    for model, budget, steps in runs:
        budgets.setdefault(model, {})[budget] = set(steps)
    values: list[tuple[str, str, int, str, float]] = []
    missed = []
    seen: dict[tuple[str, str, int], int] = {}
    for line, row in rows.items():
        step = number(row["step"])
        if step is None or not step.is_integer():
            raise InputError(f"'{path}', line {line}: step '{row['step']}' is no whole number")
        of_model = budgets.get(row["model"], {})
        wanted = row.get("budget") or None
        if wanted is None and len(of_model) > 1:
            raise InputError(
                f"'{path}', line {line}: model '{row['model']}' has the budgets "
                f"{', '.join(of_model)}: add a column budget that says which is meant"
            )
        budget = wanted or next(iter(of_model), "")
        if step not in of_model.get(budget, ()):
            missed.append(" ".join(row[name] for name in KEYS if row.get(name)))
            continue
        key = (row["model"], budget, int(step))
        if key in seen:
            raise InputError(
                f"'{path}', lines {seen[key]} and {line} are both of {key[0]} step {key[2]}: "
                "give each checkpoint one row"
            )
        seen[key] = line
        for name in metrics:
            if name in text or not row[name]:
                continue
            value = number(row[name])
            if value is None:
                raise InputError(
                    f"'{path}', line {line}: '{row[name]}' in column '{name}' is no number; leave "
                    "the cell empty where there is no value"
                )
            if value == value:
                values.append((*key, name, value))
    if missed and (unmatched == "fail" or not seen):
        more = f" and {len(missed) - SHOWN} more" if len(missed) > SHOWN else ""
        mend = (
            "take them out, or set quality.external.unmatched: leave_out"
            if seen
            else f"the study has the models {', '.join(budgets)}, with steps as in its runs"
        )
        raise InputError(
            f"'{path}': {len(missed)} of {len(rows)} rows are of no checkpoint of the study "
            f"({', '.join(missed[:SHOWN])}{more}): {mend}"
        )
    if not values:
        told = f" (of text: {', '.join(text)})" if text else ""
        raise InputError(
            f"'{path}' has no number of a metric beside model and step{told}: add a column of one"
        )
    return Found(values, missed, text)


def metrics_of(rows: Mapping[int, Mapping[str, str]]) -> list[str]:
    """What the columns of a file are called that may be metrics."""
    return [name for name in next(iter(rows.values())) if name not in KEYS]


def columns_of_text(rows: Mapping[int, Mapping[str, str]]) -> list[str]:
    """The columns of a file that are no metric: every cell that has something has text."""
    return [
        name
        for name in metrics_of(rows)
        if all(not row[name] or number(row[name]) is None for row in rows.values())
        and any(row[name] for row in rows.values())
    ]


def read(path: str | Path) -> dict[int, dict[str, str]]:
    """The rows of a CSV file by the line they end in, white space around a cell left out, and so
    are rows of empty cells."""
    try:
        with Path(path).open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            numbered = ((reader.line_num, row) for row in reader)
            rows = {line: row for line, row in numbered if any(row.values())}
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"cannot read '{path}' as CSV: {error}") from error
    if not rows:
        raise InputError(f"'{path}' has no rows")
    for line, row in rows.items():
        if None in row or None in row.values():
            header = ",".join(reader.fieldnames or ())
            raise InputError(
                f"'{path}', line {line} has another number of cells than the header ({header}); "
                "commas stand between cells"
            )
    stripped = {
        line: {name.strip(): cell.strip() for name, cell in row.items()}
        for line, row in rows.items()
    }
    names = [name.strip() for name in reader.fieldnames or ()]
    if twice := [name for name in names if names.count(name) > 1]:
        raise InputError(f"'{path}' has several columns '{twice[0]}': rename or take out one")
    if "" in names:
        raise InputError(f"'{path}' has a column without a name: name it, or take it out")
    lacking = [name for name in ("model", "step") if name not in names]
    if lacking:
        raise InputError(
            f"'{path}' has no column '{lacking[0]}': it needs model and step, and a column for "
            "each metric"
        )
    return stripped


def number(cell: str) -> float | None:
    """A cell's number, which may be infinite or NaN; None if it is text, as 1_000 is."""
    try:
        return None if "_" in cell else float(cell)
    except ValueError:
        return None
