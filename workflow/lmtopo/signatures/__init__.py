"""Signatures: what describes the shape of a cloud of points, as a number or as a curve.

To add one, write a function in a module of this package and decorate it::

    @of_diagram
    def longest_gap(bars: Float64[np.ndarray, "bars 2"], radius: float) -> float: ...

Its name is the signature's name in every table and config file. See docs/add-a-signature.md.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np
from jaxtyping import Float64

from lmtopo.errors import InputError
from lmtopo.signatures import significant
from lmtopo.signatures.cloud import Cloud

WHOLE = -1
"""The homology dimension, in the tables, of what belongs to the cloud and to none of them."""

Bars = Float64[np.ndarray, "_ 2"]
Array = Float64[np.ndarray, "..."]
Value = TypeVar("Value")
Signature = TypeVar("Signature", bound=Callable[..., Any])

TOPOLOGICAL: dict[str, Callable[[Bars, float], float]] = {}
"""Numbers from one diagram's finite bars, (birth, death), and the cloud's enclosing radius."""
HOMOLOGICAL: dict[str, Callable[[Sequence[Bars], float], float]] = {}
"""Numbers from the finite bars of all dimensions together, and the enclosing radius."""
GEOMETRIC: dict[str, Callable[[Cloud], float]] = {}
"""Numbers from the points themselves."""


@dataclass(frozen=True)
class Signatures(Generic[Value]):
    """Signatures by name, and by what they are computed from."""

    of_diagram: dict[str, Callable[[Bars, float], Value]]
    of_homology: dict[str, Callable[[Sequence[Bars], float], Value]]
    of_cloud: dict[str, Callable[[Cloud], Value]]

    def values(
        self, diagrams: Sequence[Bars], radius: float, cloud: Cloud
    ) -> dict[tuple[int, str], Value]:
        """By homology dimension (`WHOLE` for none) and name, those of one cloud, its finite bars
        and its enclosing radius."""
        found = {
            (dimension, name): function(bars, radius)
            for dimension, bars in enumerate(diagrams)
            for name, function in self.of_diagram.items()
        }
        for name, of_homology in self.of_homology.items():
            found[WHOLE, name] = of_homology(diagrams, radius)
        for name, of_cloud in self.of_cloud.items():
            found[WHOLE, name] = cloud.once(of_cloud)
        return found

    def names(self) -> list[str]:
        """Topological ones first, each kind in the order of registration."""
        return [*self.of_diagram, *self.of_homology, *self.of_cloud]

    def chosen(self, names: Collection[str]) -> "Signatures[Value]":
        """Those of these names."""
        return Signatures(
            {name: one for name, one in self.of_diagram.items() if name in names},
            {name: one for name, one in self.of_homology.items() if name in names},
            {name: one for name, one in self.of_cloud.items() if name in names},
        )


NUMBERS: Signatures[float] = Signatures(TOPOLOGICAL, HOMOLOGICAL, GEOMETRIC)
"""What stands in the table `signatures`."""
CURVES: Signatures[Array] = Signatures({}, {}, {})
"""What stands in `curves.npz`: arrays of one shape for all clouds of a study, on grids relative
to the enclosing radius."""


def of_diagram(function: Signature) -> Signature:
    """Register a number for every homology dimension: ``f(bars, radius)``."""
    return register(TOPOLOGICAL, function)


def of_homology(function: Signature) -> Signature:
    """Register a number of all dimensions together: ``f([bars of H0, of H1, ..], radius)``."""
    return register(HOMOLOGICAL, function)


def of_cloud(function: Signature) -> Signature:
    """Register a geometric number: ``f(cloud)``."""
    return register(GEOMETRIC, function)


def curve_of_diagram(function: Signature) -> Signature:
    """Register a curve for every homology dimension: ``f(bars, radius)``."""
    return register(CURVES.of_diagram, function)


def curve_of_homology(function: Signature) -> Signature:
    """Register a curve of all dimensions together: ``f([bars of H0, of H1, ..], radius)``."""
    return register(CURVES.of_homology, function)


def curve_of_cloud(function: Signature) -> Signature:
    """Register a geometric curve: ``f(cloud)``."""
    return register(CURVES.of_cloud, function)


def register(registry: dict[str, Any], function: Signature) -> Signature:
    name = function.__name__
    if name in known():
        raise ValueError(f"there are two signatures named '{name}': rename one")
    registry[name] = function
    return function


def known() -> list[str]:
    """The names of all signatures: numbers, that which needs a null's draws, then curves."""
    return [*NUMBERS.names(), significant.NAME, *CURVES.names()]


def chosen(names: Iterable[str] | None) -> tuple[Signatures[float], Signatures[Array]]:
    """The numbers and the curves of these names; None stands for all.

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
    return NUMBERS.chosen(wanted), CURVES.chosen(wanted)


# At the end, as these modules register themselves with the functions above; by name, as a stage's
# fingerprint covers the modules that are named.
from lmtopo.signatures import (  # noqa: E402
    curves,  # noqa: F401
    geometric,  # noqa: F401
    intrinsic_dimension,  # noqa: F401
    topological,  # noqa: F401
)
