"""A server that has the slow imports done and forks a child for each job.

Importing torch and transformers takes seconds, most jobs take less. `start` runs the server
beside Snakemake; what a rule starts, `lmtopo.client`, finds it through an environment variable.

- It ends with the process that started it, however that ends: its standard input is a pipe from
  there, and end of file means kill all jobs and leave.
- It is in a session of its own, so Ctrl-C reaches Snakemake and the clients but not the server or
  its jobs. A client that is gone, for this or any other reason, has its job killed. SIGINT,
  SIGTERM and SIGHUP sent to the server itself mean the same as end of file.
- Imported ahead are third-party modules and the stages of a pair (each some 30 ms for every job
  otherwise), and what they set up at first use is set up. An edit of these stages is in effect from
  the next run on; other stages are imported by each child, and edits in effect for the next job.
- A server that is killed is replaced, a few times: without one, each job would take seconds more.
- A job ends with the server, too, should that be killed together with its client.
- It computes nothing: torch must not have started its threads when it forks, nor CUDA its context.
  Each stage sets its threads. (BLAS and Arrow start theirs on import, and mend them in a fork.)
"""

import argparse
import atexit
import gc
import importlib
import operator
import os
import select
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NoReturn

from lmtopo import job as jobs
from lmtopo import session
from lmtopo.client import VARIABLE, identity, python_path

LONGEST_ADDRESS = 100  # bytes; the kernel takes 107
REPLACEMENTS = 5
ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

_server: subprocess.Popen[bytes] | None = None


def start(preload: Sequence[str], shared: Sequence[int] = ()) -> str | None:
    """Start the server, name it to later clients in the environment, and return its socket.

    It and its jobs hold the descriptors ``shared`` open.

    Returns at once: clients queue while the server imports ``preload``. Returns None, and jobs
    import for themselves, where there can be no server: outside Linux, because a fork without
    exec is not safe once Apple's frameworks are loaded, or if it could not be started.
    """
    if sys.platform != "linux":
        return None
    stop()
    try:
        return _start(preload, shared, REPLACEMENTS)
    except OSError as error:
        _warn(f"lmtopo: no fork server ({error}): jobs will be slower")
        return None


def _start(preload: Sequence[str], shared: Sequence[int], replacements: int) -> str:
    global _server
    folder = session.scratch()
    if len(os.fsencode(folder)) > LONGEST_ADDRESS - len("/socket"):
        session.remove(folder)
        folder = session.scratch("/tmp")
    address = f"{folder}/socket"
    try:
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(address)
            listener.listen(1024)
            _server = subprocess.Popen(
                [
                    *(sys.executable, "-P", "-m", "lmtopo.fork_server"),
                    *("--socket", address, "--listener", str(listener.fileno())),
                    *("--preload", ",".join(preload)),
                ],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                pass_fds=[listener.fileno(), *shared],
                start_new_session=True,
                env={
                    **os.environ,
                    "PYTHONPATH": python_path(),
                    # whoever asks PyTorch whether there is CUDA is answered by the driver's
                    # management library, and CUDA sleeps on until a job wakes it
                    "PYTORCH_NVML_BASED_CUDA_CHECK": "1",
                },
            )
    except OSError:
        session.remove(folder)
        raise
    os.environ[VARIABLE] = address
    atexit.register(stop)
    watching = (_server, address, preload, shared, replacements)
    threading.Thread(target=_replace, args=watching, daemon=True).start()
    return address


def _replace(
    server: "subprocess.Popen[bytes]",
    address: str,
    preload: Sequence[str],
    shared: Sequence[int],
    replacements: int,
) -> None:
    """Wait for the end of the server, and start another unless `stop` has asked for it."""
    server.wait()
    if _server is not server:
        return
    session.remove(os.path.dirname(address))
    _warn("lmtopo: the fork server was killed" + (": another takes its place" * (replacements > 0)))
    if replacements:
        with suppress(OSError):
            _start(preload, shared, replacements - 1)


def stop() -> None:
    """End the server and its jobs; nothing if there is none."""
    global _server
    if _server is None:
        return
    server, _server = _server, None
    atexit.unregister(stop)
    address = os.environ.pop(VARIABLE)
    assert server.stdin is not None
    server.stdin.close()
    server.terminate()  # while it imports it does not look at its input
    try:
        server.wait(10)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()
    session.remove(os.path.dirname(address))


@dataclass(eq=False)
class Client:
    """A connected client: what it has sent so far, and its job."""

    connection: socket.socket
    received: bytearray = field(default_factory=bytearray)
    descriptors: list[int] = field(default_factory=list)
    call: dict[str, Any] | None = None
    job: int | None = None

    def tell(self, reply: str) -> None:
        # Replies are short and few, so they fit the socket's buffer; a client that is gone is
        # noticed by its end of file.
        with suppress(OSError):
            self.connection.send(" ".join(reply.splitlines()).encode() + b"\n")

    def left(self) -> bool:
        try:
            return not self.connection.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return False

    def close(self) -> None:
        self.connection.close()
        for descriptor in self.descriptors:
            os.close(descriptor)
        self.descriptors.clear()


class Server:
    """An event loop in one thread: clients come and go, jobs end."""

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener
        self._clients: set[Client] = set()
        self._jobs: dict[int, Client] = {}
        self._warned = False
        self._over = False
        self._signals, self._signalled = socket.socketpair()
        self._selector = selectors.DefaultSelector()
        for file, react in (
            (sys.stdin.fileno(), self._starter_gone),
            (self._signals, self._signal),
            (listener, self._accept),
        ):
            os.set_blocking(file if isinstance(file, int) else file.fileno(), False)
            self._selector.register(file, selectors.EVENT_READ, react)
        self._signalled.setblocking(False)

    def serve(self) -> None:
        """Serve until the starter is gone or a signal asks to end; then kill what runs."""
        signal.set_wakeup_fd(self._signalled.fileno(), warn_on_full_buffer=False)
        for number in (*ENDING, signal.SIGCHLD):
            signal.signal(number, lambda *_: None)
        while not self._over:
            for key, _ in self._selector.select():
                react: Callable[[], None] = key.data
                react()
        for job in self._jobs:
            _kill(job)
        for job in self._jobs:
            os.waitpid(job, 0)

    def _starter_gone(self) -> None:
        self._over = not os.read(sys.stdin.fileno(), 1024)

    def _signal(self) -> None:
        numbers = self._signals.recv(4096)
        self._over |= any(number in numbers for number in ENDING)
        while self._jobs:
            job, status = os.waitpid(-1, os.WNOHANG)
            if not job:
                break
            self._ended(job, os.waitstatus_to_exitcode(status))

    def _accept(self) -> None:
        with suppress(OSError):
            connection, _ = self._listener.accept()
            connection.setblocking(False)
            client = Client(connection)
            self._clients.add(client)
            self._selector.register(connection, selectors.EVENT_READ, partial(self._hear, client))

    def _hear(self, client: Client) -> None:
        """Take what a client sends: its request, in one piece or several, or its end of file."""
        try:
            received, descriptors, _, _ = socket.recv_fds(client.connection, 1 << 18, 2)
        except BlockingIOError:
            return
        except OSError:
            received, descriptors = b"", []
        client.descriptors += descriptors
        client.received += received
        if not received:
            self._drop(client)
        elif client.call is None and len(client.received) >= 4:
            length = int.from_bytes(client.received[:4], "big")
            if len(client.received) - 4 >= length:
                self._asked(client, bytes(client.received[4:]).split(b"\0")[:-1])

    def _asked(self, client: Client, request: list[bytes]) -> None:
        """Fork a child for a complete request, or refuse it."""
        try:
            executable, version, library, directory, count, *rest = map(os.fsdecode, request)
            if [executable, version, library] != identity():
                return self._refuse(client, f"of {executable} with {library}")
            arguments, environment = rest[: int(count)], rest[int(count) :]
            client.call = jobs.read(*arguments)
            if client.left():
                return self._drop(client)
            server = os.getpid()
            job = os.fork()
        except Exception as error:  # it makes no sense, or there is no room for another process
            return self._refuse(client, f"({type(error).__name__}: {error})")
        if not job:
            _end_with(server)
            self._become_job(client, directory, environment)
        client.job = job
        self._jobs[job] = client
        client.tell(f"started {job}")

    def _refuse(self, client: Client, why: str) -> None:
        if not self._warned:
            self._warned = True
            _warn(f"lmtopo: the fork server refuses jobs {why}; they run without it")
        client.tell("refused")
        self._drop(client)

    def _ended(self, job: int, status: int) -> None:
        with suppress(OSError):
            os.killpg(job, signal.SIGKILL)  # what it started and left behind
        client = self._jobs.pop(job)
        if status < 0:
            call = client.call or {}
            why = "; out of memory?" if -status == signal.SIGKILL else ""
            client.tell(
                f"ended {128 - status} lmtopo {call.get('stage')}: killed by signal {-status} "
                f"({signal.strsignal(-status)}{why}), log in {call.get('log')}"
            )
        else:
            client.tell(f"ended {status}")
        self._drop(client)

    def _drop(self, client: Client) -> None:
        """Forget a client; if it has a job, that is killed, and reaped when it has ended."""
        if client in self._clients:
            self._clients.remove(client)
            self._selector.unregister(client.connection)
            client.close()
        if client.job in self._jobs:
            _kill(client.job)

    def _become_job(self, client: Client, directory: str, environment: list[str]) -> NoReturn:
        """In the child: put off everything of the server, put on the client's, run the call."""
        try:
            os.setsid()
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGINT, signal.default_int_handler)
            for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD):
                signal.signal(number, signal.SIG_DFL)
            nothing = os.open(os.devnull, os.O_RDONLY)
            for source, target in zip((nothing, *client.descriptors), (0, 1, 2), strict=True):
                os.dup2(source, target)
            os.close(nothing)
            # A client learns that the server is dead because nobody else holds its connection.
            self._selector.close()
            for one in self._clients:
                one.close()
            for own in (self._listener, self._signals, self._signalled):
                own.close()
            os.chdir(directory)
            os.environ.clear()
            os.environ.update(dict(entry.split("=", 1) for entry in environment))
            jobs.leave(client.call or {})
        except BaseException as error:
            os.write(2, f"lmtopo: {type(error).__name__}: {error}\n".encode())
        finally:
            os._exit(1)


def _end_with(parent: int) -> None:
    """Have the kernel kill this process when its parent, whose id is given, ends."""
    import ctypes

    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG, see prctl(2)
    if os.getppid() != parent:
        os._exit(1)


def _kill(job: int) -> None:
    """Kill a job and its descendants; alone if it is too young to lead a group of its own."""
    for kill in (os.killpg, os.kill):
        with suppress(OSError):
            kill(job, signal.SIGKILL)


def _warn(text: str) -> None:
    with suppress(OSError):  # whoever read this may be gone
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()


def _preload(modules: list[str]) -> None:
    for module in modules:
        if select.select([sys.stdin], [], [], 0)[0]:
            break
        name, _, function = module.partition(":")
        try:
            found = importlib.import_module(name)
            if function:
                operator.attrgetter(function)(found)()
        except Exception as error:
            _warn(f"lmtopo: the fork server cannot import {module}: {error}")
    gc.collect()
    gc.freeze()  # collections in a child leave these objects alone, and their memory shared


def main() -> None:
    """``python -m lmtopo.fork_server``, as `start` starts it."""
    parser = argparse.ArgumentParser(description="Fork server of lmtopo's jobs.")
    parser.add_argument("--socket", required=True, help="its path, removed at the end")
    parser.add_argument("--listener", required=True, type=int, help="descriptor that listens on it")
    parser.add_argument(
        "--preload",
        default="",
        help="modules to import, and functions to call (module:name), with commas",
    )
    arguments = parser.parse_args()
    for number in ENDING:
        signal.signal(number, lambda *_: sys.exit(0))
    # Python 3.12 warns of a fork beside threads, see above
    warnings.filterwarnings("ignore", "This process .* is multi-threaded", DeprecationWarning)
    try:
        _preload([module for module in arguments.preload.split(",") if module])
        Server(socket.socket(fileno=arguments.listener)).serve()
    finally:
        shutil.rmtree(os.path.dirname(arguments.socket), ignore_errors=True)


if __name__ == "__main__":
    main()
    os._exit(0)  # an orderly exit would unload torch, which takes as long as a small job
