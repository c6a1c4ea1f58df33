import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lmtopo import session

ENTER = "from lmtopo import session; print(session.enter(), flush=True); "


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(then: str = "") -> "subprocess.Popen[str]":
    """A process that enters and goes on; it has said whether it freed a lock."""
    code = f"import sys, time; sys.path.insert(0, {str(Path(session.__file__).parents[1])!r}); "
    process = subprocess.Popen(
        [sys.executable, "-c", code + ENTER + then], stdout=subprocess.PIPE, text=True
    )
    return process


def said(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def lock(folder: Path) -> Path:
    """What Snakemake leaves when it is killed."""
    path = folder / ".snakemake/locks/0.output.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("results/x\n")
    return path


def test_the_lock_of_a_killed_run_is_freed(folder: Path) -> None:
    first = run("time.sleep(60)")
    assert said(first) == "False"
    left = lock(folder)
    first.kill()
    first.wait()
    second = run()
    assert said(second) == "True"
    second.wait()
    assert not left.exists()
    assert said(run()) == "False"


def test_the_lock_of_a_living_run_is_left_at_once(folder: Path) -> None:
    first = run("time.sleep(60)")
    said(first)
    left = lock(folder)
    began = time.monotonic()
    assert said(run()) == "False"
    assert time.monotonic() - began < session.PATIENCE / 2
    assert left.exists()
    first.kill()
    first.wait()


def test_a_job_that_outlives_its_run_keeps_the_lock_for_as_long(folder: Path) -> None:
    first = run(
        "import subprocess; subprocess.Popen(['sleep', '1'], pass_fds=session.held()); "
        "print('started', flush=True); time.sleep(60)"
    )
    said(first)
    assert said(first) == "started"
    lock(folder)
    first.kill()
    first.wait()
    began = time.monotonic()
    assert said(run()) == "True"
    assert time.monotonic() - began > 0.5


def test_the_lock_of_another_machine_is_left(folder: Path) -> None:
    left = lock(folder)
    session.ALIVE.parent.mkdir()
    session.ALIVE.write_text('["elsewhere", 1, 0]')
    assert said(run()) == "False"
    assert left.exists()
    assert session.ALIVE.read_text() == '["elsewhere", 1, 0]'


def test_two_runs_may_be_alive_at_once_where_nothing_is_locked() -> None:
    first, second = run("time.sleep(60)"), run()
    assert said(first) == said(second) == "False"
    assert second.wait() == 0
    first.kill()
    first.wait()


def test_temporary_folders_of_a_killed_run_are_removed_by_the_next(tmp_path: Path) -> None:
    first = run("print(session.scratch(), flush=True); time.sleep(60)")
    said(first)
    made = Path(said(first))
    assert made.is_dir()
    second = run("print(session.scratch(), flush=True); time.sleep(60)")
    said(second)
    also = Path(said(second))  # the first is alive, so its folder stays
    assert made.is_dir()
    for process in (first, second):
        process.kill()
        process.wait()
    assert said(run()) == "False"
    assert not made.exists()
    assert not also.exists()


def test_a_noted_folder_of_another_is_removed_too(tmp_path: Path) -> None:
    other = tmp_path / "elsewhere/snakemake123"
    other.mkdir(parents=True)
    first = run(f"session.note({str(other)!r}); print('noted', flush=True)")
    said(first)
    assert said(first) == "noted"
    first.wait()
    run().wait()
    assert not other.exists()
    assert other.parent.exists()


def test_a_removed_folder_is_forgotten() -> None:
    made = session.scratch()
    session.remove(made)
    assert not Path(made).exists()
    assert list(session.SCRATCH.iterdir()) == []


def test_a_run_whose_jobs_are_elsewhere_leaves_its_lock_to_the_user(folder: Path) -> None:
    first = run("session.elsewhere(); print('told', flush=True); time.sleep(60)")
    said(first)
    assert said(first) == "told"
    left = lock(folder)
    first.kill()
    first.wait()
    second = run("print(session.left_elsewhere(), flush=True)")
    assert said(second) == "False"
    assert said(second) == "True"
    second.wait()
    left.unlink()  # snakemake --unlock
    third = run("print(session.left_elsewhere(), flush=True)")
    assert [said(third), said(third)] == ["False", "False"]
    third.wait()
    left = lock(folder)  # of a run on this machine again
    assert said(run()) == "True"
    assert not left.exists()


def test_a_run_whose_jobs_are_elsewhere_is_not_said_to_be_killed_while_it_lives(
    folder: Path,
) -> None:
    first = run("session.elsewhere(); print('told', flush=True); time.sleep(60)")
    said(first)
    assert said(first) == "told"
    lock(folder)
    beside = run("print(session.left_elsewhere(), flush=True)")
    assert [said(beside), said(beside)] == ["False", "False"]
    first.kill()
    first.wait()


def test_one_that_has_ended_by_itself_leaves_nothing_elsewhere(folder: Path) -> None:
    local = run("time.sleep(60)")
    said(local)
    beside = run("session.elsewhere()")
    said(beside)
    assert beside.wait() == 0
    lock(folder)
    local.kill()
    local.wait()
    assert said(run()) == "True"


@pytest.mark.parametrize("note", ["", "host garbage", "[1]", "{}", "3"])
def test_a_note_that_cannot_be_read_is_of_no_run(folder: Path, note: str) -> None:
    session.ALIVE.parent.mkdir()
    session.ALIVE.write_text(note)
    lock(folder)
    assert said(run()) == "True"


def test_a_copy_of_the_folder_leaves_the_temporary_folders_of_the_other(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "one").mkdir()
    monkeypatch.chdir(folder / "one")
    first = run("print(session.scratch(), flush=True); time.sleep(60)")
    said(first)
    scratch = Path(said(first))
    assert scratch.is_dir()
    shutil.copytree("../one", "../two", symlinks=True)
    monkeypatch.chdir(folder / "two")
    second = run()
    said(second)
    second.wait()
    assert scratch.is_dir()
    first.kill()
    first.wait()
    monkeypatch.chdir(folder / "one")
    last = run()
    said(last)
    last.wait()
    assert not scratch.exists()


@pytest.mark.slow
def test_a_killed_run_beside_another_study_waits_for_that_one(folder: Path) -> None:
    hold = "from lmtopo.files import lock; held = lock(session.STUDIES / '{}.lock'); "
    wait = "print('held', flush=True); time.sleep(60)"
    living = run(hold.format("b.b") + wait)
    killed = run(hold.format("a") + wait)
    assert [said(one) for one in (living, living, killed, killed)] == ["False", "held"] * 2
    lock(folder).write_text("results/a/tables/quality.parquet\n")
    ask = "print(session.beside('a'), session.beside('c'), flush=True)"

    def told() -> str:
        third = run(ask)
        assert said(third) == "False"
        return said(third)

    assert told() == "None None"  # it lives: there is another message
    killed.kill()
    killed.wait()
    assert told() == "b.b None"
    living.kill()
    living.wait()
    last = run(ask)
    assert [said(last), said(last)] == ["True", "None None"]
