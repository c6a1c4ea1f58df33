from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from smallest import SMALLEST


@pytest.fixture
def raw(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The smallest study, read in an empty working directory."""
    monkeypatch.chdir(tmp_path)
    return deepcopy(SMALLEST)


@pytest.fixture
def two(raw: dict[str, Any]) -> dict[str, Any]:
    """A study of two datasets, the second one observed in its own way."""
    raw["datasets"]["articles"] = {"source": "generated", "kind": "articles"}
    other = {
        "dataset": "articles",
        "clouds": {
            "points": 200,
            "subsample": 200,
            "replicates": 1,
            "pca": 20,
            "poolings": ["mean"],
        },
        "quality": {"readings": ["document"], "prefix": "none", "context": 300, "dtype": "float16"},
    }
    raw["clouds"] = {"skip_positions": 2, "layers": ["block_1"]}
    raw["evaluate"].append(other)
    return raw
