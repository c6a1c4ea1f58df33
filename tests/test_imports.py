"""Heavy libraries are imported only by what needs them."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
READ = "import yaml; from lmtopo import study; study.read(yaml.safe_load(open('{file}')))"
STAGES = "import lmtopo.{stage}; lmtopo.{stage}.{stage}"


@pytest.mark.parametrize(
    "code",
    [
        *(
            STAGES.format(stage=stage)
            for stage in (
                "persist",
                "describe",
                "downstream",
                "d90",
                "collate",
                "external",
                "audit",
            )
        ),
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
