"""What a rule starts, thousands of times: it has its job run by the fork server, or runs it itself.

``python -S client.py CALL [FILES LOG]``, see `lmtopo.job.read`. It imports what takes no time, and
nothing of lmtopo: ``json`` and ``socket`` would each double its 11 ms, so it leaves its arguments
unread and speaks to the C module under ``socket``.
"""

import os
import sys

# Started by its path, this finds its own folder first on the path, whose `tokenizer.py` or
# `files.py` must not pass for other people's modules.
HERE = os.path.dirname(os.path.realpath(__file__))
sys.path[:] = [folder for folder in sys.path if os.path.realpath(folder) != HERE]

import _socket  # noqa: E402

VARIABLE = "LMTOPO_FORK_SERVER"
LIBRARY = os.path.dirname(HERE)


def identity() -> list[str]:
    """What a client and its server must have in common for their jobs to be the same."""
    return [sys.executable, sys.version, LIBRARY]


def python_path() -> str:
    """PYTHONPATH under which lmtopo is this one."""
    path = os.environ.get("PYTHONPATH")
    return LIBRARY + os.pathsep + path if path else LIBRARY


def submit(arguments: list[str], address: str) -> _socket.socket | None:
    """A connection over which the server has been asked; None if it cannot be reached.

    The request is four bytes of length and then fields that end in NUL bytes: `identity`, the
    working directory, the arguments after their number, and the environment as ``NAME=value``.
    Descriptors 1 and 2 go along as ancillary data.
    """
    texts = [*identity(), os.getcwd(), str(len(arguments)), *arguments]
    fields = [os.fsencode(text) for text in texts]
    fields += [b"=".join(pair) for pair in os.environb.items()]
    body = b"".join(field + b"\0" for field in fields)
    request = len(body).to_bytes(4, "big") + body
    descriptors = b"".join(number.to_bytes(4, sys.byteorder) for number in (1, 2))
    try:
        connection = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
        connection.connect(address)
        rights = (_socket.SOL_SOCKET, _socket.SCM_RIGHTS, descriptors)
        connection.sendall(request[connection.sendmsg([request], [rights]) :])
    except OSError:
        return None
    return connection


def wait(connection: _socket.socket) -> int | None:
    """Exit status of the job, or None if the server refused it.

    The server replies in lines: ``refused``, or ``started PID`` and later ``ended STATUS MESSAGE``.
    If the server dies, what is left of the job is killed: it may have done part of its work, and
    must not go on beside a second attempt.
    """
    replies, job = b"", 0
    while True:
        try:
            received = connection.recv(4096)
        except OSError:
            received = b""
        if not received:
            break
        *lines, replies = (replies + received).split(b"\n")
        for line in lines:
            word, value, message = (*line.split(b" ", 2), b"", b"")[:3]
            if word == b"refused":
                return None
            if word == b"started":
                job = int(value)
            if word == b"ended":
                if message:
                    os.write(2, message + b"\n")
                return int(value)
    if job:
        try:  # noqa: SIM105 (contextlib would cost as much as the rest)
            os.killpg(job, 9)
        except OSError:
            pass
    os.write(2, b"lmtopo: the fork server ended before its job did, and the job with it\n")
    return 1


def run_here(arguments: list[str]) -> None:
    """Become a fresh process that runs the job."""
    os.environ["PYTHONPATH"] = python_path()
    os.execv(sys.executable, [sys.executable, "-P", "-m", "lmtopo.job", *arguments])


def main() -> None:
    """Run the job of the command line, and end as it ended."""
    arguments, address = sys.argv[1:], os.environ.get(VARIABLE)
    try:
        connection = submit(arguments, address) if address else None
        status = wait(connection) if connection else None
        if status is None:
            run_here(arguments)
        else:
            os._exit(status)
    except KeyboardInterrupt:
        os._exit(130)


if __name__ == "__main__":
    main()
