"""A fixed number of slots, whoever dies in one."""

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from itertools import accumulate
from pathlib import Path
from typing import Any

import pytest

from lmtopo import slots
from lmtopo.errors import InputError
from lmtopo.files import lock


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(slots, "LONGEST_WAIT", 0.05)


def make(key: str, keep: int = 1, name: str | None = None) -> Path:
    """A finished folder made in a slot, as stage `checkpoint` makes one."""
    folder = Path(name or key)
    with slots.slot("study", keep, key=key, folder=folder) as inside:
        (inside / "weights").write_text(key)
        inside.rename(folder)
    return folder


def come_and_go(number: int) -> None:
    """Make a folder in one of two slots and delete it, and note both."""

    def note(change: str) -> None:
        with Path("notes").open("a") as file:
            file.write(f"{change}\n")

    with slots.slot("study", 2, key=str(number), folder=Path(f"done{number}")) as inside:
        note("+1")
        time.sleep(0.02)
        inside.rename(f"done{number}")
    time.sleep(0.02)
    note("-1")
    Path(f"done{number}").rmdir()


@pytest.mark.parametrize("kind", ["threads", "processes"])
def test_there_are_never_more_than_keep_at_once(kind: str) -> None:
    fork = multiprocessing.get_context("fork")
    start: Any = fork.Process if kind == "processes" else threading.Thread
    workers = [start(target=come_and_go, args=(number,)) for number in range(6)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(10)
    there = list(accumulate(int(line) for line in Path("notes").read_text().split()))
    assert len(there) == 12
    assert max(there) <= 2
    assert there[-1] == 0


def test_a_slot_is_free_again_when_its_folder_is_deleted() -> None:
    folder = make("first")
    done = threading.Event()

    def second() -> None:
        make("second")
        done.set()

    thread = threading.Thread(target=second)
    thread.start()
    assert not done.wait(0.2)
    assert slots.folders("study") == [folder]
    (folder / "weights").unlink()
    folder.rmdir()
    assert done.wait(2)
    thread.join()
    assert slots.folders("study") == [Path("second")]


def test_a_folder_that_is_made_anew_needs_no_other_slot() -> None:
    make("first", name="folder")
    with slots.slot("study", 1, key="first", folder=Path("folder")) as inside:
        assert not list(inside.iterdir())


def test_a_download_that_fails_frees_its_slot_and_leaves_its_part() -> None:
    with (
        suppress(KeyError),
        slots.slot("study", 1, key="first", folder=Path("folder")) as inside,
    ):
        (inside / "part").touch()
        raise KeyError
    with slots.slot("study", 1, key="first", folder=Path("folder")) as inside:
        assert (inside / "part").exists()


def kill_a_holder(key: str, keep: int) -> None:
    """A process that is killed in a slot, with a part of its download there."""
    code = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from lmtopo import slots\n"
        f"with slots.slot('study', {keep}, key={key!r}, folder=Path({key!r})) as inside:\n"
        "    (inside / 'part').write_text('half')\n"
        "    print('ready', flush=True)\n"
        "    time.sleep(60)\n"
    )
    path = str(Path(slots.__file__).parents[1])
    with subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        assert lock(slots.place("study") / "0.lock") is None
        process.send_signal(signal.SIGKILL)


def test_what_a_killed_holder_left_is_for_the_same_key_alone() -> None:
    kill_a_holder("first", 2)
    with slots.slot("study", 2, key="first", folder=Path("first")) as inside:
        assert (inside / "part").read_text() == "half"
    with slots.slot("study", 1, key="second", folder=Path("second")) as inside:
        assert not list(inside.iterdir())


def test_a_slot_with_a_part_of_the_key_is_preferred() -> None:
    with slots.slot("study", 2, key="a", folder=Path("a")) as zero:
        with slots.slot("study", 2, key="b", folder=Path("b")) as one:
            (one / "part").touch()
        assert zero != one
    with slots.slot("study", 2, key="b", folder=Path("b")) as inside:
        assert inside == one
        assert (inside / "part").exists()


def test_studies_have_their_own_slots() -> None:
    make("first")
    with slots.slot("other", 1, key="second", folder=Path("second")) as inside:
        assert inside.is_dir()


def test_the_wait_ends_when_the_study_stops() -> None:
    make("first")
    slots.stopping("study").touch()
    with pytest.raises(InputError, match="no room for another checkpoint before the study stops"):
        make("second")


def test_a_study_stops_before_its_first_download() -> None:
    slots.stop("none")
    assert slots.stopping("none").exists()


def test_a_damaged_note_is_an_empty_slot() -> None:
    slots.place("study").mkdir(parents=True)
    slots.note("study", 0).write_text('{"key": ')
    assert make("first").is_dir()


def test_clear_deletes_what_is_not_needed_and_nothing_else() -> None:
    needed, not_needed = make("needed", 3), make("not_needed", 3)
    slots.clear("study", 3, {"needed"})
    assert needed.is_dir()
    assert not not_needed.exists()
    assert make("third", 2).is_dir()


def test_clear_deletes_parts_in_slots_beyond_keep() -> None:
    with slots.slot("study", 2, key="a", folder=Path("a")) as zero:
        (zero / "part").touch()
        with slots.slot("study", 2, key="b", folder=Path("b")) as one:
            (one / "part").touch()
    slots.clear("study", 1, {"a", "b"})
    assert (zero / "part").exists()
    assert not one.exists()
    assert not slots.note("study", 1).exists()


def test_clear_leaves_a_slot_that_is_held() -> None:
    with slots.slot("study", 1, key="a", folder=Path("a")) as inside:
        (inside / "part").touch()
        slots.clear("study", 0, set())
        assert (inside / "part").exists()


def test_a_download_that_waits_says_once_for_what(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(slots, "SAID_AFTER", 0.0)
    folder = make("first")
    thread = threading.Thread(target=make, args=("second",))
    thread.start()
    time.sleep(0.3)
    (folder / "weights").unlink()
    folder.rmdir()
    thread.join()
    assert capfd.readouterr().err == (
        "second waits for room (hub.keep: 1), which is taken by first\n"
    )


def test_downloads_that_would_wait_for_ever_are_refused() -> None:
    slots.check_room("study", 2, {"a", "b", "c"}, freed={"a", "b", "c"})
    slots.check_room("study", 2, {"a", "b"}, freed=set())
    with pytest.raises(InputError, match=r"^3 downloaded .* room for 2 .* raise hub.keep to 3$"):
        slots.check_room("study", 2, {"a", "b", "c"}, freed=set())
    with pytest.raises(InputError, match=r"^2 downloaded .* raise hub.keep to 3$"):
        slots.check_room("study", 2, {"a", "b", "c"}, freed={"c"})
    make("kept")
    with pytest.raises(InputError, match=r"^3 downloaded"):
        slots.check_room("study", 2, {"a", "b"}, freed=set())
    slots.check_room("study", 1, {"a"}, freed={"a"})
