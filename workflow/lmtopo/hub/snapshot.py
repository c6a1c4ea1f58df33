"""What one revision of a repository holds: its files with sizes and hashes."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from huggingface_hub import HfApi, constants
from huggingface_hub.errors import RevisionNotFoundError
from huggingface_hub.file_download import repo_folder_name

from lmtopo.errors import InputError
from lmtopo.hub.calls import an_answer, patiently

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
    files: dict[str, File]

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
    what, commit = named(repo, revision), commit_of(repo, revision, kind, patience)
    try:
        files = tree(repo, commit, kind, what, patience)
    except InputError as error:
        if not isinstance(error.__cause__, RevisionNotFoundError):
            raise
        # the branch has moved since, or the first answer was spoilt
        commit = commit_of(repo, revision, kind, patience)
        files = tree(repo, commit, kind, what, patience)
    return Snapshot(repo, kind, revision, commit, files)


def listing(repo: str, revision: str, *, kind: Kind = "model", patience: float) -> dict[str, File]:
    """The files of a revision, where its commit does not matter: half the requests of `read`."""
    if constants.is_offline_mode():
        return cached(repo, revision, kind).files
    return tree(repo, revision, kind, named(repo, revision), patience)


def commit_of(repo: str, revision: str, kind: Kind, patience: float) -> str:
    """The commit that a revision is at."""

    def ask() -> str:
        with an_answer():
            told = HfApi().repo_info(repo, revision=revision, repo_type=kind).sha
            if not told:
                raise ValueError(told)
            return str(told)

    return patiently(ask, what=named(repo, revision), patience=patience)


def tree(repo: str, revision: str, kind: Kind, what: str, patience: float) -> dict[str, File]:
    """The files that the hub lists of a revision or commit; nothing is downloaded."""
    from huggingface_hub.hf_api import RepoFile

    def ask() -> dict[str, File]:
        with an_answer():
            entries = HfApi().list_repo_tree(
                repo, revision=revision, repo_type=kind, recursive=True
            )
            return {
                entry.path: File(
                    entry.path,
                    entry.size,
                    entry.lfs.sha256 if entry.lfs else None,
                    entry.blob_id,
                )
                for entry in entries
                if isinstance(entry, RepoFile)
            }

    return patiently(ask, what=what, patience=patience)


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
    base = Path(constants.HF_HUB_CACHE) / repo_folder_name(repo_id=repo, repo_type=kind)
    ref = base / "refs" / revision
    folder = base / "snapshots" / (ref.read_text().strip() if ref.is_file() else revision)
    return folder if folder.is_dir() else None
