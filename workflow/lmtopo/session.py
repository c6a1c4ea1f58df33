"""Which runs of a folder are alive, and the locks that dead ones have left.

Snakemake marks a folder as locked by files, which stay when it is killed, so that a plain re-run
would refuse to start. Each run here also holds a lock of the operating system's, which ends with
its processes, however they end: whoever gets that lock alone knows that nobody is left. The fork
server and its jobs share it, so that no job of a killed run writes beside those of the next; so do
jobs that run without the server. Their temporary folders are noted as well, and removed by the next
run if they could not do it. Jobs that were given to a cluster share no lock: what a killed run of
such has locked is the user's to free.
"""

import atexit
import fcntl
import json
import os
import platform
import select
import shutil
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from lmtopo.files import lock

ALIVE = Path(".lmtopo/alive.lock")
SNAKEMAKE = Path(".snakemake/locks")
STUDIES = Path(".lmtopo/studies")
"""A lock for each study, which its run holds."""
SCRATCH = Path(".lmtopo/scratch")
ELSEWHERE = Path(".lmtopo/elsewhere")
RUN = "LMTOPO_RUN"
"""The environment variable that tells jobs on this machine the process of their run."""
PATIENCE = 10.0
"""Seconds that the jobs of a killed run are given to end."""

_held: int | None = None
_left_elsewhere = False


def enter() -> bool:
    """Join the runs that are alive, until this process ends; whether stale locks were removed.

    Snakemake's locks are left as they are, and Snakemake will refuse to start, while another run
    is alive, if the last one ran on another machine (whose processes this one may not see) or was
    killed while others had jobs of it (`elsewhere`), or where the file system has no locks.
    """
    global _held, _left_elsewhere
    if _held is not None:
        return False
    try:
        ALIVE.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(ALIVE, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError:  # not writable: nothing can be locked or run here
        return False
    try:
        freed, _left_elsewhere = _join(file)
    except OSError:  # no locks on this file system
        os.close(file)
        return False
    _held = file
    return freed


def held() -> list[int]:
    """The descriptor of the lock, for processes that shall count as part of this run."""
    return [] if _held is None else [_held]


def lead() -> None:
    """Have jobs that this process starts, with or without others in between, `follow` it."""
    os.environ[RUN] = str(os.getpid())


def follow() -> None:
    """Count as part of the run that has this job started, if one does: its folder is not free
    before this process ends. Where the system can tell, that is when the run ends, at the latest.
    """
    if RUN not in os.environ:
        return
    with suppress(OSError):  # no locks on this file system
        fcntl.flock(os.open(ALIVE, os.O_RDWR), fcntl.LOCK_SH)
    run = int(os.environ[RUN])
    if not _exists(run):
        os._exit(1)
    if hasattr(os, "pidfd_open"):
        with suppress(OSError):
            watched = os.pidfd_open(run)
            threading.Thread(target=_end_with, args=(watched,), daemon=True).start()


def _end_with(process: int) -> None:
    select.select([process], [], [])
    os._exit(1)


def elsewhere() -> None:
    """Have it known that jobs of this run may outlive it on other machines, until it ends by
    itself."""
    ELSEWHERE.mkdir(parents=True, exist_ok=True)
    mark = ELSEWHERE / f"{platform.node()}-{os.getpid()}"
    mark.touch()
    atexit.register(mark.unlink, missing_ok=True)


def left_elsewhere() -> bool:
    """Whether a killed run has left its locks, and perhaps jobs on other machines."""
    return _left_elsewhere


def beside(study: str) -> str | None:
    """The study that is running here and so keeps a killed run of ``study`` locked; None if there
    is no such run or no other study."""
    if _held is None or not any(_names(path, f"results/{study}/") for path in SNAKEMAKE.glob("*")):
        return None
    running = [path.stem for path in sorted(STUDIES.glob("*.lock")) if _taken(path)]
    return None if study in running else next(iter(running), None)


def _names(locked: Path, folder: str) -> bool:
    """Whether a lock of Snakemake's is of files in a folder."""
    with suppress(OSError):  # it may have ended by now
        return any(line.startswith(folder) for line in locked.read_text().splitlines())
    return False


def _taken(path: Path) -> bool:
    file = lock(path)
    if file is not None:
        os.close(file)
    return file is None


def scratch(folder: str | None = None) -> str:
    """Make a temporary folder (in ``folder``, if given) for sockets and the like; `remove` it."""
    made = tempfile.mkdtemp(prefix="lmtopo-", dir=folder)
    note(made)
    return made


def note(folder: str) -> None:
    """Have the next run remove a temporary folder, if this one is killed before it does."""
    with suppress(OSError):
        SCRATCH.mkdir(parents=True, exist_ok=True)
        (SCRATCH / os.path.basename(folder)).symlink_to(folder)


def remove(folder: str) -> None:
    """Remove what `scratch` has made."""
    shutil.rmtree(folder, ignore_errors=True)
    with suppress(OSError):
        (SCRATCH / os.path.basename(folder)).unlink()


def _join(file: int) -> tuple[bool, bool]:
    """Whether locks were freed, and whether they were not, as jobs may run on other machines."""
    last = _last(file)
    here = last.machine in ("", platform.node())
    dead = here and not (last.process and _exists(last.process))
    alone = _alone(file, PATIENCE if dead and _locked() else 0.0)
    marked = ELSEWHERE.is_dir() and any(ELSEWHERE.iterdir())
    left = alone and _locked() and marked
    freed = alone and here and _locked() and not marked
    if freed:
        for one in SNAKEMAKE.iterdir():
            one.unlink()
    if alone and here and last.file == _inode(file):  # and not a copy of that folder
        for link in SCRATCH.glob("*"):
            remove(str(Path(os.readlink(link)).parent / link.name))
    if alone and not _locked():
        shutil.rmtree(ELSEWHERE, ignore_errors=True)
        os.ftruncate(file, 0)
        os.pwrite(file, json.dumps([platform.node(), os.getpid(), _inode(file)]).encode(), 0)
    fcntl.flock(file, fcntl.LOCK_SH)
    return freed, left


def _locked() -> bool:
    return SNAKEMAKE.is_dir() and any(SNAKEMAKE.iterdir())


class Last(NamedTuple):
    """The last run that entered alone: its machine and process, and the inode of its lock; of one
    that is not known, nothing."""

    machine: str = ""
    process: int = 0
    file: int = 0


def _last(file: int) -> Last:
    try:
        machine, process, inode = json.loads(os.pread(file, 4096, 0))
        return Last(str(machine), int(process), int(inode))
    except (ValueError, TypeError):
        return Last()


def _inode(file: int) -> int:
    return os.fstat(file).st_ino


def _exists(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def _alone(file: int, patience: float) -> bool:
    """Whether the lock can be had alone, within ``patience`` seconds."""
    until = time.monotonic() + patience
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            if time.monotonic() >= until:
                return False
            time.sleep(0.05)
