"""What a job is told, as arguments of a command line: JSON, or where it is long the file that has
it, as the kernel takes no argument of 128 KiB."""

import hashlib
import json
from pathlib import Path
from typing import Any

from lmtopo.files import atomic

LONGEST = 100_000
"""Bytes of an argument: a shell's quotes and escapes come on top."""
CALLS = Path(".lmtopo/calls")
FILE = "@"


def argument(value: Any) -> str:
    """A value as an argument; the same value is the same argument."""
    text = json.dumps(value)
    if len(text) <= LONGEST:
        return text
    path = CALLS / f"{hashlib.sha256(text.encode()).hexdigest()[:16]}.json"
    if not path.is_file():
        with atomic(path) as temporary:
            temporary.write_text(text)
    return f"{FILE}{path}"


def value(argument: str) -> Any:
    """The value of an `argument`."""
    if argument.startswith(FILE):
        argument = Path(argument.removeprefix(FILE)).read_text()
    return json.loads(argument)
