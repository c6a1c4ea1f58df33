"""Stage `atlas`: the study as one page to look at, which needs nothing beside itself."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lmtopo.errors import InputError

MEGABYTE = 10**6


def atlas(
    *,
    page: str,
    quality: str,
    signatures: str,
    missing: str,
    pairs: str,
    study: str,
    probes: Mapping[str, Mapping[str, Sequence[str]]],
    opening: Mapping[str, Any],
    max_dimension: int,
    checkpoints: int,
    layers: int,
    megabytes: float,
) -> None:
    """Write ``page`` from the study's tables and the files in the folder ``pairs``.

    ``probes``: per model and dataset, the file of the probe and the folder of the tokenizer.
    ``opening``: what the page shows first. Of a run at most ``checkpoints`` are shown and of a
    model at most ``layers``, evenly from the first to the last; fewer of both where the page would
    be larger than ``megabytes`` (of 10^6 bytes). The page says what it leaves out. The same files
    give the same bytes.

    Raises
    ------
    InputError
        If the study is too large for ``megabytes`` even with two checkpoints a run.
    """
    from lmtopo.atlas import clouds, curves, overview, places, thin
    from lmtopo.atlas.pages import page as assemble
    from lmtopo.files import atomic
    from lmtopo.tables import read

    measured, lost = read(quality), read(missing)
    found = clouds.Found(pairs, measured)
    texts = places.blocks(probes, found.pairs)
    limits: thin.Limits | None = thin.Limits(checkpoints, layers).within(found)
    while limits is not None:
        kept = thin.keep(found, limits)
        table = curves.table(signatures, kept)
        facts = overview.facts(
            study, measured, table, lost, found, kept, probes, opening, max_dimension
        )
        blocks = {**texts, **dict(curves.blocks(table, kept)), **dict(clouds.blocks(found, kept))}
        content = assemble(facts, blocks).encode()
        if len(content) <= megabytes * MEGABYTE:
            with atomic(page) as temporary:
                Path(temporary).write_bytes(content)
            return
        packed = sum(map(len, blocks.values()))
        room = megabytes * MEGABYTE - (len(content) - packed)
        limits = limits.fewer(room / packed)
    raise InputError(
        f"study '{study}' does not fit into atlas.megabytes {megabytes:g}: "
        f"{len(content) / MEGABYTE:.1f} MB with the fewest checkpoints and layers; raise it"
    )
