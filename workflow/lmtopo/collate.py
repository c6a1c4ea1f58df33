"""Stage `collate`: what all pairs have found, as the study's tables."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from lmtopo.checksums import read_sealed, reading
from lmtopo.errors import InputError
from lmtopo.files import read_json
from lmtopo.tables import DOWNSTREAM, KEYS, QUALITY, read, write_table

Run = Sequence[Any]
"""Model, budget, and the steps of the run's checkpoints."""

PROVENANCE = "provenance.json"


def collate(
    *,
    pairs: str,
    runs: Sequence[Run],
    datasets: Sequence[str],
    left_out: Sequence[Sequence[Any]],
    tasks: Sequence[Sequence[Any]],
    quality: str,
    signatures: str,
    downstream: str,
    compared: Sequence[str],
    distances: str,
    missing: str,
) -> None:
    """Write tables ``quality`` and ``signatures`` (parquet, and CSV beside) from the pairs,
    ``downstream`` from those of ``tasks`` (model, budget, dataset, file, steps), ``distances``
    from those in ``compared``, and ``missing``, the pairs that are ``left_out`` (model, budget,
    dataset, reason, checkpoints).

    Rows come in the order of ``runs``, then of ``datasets``, then by step. The column
    ``untrained_value`` of ``signatures`` is what an untrained model has (`beside_untrained`).

    Raises
    ------
    InputError
        If no pair is left, or a checkpoint's pairs are of different weights.
    """
    lost = [
        (model, budget, checkpoint, dataset, reason)
        for model, budget, dataset, reason, checkpoints in left_out
        for checkpoint in checkpoints
    ]
    gone = {row[:4] for row in lost}
    folders = [
        folder for folder in pair_folders(pairs, runs, datasets) if folder.parts[-4:] not in gone
    ]
    if not folders:
        raise InputError("every pair of the study is left out: run it without missing=leave_out")
    check_weights(folders)
    rows = [row for folder in folders for row in quality_rows(folder)]
    write_table(quality, pd.DataFrame(rows, columns=list(QUALITY)).astype(QUALITY), KEYS["quality"])
    frame = pd.concat([read(folder / "signatures.parquet") for folder in folders])
    write_table(signatures, beside_untrained(frame), KEYS["signatures"])
    done = [
        read(Path(pairs, model, budget, f"step{step}", dataset, file))
        for model, budget, dataset, file, steps in tasks
        for step in steps
    ]
    frame = pd.concat(done) if done else pd.DataFrame(columns=list(DOWNSTREAM)).astype(DOWNSTREAM)
    write_table(downstream, frame, KEYS["downstream"])
    frame = pd.concat([read(path) for path in compared])
    write_table(distances, frame, KEYS["distances"])
    names = [*KEYS["missing"], "reason"]
    rows_missing = pd.DataFrame(lost, columns=names, dtype="str")
    write_table(missing, rows_missing, KEYS["missing"])


def beside_untrained(frame: pd.DataFrame) -> pd.DataFrame:
    """``frame`` with the column ``untrained_value``: the same signature of the same run at step
    0, the mean over its replicates; NaN for runs without a step 0."""
    key = [name for name in KEYS["signatures"] if name not in ("checkpoint", "replicate")]
    start = frame[frame["step"] == 0].groupby(key, sort=False)["value"].mean()
    return frame.merge(start.rename("untrained_value").reset_index(), on=key, how="left")


def check_weights(folders: Iterable[Path]) -> None:
    """Refuse a checkpoint that was other files when one dataset was observed than when another
    was: its revision has moved on the hub, say. The last that was observed is taken for right.

    Raises
    ------
    InputError
        With the folders of pairs to remove.
    """
    files, last = {}, {}
    pairs = [folder for folder in folders if (folder / PROVENANCE).is_file()]
    for folder in sorted(pairs, key=lambda folder: (folder / PROVENANCE).stat().st_mtime_ns):
        files[folder] = files_of(folder)
        last[folder.parent] = folder
    for folder in pairs:
        newest, run, dataset = last[folder.parent], folder.parent.parent, folder.name
        if files[folder] == files[newest]:
            continue
        old = [
            place.name
            for place, its_newest in last.items()
            if place.parent == run
            and files.get(place / dataset, files[its_newest]) != files[its_newest]
        ]
        which = old[0] if len(old) == 1 else f"{{{','.join(old)}}}"
        raise InputError(
            f"checkpoint {', '.join(old)} of '{run.parent.name}' ({run.name}) was of other weights "
            f"when '{dataset}' was observed than when '{newest.name}' was: remove "
            f"{run}/{which}/{dataset} and run snakemake again"
        )


def files_of(folder: Path) -> dict[str, str]:
    """SHA-256 of the files of the checkpoint that a pair is of, by their names."""
    path = folder / PROVENANCE
    with reading(path):
        return {Path(file).name: sha256 for file, sha256 in read_json(path)["sha256"].items()}


def pair_folders(pairs: str, runs: Sequence[Run], datasets: Sequence[str]) -> Iterator[Path]:
    for model, budget, steps in runs:
        for dataset in datasets:
            for step in steps:
                yield Path(pairs, model, budget, f"step{step}", dataset)


def quality_rows(folder: Path) -> list[dict[str, Any]]:
    """One row per reading of a pair."""
    pair = read_sealed(folder / "quality.json")
    shared = {key: pair[key] for key in ("dataset", "split", "dtype", "device")}
    return [
        {**pair["run"], **shared, "reading": reading, **measures}
        for reading, measures in pair["readings"].items()
    ]
