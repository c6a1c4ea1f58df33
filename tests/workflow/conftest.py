"""Workplaces: fresh ones, one in which the tiny study has run, and copies of that."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import repositories
import standin
from hub_studies import MANY
from workplace import TINY, Workplace


@pytest.fixture(scope="session")
def make_workplace(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Workplace]:
    def make(name: str, **place: Any) -> Workplace:
        folder = tmp_path_factory.mktemp(name)
        (folder / "tiny.yaml").write_text(TINY.read_text())
        return Workplace(folder, **place)

    return make


@pytest.fixture(scope="session")
def finished(make_workplace: Callable[..., Workplace]) -> Workplace:
    """A workplace in which the tiny study has run; not to be changed."""
    place = make_workplace("finished")
    place.snakemake("--cores", "2")
    return place


@pytest.fixture
def copied(
    finished: Workplace, make_workplace: Callable[..., Workplace]
) -> Callable[..., Workplace]:
    """A copy of the finished workplace, to be changed."""

    def copy(**place: Any) -> Workplace:
        new = make_workplace("copy", **place)
        subprocess.run(["cp", "-a", f"{finished.folder}/.", new.folder], check=True)
        return new

    return copy


@pytest.fixture(scope="session")
def many_root(
    tmp_path_factory: pytest.TempPathFactory, save_checkpoint: Callable[..., Path]
) -> Path:
    """Thirty checkpoints of a small model, and the three datasets."""
    root = tmp_path_factory.mktemp("many")
    repositories.make_datasets(root)
    steps = [
        "step0",
        *(f"step{2**power}" for power in range(10)),
        *(f"step{k}000" for k in range(1, 20)),
    ]
    repositories.make_model(root, MANY, [*steps, "main"], save_checkpoint)
    return root


@pytest.fixture
def serving(
    many_root: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[standin.Hub]:
    with standin.serve(many_root) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
        monkeypatch.setenv("HF_HUB_DOWNLOAD_TIMEOUT", "2")
        yield hub
