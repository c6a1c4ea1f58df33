"""What a study has made and where it lies, in a few lines."""

import sys
from pathlib import Path
from typing import Any

import pandas as pd

from lmtopo import losses
from lmtopo.errors import InputError
from lmtopo.tables import read


def of(study: str) -> str:
    """The summary of a finished study, from its tables.

    Raises
    ------
    InputError
        If the study has no tables.
    """
    results = Path("results") / study
    if not (results / "tables/quality.parquet").is_file():
        raise InputError(f"study '{study}' has no tables in {results}: run it first")
    quality = read(results / "tables/quality.parquet")
    signatures = read(results / "tables/signatures.parquet")
    runs = quality[["model", "budget"]].drop_duplicates()
    checkpoints = quality[["model", "budget", "checkpoint"]].drop_duplicates()
    pairs = quality[["model", "budget", "checkpoint", "dataset"]].drop_duplicates()
    lines = [
        f"Study {study}: {len(runs)} run{'s' if len(runs) > 1 else ''}, {len(checkpoints)} "
        f"checkpoints, {len(pairs)} pairs of checkpoint and dataset, {len(signatures):,} signature "
        "values.",
        *last_perplexities(quality),
        *missing_lines(read(results / "tables/missing.parquet")),
        f"  findings {results}/findings.md",
        f"  tables   {results}/tables/",
        f"  figures  {results}/figures/",
        f"  diagrams {results}/pairs/",
    ]
    if (results / "atlas/index.html").is_file():
        lines.append(f"  atlas    {results}/atlas/index.html (open it in a browser)")
    if (results / "report.zip").is_file():
        lines.append(f"  report   {results}/report.zip")
    if (results / f"{study}.zip").is_file():
        lines.append(f"  archive  {results}/{study}.zip")
    return "\n".join(lines)


def last_perplexities(quality: pd.DataFrame) -> list[str]:
    """Perplexity per token at the end of each run, a line a dataset."""
    lines = []
    last = quality.loc[quality.groupby(["dataset", "model", "budget"], sort=False)["step"].idxmax()]
    for dataset, rows in last.groupby("dataset", sort=False):
        ends = ", ".join(
            f"{row.model} {row.budget} {short(row.perplexity)}" for row in rows.itertuples()
        )
        lines.append(f"  perplexity on {dataset} at the end: {ends}")
    return lines


def short(perplexity: Any) -> str:
    """To a digit after the point; that of a run that has diverged to three digits."""
    return f"{perplexity:,.1f}" if perplexity < 1e7 else f"{perplexity:.3g}"


def missing_lines(missing: pd.DataFrame) -> list[str]:
    """What the tables lack, a line for each reason."""
    lines = []
    for reason, rows in missing.groupby("reason", sort=False):
        pairs = " ".join(rows.iloc[0][["model", "checkpoint", "dataset"]])
        more = f" and {len(rows) - 1} more" if len(rows) > 1 else ""
        lines.append(f"  missing: {pairs}{more}: {reason}")
    return lines


def of_losses(study: str) -> str:
    """What a run that has failed has lost, and how to go on."""
    lost = losses.read(study)
    if not lost:
        return f"Study {study} has failed: see the messages above."
    frame = pd.DataFrame(
        [[*pair, reason] for pair, reason in lost.items()],
        columns=["model", "budget", "checkpoint", "dataset", "reason"],
    )
    counted, verb = ("1 pair", "is") if len(lost) == 1 else (f"{len(lost)} pairs", "are")
    return "\n".join(
        [
            f"Study {study}: {counted} of checkpoint and dataset {verb} lost.",
            *missing_lines(frame),
            "Run it again to try them again, or with --config missing=leave_out for tables and "
            "figures of the others.",
        ]
    )


if __name__ == "__main__":
    sys.stdout.write(of(sys.argv[1]) + "\n")
