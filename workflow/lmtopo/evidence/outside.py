"""Tables of other people: one row per model and step, read as if a study had made them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from lmtopo.errors import InputError
from lmtopo.evidence.rows import POOLED

NAMES = {
    "model": ("model", "model_name", "run"),
    "step": ("step", "training_step", "train_step", "steps"),
    "compute": ("compute", "flops", "training_flops", "tokens", "tokens_seen"),
    "quality": (
        *("quality", "log_perplexity", "perplexity", "ppl", "loss", "nll", "val_loss"),
        *("validation_loss", "eval_loss", "bits_per_byte", "wikitext_perplexity"),
    ),
    "seed": ("seed",),
    "budget": ("budget",),
    "parameters": ("parameters", "params", "n_params", "num_parameters", "n_parameters"),
    "dataset": ("dataset",),
    "layer": ("layer",),
    "pooling": ("pooling",),
    "dimension": ("dimension", "dim", "homology_dimension"),
    "replicate": ("replicate",),
    "signature": ("signature",),
    "value": ("value",),
    "null": ("null_mean", "gaussian_mean"),
}
"""What a column may be called, by what it is; upper and lower case are one."""
RESOURCES = frozenset(
    {"checkpoint", "revision", "study", "index", "parameters_total", "unique_tokens", "split"}
    | {"dtype", "depth", "points", "n", "word_perplexity", "byte_perplexity"}
    | {name for names in NAMES.values() for name in names}
)
"""Columns that say what a row is or cost, or another quality, and are no signatures."""
NAMELESS = "unnamed:"
"""How pandas begins the name of a column that has none, such as an index that was saved along."""
NULL_ENDS = ("_null_mean", "_gaussian_mean", "_null")
HOMOLOGY = re.compile(r"(?:^|_)(?:h|betti_?|beta_?|dim)(\d)(?:_|$)", re.IGNORECASE)
PERPLEXITY = re.compile(r"perplexity|(?:^|[^a-z])ppl", re.IGNORECASE)
LOGARITHM = re.compile(r"(?:^|[^a-z])(?:log|ln|nll)(?:[^a-z]|$)|bits_per", re.IGNORECASE)
WIDE = 10.0
"""A positive quality whose largest value is more than so many times its smallest is taken in
logarithms."""


@dataclass(frozen=True)
class Outside:
    """The tables `quality` and `signatures` that a file amounts to; the null that it has, if any;
    and what was made of its columns, in sentences."""

    quality: pd.DataFrame
    signatures: pd.DataFrame
    null: str | None
    notes: list[str]


def read(
    path: str,
    *,
    quality: str | None = None,
    compute: str | None = None,
    signatures: Sequence[str] | None = None,
) -> Outside:
    """Read a CSV, TSV or parquet file with the columns model, step, compute, a quality, and one
    for each signature (or ``signature`` and ``value``, a row for each).

    Optional columns: ``budget`` and ``seed`` (runs that differ at equal compute), ``parameters``,
    ``dataset``, ``layer``, ``pooling``, ``dimension``, ``replicate``; and ``NAME_null_mean``, the
    mean of signature NAME on draws of a null. ``quality``, ``compute`` and ``signatures`` name
    columns that are called otherwise.

    Raises
    ------
    InputError
        If the file cannot be read, a column is missing or holds no numbers, or a run has a step
        twice.
    """
    raw = load(path)
    columns = known_columns(path, raw, {"quality": quality, "compute": compute})
    notes = [f"quality is column '{columns['quality']}'"]
    frame = pd.DataFrame({name: raw[column] for name, column in columns.items()})
    for name in ("step", "compute", "quality", "parameters", "dimension", "value", "null"):
        if name in frame:
            frame[name] = numbers(path, raw, columns[name])
    if frame["model"].isna().any() or frame["step"].isna().any():
        raise InputError(f"'{path}' has rows without {columns['model']} or {columns['step']}")
    if (frame["model"] == POOLED).any():
        raise InputError(
            f"'{path}' has a model '{POOLED}', which is what tables call all runs together: rename "
            "it"
        )
    odd = frame["step"][frame["step"] % 1 != 0]
    if len(odd):
        raise InputError(
            f"table '{path}' has {columns['step']} {odd.iloc[0]:g}: steps are whole numbers, so "
            "count in smaller ones"
        )
    if "compute" in frame:
        if still := standing(frame):
            told = f"column '{columns['compute']}' does not grow along run {still}"
            if compute is not None:
                raise InputError(f"table '{path}': {told}: compute is what was spent up to a step")
            frame = frame.drop(columns="compute")
            notes.append(f"{told}, so steps stand for compute")
        else:
            notes.append(f"compute is column '{columns['compute']}'")
            if blank := int((frame["compute"].isna() & (frame["step"] > 0)).sum()):
                notes.append(
                    f"{blank} {'row has' if blank == 1 else 'rows have'} no compute: steps stand "
                    "for it in their runs, and in those of the same model or size"
                )
    else:
        notes.append("there is no column of compute, so steps stand for it")
    long = "signature" in columns and "value" in columns
    if long:
        measured = frame.rename(columns={"null": "null_mean"})
    else:
        measured, said = melted(path, raw, frame, columns, signatures)
        notes += said
    return tidy(path, columns["quality"], frame, measured, notes)


def load(path: str) -> pd.DataFrame:
    """The file, by its ending."""
    try:
        if path.endswith(".parquet"):
            raw = pd.read_parquet(path)
        else:
            raw = pd.read_csv(
                path,
                sep="\t" if path.endswith(".tsv") else ",",
                skipinitialspace=True,
                index_col=False,  # lines may end in a separator
            )
    except (OSError, ValueError) as error:
        raise InputError(f"table '{path}' cannot be read: {error}") from None
    raw.columns = [str(name).strip() for name in raw.columns]
    if raw.empty:
        raise InputError(f"table '{path}' has no rows")
    return raw


def is_perplexity(name: str) -> bool:
    """Whether a metric is by its name a perplexity, to be taken in logarithms, and not yet one."""
    return bool(PERPLEXITY.search(name)) and not LOGARITHM.search(name)


def standing(frame: pd.DataFrame) -> str | None:
    """A run whose compute falls after step 0, or stands still to its end, if there is one; rounded,
    it may stand still for a while."""
    run = [name for name in ("model", "budget", "seed", "dataset") if name in frame]
    trained = frame[frame["step"] > 0].dropna(subset="compute")
    for of_run, rows in trained.groupby(run, dropna=False):
        at = rows.groupby("step")["compute"].max()
        if (at.diff() < 0).any() or (len(at) > 1 and at.iloc[0] == at.iloc[-1]):
            return f"'{' '.join(map(str, of_run))}'"
    return None


def known_columns(path: str, raw: pd.DataFrame, chosen: dict[str, str | None]) -> dict[str, str]:
    """The file's column for each of `NAMES` that it has."""
    there = {name.lower(): name for name in reversed(list(raw.columns))}
    found = {}
    for what, names in NAMES.items():
        wanted = chosen.get(what)
        if wanted is not None:
            if wanted not in raw:
                raise InputError(missing(path, raw, what, f"'{wanted}'"))
            found[what] = wanted
        elif column := next((there[name] for name in names if name in there), None):
            found[what] = column
    for what in ("model", "step", "quality"):
        if what not in found:
            raise InputError(missing(path, raw, what, " or ".join(map(repr, NAMES[what]))))
    return found


def missing(path: str, raw: pd.DataFrame, what: str, names: str) -> str:
    mend = ""
    if what in ("quality", "compute"):
        mend = f"; say which it is: --config 'table={{file: {path}, {what}: COLUMN}}'"
    return (
        f"table '{path}' has no column {names} for the {what} "
        f"(it has: {', '.join(raw.columns)}){mend}"
    )


def numbers(path: str, raw: pd.DataFrame, column: str) -> "pd.Series[float]":
    """A column's numbers; empty cells are NaN."""
    values = pd.to_numeric(raw[column], errors="coerce")
    wrong = values.isna() & raw[column].notna()
    if wrong.any():
        place = int(np.flatnonzero(wrong)[0])
        raise InputError(
            f"table '{path}', row {place + 1}: '{raw[column].iloc[place]}' in column '{column}' is "
            "no number; leave the cell empty where there is no value"
        )
    return values.astype("float64")


def melted(
    path: str,
    raw: pd.DataFrame,
    frame: pd.DataFrame,
    columns: dict[str, str],
    chosen: Sequence[str] | None,
) -> tuple[pd.DataFrame, list[str]]:
    """A row per signature, of a file with a column per signature; and what was left out."""
    if chosen is None:
        other = [name for name in map(str, raw) if name not in columns.values()]
        names = [
            name
            for name in other
            if name.lower() not in RESOURCES
            and not name.lower().startswith(NAMELESS)
            and not name.lower().endswith(NULL_ENDS)
            and pd.api.types.is_numeric_dtype(raw[name])
            and not pd.api.types.is_bool_dtype(raw[name])
        ]
        ignored = [
            name for name in other if name not in names and not name.lower().endswith(NULL_ENDS)
        ]
    else:
        names, ignored = list(chosen), []
        if lacking := [name for name in names if name not in raw]:
            raise InputError(missing(path, raw, "signatures", f"'{lacking[0]}'"))
    if not names:
        raise InputError(
            f"table '{path}' has no column of a signature beside "
            f"{', '.join(columns.values())}: each number column of another name is one"
        )
    parts = []
    for name in names:
        part = frame.assign(signature=name, value=numbers(path, raw, name))
        if "dimension" not in frame:
            degree = HOMOLOGY.search(name)
            part["dimension"] = int(degree[1]) if degree else -1
        null = next((name + end for end in NULL_ENDS if name + end in raw), None)
        part["null_mean"] = np.nan if null is None else numbers(path, raw, null)
        parts.append(part)
    notes = [f"signatures are {', '.join(names)}"]
    if ignored:
        notes.append(f"columns left out: {', '.join(ignored)}")
    return pd.concat(parts, ignore_index=True), notes


def tidy(
    path: str, called: str, frame: pd.DataFrame, measured: pd.DataFrame, notes: list[str]
) -> Outside:
    """The two tables, with the columns that the rest reads."""
    frame, measured = (named(one) for one in (frame, measured))
    quality = frame[[*RUN, "quality"]].drop_duplicates()
    key = ["model", "budget", "dataset", "step"]
    # given once, where a step has several rows
    given = quality.groupby(key)["quality"].transform("count") > 0
    quality = quality[quality["quality"].notna() | ~given]
    if (twice := quality.duplicated(key)).any():
        row = quality.loc[twice, key].iloc[0]
        raise InputError(
            f"table '{path}' has several values of quality for {row['model']} step "
            f"{row['step']:g}: tell runs apart by columns budget or seed, or rows by dataset"
        )
    row_key = [*key, "layer", "pooling", "dimension", "signature", "replicate"]
    if (twice := measured.duplicated(row_key)).any():
        row = measured.loc[twice, row_key].iloc[0]
        raise InputError(
            f"table '{path}' has several values of '{row['signature']}' for {row['model']} step "
            f"{row['step']:g}: tell them apart by columns budget, seed, layer, pooling or replicate"
        )
    values = quality["quality"][np.isfinite(quality["quality"])]
    if values.empty:
        raise InputError(f"table '{path}' has no value of quality")
    # an untrained model is no part of the analysis
    trained = values[quality.loc[values.index, "step"] > 0]
    wide = trained.max() > WIDE * trained.min() and not LOGARITHM.search(called)
    if values.min() > 0 and (is_perplexity(called) or wide):
        notes.append("quality is taken in logarithms")
        logs = np.log(quality["quality"])
    else:
        logs = quality["quality"]
    quality = quality.assign(reading="outside", log_quality=logs)
    null = "null" if measured["null_mean"].notna().any() else None
    return Outside(quality, measured.drop(columns="quality"), null, notes)


RUN = ["model", "budget", "dataset", "checkpoint", "step", "flops", "parameters"]


def named(frame: pd.DataFrame) -> pd.DataFrame:
    """Columns by the names that the study's tables have, filled in where the file has none."""
    frame = frame.copy()
    frame["budget"] = (
        words(frame["budget"]).replace("", "released") if "budget" in frame else "released"
    )
    if "seed" in frame:
        seed = words(frame["seed"])
        frame["budget"] += ("-seed" + seed).where(seed != "", "")
    frame["model"] = frame["model"].astype("str")
    frame["checkpoint"] = "step" + frame["step"].map("{:.15g}".format)
    frame["flops"] = frame.get("compute", np.nan)
    blank: dict[str, Any] = {
        "dataset": "-",
        "layer": "-",
        "pooling": "-",
        "dimension": -1,
        "replicate": 0,
    }
    for name, value in {**blank, "parameters": np.nan, "null_mean": np.nan}.items():
        frame[name] = frame[name].fillna(value) if name in frame else value
    for name in ("dataset", "layer", "pooling"):
        frame[name] = frame[name].astype("str")
    return frame.astype({"dimension": "int64"})


def words(column: "pd.Series[Any]") -> "pd.Series[str]":
    """Cells as words, whole numbers without a point; of those that are empty, none."""
    return column.map(
        lambda cell: (
            "" if pd.isna(cell) else f"{cell:.15g}" if isinstance(cell, float) else str(cell)
        )
    ).astype("str")
