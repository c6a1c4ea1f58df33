"""What a rule tells its job arrives, however long it is."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from lmtopo import arguments, client


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("size", [0, 10, 200_000])
def test_a_value_is_read_as_it_was_given(size: int) -> None:
    value = {"stage": "x", "words": ["é'" * 2] * size}
    told = arguments.argument(value)
    assert len(told) <= arguments.LONGEST
    assert arguments.argument(value) == told
    assert arguments.value(told) == value


def test_what_is_short_is_json(folder: Path) -> None:
    assert arguments.argument({"a": 1}) == json.dumps({"a": 1})
    assert list(folder.iterdir()) == []


def test_a_job_takes_more_than_the_kernel_takes_in_one_argument(folder: Path) -> None:
    stage = folder / "lib/stage.py"
    stage.parent.mkdir()
    stage.write_text(
        "from pathlib import Path\n\n\ndef stage(words, out):\n"
        "    Path(out).write_text(str(len(words)))\n"
    )
    call = {"stage": "stage", "module": "stage", "arguments": {"words": ["word"] * 50_000}}
    told = [arguments.argument(call), arguments.argument({"out": "out.txt"}), "log.txt"]
    command = [sys.executable, "-S", "-P", client.__file__, *told]
    subprocess.run(command, check=True, env={"PYTHONPATH": str(stage.parent), "PATH": ""})
    assert (folder / "out.txt").read_text() == "50000"


LONG = ["word"] * 50_000


@pytest.mark.parametrize("kept", [0, 1000])
def test_a_long_value_whose_file_is_damaged_is_written_again(folder: Path, kept: int) -> None:
    told = arguments.argument(LONG)
    (file,) = (folder / arguments.CALLS).iterdir()
    file.write_bytes(file.read_bytes()[:kept])
    assert arguments.argument(LONG) == told
    assert arguments.value(told) == LONG


def test_a_long_value_that_cannot_be_written_leaves_no_part(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Path, other: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="No space left"):
        arguments.argument(LONG)
    assert list((folder / arguments.CALLS).iterdir()) == []
