"""Stage `persist`: persistent homology of every subsample of every cloud of one pair."""

import math

from lmtopo.errors import InputError
from lmtopo.formats import clouds as cloud_files
from lmtopo.formats.diagrams import Key, Persistence, save
from lmtopo.principal import principal
from lmtopo.vietoris_rips import distances, enclosing_radius, rips


def persist(
    *,
    clouds: str,
    diagrams: str,
    pca: int | None,
    subsample: int,
    replicates: int,
    seed: int,
    metric: str,
    max_dimension: int,
    threshold: float | None,
    engine: str,
) -> None:
    """Read the file ``clouds``, write the file ``diagrams``.

    ``replicates`` subsamples of ``subsample`` points each (`clouds.subsamples`) are taken of
    every layer and pooling, whose whole cloud is first reduced to its first ``pca`` principal
    components (None: left as it is); ``metric``, ``max_dimension``, ``threshold`` (None: no bound)
    and ``engine`` are those of `vietoris_rips.rips`.

    Raises
    ------
    InputError
        If the clouds have too few points or dimensions, or points that the metric refuses.
    """
    read = cloud_files.load(clouds)
    limit = math.inf if threshold is None else threshold
    results: dict[Key, Persistence] = {}
    for pooling, cloud in read.arrays.items():
        rows = cloud_files.subsamples(cloud.shape[1], subsample, replicates, seed)
        for layer, whole in zip(read.layers, cloud, strict=True):
            points = principal(whole, pca)
            for replicate, chosen in enumerate(rows):
                try:
                    d = distances(points[chosen], metric)
                except InputError as error:
                    raise InputError(f"{layer}, pooling '{pooling}': {error}") from None
                found = rips(
                    d,
                    metric="precomputed",
                    max_dimension=max_dimension,
                    threshold=limit,
                    engine=engine,
                )
                results[Key(layer, pooling, replicate)] = Persistence(found, enclosing_radius(d))
    save(diagrams, results)
