"""A job ends the same way with the fork server and without it, and leaves nothing behind."""

import json
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lmtopo import client, fork_server, session
from lmtopo.files import lock

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="there is no server elsewhere")

STAGES = """
import json, os, signal, subprocess, sys, time
from pathlib import Path
from lmtopo.errors import Damaged, InputError
from lmtopo.job import say

CALLS = []

def result(path, **values):
    CALLS.append(path)
    print("to standard output")
    os.system("echo from a grandchild >&2")
    facts = {
        "values": values, "calls": len(CALLS), "cwd": os.getcwd(), "mark": os.environ.get("MARK"),
        "path": sys.path, "lmtopo": sys.modules["lmtopo"].__file__,
        "sigint": signal.getsignal(signal.SIGINT) is signal.default_int_handler,
    }
    Path(path).write_text(json.dumps(facts))

def wrong(error, text):
    say("about to fail")
    raise {"InputError": InputError, "ValueError": ValueError, "MemoryError": MemoryError,
           "SystemExit": SystemExit}[error](*text)

def damaged(path):
    raise Damaged(path, "cut")

def killed(number):
    os.kill(os.getpid(), number)

def sleep(path):
    other = subprocess.Popen(["sleep", "60"])
    Path(path + ".part").write_text(json.dumps([os.getpid(), other.pid]))
    os.rename(path + ".part", path)
    time.sleep(60)
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory of the jobs."""
    library = tmp_path / "library"
    library.mkdir()
    (library / "stages_of_test.py").write_text(STAGES)
    monkeypatch.setenv("PYTHONPATH", str(library))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def server(folder: Path) -> Iterator[str]:
    address = fork_server.start(["json"])
    assert address is not None
    yield address
    fork_server.stop()


@pytest.fixture(params=["server", "alone"])
def either(request: pytest.FixtureRequest) -> str:
    request.getfixturevalue("server" if request.param == "server" else "folder")
    return str(request.param)


def command(stage: str, log: str = "logs/job.log", **arguments: Any) -> list[str]:
    call = {"stage": stage, "module": "stages_of_test", "log": log, "arguments": arguments}
    assert client.__file__ is not None
    return [sys.executable, "-S", client.__file__, json.dumps(call)]


def run(stage: str, **arguments: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(stage, **arguments), capture_output=True, text=True, timeout=20)


def wait_for(condition: Callable[[], Any]) -> Any:
    end = time.monotonic() + 10
    while time.monotonic() < end:
        if found := condition():
            return found
        time.sleep(0.01)
    raise AssertionError("waited 10 s")


def read_when_there(path: Path) -> Any:
    wait_for(path.exists)
    return json.loads(path.read_text())


def runs(process: int) -> bool:
    """Whether a process is there and no zombie."""
    try:
        text = Path(f"/proc/{process}/stat").read_text()
    except OSError:
        return False
    return text.rpartition(")")[2].split()[0] != "Z"


def server_process() -> int:
    assert fork_server._server is not None
    return fork_server._server.pid


def children(process: int) -> list[int]:
    text = Path(f"/proc/{process}/task/{process}/children").read_text()
    return [int(child) for child in text.split()]


def test_a_job_gives_the_same_with_the_server_and_without(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MARK", "before the server")
    alone = run("result", path="alone.json", size=3)
    fork_server.start(["json"])
    try:
        monkeypatch.setenv("MARK", "after the server")
        served = run("result", path="served.json", size=3)
    finally:
        fork_server.stop()
    for finished in (alone, served):
        assert (finished.returncode, finished.stdout, finished.stderr) == (0, "", "")
    one, other = (json.loads(Path(f"{name}.json").read_text()) for name in ("alone", "served"))
    assert (one.pop("mark"), other.pop("mark")) == ("before the server", "after the server")
    assert one == other
    assert one["values"] == {"size": 3}
    assert str(Path(client.__file__ or "").parent) not in one["path"]


def test_files_and_log_may_stand_beside_the_call(either: str, folder: Path) -> None:
    call = {"stage": "result", "module": "stages_of_test", "arguments": {"size": 3}}
    parts = [json.dumps(call), json.dumps({"path": "result.json"}), "logs/beside.log"]
    assert subprocess.run([*command("result")[:3], *parts], timeout=20).returncode == 0
    assert json.loads(Path("result.json").read_text())["values"] == {"size": 3}
    assert Path("logs/beside.log").is_file()


def test_a_command_that_makes_no_sense_fails_and_the_server_goes_on(either: str) -> None:
    for parts in (["{"], ["[]"], ['{"stage": "result"}'], []):
        job = [*command("result")[:3], *parts]
        finished = subprocess.run(job, capture_output=True, timeout=20)
        assert finished.returncode == 1
        assert b"Error" in finished.stderr
    assert run("result", path="result.json").returncode == 0


def test_what_a_job_prints_is_in_its_log_and_the_time_on_the_last_line(
    either: str, folder: Path
) -> None:
    (folder / "logs").mkdir()
    (folder / "logs/job.log").write_text("of an earlier attempt\n")
    assert run("result", path="result.json").returncode == 0
    *printed, last = (folder / "logs/job.log").read_text().splitlines()
    assert printed == ["to standard output", "from a grandchild"]
    assert last.startswith("result: ")
    assert last.endswith(" s")


def test_a_user_s_error_is_told_in_one_line_without_traceback(either: str, folder: Path) -> None:
    finished = run("wrong", error="InputError", text=["budget 'x' is 0: raise it"])
    assert finished.returncode == 1
    message = "about to fail\nlmtopo wrong: budget 'x' is 0: raise it\n"
    assert finished.stderr == message
    assert (folder / "logs/job.log").read_text().startswith(message)
    assert "Traceback" not in (folder / "logs/job.log").read_text()


@pytest.mark.parametrize(
    ("error", "text", "status", "line"),
    [
        ("ValueError", ["bad\nand more"], 1, "ValueError: bad (traceback in logs/job.log)\n"),
        ("MemoryError", [], 1, "MemoryError (traceback in logs/job.log)\n"),
        ("SystemExit", [7], 7, None),
        ("SystemExit", ["no use"], 1, "no use\n"),
    ],
)
def test_other_errors_leave_a_status_and_a_line(
    either: str, folder: Path, error: str, text: list[Any], status: int, line: str | None
) -> None:
    finished = run("wrong", error=error, text=text)
    assert finished.returncode == status
    assert finished.stderr == "about to fail\n" + (f"lmtopo wrong: {line}" if line else "")
    traceback = error in ("ValueError", "MemoryError")
    assert ("Traceback" in (folder / "logs/job.log").read_text()) == traceback


def test_a_log_that_cannot_be_written_is_told(either: str, folder: Path) -> None:
    (folder / "logs").write_text("not a folder")
    finished = run("result", path="result.json")
    assert finished.returncode == 1
    assert "cannot write the log logs/job.log" in finished.stderr


def test_a_job_killed_by_a_signal_says_so(server: str) -> None:
    finished = run("killed", number=signal.SIGKILL)
    assert finished.returncode == 128 + signal.SIGKILL
    assert finished.stderr == (
        "lmtopo killed: killed by signal 9 (Killed; out of memory?), log in logs/job.log\n"
    )
    assert run("killed", number=signal.SIGSEGV).returncode == 128 + signal.SIGSEGV


def test_jobs_do_not_share_state_and_leave_no_zombies(server: str, folder: Path) -> None:
    names = [f"{number}.json" for number in range(20)]
    jobs = [subprocess.Popen(command("result", f"logs/{name}", path=name)) for name in names]
    assert [job.wait(20) for job in jobs] == [0] * 20
    assert all(json.loads(Path(name).read_text())["calls"] == 1 for name in names)
    wait_for(lambda: not children(server_process()))


def test_clients_queue_while_the_server_imports(folder: Path) -> None:
    (folder / "library/slow_to_import.py").write_text("import time; time.sleep(0.5)")
    began = time.monotonic()
    fork_server.start(["slow_to_import", "not_there"])
    try:
        assert time.monotonic() - began < 0.4
        assert run("result", path="result.json").returncode == 0
        assert time.monotonic() - began > 0.5
    finally:
        fork_server.stop()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_client_that_is_gone_takes_its_job_along(
    server: str, folder: Path, number: signal.Signals
) -> None:
    job = subprocess.Popen(command("sleep", path="processes"), stderr=subprocess.PIPE)
    processes = read_when_there(folder / "processes")
    job.send_signal(number)
    _, said = job.communicate(timeout=10)
    assert said == b""
    wait_for(lambda: not any(map(runs, processes)))
    wait_for(lambda: not children(server_process()))
    assert run("result", path="next.json").returncode == 0


def test_a_server_that_dies_fails_its_clients_and_takes_their_jobs_along(
    server: str, folder: Path
) -> None:
    job = subprocess.Popen(command("sleep", path="processes"), stderr=subprocess.PIPE)
    processes = read_when_there(folder / "processes")
    os.kill(server_process(), signal.SIGKILL)
    _, said = job.communicate(timeout=10)
    assert job.returncode == 1
    assert said == b"lmtopo: the fork server ended before its job did, and the job with it\n"
    wait_for(lambda: not any(map(runs, processes)))
    assert run("result", path="next.json").returncode == 0


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_the_server_ends_with_what_started_it(folder: Path, number: signal.Signals) -> None:
    starter = f"""
import json, subprocess, sys, time
from lmtopo import fork_server
address = fork_server.start(["json"])
job = subprocess.Popen({command("sleep", path="processes")!r}, stderr=subprocess.DEVNULL)
print(json.dumps([address, fork_server._server.pid, job.pid]), flush=True)
time.sleep(60)
"""
    environment = {**os.environ, "PYTHONPATH": f"{client.LIBRARY}:{folder}/library"}
    with subprocess.Popen(
        [sys.executable, "-c", starter],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        address, *others = json.loads(process.stdout.readline())
        processes = read_when_there(folder / "processes")
        assert all(map(runs, others + processes))
        # Ctrl-C goes to the whole foreground group, the other two to one process
        kill = os.killpg if number == signal.SIGINT else os.kill
        kill(process.pid, number)
        wait_for(lambda: not any(map(runs, others + processes)))
        wait_for(lambda: not Path(address).parent.exists())
        assert "fork_server" not in process.stderr.read().decode()


def test_a_server_that_was_killed_is_replaced(
    server: str, folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    first = server_process()
    os.kill(first, signal.SIGKILL)
    wait_for(lambda: os.environ[client.VARIABLE] != server)
    assert server_process() != first
    assert not Path(server).parent.exists()
    assert run("result", path="result.json").returncode == 0
    assert "the fork server was killed: another takes its place" in capfd.readouterr().err
    fork_server.stop()
    assert client.VARIABLE not in os.environ


def test_a_job_whose_server_and_client_die_at_once_dies_too(server: str, folder: Path) -> None:
    client_process = subprocess.Popen(command("sleep", path="started"))
    job, _ = read_when_there(folder / "started")
    for process in (server_process(), client_process.pid):
        os.kill(process, signal.SIGSTOP)  # so that neither can see the other go
    for process in (server_process(), client_process.pid):
        os.kill(process, signal.SIGKILL)
    client_process.wait()
    wait_for(lambda: not runs(job))


@pytest.mark.parametrize(
    ("path", "removed"),
    [
        ("results/x/table.parquet", True),
        (".lmtopo/state/x.json", True),
        ("results/x/folder", False),
        ("mine/table.parquet", False),
    ],
)
def test_a_damaged_file_of_results_is_removed_and_no_other(
    either: str, folder: Path, path: str, removed: bool
) -> None:
    place = folder / path
    place.parent.mkdir(parents=True)
    place.write_bytes(b"") if place.suffix else place.mkdir()
    finished = run("damaged", path=path)
    assert finished.returncode == 1
    assert place.exists() != removed
    if removed:
        assert f"'{path}' is damaged (cut) and was removed: run snakemake again" in finished.stderr
    else:
        assert f"'{path}' is damaged (cut): delete it and run snakemake again" in finished.stderr


def test_a_server_of_another_environment_is_passed_by(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    link = folder / "python"
    link.symlink_to(sys.executable)
    fork_server.start(["json"])
    try:
        job = [str(link), *command("result", path="result.json")[1:]]
        finished = subprocess.run(job, capture_output=True, text=True, timeout=20)
    finally:
        fork_server.stop()
    assert "the fork server refuses jobs of" in capfd.readouterr().err
    # the link is no virtual environment, which is what the job finds out for itself
    assert json.loads(Path("result.json").read_text())["calls"] == 1
    assert finished.returncode == 0


def test_a_server_that_cannot_fork_is_passed_by(folder: Path) -> None:
    no_fork = "import os\ndef fork():\n    raise BlockingIOError(11, 'no more')\nos.fork = fork\n"
    (folder / "library/no_fork.py").write_text(no_fork)
    fork_server.start(["no_fork"])
    try:
        finished = run("result", path="result.json")
    finally:
        fork_server.stop()
    assert (finished.returncode, finished.stderr) == (0, "")


@pytest.mark.parametrize("address", ["no/such/socket", "stages", ""])
def test_without_a_socket_a_job_runs_alone(
    folder: Path, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    (folder / "stages").write_text("not a socket")
    monkeypatch.setenv(client.VARIABLE, address)
    assert run("result", path="result.json").returncode == 0


def test_only_its_user_can_reach_the_server_and_it_leaves_no_trace(server: str) -> None:
    private = Path(server).parent
    assert stat.S_IMODE(private.stat().st_mode) == 0o700
    assert os.environ[client.VARIABLE] == server
    process = server_process()
    fork_server.stop()
    assert not private.exists()
    assert not runs(process)
    assert client.VARIABLE not in os.environ


def test_a_long_temporary_folder_does_not_hinder(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = folder / ("x" * 120)
    long.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(long))
    assert fork_server.start(["json"])
    try:
        assert run("result", path="result.json").returncode == 0
    finally:
        fork_server.stop()


def test_a_job_without_the_server_keeps_its_folder_locked(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = lock(session.ALIVE)
    assert held is not None
    os.close(held)
    monkeypatch.setenv(session.RUN, str(os.getpid()))
    with subprocess.Popen(command("sleep", path="there")) as job:
        _, other = read_when_there(folder / "there")
        assert lock(session.ALIVE) is None
        job.kill()
        os.kill(other, signal.SIGKILL)
    again = lock(session.ALIVE)
    assert again is not None
    os.close(again)


def test_a_job_without_the_server_ends_with_its_run(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with subprocess.Popen(["sleep", "60"]) as main:
        monkeypatch.setenv(session.RUN, str(main.pid))
        with subprocess.Popen(command("sleep", path="there")) as job:
            _, other = read_when_there(folder / "there")
            main.kill()
            assert job.wait(10) == 1
    os.kill(other, signal.SIGKILL)
    assert run("result", path="late").returncode == 1  # it was about to begin
    assert not (folder / "late").exists()
