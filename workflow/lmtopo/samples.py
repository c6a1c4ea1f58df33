"""The clouds that are measured: subsamples of every cloud of a pair, and draws of their nulls."""

from collections.abc import Iterator, Mapping

import numpy as np
from jaxtyping import Float

from lmtopo import nulls as null_models
from lmtopo.formats import clouds as cloud_files
from lmtopo.formats.clouds import Clouds
from lmtopo.formats.diagrams import Key
from lmtopo.principal import principal


def samples(
    found: Clouds,
    *,
    pca: int | None,
    subsample: int,
    replicates: int,
    seed: int,
    nulls: Mapping[str, int],
    null_replicates: int,
) -> Iterator[dict[Key, Float[np.ndarray, "points width"]]]:
    """By pooling and layer, all that is measured of a cloud, each subsample before its draws.

    The whole cloud is reduced to its first ``pca`` principal components (None: left as it is),
    ``replicates`` subsamples of ``subsample`` points are taken of that (`clouds.subsamples`), and
    of the first ``null_replicates`` of these as many draws of each null as ``nulls`` says
    (`nulls.draws`).

    Raises
    ------
    InputError
        If the clouds have too few points or dimensions.
    """
    for pooling, cloud in found.arrays.items():
        rows = cloud_files.subsamples(cloud.shape[1], subsample, replicates, seed)
        for layer, whole in zip(found.layers, cloud, strict=True):
            points = principal(whole, pca)
            measured: dict[Key, Float[np.ndarray, "points width"]] = {}
            for replicate, chosen in enumerate(rows):
                key = Key(layer, pooling, replicate)
                measured[key] = points[chosen]
                if replicate < null_replicates:
                    measured.update(null_models.draws(points[chosen], nulls, seed, key))
            yield measured
