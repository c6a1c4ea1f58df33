"""One file of a snapshot, on disk and checked: from the user's cache, or downloaded."""

import hashlib
import os
from pathlib import Path

from huggingface_hub import constants, hf_hub_url, try_to_load_from_cache
from huggingface_hub.errors import HfHubHTTPError
from huggingface_hub.file_download import http_get
from huggingface_hub.utils._headers import build_hf_headers

from lmtopo import files
from lmtopo.errors import InputError
from lmtopo.hub.calls import patiently
from lmtopo.hub.snapshot import File, Snapshot, tree
from lmtopo.job import say

TRIES = 3
NOTHING_MORE = 416
"""HTTP status of a range that begins at or beyond a file's end."""
PARTIAL = ".partial"
PIECE = 1 << 14
"""Bytes written at a time. A break loses the piece under way, and the library's own are 10 MB."""


def in_cache(snapshot: Snapshot, path: str) -> Path | None:
    """The file in the user's cache, if it is there and its bytes are right."""
    found = try_to_load_from_cache(
        snapshot.repo, path, revision=snapshot.commit, repo_type=snapshot.kind
    )
    if not isinstance(found, str):
        return None
    if wrong := difference(Path(found), snapshot.files[path]):
        say(f"{snapshot.name}: '{path}' in the hub's cache has {wrong}; it is not used")
        return None
    return Path(found).resolve()


def fetch(snapshot: Snapshot, path: str, folder: Path, *, patience: float) -> Path:
    """Make ``folder/path``: a link into the user's cache, or a download.

    What a killed download has left in ``folder`` is completed, not repeated. A file appears under
    its name only when its size and hash are those that the hub lists. If they are not, the listing
    may be what came wrong, so it is asked for again as well, and mended in ``snapshot``.

    Raises
    ------
    InputError
        If the hub has no such file or refuses it, or the bytes stay wrong.
    """
    target = folder / path
    if target.is_file():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    if cached := in_cache(snapshot, path):
        target.unlink(missing_ok=True)
        target.symlink_to(cached)
        return target
    partial = target.with_name(target.name + PARTIAL)
    what = f"'{path}' in {snapshot.name}"
    for _ in range(TRIES):
        patiently(
            lambda: resume(snapshot, path, partial, snapshot.files[path].size),
            what=what,
            patience=patience,
            progress=lambda: partial.stat().st_size if partial.exists() else 0,
        )
        wrong = difference(partial, snapshot.files[path])
        if wrong is not None:
            say(f"{what} arrived with {wrong}; its listing is asked for again")
            again = tree(snapshot.repo, snapshot.commit, snapshot.kind, snapshot.name, patience)
            snapshot.files.update({path: again[path]} if path in again else {})
            if difference(partial, snapshot.files[path]) is not None:
                partial.unlink()
                continue
        partial.rename(target)
        return target
    raise InputError(f"{what} arrived {TRIES} times with {wrong}: it is not used")


def resume(snapshot: Snapshot, path: str, partial: Path, size: int) -> None:
    """Download what is missing of a file, to the end that the hub's answer says: whether that is
    the listed one is for the caller to see."""
    have = partial.stat().st_size if partial.exists() else 0
    if have == size and have:
        return
    if have > size:
        partial.unlink()
        have = 0
    constants.DOWNLOAD_CHUNK_SIZE = PIECE
    address = hf_hub_url(snapshot.repo, path, repo_type=snapshot.kind, revision=snapshot.commit)
    with partial.open("ab") as file:
        try:
            http_get(
                address,
                file,
                resume_size=have,
                headers=build_hf_headers(),
                displayed_filename=path,
                tqdm_class=None,
            )
        except HfHubHTTPError as error:
            if error.response.status_code != NOTHING_MORE:
                raise
        file.flush()
        os.fsync(file.fileno())


def difference(found: Path, expected: File) -> str | None:
    """How a file's bytes differ from what is listed; None if they do not."""
    size = found.stat().st_size
    if size != expected.size:
        return f"{size} bytes instead of {expected.size}"
    if expected.sha256 is not None:
        sha256 = files.sha256(found)
        if sha256 != expected.sha256:
            return f"SHA-256 {sha256[:12]}... instead of {expected.sha256[:12]}..."
    elif expected.blob is not None:
        blob = git_blob(found)
        if blob != expected.blob:
            return f"git hash {blob[:12]}... instead of {expected.blob[:12]}..."
    return None


def git_blob(path: Path) -> str:
    """SHA-1 that git gives to a file."""
    digest = hashlib.sha1(b"blob %d\0" % path.stat().st_size, usedforsecurity=False)
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()
