"""Compiled code is kept where it can be, and works where it cannot."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

WORKFLOW = Path(__file__).parents[1] / "workflow"
CODE = """
from lmtopo.compiled import compiled
import lmtopo.bit_rows as bits, numpy as np
@compiled
def last(word):
    return bits.highest(word)
assert last(np.uint64(9)) == 3
"""


@pytest.mark.slow
@pytest.mark.parametrize("place", ["cache", "file/below"])
def test_a_place_that_cannot_be_written_costs_time_and_nothing_else(
    tmp_path: Path, place: str
) -> None:
    (tmp_path / "file").write_text("no folder")
    script = tmp_path / "script.py"
    script.write_text(CODE)
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path / place)}
    subprocess.run(
        [sys.executable, script],
        env=environment | {"PYTHONPATH": str(WORKFLOW)},
        check=True,
    )
    kept = list(tmp_path.rglob("*.nbi"))
    assert len(kept) == (place == "cache")
