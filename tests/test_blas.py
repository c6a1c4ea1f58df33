"""BLAS is held to one thread, whichever library brings it."""

import subprocess
import sys
from pathlib import Path

WORKFLOW = Path(__file__).parents[1] / "workflow"
THREADS = """
import numpy
from lmtopo.blas import one_thread
from threadpoolctl import threadpool_info

def threads():
    return [one["num_threads"] for one in threadpool_info() if one["user_api"] == "blas"]

print(threads())
with one_thread():
    print(threads())
print(threads())
import scipy.linalg
with one_thread():
    print(threads())
"""


def test_a_job_has_one_thread_from_the_first() -> None:
    assert run("import lmtopo.job\n" + THREADS) == ["[1]", "[1]", "[1]", "[1, 1]"]


def test_every_blas_has_one_thread_and_those_it_had_afterwards() -> None:
    assert run(THREADS) == ["[2]", "[1]", "[2]", "[1, 1]"]


def run(code: str) -> list[str]:
    said = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": str(WORKFLOW), "OPENBLAS_NUM_THREADS": "2"},
        capture_output=True,
        text=True,
        check=True,
    )
    return said.stdout.splitlines()
