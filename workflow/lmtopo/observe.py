"""Stage `observe`: a pass of one checkpoint over one probe gives its clouds and its NLL."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lmtopo.checksums import write_sealed
from lmtopo.errors import InputError
from lmtopo.files import write_json
from lmtopo.formats import checkpoints, probes
from lmtopo.formats import clouds as cloud_files
from lmtopo.provenance import of_checkpoint, origin
from lmtopo.resources import run_columns


def observe(
    *,
    checkpoint: str,
    probe: str,
    clouds: str,
    quality: str,
    provenance: str,
    run: Mapping[str, Any],
    layers: str | Sequence[str],
    poolings: Sequence[str],
    dtype: str,
    batch_size: int,
    threads: int,
    linear: str,
    device: str,
) -> None:
    """Read ``probe`` with the model in folder ``checkpoint``; write ``clouds`` and ``quality``.

    ``run`` holds the run columns that the study knows; what only the weights or the training run
    know (parameters, tokens, FLOPs) is added here. ``linear``: how linear layers are computed,
    see `lmtopo.packed`; ``device``: where, see `lmtopo.device.ready`.

    Raises
    ------
    InputError
        If the model cannot read the probe (vocabulary, positions, layers), there is no such
        device, a batch does not fit into memory, or its hidden states or its NLL are not finite.
    """
    import torch

    from lmtopo import device as devices
    from lmtopo import packed
    from lmtopo.decoder import Decoder
    from lmtopo.sampler import Sampler
    from lmtopo.scoring import score

    place = devices.ready(device, threads)
    read = probes.load(probe)
    model = checkpoints.load(checkpoint, dtype=dtype, device=place)
    checkpoints.check_fit(
        model,
        checkpoint,
        largest=max(int(reading.stream.ids.max()) for reading in read.readings),
        context=read.readings[0].facts["context"],
    )
    columns = run_columns(run, checkpoint, model, read.readings[0].facts["context"])
    layout, products = packed.chosen(linear, place), model.dtype
    if layout == "packed":
        products = packed.product_dtype(model.dtype)
        packed.pack(model)
    decoder = Decoder(model)
    wanted = decoder.layers if layers == "all" else [str(layer) for layer in layers]
    if missing := set(wanted) - set(decoder.layers):
        raise InputError(f"clouds.layers: no {sorted(missing)} in '{checkpoint}'")
    sampler = Sampler(read.places, wanted, poolings, place)
    with torch.inference_mode():
        nll = {
            reading.facts["reading"]: score(
                decoder, reading, batch_size, None if index else sampler
            )
            for index, reading in enumerate(read.readings)
        }
    found = sampler.clouds()
    for pooling, cloud in found.items():
        for layer, points in zip(wanted, cloud, strict=True):
            if not np.isfinite(points).all():
                raise InputError(
                    f"'{checkpoint}' has hidden states that are not finite in {layer} "
                    f"(pooling {pooling}, {dtype}): the weights are broken, or need float32"
                )
    for name, value in nll.items():
        if not math.isfinite(value):
            raise InputError(
                f"'{checkpoint}' has a negative log-likelihood of {value} (reading {name}, "
                f"{dtype}): the weights are broken, or need float32"
            )
    facts = read.facts
    metadata = {"dtype": dtype, "dataset": facts["dataset"], "blocks": str(decoder.blocks)}
    cloud_files.save(clouds, found, layers=wanted, metadata=metadata)
    write_sealed(
        quality,
        {
            "run": columns,
            "dataset": facts["dataset"],
            "split": facts["split"],
            "dtype": dtype,
            "device": place.type,
            "blocks": decoder.blocks,
            "skip_positions": facts["skip_positions"],
            "readings": {
                reading.facts["reading"]: measures(nll[reading.facts["reading"]], reading.facts)
                for reading in read.readings
            },
        },
    )
    write_json(
        provenance,
        origin(
            sha256=checkpoints.hashes(checkpoint),
            hub=of_checkpoint(checkpoint),
            run=dict(run),
            device=devices.facts(place),
            threads=threads,
            linear=layout,
            products=str(products).removeprefix("torch."),
        ),
    )


def measures(nll: float, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Perplexities of one reading: exp(nll / tokens), the same per word and per byte, and
    nll / (bytes ln 2), the bits per byte."""

    def per(count: int) -> float:
        return math.exp(min(nll / count, 700.0)) if count else math.nan

    return {
        "prefix": facts["prefix"],
        "context": facts["context"],
        "stride": facts["stride"],
        "n_documents": facts["n_documents"],
        "n_tokens": facts["n_tokens"],
        "n_words": facts["n_words"],
        "n_bytes": facts["n_bytes"],
        "nll": nll,
        "perplexity": per(facts["n_tokens"]),
        "word_perplexity": per(facts["n_words"]),
        "byte_perplexity": per(facts["n_bytes"]),
        "bits_per_byte": nll / facts["n_bytes"] / math.log(2),
    }
