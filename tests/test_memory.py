import platform
import subprocess
import sys
from pathlib import Path

import pytest

from lmtopo import memory

MIB = 2**20


def test_there_is_memory_but_not_more_than_the_machine_has() -> None:
    import psutil

    assert 0 < memory.available() <= psutil.virtual_memory().total


def test_the_tightest_control_group_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    job = tmp_path / "slurm" / "job"
    job.mkdir(parents=True)
    for folder, limit, used in ((job, "max", 5), (job.parent, 10 * MIB, 4 * MIB)):
        (folder / "memory.max").write_text(f"{limit}\n")
        (folder / "memory.current").write_text(f"{used}\n")
    told = tmp_path / "told"
    told.write_text("0::/slurm/job\n")
    monkeypatch.setattr(memory, "CGROUPS", tmp_path)
    monkeypatch.setattr(memory, "MEMBERSHIP", told)
    assert list(memory.allowances()) == [6 * MIB]
    assert memory.available() == 6 * MIB
    # copies of files that were read are given back when the memory is needed
    (job.parent / "memory.stat").write_text(f"anon {MIB}\ninactive_file {2 * MIB}\n")
    assert memory.available() == 8 * MIB
    (job.parent / "memory.stat").write_text(f"active_file {99 * MIB}\n")
    assert memory.available() == 10 * MIB


KEEPING = """
import resource, sys
import numpy as np
from lmtopo.memory import keep_freed

def pages():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(10):
        held = [np.ones(2**17) for _ in range(40)]
        del held
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

print(pages() > 10_000)
keep_freed()
pages()
print(pages() < 100)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other libraries have no mallopt")
def test_freed_memory_is_used_again() -> None:
    said = subprocess.run(
        [sys.executable, "-c", KEEPING],
        env={"PYTHONPATH": str(Path(memory.__file__).parents[1])},
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout.split() == ["True", "True"]


@pytest.mark.parametrize("library", ["torch", "numpy"])
def test_too_much_is_an_error_that_is_known_and_ends_with_the_block(
    library: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import numpy as np
    import torch

    monkeypatch.setattr(memory, "available", lambda: 64 * MIB)
    make = torch.ones if library == "torch" else np.ones
    with memory.limited() as free:
        with pytest.raises((RuntimeError, MemoryError)) as raised:
            make(200 * MIB // 4)
        assert free == 64 * MIB
    assert memory.lacking(raised.value)
    assert len(make(200 * MIB // 4)) == 200 * MIB // 4


def test_other_errors_are_not_about_memory() -> None:
    assert not memory.lacking(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))
    assert memory.lacking(RuntimeError("CUDA out of memory. Tried to allocate 2 GiB"))
