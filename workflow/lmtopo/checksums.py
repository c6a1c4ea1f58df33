"""Files of results that a disk has changed are noticed by whoever reads them.

npz files carry a checksum of each array. Parquet files have one of each page, and `of_schema` for
what the pages are. JSON and safetensors have none of their own: theirs is an item of the JSON that
they are or hold, and checkpoints have one for each file, beside them.
"""

import errno
import json
import os
import struct
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lmtopo.errors import Damaged, InputError
from lmtopo.files import read_json, sha256, write_json

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.lib.npyio import NpzFile

CRC = "crc32"
SUMS = "sha256.json"


@contextmanager
def reading(path: str | Path) -> Iterator[None]:
    """Within the block only the file ``path`` of results is read: what fails is its fault.

    Raises
    ------
    Damaged
        If the block raises, except for what is wrong with the file system, the memory or the
        question (an `InputError`).
    """
    try:
        yield
    except (InputError, MemoryError, FileNotFoundError, PermissionError):
        raise
    except OSError as error:
        # others are the disk's; pyarrow's own have none, and nonsense may be an invalid place
        if error.errno not in (None, errno.EINVAL):
            raise
        raise Damaged(path, _in_one_line(error)) from error
    except Exception as error:
        raise Damaged(path, _in_one_line(error)) from error


def open_npz(path: str | Path) -> "NpzFile":
    """The arrays of an ``.npz`` file, opened (each is read, by its checksum, when it is asked for).

    Raises
    ------
    ValueError
        If its directory lists fewer than it says that it has, or one by another name than stands
        before it: the checksums are of single arrays, and a turned bit there could hide some.
    """
    import numpy as np

    found = np.load(path)
    entries = found.zip.infolist()
    with Path(path).open("rb", buffering=0) as file:
        file.seek(-END.size, os.SEEK_END)
        *_, count, _, _, _ = END.unpack(file.read())
        for entry in entries:
            name = entry.orig_filename.encode()
            file.seek(entry.header_offset + HEAD)
            if file.read(len(name)) != name:
                raise ValueError(f"its directory has '{entry.filename}' at a wrong place")
    if count not in (len(entries), MANY):
        raise ValueError(f"its directory lists {len(entries)} of {count} arrays")
    return found  # type: ignore[no-any-return]


END = struct.Struct("<4s4H2LH")
"""The end of a zip without a comment: its fifth field is the number of entries."""
MANY = 0xFFFF
"""What it says where that stands elsewhere, as there are more."""
HEAD = 30
"""Bytes before the name of an entry."""


def sealed(value: Mapping[str, Any]) -> dict[str, Any]:
    """JSON with its checksum as the last item."""
    return {**value, CRC: _of_text(json.dumps(value))}


def opened(value: Mapping[str, Any]) -> dict[str, Any]:
    """What `sealed` was given, from what it returned.

    Raises
    ------
    ValueError
        If that is anything else.
    """
    bare = {name: item for name, item in value.items() if name != CRC}
    if value.get(CRC) != _of_text(json.dumps(bare)):
        raise ValueError("its checksum differs")
    return bare


def write_sealed(path: str | Path, value: Mapping[str, Any]) -> None:
    """Write a file of `sealed` JSON."""
    write_json(path, sealed(value))


def read_sealed(path: str | Path) -> dict[str, Any]:
    """A file of `sealed` JSON; Damaged if it is not as written."""
    with reading(path):
        return opened(read_json(path))


def read_part(folder: str | Path, name: str) -> Any:
    """A JSON file of a folder that is made as a whole; Damaged, of the folder, if it is no JSON."""
    with reading(folder):
        return read_json(Path(folder) / name)


def made_anew(path: str | Path) -> bool:
    """Whether a path, as jobs are told it, is of what the workflow can make again."""
    return Path(path).parts[:1] in (("results",), (".lmtopo",))


def of_array(array: "np.ndarray") -> str:
    """CRC-32 of an array's bytes in C order."""
    import numpy as np

    return f"{zlib.crc32(np.ascontiguousarray(array).data):08x}"


def check_array(array: "np.ndarray", expected: str) -> None:
    """ValueError if `of_array` is not as expected."""
    if of_array(array) != expected:
        raise ValueError("its checksum differs")


def of_schema(table: "pa.Table") -> str:
    """CRC-32 of what columns an Arrow table has, and how many rows."""
    pandas = (table.schema.metadata or {}).get(b"pandas", b"").decode()
    columns = [(field.name, str(field.type)) for field in table.schema]
    return _of_text(json.dumps([table.num_rows, columns, pandas]))


def seal_folder(folder: Path) -> None:
    """Note the SHA-256 of every file of a folder in the folder."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    write_json(folder / SUMS, {str(path.relative_to(folder)): sha256(path) for path in files})


def noted(folder: Path, whole: Path) -> dict[str, str]:
    """What `seal_folder` has noted of a folder, by path within it; empty if it has not. Damaged, of
    the folder ``whole``, if that cannot be read: without it, nothing here could be checked."""
    if not (folder / SUMS).is_file():
        return {}
    try:
        with reading(folder / SUMS):
            return {str(name): str(known) for name, known in read_json(folder / SUMS).items()}
    except Damaged as error:
        raise Damaged(whole, f"{folder.name}/{SUMS}: {error.why}") from error


def check_folder(folder: Path, whole: Path, *, always: bool = False) -> None:
    """See that the files of a folder are as `seal_folder` has noted them, if it has (``always``: it
    has to have).

    Raises
    ------
    Damaged
        Of the folder ``whole``, which has to be made anew, if one is not.
    """
    if always and not (folder / SUMS).is_file():
        raise Damaged(whole, f"{folder.name}/{SUMS} is missing")
    for name, expected in noted(folder, whole).items():
        if not (folder / name).is_file() or sha256(folder / name) != expected:
            raise Damaged(whole, f"the checksum of {folder.name}/{name} differs")


def _of_text(text: str) -> str:
    return f"{zlib.crc32(text.encode()):08x}"


def _in_one_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
