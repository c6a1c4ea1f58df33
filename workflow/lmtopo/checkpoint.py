"""Stage `checkpoint`: one revision of a model on the hub, as a folder that `observe` can load."""

import hashlib
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lmtopo.checksums import read_part
from lmtopo.errors import InputError
from lmtopo.files import atomic, read_json, write_json
from lmtopo.formats.checkpoints import SINGLE, read_shape, shards_in
from lmtopo.job import say
from lmtopo.provenance import DOWNLOADED

if TYPE_CHECKING:
    from lmtopo.hub.snapshot import Snapshot

CONFIG = "config.json"
DEMANDED = {
    "positions": ("{} positions", "quality.context"),
    "blocks": ("{} blocks", "clouds.layers"),
    "width": ("hidden states of {} dimensions", "clouds.pca"),
}
"""What a model has, and the key that asks for more."""


def checkpoint(
    *,
    repo: str,
    revision: str,
    folder: str,
    tokenizer: str,
    study: str,
    keep: int,
    patience: float,
    demands: Mapping[str, int],
) -> None:
    """Make ``folder``: the configuration and the weights of a revision, one format only.

    What the user's hub cache holds is linked, never copied or deleted. Anything else is
    downloaded into one of the study's ``keep`` slots (`hub.slots`), for which this waits; the
    slot is free again when the folder is deleted. Every file's size and hash are checked.

    Raises
    ------
    InputError
        If the revision is not to be had, its bytes stay wrong, its tokenizer is not the one in
        folder ``tokenizer``, or its model is none that can be observed as ``demands`` say
        (`check_model`).
    """
    from lmtopo import slots
    from lmtopo.hub.snapshot import read

    snapshot = read(repo, revision, patience=patience)
    check_tokenizer(snapshot, Path(tokenizer), patience)
    own = hashlib.sha256(f"{folder} {snapshot.commit}".encode()).hexdigest()[:12]
    scratch = slots.place(study) / "index" / own
    try:
        named = [CONFIG, *weights(snapshot, scratch, patience)]
        check_model(snapshot, scratch, demands, patience)
        if not linked(snapshot, named, Path(folder)):
            key = f"{repo} {snapshot.commit}"
            with slots.slot(study, keep, key=key, folder=Path(folder)) as inside:
                shutil.copytree(scratch, inside, dirs_exist_ok=True)
                download(snapshot, named, inside, Path(folder), patience)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def linked(snapshot: "Snapshot", named: list[str], folder: Path) -> bool:
    """Make ``folder`` of links into the user's cache, if all files are there."""
    from lmtopo.hub.download import in_cache

    found = ((name, in_cache(snapshot, name)) for name in named)
    cached = {name: path for name, path in found if path is not None}
    if len(cached) < len(named):
        return False
    with atomic(folder) as temporary:
        temporary.mkdir()
        for name, path in cached.items():
            (temporary / name).symlink_to(path)
        write_json(temporary / DOWNLOADED, origin(snapshot, named))
    return True


def download(
    snapshot: "Snapshot", named: list[str], inside: Path, folder: Path, patience: float
) -> None:
    """Fetch what is missing of the files, and move ``inside`` to ``folder``."""
    from lmtopo.hub.download import fetch

    for name in named:
        fetch(snapshot, name, inside, patience=patience)
    write_json(inside / DOWNLOADED, origin(snapshot, named))
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(inside, folder)
    size = sum(snapshot.files[name].size for name in named)
    say(f"{snapshot.name}: {size / 1e6:,.0f} MB, checked")


def check_model(
    snapshot: "Snapshot", scratch: Path, demands: Mapping[str, int], patience: float
) -> None:
    """Refuse by its configuration a model that could not be loaded or observed; the configuration
    is fetched into ``scratch``. ``demands``: see `lmtopo.study.resolve.demands`.

    Raises
    ------
    InputError
        If transformers does not know it as a causal language model, or it has too few positions,
        blocks or dimensions.
    """
    from transformers import __version__
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

    from lmtopo.hub.download import fetch

    config = fetch(snapshot, CONFIG, scratch, patience=patience)
    try:
        shape = read_shape(scratch)
    except InputError as error:
        raise InputError(f"{snapshot.name} cannot be observed: {error}") from None
    kind = read_json(config).get("model_type")
    if kind is not None and kind not in MODEL_FOR_CAUSAL_LM_MAPPING_NAMES:
        raise InputError(
            f"{snapshot.name} is of type '{kind}', no causal language model that transformers "
            f"{__version__} knows: choose a repository in transformers' own format"
        )
    had = {"positions": shape.context, "blocks": shape.layers, "width": shape.width}
    for what, needed in demands.items():
        has = had[what]
        if has is not None and has < needed:
            raise InputError(
                f"{snapshot.name} has {DEMANDED[what][0].format(has)}, but {DEMANDED[what][1]} "
                f"asks for {needed}: lower it, or leave the model out"
            )


def weights(snapshot: "Snapshot", scratch: Path, patience: float) -> list[str]:
    """The files of a revision's weights: safetensors if there are any, else the pickle, whole or
    in the shards that its index names.

    Raises
    ------
    InputError
        If there are no weights, or the index names a shard that is not there.
    """
    if CONFIG not in snapshot.files:
        raise InputError(f"{snapshot.name} has no {CONFIG}: it is no model for transformers")
    for whole in SINGLE:
        if whole in snapshot.files:
            return [whole]
        index = f"{whole}.index.json"
        if index in snapshot.files:
            shards = shards_of(snapshot, index, scratch, patience)
            if missing := [shard for shard in shards if shard not in snapshot.files]:
                raise InputError(f"{snapshot.name}: its {index} names '{missing[0]}', not there")
            return [index, *shards]
    raise InputError(
        f"{snapshot.name} has no weights (looked for {' and '.join(SINGLE)}, whole or in shards)"
    )


def shards_of(snapshot: "Snapshot", index: str, scratch: Path, patience: float) -> list[str]:
    """The shards that an index names; the index is fetched into ``scratch``."""
    from lmtopo.hub.download import fetch

    shards = shards_in(fetch(snapshot, index, scratch, patience=patience))
    if shards is None:
        raise InputError(
            f"{snapshot.name}: its {index} is no index of shards, and so it is on the hub: choose "
            "another revision"
        )
    return shards


def check_tokenizer(snapshot: "Snapshot", tokenizer: Path, patience: float) -> None:
    """Refuse a revision with another tokenizer than the study's; one without any is taken.

    Equal hashes in the listing are enough; if they differ, or its files are others, the two are
    compared as they are saved.
    """
    from lmtopo import tokenizer as tokenizers

    known = read_part(tokenizer, DOWNLOADED)
    own = tokenizers.listed_hashes(snapshot)
    if not own or own == known.get("files"):
        return
    with tempfile.TemporaryDirectory(prefix="lmtopo-") as scratch:
        try:
            tokenizers.save(snapshot, Path(scratch), patience)
            other = tokenizers.another([tokenizer, scratch])
        except InputError as error:
            raise InputError(
                f"the tokenizer of {snapshot.name} cannot be compared with '{tokenizer.name}', "
                f"that of '{known['repo']}': {error}"
            ) from error
    if other is not None:
        raise InputError(
            f"{snapshot.name} has another tokenizer than '{tokenizer.name}', which is that of "
            f"'{known['repo']}': give the model a name of its own with models.NAME.tokenizer"
        )


def origin(snapshot: "Snapshot", named: list[str]) -> Mapping[str, Any]:
    """Where a folder comes from: repository, commit, and the hashes of its files."""
    return {
        "repo": snapshot.repo,
        "revision": snapshot.revision,
        "commit": snapshot.commit,
        "files": {name: snapshot.files[name].sha256 or snapshot.files[name].blob for name in named},
    }
