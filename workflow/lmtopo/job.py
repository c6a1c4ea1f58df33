"""One job: a call of a stage's function, its output in a log, its outcome as an exit status."""

import json
import os
import sys
import time
import traceback
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from lmtopo.errors import InputError

_terminal: int | None = None
"""The terminal's standard error, kept while the job's own goes into its log."""


def run(call: Mapping[str, Any]) -> int:
    """Call ``lmtopo.{stage}.{stage}(**arguments)`` and return 0, or 1 after telling what failed.

    ``call`` has keys ``stage``, ``arguments`` and ``log``, the file that takes all output (its
    last line says how many seconds the stage took). What the user can mend is told in one line,
    anything else by a traceback in the log and one line that says where it is.
    """
    stage, log = call["stage"], Path(call["log"])
    redirect(log)
    began = time.perf_counter()
    try:
        module = import_module(call.get("module", f"lmtopo.{stage}"))
        began = time.perf_counter()
        getattr(module, stage)(**call["arguments"])
    except InputError as error:
        say(f"lmtopo {stage}: {error}")
        return 1
    except Exception as error:
        traceback.print_exc()
        say(f"lmtopo {stage}: {type(error).__name__}: {error} (traceback in {log})")
        return 1
    finally:
        sys.stdout.flush()
    sys.stderr.write(f"{stage}: {time.perf_counter() - began:.3f} s\n")
    sys.stderr.flush()
    return 0


def redirect(log: Path) -> None:
    """Send standard output and error into ``log``, and keep the terminal for `say`."""
    global _terminal
    log.parent.mkdir(parents=True, exist_ok=True)
    sys.stdout.flush()
    sys.stderr.flush()
    _terminal = os.dup(2)
    with log.open("w") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)


def say(text: str) -> None:
    """Tell whoever watches: a line on the terminal and, in a job, in its log."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()
    if _terminal is not None:
        os.write(_terminal, (text + "\n").encode())


def leave(status: int) -> None:
    """End the process at once: the interpreter's own exit takes a second after transformers."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


if __name__ == "__main__":
    # `say` must be the one that stages import, not a copy of it in `__main__`
    from lmtopo import job

    job.leave(job.run(json.loads(sys.argv[1])))
