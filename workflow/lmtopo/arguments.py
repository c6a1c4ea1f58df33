"""What a job is told, as arguments of a command line: JSON, or where it is long the file that has
it, as the kernel takes no argument of 128 KiB."""

import hashlib
import json
import os
import platform
from pathlib import Path
from typing import Any

LONGEST = 100_000
"""Bytes of an argument that is given as it is."""
CALLS = Path(".lmtopo/calls")
FILE = "@"


def argument(value: Any) -> str:
    """A value as an argument; the same value is the same argument."""
    text = json.dumps(value)
    if len(text) <= LONGEST:
        return text
    path = CALLS / f"{hashlib.sha256(text.encode()).hexdigest()[:16]}.json"
    if not path.is_file() or path.read_bytes() != text.encode():
        CALLS.mkdir(parents=True, exist_ok=True)
        # several processes may write it at once, a run and its jobs: each its own, and the same
        own = path.with_suffix(f".{platform.node()}-{os.getpid()}")
        try:
            own.write_text(text)
            own.replace(path)
        finally:
            own.unlink(missing_ok=True)
    return f"{FILE}{path}"


def value(argument: str) -> Any:
    """The value of an `argument`."""
    if argument.startswith(FILE):
        argument = Path(argument.removeprefix(FILE)).read_text()
    return json.loads(argument)
