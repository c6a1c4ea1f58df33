"""What a rule starts: hands its call to the fork server, or runs it where there is none.

Started thousands of times as ``python -S -P client.py CALL`` (-S: no site-packages; -P: its own
folder, whose modules could hide the library's, is not on the path), so it imports little and
nothing of lmtopo. The fork server runs the call in a child that has the imports already made,
writes to this process's own terminal, and dies with it.
"""

import os
import sys

WORKFLOW = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SERVER = "LMTOPO_FORK_SERVER"


def main(call: str) -> None:
    path = os.environ.get(SERVER)
    status = ask(path, call) if path else None
    if status is None:
        run_here(call)
    sys.exit(status)


def ask(path: str, call: str) -> int | None:
    """Exit status of the call in the fork server; None if the server does not take it."""
    import json
    import socket

    server = socket.socket(socket.AF_UNIX)
    try:
        server.connect(path)
    except OSError:
        return None
    request = {
        "call": json.loads(call),
        "folder": os.getcwd(),
        "environment": dict(os.environ),
        "identity": [sys.executable, sys.version, WORKFLOW],
    }
    message = json.dumps(request).encode()
    try:
        socket.send_fds(server, [len(message).to_bytes(8, "big")], [1, 2])
        server.sendall(message)
        answer = server.makefile("r").readline().split()
    except OSError:
        answer = []
    if answer == ["refused"]:
        return None
    if not answer:
        sys.stderr.write("lmtopo: the fork server ended before the job did\n")
        return 1
    return int(answer[1])


def run_here(call: str) -> None:
    """Become the job itself."""
    paths = [WORKFLOW, *filter(None, [os.environ.get("PYTHONPATH")])]
    os.environ["PYTHONPATH"] = os.pathsep.join(paths)
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-m", "lmtopo.job", call])


if __name__ == "__main__":
    main(sys.argv[1])
