"""Compiled code is kept where it can be, and works where it cannot."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from lmtopo import compiled

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


def following(number: int) -> int:
    return number + 1


@pytest.mark.parametrize("suffix", ["nbi", "nbc"])
@pytest.mark.parametrize("share", [0, 0.5])
def test_kept_code_that_is_damaged_is_compiled_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str, share: float
) -> None:
    monkeypatch.setattr(compiled, "FOLDER", tmp_path)
    monkeypatch.setattr(compiled, "KEPT", True)
    assert compiled.compiled(following)(2) == 3
    (kept,) = tmp_path.rglob(f"*.{suffix}")
    whole = kept.read_bytes()
    kept.write_bytes(whole[: int(share * len(whole))])
    assert compiled.compiled(following)(2) == 3
    again = compiled.compiled(following)
    assert again(2) == 3
    assert sum(again.stats.cache_hits.values()) == 1
