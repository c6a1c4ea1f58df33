"""Figure `perplexity`: what compute buys, for every run and dataset."""

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from lmtopo.draw.style import compute_axis, legend, looks, place_on_log


def draw(*, quality: pd.DataFrame, width: float) -> Figure:
    """Perplexity per token against compute, one panel a dataset, one line a run; of several
    readings of a dataset, the first."""
    first = quality.groupby("dataset")["reading"].transform("first")
    table = quality[quality["reading"] == first]
    datasets = list(table["dataset"].unique())
    columns = min(len(datasets), 3)
    rows = -(-len(datasets) // columns)
    figure, panels = plt.subplots(
        rows, columns, figsize=(width, 0.9 + 2.3 * rows), squeeze=False, sharex=True
    )
    compute, label = compute_axis(table)
    for panel, dataset in zip(panels.flat, datasets, strict=False):
        place = place_on_log(panel, table[compute], label)
        panel.set_yscale("log")
        here = table[table["dataset"] == dataset]
        panel.set_title(f"{dataset} ({here['split'].iloc[0]})")
        for (model, budget), look in looks(table).items():
            run = here[(here["model"] == model) & (here["budget"] == budget)]
            panel.plot([place(value) for value in run[compute]], run["perplexity"], **look)
    for panel in panels.flat[len(datasets) :]:
        panel.set_axis_off()
    for row in panels:
        row[0].set_ylabel("perplexity per token")
    figure.suptitle("How far does perplexity fall with training compute?")
    legend(figure, table)
    return figure
