"""How numba compiles our functions: without the interpreter's lock, once, and kept on disk."""

# mypy: disable-error-code="attr-defined"

import hashlib
import inspect
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
from numba.core import config
from numba.core.caching import FunctionCache

PARTS = ("bit_rows.py", "compiled.py", "distance_kernel.py", "link_homology/*.py")
"""numba notices an edit of a function, but not of another module's that it calls."""


def folder() -> Path:
    """Where compiled code is kept: below ``XDG_CACHE_HOME`` or ``~/.cache``, under the hash of its
    source; numba itself keeps the code of different processors and versions apart."""
    digest = hashlib.sha256()
    for part in PARTS:
        for path in sorted(Path(__file__).parent.glob(part)):
            digest.update(path.read_bytes())
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "lmtopo" / f"numba-{digest.hexdigest()[:12]}"


def writable(folder: Path) -> bool:
    """Whether compiled code can be kept there."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return False
    return os.access(folder, os.W_OK)


FOLDER = folder()
KEPT = writable(FOLDER)
"""If not, each process compiles for itself: numba would fall back to a place whose name does not
change when another module is edited."""


def kept() -> bool:
    """Whether code has been compiled and kept before."""
    return KEPT and any(FOLDER.glob("**/*.nbi"))


class Kept(FunctionCache):
    """The compiled code of a function on disk. Where its files are damaged, it is compiled anew:
    numba itself would fail in every process until somebody deletes them."""

    def load_overload(self, *arguments: Any) -> Any:
        try:
            return super().load_overload(*arguments)
        except Exception:  # a damaged pickle raises any
            self.flush()
            return None


def compiled(function: Callable[..., Any] | None = None, **options: Any) -> Any:
    """``numba.njit`` without the interpreter's lock, kept in `folder`.

    Compiled code allocates nothing (``_nrt``): so no array is counted when it is handed from one
    function to another, which would take longer than most of them do.
    """
    if function is None:
        return lambda given: compiled(given, **options)
    source = inspect.unwrap(function)  # without what type checkers put around it in tests
    before = config.CACHE_DIR
    config.CACHE_DIR = str(FOLDER)
    try:
        made = numba.njit(nogil=True, **{"_nrt": False, **options})(source)
        if KEPT:
            made._cache = Kept(source)
        return made
    finally:
        config.CACHE_DIR = before
