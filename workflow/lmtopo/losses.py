"""What a study has lost: the pairs whose jobs failed, or wait for a job that failed.

The main process writes it down while it runs, anew each time. A study with ``missing: leave_out``
goes on without these pairs, and its tables say which they are and why.
"""

from collections.abc import Mapping
from pathlib import Path

from lmtopo.files import read_json, write_json

Pair = tuple[str, str, str, str]
"""Model, budget, checkpoint, dataset."""

RECORDS = Path(".lmtopo/losses")


def read(study: str) -> dict[Pair, str]:
    """The pairs that a study has lost, with the reason of each."""
    try:
        found = read_json(RECORDS / f"{study}.json")
    except (FileNotFoundError, ValueError):  # damaged, it is no more than what may fail again
        return {}
    return {(one[0], one[1], one[2], one[3]): one[4] for one in found}


def write(study: str, lost: Mapping[Pair, str]) -> None:
    """Note the pairs that a study has lost."""
    write_json(
        RECORDS / f"{study}.json", [[*pair, reason] for pair, reason in sorted(lost.items())]
    )


def reason(log: str | Path) -> str:
    """The line in which a failed job's log says what went wrong."""
    try:
        lines = Path(log).read_text(errors="replace").splitlines()
    except OSError:
        return "it left no log"
    said = [line for line in lines if line.startswith("lmtopo ")]
    return said[-1].removeprefix("lmtopo ") if said else f"it was killed (log: {log})"
