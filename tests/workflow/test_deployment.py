"""How the workflow is deployed: pins, environments, profiles, and what Snakemake's linter says."""

import os
import re
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from workplace import ROOT, Workplace

EXPLAINED = {
    # functions that one rule needs stand before it; what several need is in rules/common.smk
    "Mixed rules and functions in same snakefile.:",
    # the constant that starts a job is the same in every rule; see rules/common.smk
    "Shell command directly uses variable JOB from outside of the rule:",
}


def rules() -> dict[str, str]:
    """The text of each rule that runs a command, by name."""
    texts = [path.read_text() for path in sorted((ROOT / "workflow/rules").glob("*.smk"))]
    blocks = [part for text in texts for part in re.split(r"(?m)^ *(?=(?:use )?rule\b)", text)]
    return {block.split(":")[0]: block for block in blocks if re.search(r"(?m)^ *shell:", block)}


def test_the_conda_file_and_the_pins_agree() -> None:
    pins = (ROOT / "envs/requirements.txt").read_text().split()
    conda = yaml.safe_load((ROOT / "envs/lmtopo.yaml").read_text())["dependencies"]
    assert pins == conda[-1]["pip"]
    assert "python=3.11" in conda
    assert max(Counter(pin.split("==")[0].lower() for pin in pins).values()) == 1


def test_every_rule_that_runs_something_names_the_environment_and_what_it_needs() -> None:
    found = rules()
    assert len(found) >= 18
    for name, text in found.items():
        assert "envs/lmtopo.yaml" in text, name
        assert "localrule: True" in text or "**needed(" in text, name


@pytest.mark.slow
@pytest.mark.parametrize("name", ["default", "slurm"])
def test_profiles_have_only_options_that_snakemake_knows(name: str) -> None:
    from snakemake.cli import get_argument_parser

    known = {
        option.removeprefix("--")
        for action in get_argument_parser()._actions
        for option in action.option_strings
    }
    profile: dict[str, Any] = yaml.safe_load((ROOT / f"profiles/{name}/config.yaml").read_text())
    plugin = {key for key in profile if key.startswith("slurm-")}
    assert set(profile) - plugin <= known
    if plugin:
        slurm = pytest.importorskip("snakemake_executor_plugin_slurm")
        for key in plugin:
            field = key.removeprefix("slurm-").replace("-", "_")
            assert field in slurm.ExecutorSettings.__dataclass_fields__


@pytest.mark.slow
def test_the_linter_says_nothing_that_is_not_explained(
    make_workplace: Callable[..., Workplace],
) -> None:
    text = make_workplace("lint").snakemake("--lint", fails=True)
    assert set(re.findall(r"^ +\* (.+)$", text, flags=re.MULTILINE)) <= EXPLAINED


CONDA = """#!/bin/sh
case "$*" in
  "info --json") echo '{{"conda_prefix": "{prefix}", "platform": "linux-64"}}';;
  --version) echo conda 25.1.0;;
  config*) echo '{{"get": {{"channel_priority": "strict"}}}}';;
  *"env create"*)
    while [ $# -gt 0 ]; do
      case "$1" in --file) file="$2";; --prefix) place="$2";; esac
      shift
    done
    cp "$file" {prefix}/created
    mkdir -p "$place/bin"
    printf '#!/bin/sh\\necho >> {prefix}/used\\nexec {python} "$@"\\n' > "$place/bin/python"
    chmod +x "$place/bin/python";;
esac
"""
"""Answers what Snakemake asks of conda; its environments have a Python that counts its starts."""


@pytest.mark.slow
def test_jobs_run_in_the_conda_environment_if_asked_to(
    make_workplace: Callable[..., Workplace], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/conda").write_text(CONDA.format(prefix=tmp_path, python=sys.executable))
    (tmp_path / "bin/conda").chmod(0o755)
    (tmp_path / "bin/activate").write_text('PATH="$1/bin:$PATH"\n')
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}")
    place = make_workplace("conda")
    place.snakemake("datasets")
    assert not (tmp_path / "used").exists()
    place.snakemake("results/tiny/tokenizers/tiny-stories-300", "--sdm", "conda")
    assert (tmp_path / "created").read_text() == (ROOT / "envs/lmtopo.yaml").read_text()
    # the dataset, made in another environment, is made anew
    assert len((tmp_path / "used").read_text().splitlines()) == 2
    assert (place.folder / "results/tiny/tokenizers/tiny-stories-300").is_dir()
