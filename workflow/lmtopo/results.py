"""Reading a study's results, in a notebook or anywhere else."""

from pathlib import Path

import numpy as np
from jaxtyping import Float64

from lmtopo.errors import InputError


def diagrams(
    study: str,
    *,
    model: str,
    checkpoint: str,
    dataset: str,
    layer: str,
    pooling: str,
    replicate: int = 0,
    budget: str | None = None,
    results: str | Path = "results",
) -> list[Float64[np.ndarray, "bars 2"]]:
    """Persistence diagrams H0 .. Hk of one cloud, as persim, ripser and gudhi take them.

    Each is an (n, 2) array of births and deaths in the units of the metric, ``inf`` for what never
    dies. ``checkpoint`` is its name, as ``step512``; ``budget`` may be left out where the model
    has one run; ``replicate`` counts the subsamples.

    Raises
    ------
    InputError
        If there are no such diagrams; it says what there is.
    """
    from lmtopo.formats.diagrams import load

    place = Path(results) / study / "pairs"
    budget = budget or only(place / model, "budget")
    for name, value in (
        ("model", model),
        ("budget", budget),
        ("checkpoint", checkpoint),
        ("dataset", dataset),
    ):
        if not (place / value).is_dir():
            known = ", ".join(inside(place))
            raise InputError(f"no {name} '{value}' in {place} (there are: {known})")
        place /= value
    return load(place / "diagrams.npz").diagrams(layer, pooling, replicate)


def inside(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def only(folder: Path, what: str) -> str:
    """The one folder inside; an error if there are several to choose from."""
    names = inside(folder)
    if len(names) == 1:
        return names[0]
    if not names:
        raise InputError(
            f"no results in {folder} (there are: {', '.join(inside(folder.parent)) or 'none'})"
        )
    raise InputError(f"{folder} has several runs: give {what}, one of {', '.join(names)}")
