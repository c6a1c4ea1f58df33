"""Room on disk for downloaded checkpoints: a fixed number of slots a study.

Each download needs a slot. It holds the slot's lock while it runs, and the slot stays taken for
as long as the finished folder exists; whoever deletes that folder frees it. What a killed
download leaves lies inside its slot, so it is bounded as well, and the next download of the same
commit completes it.
"""

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from lmtopo.errors import InputError
from lmtopo.files import lock, read_json, write_json
from lmtopo.job import say

STATE = Path(".lmtopo/hub")
LONGEST_WAIT = 1.0
SAID_AFTER = 60.0
"""Seconds that a download waits for room before it says so: most wait for a moment."""


def place(study: str) -> Path:
    """Where a study's slots lie."""
    return STATE / study


def stopping(study: str) -> Path:
    """The file whose presence says that no further job will be started."""
    return place(study) / "stopping"


def stop(study: str) -> None:
    """Have downloads that wait for a slot end: no room will be made."""
    stopping(study).parent.mkdir(parents=True, exist_ok=True)
    stopping(study).touch()


@contextmanager
def slot(study: str, keep: int, *, key: str, folder: Path) -> Iterator[Path]:
    """Wait for one of ``keep`` slots and yield the folder in it to download into.

    ``key`` names what is downloaded; a slot that holds a part of it is preferred. ``folder`` is
    where the caller moves what it has downloaded.

    Raises
    ------
    InputError
        If the study stops while this waits.
    """
    wait, since, said = 0.05, time.monotonic(), False
    while True:
        for number in by_preference(study, keep, key):
            held = lock(place(study) / f"{number}.lock")
            if held is None:
                continue
            try:
                if free(study, number, folder):
                    yield prepared(study, number, key, folder)
                    return
            finally:
                os.close(held)
        if stopping(study).exists():
            raise InputError(
                "no room for another checkpoint before the study stops: another job has failed"
            )
        if not said and time.monotonic() - since > SAID_AFTER:
            taken = ", ".join(map(str, folders(study))) or "downloads under way"
            say(f"{folder} waits for room (hub.keep: {keep}), which is taken by {taken}")
            said = True
        time.sleep(wait)
        wait = min(2 * wait, LONGEST_WAIT)


def by_preference(study: str, keep: int, key: str) -> list[int]:
    """Slots, those with a part of ``key`` first."""
    return sorted(range(keep), key=lambda number: (noted(study, number).get("key") != key, number))


def free(study: str, number: int, folder: Path) -> bool:
    """Whether a locked slot's folder is gone (or is the one to be made anew)."""
    taken = noted(study, number).get("folder")
    return taken is None or taken == str(folder) or not Path(taken).exists()


def prepared(study: str, number: int, key: str, folder: Path) -> Path:
    """The slot's folder for ``key``, with what is there of it and nothing else."""
    inside = place(study) / str(number)
    if noted(study, number).get("key") != key:
        shutil.rmtree(inside, ignore_errors=True)
    write_json(note(study, number), {"key": key, "folder": str(folder)})
    inside.mkdir(parents=True, exist_ok=True)
    return inside


def note(study: str, number: int) -> Path:
    return place(study) / f"{number}.json"


def noted(study: str, number: int) -> dict[str, Any]:
    with suppress(FileNotFoundError, ValueError):
        return dict(read_json(note(study, number)))
    return {}


def folders(study: str) -> list[Path]:
    """The finished folders that take slots."""
    numbers = sorted(int(path.stem) for path in place(study).glob("*.json"))
    found = (noted(study, number).get("folder") for number in numbers)
    return [Path(folder) for folder in found if folder and Path(folder).exists()]


def check_room(study: str, keep: int, wanted: set[str], freed: set[str]) -> None:
    """Refuse downloads of which some would wait for ever: the ``wanted`` folders that are not among
    the ``freed``, which jobs of the run read and have deleted, stay in their slots.

    Raises
    ------
    InputError
        If ``keep`` slots are too few.
    """
    staying = {*wanted, *map(str, folders(study))} - freed
    needed = len(staying) + bool(wanted & freed)
    if wanted - freed and needed > keep:
        raise InputError(
            f"{len(staying)} downloaded checkpoints would stay, as no job of this run reads them, "
            f"but there is room for {keep} at a time: ask for what is made of them (snakemake "
            f"pairs), or raise hub.keep to {needed}"
        )


def clear(study: str, keep: int, needed: set[str]) -> None:
    """Delete what an ended run has left and this one does not need: finished folders that are
    not ``needed``, and parts in slots beyond ``keep``."""
    for path in sorted(place(study).glob("*.json")):
        number = int(path.stem)
        held = lock(place(study) / f"{number}.lock")
        if held is None:
            continue
        try:
            folder = noted(study, number).get("folder")
            if folder is not None and folder not in needed:
                shutil.rmtree(folder, ignore_errors=True)
            if number >= keep:
                shutil.rmtree(place(study) / str(number), ignore_errors=True)
                if folder is None or not Path(folder).exists():
                    path.unlink()
        finally:
            os.close(held)
