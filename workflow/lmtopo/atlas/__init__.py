"""Stage `atlas`: the study as one page to look at, which needs nothing beside itself."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lmtopo.errors import InputError

if TYPE_CHECKING:
    from lmtopo.atlas.clouds import Found
    from lmtopo.atlas.thin import Limits

MEGABYTE = 10**6


def atlas(
    *,
    page: str,
    quality: str,
    signatures: str,
    missing: str,
    pairs: str,
    study: str,
    runs: Sequence[Sequence[str]],
    probes: Mapping[str, Mapping[str, Sequence[str]]],
    opening: Mapping[str, Any],
    max_dimension: int,
    checkpoints: int,
    layers: int,
    megabytes: float,
) -> None:
    """Write ``page`` from the study's tables and the files in the folder ``pairs``.

    ``runs``: model and budget of all runs, by whose order they have their colours and lines.
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
    room = megabytes * MEGABYTE
    limits: thin.Limits | None = guess(found, thin.Limits(checkpoints, layers).within(found), room)
    while limits is not None:
        kept = thin.keep(found, limits)
        table = curves.table(signatures, kept)
        facts = overview.facts(
            study, runs, measured, table, lost, found, kept, probes, opening, max_dimension
        )
        blocks = {**texts, **dict(curves.blocks(table, kept)), **dict(clouds.blocks(found, kept))}
        content = assemble(facts, blocks).encode()
        if len(content) <= room:
            with atomic(page) as temporary:
                Path(temporary).write_bytes(content)
            return
        packed = sum(map(len, blocks.values()))
        limits = limits.fewer((room - (len(content) - packed)) / packed)
    raise InputError(
        f"study '{study}' does not fit into atlas.megabytes {megabytes:g}: "
        f"{len(content) / MEGABYTE:.1f} MB with the fewest checkpoints and layers; raise it"
    )


def guess(found: "Found", limits: "Limits", room: float) -> "Limits":
    """Limits that will do, from the size of the first and last checkpoint of each run: reading all
    the clouds of a large study to leave most of them out would take minutes."""
    from lmtopo.atlas import clouds, thin

    ends = thin.keep(found, thin.Limits(2, limits.layers))
    expected = sum(len(one) for _, one in clouds.blocks(found, ends)) * limits.checkpoints / 2
    return limits if expected <= room else limits.fewer(room / expected) or limits
