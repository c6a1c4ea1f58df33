"""Workplaces: fresh ones, one in which the tiny study has run, and copies of that."""

import subprocess
from collections.abc import Callable
from typing import Any

import pytest
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
