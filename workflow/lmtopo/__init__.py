"""Topological signatures of resource-constrained language-model training."""

from typing import Any

__version__ = "0.1.0"
__all__ = [
    "bottleneck",
    "diagrams",
    "linear_cka",
    "load_study",
    "rips",
    "rips_many",
    "sliced_wasserstein",
    "wasserstein",
]

PUBLIC = {
    "bottleneck": "lmtopo.diagram_distances",
    "diagrams": "lmtopo.results",
    "linear_cka": "lmtopo.cka",
    "load_study": "lmtopo.results",
    "rips": "lmtopo.vietoris_rips",
    "rips_many": "lmtopo.vietoris_rips",
    "sliced_wasserstein": "lmtopo.diagram_distances",
    "wasserstein": "lmtopo.diagram_distances",
}


def __getattr__(name: str) -> Any:
    """The public functions, imported when they are first asked for."""
    if name in PUBLIC:
        from importlib import import_module

        return getattr(import_module(PUBLIC[name]), name)
    raise AttributeError(f"module 'lmtopo' has no attribute '{name}'")
