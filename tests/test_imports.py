"""Heavy libraries are imported only by what needs them."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
READ = "import yaml; from lmtopo import study; study.read(yaml.safe_load(open('{file}')))"
STAGES = "import lmtopo.{stage}; lmtopo.{stage}.{stage}"
LIGHT = ("persist", "describe", "downstream", "d90", "compare", "collate", "external", "audit")


@pytest.mark.parametrize(
    "code",
    [
        *(STAGES.format(stage=stage) for stage in LIGHT),
        READ.format(file="config/config.yaml"),
        READ.format(file="config/studies/pythia.yaml"),
    ],
    ids=lambda code: code[:60],
)
def test_what_needs_no_hub_does_not_import_it(code: str) -> None:
    check = "import sys; assert not {'huggingface_hub', 'httpx2', 'torch'} & set(sys.modules)"
    subprocess.run(
        [sys.executable, "-c", f"{code}; {check}"],
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT / "workflow"), "PATH": ""},
        check=True,
    )


def test_the_public_functions_are_where_they_are_said_to_be() -> None:
    import lmtopo

    assert set(lmtopo.PUBLIC) == set(lmtopo.__all__)
    assert all(callable(getattr(lmtopo, name)) for name in lmtopo.__all__)
