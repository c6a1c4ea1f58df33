"""What one revision of a repository holds: its files with sizes and hashes."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from huggingface_hub import HfApi, constants, try_to_load_from_cache

from lmtopo.errors import InputError
from lmtopo.hub.calls import patiently

Kind = Literal["model", "dataset"]

SHA256 = re.compile(r"[0-9a-f]{64}")
SHA1 = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True)
class File:
    """A file of a revision. Large files have the SHA-256 of their bytes, the others that of git:
    SHA-1 of ``"blob {size}\\0"`` and the bytes. None: not known (some caches)."""

    path: str
    size: int
    sha256: str | None
    blob: str | None


@dataclass(frozen=True)
class Snapshot:
    """The files of one commit, by path."""

    repo: str
    kind: Kind
    revision: str
    commit: str
    files: Mapping[str, File]

    @property
    def name(self) -> str:
        return named(self.repo, self.revision)


def named(repo: str, revision: str) -> str:
    """How messages call a revision."""
    return f"'{repo}'" if revision == "main" else f"revision '{revision}' of '{repo}'"


def read(repo: str, revision: str, *, kind: Kind = "model", patience: float) -> Snapshot:
    """The snapshot of a revision, asked of the hub; in offline mode, of the user's cache.

    Raises
    ------
    InputError
        If there is no such repository or revision, or it may not be read.
    """
    if constants.is_offline_mode():
        return cached(repo, revision, kind)
    api, what = HfApi(), named(repo, revision)
    info = patiently(
        lambda: api.repo_info(repo, revision=revision, repo_type=kind), what=what, patience=patience
    )
    commit = str(info.sha)
    return Snapshot(repo, kind, revision, commit, tree(repo, commit, kind, what, patience))


def tree(repo: str, commit: str, kind: Kind, what: str, patience: float) -> dict[str, File]:
    """The files that the hub lists of a commit; nothing is downloaded."""
    from huggingface_hub.hf_api import RepoFile

    api = HfApi()
    entries = patiently(
        lambda: list(api.list_repo_tree(repo, revision=commit, repo_type=kind, recursive=True)),
        what=what,
        patience=patience,
    )
    return {
        entry.path: File(
            entry.path, entry.size, entry.lfs.sha256 if entry.lfs else None, entry.blob_id
        )
        for entry in entries
        if isinstance(entry, RepoFile)
    }


def cached(repo: str, revision: str, kind: Kind) -> Snapshot:
    """The snapshot of a revision as far as it lies in the user's cache."""
    folder = cache_folder(repo, revision, kind)
    if folder is None:
        raise InputError(
            f"{named(repo, revision)} is not in the hub's cache, and HF_HUB_OFFLINE forbids to "
            "fetch it"
        )
    files = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            blob = path.resolve().name  # the cache names its blobs by their hashes
            files[str(path.relative_to(folder))] = File(
                str(path.relative_to(folder)),
                path.stat().st_size,
                blob if SHA256.fullmatch(blob) else None,
                blob if SHA1.fullmatch(blob) else None,
            )
    return Snapshot(repo, kind, revision, folder.name, files)


def cache_folder(repo: str, revision: str, kind: Kind) -> Path | None:
    """The folder ``snapshots/{commit}`` of a revision in the user's cache, if it is there."""
    for name in ("config.json", "README.md", "tokenizer.json", "tokenizer_config.json"):
        found = try_to_load_from_cache(repo, name, revision=revision, repo_type=kind)
        if isinstance(found, str):
            return Path(found).parent
    return None
