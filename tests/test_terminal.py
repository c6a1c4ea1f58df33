import subprocess
import sys
from pathlib import Path

LIBRARY = Path(__file__).parents[1] / "workflow"
STARTER = """
import subprocess, sys
from lmtopo import terminal
terminal.relay(lambda line: print("heard", repr(line)))
subprocess.run([sys.executable, "-c", sys.argv[1]], check=True)
"""
JOB = """
from lmtopo import job
job.run({"stage": "say", "module": "lmtopo.job", "arguments": {"text": "half done ██"}, "log": "x"})
"""


def test_what_a_job_says_reaches_the_starters_logger_and_the_log(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", STARTER, JOB],
        cwd=tmp_path,
        env={"PYTHONPATH": str(LIBRARY), "PATH": "/usr/bin", "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "heard 'half done ██'\n"
    assert done.stderr == ""
    assert (tmp_path / "x").read_text().startswith("half done ██\n")
    assert not list(tmp_path.glob("lmtopo-*"))


def test_without_a_relay_it_reaches_standard_error(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", JOB],
        cwd=tmp_path,
        env={"PYTHONPATH": str(LIBRARY), "LMTOPO_TERMINAL": str(tmp_path / "gone")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == "half done ██\n"
