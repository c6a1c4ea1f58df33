"""Figure `space`: the paths of all runs through the space of persistence diagrams."""

import math
from collections.abc import Sequence
from itertools import combinations
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from jaxtyping import Float64
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from lmtopo.blas import one_thread
from lmtopo.diagram_distances import sliced_wasserstein
from lmtopo.draw.style import Run, Runs, heading, legend, looks, nothing
from lmtopo.formats.diagrams import load

TITLE = "Do runs take one path through the space of persistence diagrams?"

END: dict[str, Any] = {"linestyle": "", "marker": "o", "markersize": 5, "color": "#555555"}

Bars = Float64[np.ndarray, "bars 2"]
Matrix = Float64[np.ndarray, "n n"]


def draw(
    *,
    width: float,
    runs: Runs,
    dataset: str,
    pooling: str,
    layer: str,
    paths: Sequence[Sequence[Any]],
    of: int,
    files: str,
) -> Figure:
    """A panel a homology dimension: checkpoints in the plane, as far from each other as their
    diagrams (of the first replicate, in units of the enclosing radius) in the sliced Wasserstein
    distance, as far as a plane allows; a line follows a run in time, from a ring to a disc.

    ``paths``: model, budget and the steps shown of each run that is shown, ``of`` so many;
    ``files``: where their diagrams lie, with ``{model}``, ``{budget}`` and ``{step}`` in it.
    """
    import scipy.linalg  # noqa: F401  it brings a BLAS of its own

    owners = [(model, budget) for model, budget, steps in paths for _ in steps]
    if len(owners) < 3:
        return nothing(width, TITLE, "fewer than three checkpoints span no plane")
    clouds = [
        load(files.format(model=model, budget=budget, step=step)).relative(layer, pooling, 0)
        for model, budget, steps in paths
        for step in steps
    ]
    dimensions = min(len(one) for one in clouds)
    with one_thread():
        found = [
            embedded(distances([one[dimension] for one in clouds]))
            for dimension in range(dimensions)
        ]
    spans = np.array([np.ptp(places, axis=0) for places, _ in found])
    flat = float(np.clip((spans[:, 1] / np.maximum(spans[:, 0], 1e-12)).max(), 0.4, 1.0))
    height = 1.4 + 1.1 * flat * width / max(dimensions, 2)
    figure, panels = plt.subplots(1, dimensions, figsize=(width, height), squeeze=False)
    for dimension, (panel, (places, stress)) in enumerate(zip(panels[0], found, strict=True)):
        draw_paths(panel, places, owners, runs)
        panel.set_title(f"$H_{dimension}$ (stress {stress:.2f})")
    fewer = f"{len(paths)} of {of} runs" if len(paths) < of else ""
    heading(figure, TITLE, f"{dataset}, {layer}, pooling {pooling}", fewer)
    start, end = (
        Line2D([], [], **END, markerfacecolor=face, label=name)
        for face, name in (("white", "first checkpoint"), (END["color"], "last checkpoint"))
    )
    legend(figure, {run: look for run, look in looks(runs).items() if run in owners}, start, end)
    return figure


def distances(diagrams: Sequence[Bars]) -> Matrix:
    found = np.zeros((len(diagrams), len(diagrams)))
    for i, j in combinations(range(len(diagrams)), 2):
        found[i, j] = found[j, i] = sliced_wasserstein(diagrams[i], diagrams[j])
    return found


def embedded(apart: Matrix) -> tuple[Float64[np.ndarray, "n 2"], float]:
    """Places in the plane by metric multidimensional scaling, from the classical solution on, and
    Kruskal's stress: sqrt(sum (d - d')^2 / sum d^2) over the distances d and those in the plane d'.
    """
    from scipy.spatial.distance import pdist, squareform
    from sklearn.manifold import MDS

    if not apart.any():
        return np.zeros((len(apart), 2)), 0.0
    unit = apart / apart.max()  # scikit-learn's rule to stop knows no scale
    scaling = MDS(2, metric="precomputed", init="classical_mds", n_init=1, random_state=0)
    places = scaling.fit_transform(unit)
    wanted, got = squareform(unit), pdist(places)
    stress = math.sqrt(((wanted - got) ** 2).sum() / (wanted**2).sum())
    places = places - places.mean(axis=0)
    *_, axes = np.linalg.svd(places, full_matrices=False)  # the longest way lies across
    return places @ axes.T * apart.max(), stress


def draw_paths(
    panel: Axes, places: Float64[np.ndarray, "n 2"], owners: Sequence[Run], runs: Runs
) -> None:
    for run, look in looks(runs).items():
        path = places[[owner == run for owner in owners]]
        if not len(path):
            continue
        small = look | {"linewidth": 0.9, "markersize": 2.5}
        panel.plot(*path.T, **small)
        ends = {"linestyle": "", "marker": look["marker"], "color": look["color"]}
        panel.plot(*path[0], **ends, markersize=6, markerfacecolor="white")
        panel.plot(*path[-1], **ends, markersize=6)
    panel.set(aspect="equal", xticks=[], yticks=[])
    panel.set_adjustable("datalim")
    panel.spines[["top", "right"]].set_visible(True)
    panel.grid(False)
