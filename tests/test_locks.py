"""A study that ends leaves the locks of another in the same folder."""

from pathlib import Path
from typing import Any

import pytest
from snakemake.persistence.file import FilePersistence

from lmtopo.locks import keep_those_of_others


@pytest.fixture
def persistence() -> Any:
    class Kind(FilePersistence):  # type: ignore[misc]
        """Snakemake's own stays as it is for other tests."""

    keep_those_of_others(Kind)
    return Kind


def test_a_run_that_ends_leaves_the_locks_of_another(tmp_path: Path, persistence: Any) -> None:
    one, other, third = (persistence(path=tmp_path) for _ in range(3))
    one._write_locks("output", ["datasets/a"])
    other._write_locks("output", ["datasets/b"])
    one.unlock()
    assert list(third._read_locks()) == [("output", "datasets/b")]
    other.unlock()
    assert list(third._read_locks()) == []
    third._write_locks("output", ["datasets/a"])  # the folder is still there
    assert list(one._read_locks()) == [("output", "datasets/a")]


def test_unlocking_by_hand_removes_all(tmp_path: Path, persistence: Any) -> None:
    killed, later = persistence(path=tmp_path), persistence(path=tmp_path)
    killed._write_locks("input", ["datasets/a"])
    later.cleanup_locks()
    assert list(later._read_locks()) == []
