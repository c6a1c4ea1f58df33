"""The smallest study, for tests to change."""

from typing import Any

import pytest

from lmtopo import study
from lmtopo.errors import InputError

SMALLEST = {
    "study": "mine",
    "datasets": {"stories": {"source": "generated", "kind": "stories"}},
    "models": {
        "tiny": {
            "source": "train",
            "dataset": "stories",
            "vocabulary": 300,
            "architecture": {
                "hidden_size": 32,
                "num_hidden_layers": 2,
                "num_attention_heads": 2,
            },
            "budgets": ["low"],
        }
    },
    "budgets": {"low": {"flops": 1e11}},
    "evaluate": ["stories"],
}


def problems(raw: dict[str, Any]) -> str:
    with pytest.raises(InputError) as caught:
        study.read(raw)
    return str(caught.value)
