"""The mend of too little text, where ``holdout`` says how much of a file is read."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any


def or_hold_out(origin: Mapping[str, Any], name: str, split: str, *, limited: bool) -> str:
    """The end of an error about too little text in a split: to raise ``holdout``, if that cuts the
    split and the number of documents was not ``limited`` otherwise."""
    path = origin.get("path")
    if limited or split != "validation" or path is None:
        return ""
    if Path(path, "dataset_dict.json").is_file():  # saved with splits of its own
        return ""
    return f", or raise datasets.{name}.holdout, the share of '{path}' that is '{split}'"
