"""What the page shows of single clouds: diagrams, their nulls', and the projection."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float, Float64, UInt16

from lmtopo.atlas.blocks import block, bounds, scaled, short, steps
from lmtopo.atlas.thin import Kept
from lmtopo.formats import projections
from lmtopo.formats.diagrams import Diagrams, Key, load
from lmtopo.signatures.curves import betti_curve

if TYPE_CHECKING:
    import pandas as pd

Numbers = list[UInt16[np.ndarray, "..."]]
Cloud = tuple[dict[str, Any], Numbers, Float[np.ndarray, "points 2"]]
"""Facts, packed diagrams, and the points of the projection."""

REPLICATE = 0
"""The subsample whose diagrams are shown: the first, which has nulls if any has."""


@dataclass(frozen=True)
class Found:
    """The pairs of a study in the folder ``root``; what was read is kept, since pages that turn
    out too large are packed again."""

    root: str
    quality: "pd.DataFrame"
    _read: dict[Path, dict[tuple[str, str], Cloud]] = field(default_factory=dict)

    @cached_property
    def pairs(self) -> list[tuple[str, str, int, str]]:
        """Model, budget, step and dataset, in the order of the table `quality`."""
        key = ["model", "budget", "step", "dataset"]
        return list(self.quality[key].drop_duplicates().itertuples(index=False, name=None))

    @cached_property
    def steps(self) -> dict[tuple[str, str], list[int]]:
        """By run, the steps of the checkpoints that were observed on some dataset."""
        found: dict[tuple[str, str], set[int]] = {}
        for model, budget, step, _ in self.pairs:
            found.setdefault((model, budget), set()).add(int(step))
        return {run: sorted(some) for run, some in found.items()}

    @cached_property
    def poolings(self) -> dict[str, list[str]]:
        """By dataset."""
        return {dataset: list(one.points) for (_, dataset), one in self._firsts.items()}

    @cached_property
    def layers(self) -> dict[tuple[str, str], list[str]]:
        """By model and dataset, from the first to the last."""
        return {key: list(one.layers) for key, one in self._firsts.items()}

    @cached_property
    def _firsts(self) -> dict[tuple[str, str], projections.Projections]:
        firsts: dict[tuple[str, str], Path] = {}
        for model, budget, step, dataset in self.pairs:
            firsts.setdefault((model, dataset), self.folder(model, budget, step, dataset))
        return {key: projections.load(place / "projection.npz") for key, place in firsts.items()}

    def folder(self, model: str, budget: str, step: int, dataset: str) -> Path:
        return Path(self.root, model, budget, f"step{step}", dataset)

    def clouds(self, folder: Path, layers: list[str]) -> dict[tuple[str, str], Cloud]:
        """The clouds of a pair by pooling and layer, ``layers`` among them."""
        have = self._read.setdefault(folder, {})
        known = {layer for _, layer in have}
        if lacking := [layer for layer in layers if layer not in known]:
            have |= read(folder, lacking)
        return have


def read(folder: Path, layers: list[str]) -> dict[tuple[str, str], Cloud]:
    """Some clouds of a pair, by pooling and layer."""
    diagrams, pictures = load(folder / "diagrams.npz"), projections.load(folder / "projection.npz")
    draws: dict[tuple[str, str], dict[str, list[Key]]] = {}
    for key in diagrams.keys():  # noqa: SIM118
        if key.null is not None and key.replicate == REPLICATE:
            draws.setdefault((key.pooling, key.layer), {}).setdefault(key.null, []).append(key)
    found = {}
    for pooling, points in pictures.points.items():
        for layer in layers:
            at = pictures.layers.index(layer)
            facts, numbers = packed(diagrams, Key(layer, pooling, REPLICATE))
            facts["nulls"] = {}
            for null, keys in draws.get((pooling, layer), {}).items():
                facts["nulls"][null], more = of_null(diagrams, keys)
                numbers += more
            facts["variance"] = [
                short(share, 3) for share in pictures.variance[pooling][at].tolist()
            ]
            found[pooling, layer] = facts, numbers, points[at].astype(np.float64)
    return found


def packed(diagrams: Diagrams, key: Key) -> tuple[dict[str, Any], Numbers]:
    """Diagrams in units of the enclosing radius R: of H0 the deaths, of Hk the births and the
    deaths, by birth; `blocks.NONE` is a death that never comes."""
    radius, every = diagrams.radius(*key), diagrams.diagrams(*key)
    numbers: Numbers = []
    for dimension, bars in enumerate(every):
        ordered = bars[np.lexsort(bars.T[::-1])] / (radius or 1.0)
        birth, death = (scaled(side, 0.0, 1.0) for side in ordered.T)
        numbers += [steps(death)] if dimension == 0 else [steps(birth), death]
    return {"radius": short(radius), "bars": [len(bars) for bars in every]}, numbers


def of_null(diagrams: Diagrams, draws: list[Key]) -> tuple[dict[str, Any], Numbers]:
    """The first draw's diagrams, and of all draws the least, the median and the greatest Betti
    number on the grid of `betti_curve`, twice each, so that they are whole."""
    facts, numbers = packed(diagrams, draws[0])
    curves = np.array([betti(diagrams, key) for key in draws])
    for statistic in (np.min, np.median, np.max):
        whole = np.rint(2 * statistic(curves, axis=0))
        numbers += [steps(one) for one in np.minimum(whole, 65535).astype(np.uint16)]
    return {**facts, "draws": len(draws)}, numbers


def betti(diagrams: Diagrams, key: Key) -> Float64[np.ndarray, "dimensions grid"]:
    """Betti numbers; unlike those of the signature, with the component that never dies."""
    radius = diagrams.radius(*key)
    return np.stack([betti_curve(bars, radius) for bars in diagrams.diagrams(*key)])


def blocks(found: Found, kept: Kept) -> Iterator[tuple[str, str]]:
    """One block per run, dataset, pooling and layer: all its checkpoints."""
    there = set(found.pairs)
    for (model, budget), steps_kept in kept.steps.items():
        for dataset, poolings in found.poolings.items():
            layers = kept.layers.get((model, dataset), [])
            pairs = [
                found.clouds(found.folder(model, budget, step, dataset), layers)
                if (model, budget, step, dataset) in there
                else None
                for step in steps_kept
            ]
            if not any(pairs):
                continue
            for pooling in poolings:
                for layer in layers:
                    clouds = [None if pair is None else pair[pooling, layer] for pair in pairs]
                    yield "/".join(("clouds", model, budget, dataset, pooling, layer)), run(clouds)


def run(clouds: list[Cloud | None]) -> str:
    """The block of one cloud over training. Principal components have no sign: each is turned so
    that the points lie as near as can be to where they lay at the checkpoint before."""
    header: list[dict[str, Any] | None] = []
    numbers: Numbers = []
    before: Float[np.ndarray, "points 2"] | None = None
    for one in clouds:
        if one is None:
            header.append(None)
            continue
        facts, diagrams, points = one
        if before is not None and before.shape == points.shape:
            points = points * np.where((before * points).sum(axis=0) < 0, -1, 1)
        before = points
        low, high = bounds(points)
        header.append({**facts, "points": len(points), "from": short(low), "to": short(high)})
        numbers += [*diagrams, *scaled(points, low, high).T]
    return block(header, numbers)
