"""Snakemake's locks, where two studies run in one folder."""

from pathlib import Path
from typing import Any


def keep_those_of_others(persistence: Any) -> None:
    """Have runs remove their own locks alone when they end.

    ``persistence`` is Snakemake's class. It removes the folder of all locks, so that another study
    runs on without its own, and one that starts at that moment finds no folder to write to.
    ``--unlock`` removes all, as before.
    """

    def delete(self: Any) -> None:
        for file in self._lockfile.values():
            Path(file).unlink(missing_ok=True)
        self._lockfile.clear()

    persistence.cleanup_locks, persistence._delete_locks = persistence._delete_locks, delete
