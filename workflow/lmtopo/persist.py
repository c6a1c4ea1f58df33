"""Stage `persist`: persistent homology of every subsample of every cloud of one pair, and of the
draws of its nulls."""

import math
from collections.abc import Mapping

import numpy as np
from jaxtyping import Float

from lmtopo.blas import one_thread
from lmtopo.errors import InputError
from lmtopo.formats import clouds as cloud_files
from lmtopo.formats.diagrams import Key, Persistence, save
from lmtopo.samples import samples
from lmtopo.vietoris_rips import distances, enclosing_radius, filtration


def persist(
    *,
    clouds: str,
    diagrams: str,
    pca: int | None,
    subsample: int,
    replicates: int,
    seed: int,
    nulls: Mapping[str, int],
    null_replicates: int,
    metric: str,
    max_dimension: int,
    threshold: float | None,
    engine: str,
) -> None:
    """Read the file ``clouds``, write the file ``diagrams``.

    The clouds are those of `samples.samples`; ``metric``, ``max_dimension``, ``threshold`` (None:
    no bound) and ``engine`` are those of `vietoris_rips.rips`.

    Raises
    ------
    InputError
        If the clouds have too few points or dimensions, or points that the metric refuses.
    """
    limit = math.inf if threshold is None else threshold
    results: dict[Key, Persistence] = {}
    with one_thread():
        for batch in samples(
            cloud_files.load(clouds),
            pca=pca,
            subsample=subsample,
            replicates=replicates,
            seed=seed,
            nulls=nulls,
            null_replicates=null_replicates,
        ):
            results |= homology(
                batch, metric=metric, max_dimension=max_dimension, threshold=limit, engine=engine
            )
    save(diagrams, results)


def homology(
    batch: Mapping[Key, Float[np.ndarray, "points width"]],
    *,
    metric: str,
    max_dimension: int,
    threshold: float,
    engine: str,
) -> dict[Key, Persistence]:
    """Diagrams and enclosing radius of each cloud, by its name."""
    results = {}
    for key, points in batch.items():
        try:
            d = distances(points, metric)
        except InputError as error:
            null = f", draw {key.draw} of null '{key.null}'" if key.null is not None else ""
            raise InputError(f"{key.layer}, pooling '{key.pooling}'{null}: {error}") from None
        found = filtration(
            d,
            max_dimension=max_dimension,
            threshold=threshold,
            engine=engine,
        )
        results[key] = Persistence(found, enclosing_radius(d))
    return results
