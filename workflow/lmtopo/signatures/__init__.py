"""Signatures: numbers that describe the shape of a cloud of points.

To add one, write a function in a module of this package and decorate it::

    @of_diagram
    def longest_gap(bars: Float64[np.ndarray, "bars 2"], radius: float) -> float: ...

Its name is the signature's name in every table and config file.
"""

from collections.abc import Callable, Iterable
from typing import TypeVar

import numpy as np
from jaxtyping import Float64

from lmtopo.errors import InputError
from lmtopo.signatures.cloud import Cloud

OfDiagram = Callable[[Float64[np.ndarray, "bars 2"], float], float]
OfCloud = Callable[[Cloud], float]
Signature = TypeVar("Signature", bound=Callable[..., float])

TOPOLOGICAL: dict[str, OfDiagram] = {}
"""From one diagram's finite bars, (birth, death), and the cloud's enclosing radius."""
GEOMETRIC: dict[str, OfCloud] = {}
"""From the points themselves."""


def of_diagram(function: OfDiagram) -> OfDiagram:
    """Register a topological signature; it is computed for every homology dimension."""
    return register(TOPOLOGICAL, function)


def of_cloud(function: OfCloud) -> OfCloud:
    """Register a geometric signature; its homology dimension in the tables is -1."""
    return register(GEOMETRIC, function)


def register(registry: dict[str, Signature], function: Signature) -> Signature:
    name = function.__name__
    if name in TOPOLOGICAL or name in GEOMETRIC:
        raise ValueError(f"there are two signatures named '{name}': rename one")
    registry[name] = function
    return function


def known() -> list[str]:
    """The names of all signatures, topological ones first; the last one needs a null's draws."""
    return [*TOPOLOGICAL, *GEOMETRIC, significant.NAME]


def chosen(names: Iterable[str] | None) -> tuple[dict[str, OfDiagram], dict[str, OfCloud]]:
    """The topological and the geometric signatures of these names; None stands for all.

    `significant_count` is neither, and may be among the names.

    Raises
    ------
    InputError
        If a name is unknown.
    """
    wanted = known() if names is None else list(names)
    if unknown := [name for name in wanted if name not in known()]:
        raise InputError(
            f"no signature is named {', '.join(map(repr, unknown))}: use {', '.join(known())}"
        )
    return (
        {name: function for name, function in TOPOLOGICAL.items() if name in wanted},
        {name: function for name, function in GEOMETRIC.items() if name in wanted},
    )


# At the end, as these modules register themselves with the functions above; by name, as a stage's
# fingerprint covers the modules that are named.
from lmtopo.signatures import geometric, significant, topological  # noqa: E402, F401
