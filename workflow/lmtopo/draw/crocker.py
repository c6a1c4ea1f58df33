"""Figure `crocker`: Betti curves over training."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from lmtopo.draw.style import COUNTED, called, counted, heading, step_ticks
from lmtopo.formats.curves import load

TICKS = [1, 2, 5, 10, 20, 50, 100, 200, 500]
CONTOURS = [2, 10, 50, 250]


def draw(
    *,
    width: float,
    model: str,
    budget: str,
    dataset: str,
    layer: str,
    pooling: str,
    steps: Sequence[int],
    of: int,
    files: str,
) -> Figure:
    """Betti numbers (mean over replicates) by scale, in units of each cloud's enclosing radius,
    and by checkpoint, with contours: one panel a homology dimension. ``files`` is a path with
    ``{step}`` in it; of the run's ``of`` checkpoints ``steps`` are shown.

    Source: Topaz, Ziegelmeier, Halverson, "Topological data analysis of biological aggregation
    models", PLoS ONE 10 (2015).
    """
    from lmtopo.signatures.curves import GRID

    half = (GRID[1] - GRID[0]) / 2  # a row of the picture is about its point of the grid
    curves = [load(files.format(step=step)).curve("betti_curve", layer, pooling) for step in steps]
    counts = np.stack(curves, axis=-1).astype(np.float64)  # dimensions, grid, checkpoints
    counts[0] += 1  # the component that never dies
    figure, panels = plt.subplots(1, len(counts), figsize=(width, 3.0), squeeze=False, sharey=True)
    for dimension, (panel, count) in enumerate(zip(panels[0], counts, strict=True)):
        image = panel.imshow(
            np.where(count < 1, np.nan, count),
            norm=LogNorm(1, max(count.max(), 2)),
            extent=(-0.5, len(steps) - 0.5, -half, 1 + half),
            origin="lower",
            aspect="auto",
            interpolation="nearest",
        )
        levels = [level for level in CONTOURS if count.min() < level < count.max()]
        if len(steps) > 1 and levels:
            lines = panel.contour(
                np.arange(len(steps)), GRID, count, levels, colors="black", linewidths=0.5
            )
            panel.clabel(lines, fontsize=5.5, fmt="%d")
        panel.set_title(f"{COUNTED[dimension]} ($H_{dimension}$)")
        panel.set_xlabel("training step")
        step_ticks(panel, steps)
        panel.grid(False)
        bar = figure.colorbar(image, ax=panel, pad=0.02)
        bar.set_ticks([level for level in TICKS if level <= max(count.max(), 2)])
        bar.ax.yaxis.set_major_formatter("{x:.0f}")
        bar.minorticks_off()
    panels[0][0].set_ylabel("scale / enclosing radius")
    fewer = f"{len(steps)} of {of} checkpoints" if len(steps) < of else ""
    heading(
        figure,
        f"At which scales do {counted(len(counts))} live in the course of training?",
        called(model, budget),
        f"{dataset}, {layer}, pooling {pooling}",
        "white: fewer than one",
        fewer,
    )
    return figure
