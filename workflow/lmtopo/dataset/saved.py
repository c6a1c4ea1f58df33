"""Folders that `datasets.save_to_disk` wrote, read with pyarrow alone.

Importing the ``datasets`` library takes a second, in every job that reads a text.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lmtopo.errors import InputError
from lmtopo.files import read_json

if TYPE_CHECKING:
    import pyarrow as pa


def split_names(folder: str | Path) -> list[str] | None:
    """Names of the splits of a saved ``DatasetDict``; None for a saved ``Dataset``.

    Raises
    ------
    InputError
        If the folder is missing or holds neither.
    """
    folder = Path(folder)
    if not folder.exists():
        raise InputError(f"folder '{folder}' does not exist")
    if (folder / "dataset_dict.json").is_file():
        return list(read_json(folder / "dataset_dict.json")["splits"])
    if (folder / "state.json").is_file():
        return None
    raise InputError(
        f"'{folder}' is not a folder that save_to_disk of the datasets library wrote "
        "(it has neither dataset_dict.json nor state.json)"
    )


def data_files(folder: str | Path) -> list[Path]:
    """The Arrow files of a saved ``Dataset``, in order."""
    folder = Path(folder)
    if not (folder / "state.json").is_file():
        raise InputError(f"'{folder}' is not a saved Dataset: it has no state.json")
    state = read_json(folder / "state.json")
    if state.get("_indices_files") or state.get("_indices_data_files"):
        raise InputError(
            f"'{folder}' was saved with a selection of rows beside its data, by an old version "
            "of the datasets library: load it and save it again"
        )
    files = [folder / file["filename"] for file in state["_data_files"]]
    for file in files:
        if not file.is_file():
            raise InputError(f"'{file}' is missing, though state.json beside it names it")
    return files


def columns(folder: str | Path) -> list[str]:
    """Names of the columns of a saved ``Dataset``."""
    import pyarrow as pa

    with pa.memory_map(str(data_files(folder)[0])) as file, pa.ipc.open_stream(file) as reader:
        return list(reader.schema.names)


def batches(folder: str | Path, columns: Sequence[str]) -> Iterator["pa.RecordBatch"]:
    """Some columns of a saved ``Dataset``, a batch of rows at a time."""
    import pyarrow as pa

    for path in data_files(folder):
        with pa.memory_map(str(path)) as file, pa.ipc.open_stream(file) as reader:
            for batch in reader:
                yield batch.select(list(columns))
