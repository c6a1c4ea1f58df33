"""Topological signatures of resource-constrained language-model training."""

from typing import Any

__version__ = "0.1.0"
__all__ = ["diagrams", "rips", "rips_many"]

PUBLIC = {
    "diagrams": "lmtopo.results",
    "rips": "lmtopo.vietoris_rips",
    "rips_many": "lmtopo.vietoris_rips",
}


def __getattr__(name: str) -> Any:
    """The public functions, imported when they are first asked for."""
    if name in PUBLIC:
        from importlib import import_module

        return getattr(import_module(PUBLIC[name]), name)
    raise AttributeError(f"module 'lmtopo' has no attribute '{name}'")
