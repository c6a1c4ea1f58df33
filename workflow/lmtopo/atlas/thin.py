"""Which checkpoints and layers of a large study are shown."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lmtopo.schedule import spread

if TYPE_CHECKING:
    from lmtopo.atlas.clouds import Found

FEWEST_LAYERS = 4
"""Below this, checkpoints go first: time is what the page is dragged through."""

SPARE = 0.96
"""Blocks shrink a little less than what is in them."""


@dataclass(frozen=True)
class Limits:
    """At most so many checkpoints of a run, and so many layers of a model."""

    checkpoints: int
    layers: int

    def within(self, found: "Found") -> "Limits":
        """The same limits, no larger than what there is."""
        return Limits(
            min(self.checkpoints, max(map(len, found.steps.values()))),
            min(self.layers, max(map(len, found.layers.values()))),
        )

    def fewer(self, share: float) -> "Limits | None":
        """Limits that keep about ``share`` of the clouds: fewer layers and checkpoints in equal
        parts, then fewer checkpoints; None where nothing is left to take away."""
        wanted = max(share, 0.0) * SPARE
        layers = self.layers
        if layers > FEWEST_LAYERS:
            layers = max(FEWEST_LAYERS, math.floor(layers * math.sqrt(wanted)))
        rest = wanted * self.layers / layers
        checkpoints = max(2, min(self.checkpoints, math.floor(self.checkpoints * rest)))
        if Limits(checkpoints, layers) == self:
            if checkpoints > 2:
                checkpoints -= 1
            elif layers > 1:
                layers -= 1
            else:
                return None
        return Limits(checkpoints, layers)


@dataclass(frozen=True)
class Kept:
    """By run (model, budget) the steps, by model and dataset the layers that are shown."""

    steps: Mapping[tuple[str, str], list[int]]
    layers: Mapping[tuple[str, str], list[str]]


def keep(found: "Found", limits: Limits) -> Kept:
    """Evenly from the first checkpoint to the last, and from the first layer to the last."""
    return Kept(
        {run: spread(steps, limits.checkpoints) for run, steps in found.steps.items()},
        {key: spread(layers, limits.layers) for key, layers in found.layers.items()},
    )
