"""Figure `diagrams`: persistence diagrams of one run, from its first checkpoint to its last."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from lmtopo.draw.style import COLOURS, called, heading
from lmtopo.formats.diagrams import load

MARKERS = ("o", "^", "s")


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
    """Diagrams of the first replicate, in units of each cloud's enclosing radius, so that shape
    is compared and not size."""
    figure, panels = plt.subplots(
        1, len(files), figsize=(width, 1.0 + width / max(len(files), 3)), squeeze=False, sharey=True
    )
    for panel, step, file in zip(panels[0], steps, files, strict=True):
        for dimension, bars in enumerate(load(file).relative(layer, pooling, 0)):
            panel.scatter(
                *bars.T,
                s=9,
                marker=MARKERS[dimension],
                color=COLOURS[dimension],
                alpha=0.55,
                linewidths=0,
                label=f"$H_{dimension}$ ({len(bars)})",
            )
        panel.plot([0, 1], [0, 1], color="#888888", linewidth=0.7)
        panel.set(xlim=(-0.03, 1.03), ylim=(-0.03, 1.03), aspect="equal", title=f"step {step:,}")
        panel.legend(loc="lower right", handletextpad=0.1, borderaxespad=0.1)
        panel.set_xlabel("birth / enclosing radius")
    panels[0][0].set_ylabel("death / enclosing radius")
    heading(
        figure,
        "When do loops appear in training?",
        called(model, budget),
        f"{dataset}, {layer}, pooling {pooling}",
    )
    return figure
