"""Where a result comes from: versions, revision, seeds and hashes, written beside it."""

import hashlib
import json
import platform
import subprocess
from collections.abc import Iterable
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from lmtopo import __version__
from lmtopo.checksums import read_part
from lmtopo.files import write_json

PACKAGES = (
    "torch",
    "transformers",
    "tokenizers",
    "datasets",
    "numpy",
    "scipy",
    "scikit-learn",
    "pandas",
    "pyarrow",
    "ripser",
    "gudhi",
    "snakemake",
)

DOWNLOADED = "hub.json"
"""In a folder of a checkpoint, or of a tokenizer: where on the hub it comes from."""


def origin(**facts: Any) -> dict[str, Any]:
    """Versions and git revision, and any ``facts``."""
    return {
        "lmtopo": __version__,
        "revision": git_revision(),
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}",
        "packages": versions(),
        **facts,
    }


def of_checkpoint(folder: str | Path) -> dict[str, Any] | None:
    """Repository, revision and commit of a checkpoint from the hub; None of any other."""
    path = Path(folder) / DOWNLOADED
    if not path.is_file():
        return None
    told = read_part(folder, DOWNLOADED)
    return {key: told[key] for key in ("repo", "revision", "commit")}


@cache
def versions() -> dict[str, str]:
    """Installed versions of the libraries that results depend on."""
    found = {}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


def git_revision() -> str | None:
    """The workflow's git revision, with ``-dirty`` if files differ; None outside a checkout."""
    command = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty"]
    try:
        done = subprocess.run(
            [*command, "--abbrev=40", "--exclude=*"], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()


def provenance(*, provenance: str, datasets: Iterable[str], config: dict[str, Any]) -> None:
    """Write the study's ``provenance.json``: its configuration and hash, and its datasets."""
    text = json.dumps(config, sort_keys=True)
    write_json(
        provenance,
        origin(
            config_sha256=hashlib.sha256(text.encode()).hexdigest(),
            config=config,
            datasets={
                Path(folder).name: read_part(folder, "provenance.json")["fingerprint"]
                for folder in datasets
            },
        ),
    )
