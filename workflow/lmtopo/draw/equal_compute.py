"""Figure `equal_compute`: runs of other size or data that have spent the same."""

from collections.abc import Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from jaxtyping import Float64
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lmtopo.draw.style import Runs, heading, legend, looks, nothing, of_run, scientific, title
from lmtopo.evidence.equal_compute import at

TITLE = "At equal compute, do runs that differ in quality differ in shape?"
TICKS = 6.5
"""Points of the letters of tick labels."""
LEVELS = (0.55, 0.35, 0.15, 0.0)
"""Where runs are compared: shares of the way back, on a log axis, from the most compute that two
runs have spent to the least."""


def draw(
    *,
    quality: pd.DataFrame,
    signatures: pd.DataFrame,
    width: float,
    runs: Runs,
    dataset: str,
    pooling: str,
    layer: str,
    shown: Sequence[Sequence[Any]],
) -> Figure:
    """A column a level of compute and a row a signature of ``shown`` (dimension, name): what each
    run has at that level against its perplexity there, both interpolated in log compute between
    its checkpoints; bars are the range over replicates."""
    first = quality.groupby("dataset")["reading"].transform("first")
    losses = quality[(quality["reading"] == first) & (quality["dataset"] == dataset)]
    losses = losses[losses["flops"] > 0]
    values = signatures.query("dataset == @dataset and pooling == @pooling and layer == @layer")
    values = values[(values["flops"] > 0) & values["value"].notna()]
    present = looks(runs, losses)
    levels = compared(losses)
    if not len(levels):
        return nothing(width, TITLE, "no two runs are known to have spent the same compute")
    known = set(values[["dimension", "signature"]].itertuples(index=False, name=None))
    shown = [(dimension, name) for dimension, name in shown if (dimension, name) in known]
    if not shown:
        return nothing(width, TITLE, "it is not known at any checkpoint")
    figure, panels = plt.subplots(
        len(shown),
        len(levels),
        figsize=(width, 1.2 + 1.6 * len(shown)),
        squeeze=False,
        sharex="col",
        sharey="row",
    )
    for run, look in present.items():
        loss = np.exp(
            at_levels(levels, of_run(losses.assign(value=np.log(losses["perplexity"])), run))
        )
        for row, (dimension, signature) in zip(panels, shown, strict=True):
            here = (values["dimension"] == dimension) & (values["signature"] == signature)
            some = of_run(values[here], run)
            if some.empty:
                continue
            spread = some.groupby("flops")["value"]
            mean, least, most = (
                at_levels(levels, getattr(spread, how)().reset_index())
                for how in ("mean", "min", "max")
            )
            mark: dict[str, Any] = {"color": look["color"], "marker": look["marker"]}
            for panel, x, y, low, high in zip(row, loss, mean, least, most, strict=True):
                if np.isfinite([x, y]).all():
                    # a mean of equal values may differ from them by rounding
                    error = [[max(y - low, 0)], [max(high - y, 0)]]
                    panel.errorbar(x, y, error, markersize=4.5, elinewidth=0.7, **mark)
    for panel, level in zip(panels[0], levels, strict=True):
        panel.set_title(f"{scientific(level)} FLOPs")
    for panel in panels[-1]:
        panel.set_xlabel("perplexity per token")
    for panel in panels.flat:
        panel.margins(0.15)
        panel.ticklabel_format(useOffset=False)
        panel.tick_params(labelsize=TICKS)
    for panel in panels[-1]:
        few_ticks(panel, width / len(levels) - 0.4)
    for row, kind in zip(panels, shown, strict=True):
        row[0].set_ylabel(title(*kind))
    heading(figure, TITLE, f"{dataset}, {layer}, pooling {pooling}", "bars: range over subsamples")
    legend(figure, {run: look | {"linestyle": ""} for run, look in present.items()})
    return figure


def few_ticks(panel: Axes, inches: float) -> None:
    """As many ticks, up to four, as have room for their labels: those of values that are nearly
    equal are long."""
    low, high = panel.get_xlim()
    for bins in (4, 3, 2, 1):
        panel.locator_params(axis="x", nbins=bins)
        seen = [tick for tick in panel.get_xticks() if low <= tick <= high]
        labels = panel.xaxis.get_major_formatter().format_ticks(seen)
        if sum(len(label) + 2 for label in labels) * 0.6 * TICKS / 72 <= inches:
            return


def compared(losses: pd.DataFrame) -> Float64[np.ndarray, " levels"]:
    """The levels of compute at which runs are compared; none where not two runs overlap."""
    known = losses.groupby(["model", "budget"])["flops"].agg(["min", "max", "count"])
    known = known[known["count"] > 1]
    if len(known) < 2:
        return np.zeros(0)
    least, most = known["min"].nsmallest(2).iloc[-1], known["max"].nlargest(2).iloc[-1]
    if least >= most:
        return np.zeros(0)
    return most * (least / most) ** np.array(LEVELS)  # type: ignore[no-any-return]


def at_levels(
    levels: Float64[np.ndarray, " levels"], run: pd.DataFrame
) -> Float64[np.ndarray, " levels"]:
    """The column ``value`` of a run, interpolated in log compute."""
    run = run.sort_values("flops")
    flops, values = (run[name].to_numpy(dtype=np.float64) for name in ("flops", "value"))
    if len(run) < 2:
        return np.full(len(levels), np.nan)
    # a run's last checkpoint lies a step short of its budget: 1% is the same compute
    near = np.where(np.abs(levels / flops[-1] - 1) < 0.01, flops[-1], levels)
    return at(np.log(near), np.log(flops), values[:, None])[:, 0]
