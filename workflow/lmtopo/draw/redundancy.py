"""Figure `redundancy`: how many different things the signatures say."""

import numpy as np
import pandas as pd
from jaxtyping import Float64
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from lmtopo.draw.style import heading, nothing, title
from lmtopo.evidence.redundancy import directions

TITLE = "How many different things do the signatures say?"

Matrix = Float64[np.ndarray, "k k"]


def draw(*, redundancy: pd.DataFrame, width: float, dataset: str, pooling: str) -> Figure:
    """Spearman's correlations of every two signatures along a run: raw below the diagonal, once
    compute is taken out above it. Signatures stand in the order of a hierarchical clustering
    (average linkage of 1 - |rho| after compute), whose tree is at the left."""
    from scipy.cluster.hierarchy import dendrogram, linkage
    from scipy.spatial.distance import squareform

    table = redundancy.query("dataset == @dataset and pooling == @pooling")
    table = table[table["partial"].notna()]
    if table.empty:
        return nothing(width, TITLE, "no run has enough checkpoints, or signatures that move")
    names, raw, partial = matrices(table)
    tree = linkage(squareform(1 - np.abs(partial), checks=False), "average")
    figure, (left, panel) = plt.subplots(
        1, 2, figsize=(width, 0.87 * width), gridspec_kw={"width_ratios": [1, 7]}
    )
    letters = min(5.8, 5.8 * width / (0.115 * len(names) + 2))
    order = dendrogram(
        tree,
        orientation="left",
        ax=left,
        no_labels=True,
        color_threshold=0,
        above_threshold_color="#444444",
    )["leaves"]
    left.invert_yaxis()
    left.set_axis_off()
    raw, partial = (one[np.ix_(order, order)] for one in (raw, partial))
    cells = np.where(np.triu(np.ones_like(raw), 1) > 0, partial, raw)
    np.fill_diagonal(cells, np.nan)
    panel.set_facecolor("#dddddd")
    image = panel.imshow(cells, vmin=-1, vmax=1, cmap="RdBu_r", aspect="auto")
    labels = [title(*names[place]) for place in order]
    panel.set_xticks(range(len(labels)), labels, rotation=90, fontsize=letters)
    panel.set_yticks(range(len(labels)), labels, fontsize=letters)
    panel.yaxis.tick_right()
    panel.tick_params(length=0)
    panel.spines[:].set_visible(False)
    panel.grid(False)
    figure.colorbar(image, ax=[left, panel], label="Spearman correlation", shrink=0.6, pad=0.02)
    (count, before), (_, after) = (directions(table, column) for column in ("rho", "partial"))
    panel.set_title(
        f"above the diagonal: once compute is taken out, {after:.1f} independent directions\n"
        f"below: raw, {before:.1f} independent directions"
    )
    heading(figure, TITLE, f"{count} signatures", f"{dataset}, pooling {pooling}")
    return figure


def matrices(table: pd.DataFrame) -> tuple[list[tuple[int, str]], Matrix, Matrix]:
    """The signatures (dimension, name) of a pooling's rows, and their correlations raw and after
    compute, 0 where not known."""
    one = pd.MultiIndex.from_frame(table[["dimension", "signature"]])
    other = pd.MultiIndex.from_frame(table[["other_dimension", "other_signature"]])
    kinds = one.append(other).unique()
    rows, columns = kinds.get_indexer(one), kinds.get_indexer(other)
    found = []
    for column in ("rho", "partial"):
        matrix = np.eye(len(kinds))
        matrix[rows, columns] = matrix[columns, rows] = table[column].fillna(0)
        found.append(matrix)
    raw, partial = found
    return list(kinds), raw, partial
