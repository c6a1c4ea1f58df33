"""A few faults at random moments; ``make chaos`` makes many."""

from pathlib import Path

import pytest
from chaos import chaos

pytestmark = pytest.mark.slow


def test_a_study_comes_through_faults_unchanged(tmp_path: Path) -> None:
    done = chaos(5, 234, tmp_path)
    assert len(done.struck) == 5
    assert done.studies >= 1
