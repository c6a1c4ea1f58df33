"""Figure `barcodes`: how long components and loops live, from a run's first checkpoint on."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from jaxtyping import Float64
from matplotlib.figure import Figure

from lmtopo.draw.style import COLOURS, called, counted, heading
from lmtopo.formats.diagrams import load

MOST = 60
"""Bars shown of each dimension: the longest."""


def draw(
    *,
    width: float,
    model: str,
    budget: str,
    dataset: str,
    layer: str,
    pooling: str,
    steps: Sequence[int],
    files: Sequence[str],
) -> Figure:
    """Bars of the first replicate by their birth, a column a checkpoint and a row a homology
    dimension, in units of each cloud's enclosing radius; what never dies is left out."""
    every = [load(file).relative(layer, pooling, 0) for file in files]
    dimensions = min(len(diagrams) for diagrams in every)
    figure, panels = plt.subplots(
        dimensions,
        len(files),
        figsize=(width, 0.8 + 1.75 * dimensions),
        squeeze=False,
        sharex=True,
        sharey="row",
    )
    for dimension, row in enumerate(panels):
        for panel, diagrams in zip(row, every, strict=True):
            bars = diagrams[dimension]
            shown = longest(bars)
            panel.hlines(np.arange(len(shown)), *shown.T, color=COLOURS[dimension], linewidth=1.1)
            some = f"{len(shown)} longest of " if len(shown) < len(bars) else ""
            panel.set_title(f"$H_{dimension}$: {some}{len(bars)} bars", fontsize=7)
            panel.set(xlim=(0, 1), xticks=[0, 0.5, 1], yticks=[])
            panel.grid(False)
        row[0].set_ylabel(f"$H_{dimension}$ bars")
    for panel in panels[-1]:
        panel.set_xlabel("radius / enclosing radius")
    for panel, step in zip(panels[0], steps, strict=True):
        panel.set_title(f"step {step:,}\n{panel.get_title()}", fontsize=7.5)
    heading(
        figure,
        f"How long do {counted(dimensions)} live, early and late in training?",
        called(model, budget),
        f"{dataset}, {layer}, pooling {pooling}",
        "without the component that never dies",
    )
    return figure


def longest(bars: Float64[np.ndarray, "bars 2"]) -> Float64[np.ndarray, "some 2"]:
    """The `MOST` longest bars, ordered by birth, then by death."""
    lengths = bars[:, 1] - bars[:, 0]
    kept = bars[np.argsort(-lengths, kind="stable")[:MOST]]
    return kept[np.lexsort((kept[:, 1], kept[:, 0]))]
