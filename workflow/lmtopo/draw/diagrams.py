"""Figure `diagrams`: persistence diagrams of one run, from its first checkpoint to its last."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from lmtopo.draw.style import COLOURS, COUNTED, called, heading
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
    every = [load(file).relative(layer, pooling, 0) for file in files]
    # there are components at all times: what may appear is of higher dimensions
    higher = " and ".join(COUNTED[1 : min(len(diagrams) for diagrams in every)])
    at = "appear in training" if higher else "merge, early and late in training"
    for panel, step, diagrams in zip(panels[0], steps, every, strict=True):
        for dimension, bars in enumerate(diagrams):
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
        f"When do {higher or COUNTED[0]} {at}?",
        called(model, budget),
        f"{dataset}, {layer}, pooling {pooling}",
        "without the component that never dies",
    )
    return figure
