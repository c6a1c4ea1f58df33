"""Files that are either whole or not there, their hashes, and locks."""

import errno
import fcntl
import glob
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lmtopo.errors import InputError


@contextmanager
def atomic(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path; what is written there becomes ``path`` when the block succeeds.

    The temporary name lies in the same folder, so that the final rename is atomic, and keeps
    the suffix, which some writers look at. The block may write a file or make a folder; if it
    raises, nothing is left behind, and what a killed writer of the same path has left is removed
    (a path has one writer at a time). An existing ``path`` is replaced. Others may read what is
    written as the umask says, also where a writer (safetensors) keeps it to the user.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    prefix = f".{path.name}.tmp-"
    for left in path.parent.glob(f"{glob.escape(prefix)}*"):
        shutil.rmtree(left, ignore_errors=True)
    scratch = Path(tempfile.mkdtemp(prefix=prefix, dir=path.parent))
    try:
        temporary = scratch / path.name
        yield temporary
        share(temporary, scratch / f"{path.name}.plain")
        if temporary.is_dir() and path.is_dir():
            path.rename(scratch / "replaced")
        temporary.rename(path)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def share(written: Path, plain: Path) -> None:
    """Give files that the user alone may read, in a folder or one by itself, the mode that new
    files have here, such as ``plain``, which is made if there are any. What links name is left."""
    for file in (written, *written.rglob("*")):
        if file.is_file() and not file.is_symlink() and not file.stat().st_mode & 0o077:
            plain.touch()
            file.chmod(plain.stat().st_mode)


def write_json(path: str | Path, value: Any) -> None:
    """Write ``value`` as indented JSON, keys in their order, with a final newline."""
    with atomic(path) as temporary:
        temporary.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def read_json(path: str | Path) -> Any:
    """Read a JSON file."""
    return json.loads(Path(path).read_text())


def sha256(path: str | Path) -> str:
    """Hexadecimal SHA-256 of a file's bytes."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def lock(path: Path) -> int | None:
    """An open file with an exclusive lock, which ends with the process; None if it is held.

    Raises
    ------
    InputError
        If the file system has no locks.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(file)
        return None
    except OSError as error:
        os.close(file)
        if error.errno not in (errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOLCK):
            raise
        raise InputError(
            f"'{path}' cannot be locked: the file system has no locks (flock), without which runs "
            "and downloads would disturb each other. Work in a folder that has them, or have it "
            "mounted with them (Lustre: -o flock)"
        ) from None
    return file
