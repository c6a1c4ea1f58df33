"""What jobs say, handed to whoever writes to the terminal.

Snakemake's logger redraws its display in place, so a line that a job wrote there by itself would
be overwritten. Jobs write to a named pipe instead, and a thread beside Snakemake logs the lines.
"""

import atexit
import os
import threading
from collections.abc import Callable

from lmtopo import session

VARIABLE = "LMTOPO_TERMINAL"
END = "\0"


def relay(log: Callable[[str], object]) -> None:
    """Call ``log`` with every line that jobs of this process `lmtopo.job.say`, until it ends."""
    folder = session.scratch()
    path = os.path.join(folder, "terminal")
    os.mkfifo(path, 0o600)
    os.environ[VARIABLE] = path
    # held open for writing too, so that reading never meets an end between two jobs
    pipe = os.open(path, os.O_RDWR)

    def read() -> None:
        with os.fdopen(os.dup(pipe), encoding="utf-8", errors="replace") as lines:
            for line in lines:
                if line.rstrip("\n") == END:
                    return
                log(line.rstrip("\n"))

    thread = threading.Thread(target=read, daemon=True)
    thread.start()

    def stop() -> None:
        os.environ.pop(VARIABLE, None)
        os.write(pipe, f"{END}\n".encode())
        thread.join(2)
        session.remove(folder)

    atexit.register(stop)


def connect() -> int:
    """A descriptor to write lines to: the relay's pipe, or where there is none, standard error."""
    path = os.environ.get(VARIABLE)
    if path:
        try:
            pipe = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
        except OSError:  # another machine, or the reader is gone
            return os.dup(2)
        os.set_blocking(pipe, True)
        return pipe
    return os.dup(2)
