"""What the page knows before it decodes any block: which runs, layers and checkpoints there are,
their quality, and what is missing or left out."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lmtopo.atlas import curves, places
from lmtopo.atlas.blocks import short
from lmtopo.atlas.thin import Kept

if TYPE_CHECKING:
    import pandas as pd

    from lmtopo.atlas.clouds import Found

MEASURES = {
    "perplexity": "perplexity per token",
    "bits_per_byte": "bits per byte",
    "word_perplexity": "perplexity per word",
    "byte_perplexity": "perplexity per byte",
}

DASHES = {"-": "", "--": "6 3", ":": "1.5 3", "-.": "7 3 1.5 3"}
"""SVG's dashes for matplotlib's line styles."""


def facts(
    study: str,
    every: Sequence[Sequence[str]],
    quality: "pd.DataFrame",
    table: "pd.DataFrame",
    missing: "pd.DataFrame",
    found: "Found",
    kept: Kept,
    probes: Mapping[str, Mapping[str, Sequence[str]]],
    opening: Mapping[str, Any],
    max_dimension: int,
) -> dict[str, Any]:
    """The page's table of contents; `page/study.js` says how it is read."""
    from lmtopo.draw.style import compute_axis

    column, label = compute_axis(quality)
    kinds = table.index.to_frame(index=False)[["dimension", "signature"]].drop_duplicates()
    return {
        "study": study,
        "opening": dict(opening),
        "runs": list(runs(every, quality, found, kept, probes)),
        "datasets": list(found.poolings),
        "poolings": found.poolings,
        "layers": nested(kept.layers),
        "depths": nested(found.layers),
        "compute": {"column": column, "label": label},
        "signatures": [
            [int(dimension), name] for dimension, name in kinds.itertuples(index=False, name=None)
        ],
        "dimensions": list(range(max_dimension + 1)),
        "nulls": curves.nulls(table),
        "measures": [
            [name, words] for name, words in MEASURES.items() if quality[name].notna().any()
        ],
        "quality": nested_quality(quality, column),
        "missing": missing.drop_duplicates().to_numpy().tolist(),
        "left_out": list(left_out(found, kept)),
    }


def runs(
    every: Sequence[Sequence[str]],
    quality: "pd.DataFrame",
    found: "Found",
    kept: Kept,
    probes: Mapping[str, Mapping[str, Sequence[str]]],
) -> Iterator[dict[str, Any]]:
    """Each run with the look that it has in every figure, and its kept checkpoints."""
    from lmtopo.draw.style import looks, of_run

    columns = ["step", "tokens", "flops", "parameters"]
    order = [(model, budget) for model, budget in every]
    for (model, budget), look in looks(order, quality).items():
        told = (
            of_run(quality, (model, budget))
            .drop_duplicates("step")
            .set_index("step", drop=False)[columns]
        )
        chosen = told.loc[kept.steps[model, budget]]
        dataset, (_, tokenizer) = next(iter(probes[model].items()))
        line = look["linestyle"]
        yield {
            "model": model,
            "budget": budget,
            "colour": look["color"],
            "dash": DASHES[line] if isinstance(line, str) else " ".join(map(str, line[1])),
            "parameters": int(chosen["parameters"].iloc[0]),
            "places": places.name(tokenizer, dataset).removesuffix(dataset),
            "all": len(found.steps[model, budget]),
            "step": chosen["step"].tolist(),
            "tokens": [short(value) for value in chosen["tokens"]],
            "flops": [short(value) for value in chosen["flops"]],
        }


def nested(layers: Mapping[tuple[str, str], list[str]]) -> dict[str, dict[str, list[str]]]:
    by_model: dict[str, dict[str, list[str]]] = {}
    for (model, dataset), names in layers.items():
        by_model.setdefault(model, {})[dataset] = names
    return by_model


def nested_quality(quality: "pd.DataFrame", column: str) -> dict[str, list[dict[str, Any]]]:
    """By dataset, per run the quality of every checkpoint, in the first reading."""
    found: dict[str, list[dict[str, Any]]] = {}
    measures = [name for name in MEASURES if quality[name].notna().any()]
    for (dataset, model, budget), rows in quality.groupby(
        ["dataset", "model", "budget"], sort=False
    ):
        one = rows[rows["reading"] == rows["reading"].iloc[0]].sort_values("step")
        found.setdefault(str(dataset), []).append(
            {
                "model": model,
                "budget": budget,
                "step": one["step"].tolist(),
                "x": [short(float(value)) for value in one[column]],
                **{name: [short(value) for value in one[name]] for name in measures},
            }
        )
    return found


def left_out(found: "Found", kept: Kept) -> Iterator[str]:
    """A sentence for each kind of thing that the page does not show."""
    counts = {(len(kept.steps[run]), len(steps)) for run, steps in found.steps.items()}
    if some := sorted(pair for pair in counts if pair[0] < pair[1]):
        told = ", ".join(f"{shown} of {there}" for shown, there in some)
        yield f"Clouds and signatures of {told} checkpoints a run, evenly over the run."
    counts = {(len(kept.layers[key]), len(layers)) for key, layers in found.layers.items()}
    if some := sorted(pair for pair in counts if pair[0] < pair[1]):
        told = ", ".join(f"{shown} of {there}" for shown, there in some)
        yield f"States of {told} layers, evenly from the first to the last."
