"""BLAS with one thread: the order of its sums, and with it their last bits, depends on how many."""

import sys
from contextlib import AbstractContextManager
from functools import cache
from typing import Any

from threadpoolctl import ThreadpoolController

BRINGING = ("numpy", "scipy.linalg", "torch")
"""Modules that load a BLAS, each its own."""


def one_thread() -> AbstractContextManager[Any]:
    """A context in which every BLAS that is loaded has one thread: what needs another one is
    imported before."""
    return _libraries().limit(limits=1, user_api="blas")  # type: ignore[no-any-return]


def warm() -> None:
    """Look which libraries are loaded, so that processes that are forked need not (50 ms)."""
    _libraries()


def _libraries() -> ThreadpoolController:
    return _found(tuple(name for name in BRINGING if name in sys.modules))


@cache
def _found(modules: tuple[str, ...]) -> ThreadpoolController:
    """The libraries that are there once these modules are."""
    return ThreadpoolController()
