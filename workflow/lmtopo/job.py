"""One job of the workflow: a call of a stage's function, with a log.

The same in a child of the fork server and as ``python -m lmtopo.job CALL [FILES LOG]``, so that a
job does not depend on who started it. What the call prints goes to its log; the terminal sees
what `say` says and, if the call fails, one line.
"""

import faulthandler
import importlib
import os
import sys
import time
import traceback
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, NoReturn

from lmtopo import session
from lmtopo.arguments import value
from lmtopo.checksums import made_anew
from lmtopo.errors import Damaged, InputError
from lmtopo.memory import keep_freed
from lmtopo.terminal import connect

# Read once, when NumPy and SciPy load a BLAS each. Its threads would change the last bits of sums;
# a forked job that says it needs one (`lmtopo.blas`) would start them, and they spin for 0.1 s.
os.environ["OPENBLAS_NUM_THREADS"] = "1"

_terminal: int | None = None


def say(text: str) -> None:
    """Write a line where whoever watches sees it; in a job, to the terminal and to the log."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()
    if _terminal is not None:
        # one write, so that lines of parallel jobs do not mix; a closed terminal is no failure
        with suppress(OSError):
            os.write(_terminal, f"{text}\n".encode(errors="replace"))


def read(call: str, files: str = "{}", log: str = "") -> dict[str, Any]:
    """The call that a command line gives, for `run`.

    ``call`` and ``files`` are such as `lmtopo.arguments` makes. What a rule is told of the study
    stands in ``call``; the paths of its inputs and outputs, which are further arguments of the
    stage, may stand apart in ``files``, and so may the log.
    """
    read: dict[str, Any] = value(call)
    arguments = {**read.get("arguments", {}), **value(files)}
    return {**read, "arguments": arguments, "log": log or read["log"]}


def run(call: Mapping[str, Any]) -> int:
    """Call a stage and return the exit status of its job: 0, or 1 if the stage raised.

    ``call`` has the keys

    - ``stage``: the function ``lmtopo.{stage}.{stage}``; with ``module``, that module's instead
    - ``arguments``: its keyword arguments
    - ``log``: the file that gets the standard output and error of this process from here on, and
      as its last line the seconds spent in the call.

    A damaged file of results is removed, so that the next run makes it anew. An `InputError` is
    told by its message alone, any other exception by a line that names the log
    with the traceback.
    """
    stage, log = call["stage"], call["log"]
    try:
        _redirect(log)
    except OSError as error:
        say(f"lmtopo {stage}: cannot write the log {log}: {error.strerror}")
        return 1
    keep_freed()
    began = None
    try:
        module = importlib.import_module(call.get("module", f"lmtopo.{stage}"))
        function = getattr(module, stage)
        began = time.perf_counter()
        function(**call["arguments"])
        return 0
    except Damaged as error:
        say(f"lmtopo {stage}: {_mend(error)}")
        return 1
    except InputError as error:
        say(f"lmtopo {stage}: {error}")
        return 1
    except KeyboardInterrupt:
        say(f"lmtopo {stage}: interrupted")
        return 130
    except SystemExit as error:
        return _status(stage, error.code)
    except BaseException as error:
        traceback.print_exc()
        say(f"lmtopo {stage}: {_in_one_line(error)} (traceback in {log})")
        return 1
    finally:
        if began is not None:
            sys.stdout.write(f"{stage}: {time.perf_counter() - began:.3f} s\n")


def leave(call: Mapping[str, Any]) -> NoReturn:
    """Run the call and end the process, without the second that an orderly exit takes."""
    status = 1
    try:
        status = run(call)
    except BaseException:
        traceback.print_exc()
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            status = status or 1
    os._exit(status)


def main() -> NoReturn:
    """``python -m lmtopo.job``, as a client without a server starts it."""
    session.follow()
    leave(read(*sys.argv[1:]))


def _redirect(log: str) -> None:
    """Send what this process prints to the log; keep the terminal for `say`."""
    global _terminal
    os.makedirs(os.path.dirname(log) or ".", exist_ok=True)
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o666)
    _terminal = connect()
    os.dup2(file, 1)
    os.dup2(file, 2)
    os.close(file)
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    faulthandler.enable()  # a crash in compiled code leaves its stack in the log


def _status(stage: str, code: str | int | None) -> int:
    """Exit status that ``sys.exit(code)`` asks for; anything but a number is a message."""
    if code is None or isinstance(code, int):
        return code or 0
    say(f"lmtopo {stage}: {code}")
    return 1


def _mend(error: Damaged) -> str:
    """Remove a damaged file that the workflow can make anew; what was done, or is to be done.

    A folder stands for a whole training run, tokenizer or dataset, which is the user's to delete.
    """
    if not made_anew(error.path) or not os.path.isfile(error.path):
        return str(error)
    os.unlink(error.path)
    return f"'{error.path}' is damaged ({error.why}) and was removed: run snakemake again"


def _in_one_line(error: BaseException) -> str:
    name, text = type(error).__name__, str(error).strip()
    return f"{name}: {text.splitlines()[0]}" if text else name


if __name__ == "__main__":
    # As `__main__` this is a second copy of the module, whose `say` no stage would reach.
    importlib.import_module("lmtopo.job").main()
