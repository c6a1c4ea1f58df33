"""A process that has made the heavy imports once and forks a child for each job.

Importing torch and transformers takes seconds, most jobs less than one. Only third-party modules
are preloaded; a child imports the stage itself afresh, so that an edit is never missed. The
server runs no computation and starts no thread, which is what makes forking safe.

It ends with the process that started it, however that ends: its standard input is a pipe whose
other end that process holds. A job ends with its client: when a connection closes, the child's
process group is killed.
"""

import argparse
import array
import atexit
import contextlib
import ctypes
import gc
import json
import os
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

from lmtopo.client import SERVER, WORKFLOW

IDENTITY = [sys.executable, sys.version, WORKFLOW]
HEADER = 8
PR_SET_PDEATHSIG = 1

_process: subprocess.Popen[bytes] | None = None


def start(preload: Sequence[str]) -> None:
    """Start the server and tell the clients of this process where it is.

    Returns at once: the socket exists, and clients wait on it while the server imports.
    """
    global _process
    folder = tempfile.mkdtemp(prefix="lmtopo-")  # of mode 0700: only its user can connect
    path = str(Path(folder) / "jobs")
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen(256)
    command = [sys.executable, "-m", "lmtopo.fork_server", str(listener.fileno()), folder, *preload]
    paths = [WORKFLOW, *filter(None, [os.environ.get("PYTHONPATH")])]
    _process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        pass_fds=[listener.fileno()],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        start_new_session=True,  # Ctrl-C is for Snakemake, whose end ends the server
    )
    listener.close()
    os.environ[SERVER] = path
    atexit.register(stop)


def stop() -> None:
    """End the server and wait until it is gone."""
    global _process
    if _process is not None and _process.stdin is not None:
        os.environ.pop(SERVER, None)
        _process.stdin.close()
        _process.wait()
        _process = None


@dataclass
class Client:
    """A connection: what it has sent so far, and the child that works for it."""

    connection: socket.socket
    received: bytearray = field(default_factory=bytearray)
    outputs: list[int] = field(default_factory=list)
    child: int | None = None

    def read(self) -> bool:
        """Take what has arrived; False if the client is gone."""
        ancillary = socket.CMSG_SPACE(2 * array.array("i").itemsize)
        data, messages, _, _ = self.connection.recvmsg(1 << 20, ancillary)
        for level, kind, content in messages:
            if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                found = array.array("i")
                found.frombytes(content[: len(content) - len(content) % found.itemsize])
                self.outputs += found
        self.received += data
        return bool(data)

    def request(self) -> dict[str, Any] | None:
        """The request, once it is here as a whole."""
        if self.child is not None or len(self.received) < HEADER:
            return None
        size = int.from_bytes(self.received[:HEADER], "big")
        if len(self.received) < HEADER + size:
            return None
        return json.loads(self.received[HEADER : HEADER + size])  # type: ignore[no-any-return]

    def answer(self, text: str) -> None:
        with contextlib.suppress(OSError):  # a client that is gone needs no answer
            self.connection.sendall(f"{text}\n".encode())

    def close(self) -> None:
        self.connection.close()
        for output in self.outputs:
            os.close(output)
        self.outputs.clear()


class Server:
    """Serves clients until the process that started it is gone."""

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener
        self._clients: dict[int, Client] = {}
        self._events = selectors.DefaultSelector()
        self._wake, wakened = os.pipe()
        os.set_blocking(self._wake, False)
        os.set_blocking(wakened, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(wakened, warn_on_full_buffer=False)

    def serve(self) -> None:
        self._events.register(self._listener, selectors.EVENT_READ)
        self._events.register(sys.stdin.fileno(), selectors.EVENT_READ)
        self._events.register(self._wake, selectors.EVENT_READ)
        while True:
            for key, _ in self._events.select():
                if key.fd == sys.stdin.fileno():
                    self._end()
                    return
                if key.fd == self._wake:
                    os.read(self._wake, 4096)
                elif key.fileobj is self._listener:
                    connection, _ = self._listener.accept()
                    self._clients[connection.fileno()] = Client(connection)
                    self._events.register(connection, selectors.EVENT_READ)
                elif key.fd in self._clients:
                    self._hear(self._clients[key.fd])
            self._reap()

    def _hear(self, client: Client) -> None:
        try:
            there = client.read()
        except OSError:
            there = False
        if not there:
            if client.child is not None:
                kill(client.child)
            self._drop(client)
            return
        request = client.request()
        if request is None:
            return
        if request["identity"] != IDENTITY:
            client.answer("refused")
            self._drop(client)
            return
        try:
            client.child = os.fork()
        except OSError:
            client.answer("refused")
            self._drop(client)
            return
        if client.child == 0:
            self._become(request, client.outputs)

    def _become(self, request: dict[str, Any], outputs: list[int]) -> None:
        """Turn this forked child into the client's job."""
        os.setsid()
        end_with_parent()
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGCHLD, signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)
        status = 1
        try:
            for target, output in zip((1, 2), outputs, strict=True):
                os.dup2(output, target)
            nothing = os.open(os.devnull, os.O_RDONLY)
            os.dup2(nothing, 0)
            self._events.close()
            self._listener.close()
            for client in self._clients.values():
                client.close()
            os.environ.clear()
            os.environ.update(request["environment"])
            os.chdir(request["folder"])
            from lmtopo import job

            status = job.run(request["call"])
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)

    def _reap(self) -> None:
        """Tell clients how their children have ended."""
        children = {client.child: client for client in self._clients.values()}
        while True:
            try:
                child, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if child == 0:
                return
            code = os.waitstatus_to_exitcode(status)
            client = children.get(child)
            if client is not None:
                client.child = None
                client.answer(f"exit {code if code >= 0 else 128 - code}")
                self._drop(client)

    def _drop(self, client: Client) -> None:
        self._events.unregister(client.connection)
        self._clients.pop(client.connection.fileno())
        client.close()

    def _end(self) -> None:
        for client in self._clients.values():
            if client.child is not None:
                kill(client.child)


def kill(child: int) -> None:
    """Kill a child and all that it has started."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(child, signal.SIGKILL)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child, signal.SIGKILL)


def end_with_parent() -> None:
    """Have the kernel kill this process when the server is killed (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("listener", type=int)
    parser.add_argument("folder")
    parser.add_argument("preload", nargs="*")
    given = parser.parse_args()
    try:
        for module in given.preload:
            try:
                import_module(module)
            except ImportError as error:
                sys.stderr.write(f"lmtopo: cannot preload {module}: {error}\n")
        gc.collect()
        gc.freeze()
        Server(socket.socket(fileno=given.listener)).serve()
    finally:
        shutil.rmtree(given.folder, ignore_errors=True)


if __name__ == "__main__":
    main()
