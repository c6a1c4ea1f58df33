"""Snakemake itself, run on small studies in folders of their own."""

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
TINY = Path(__file__).parent / "tiny.yaml"


@dataclass(frozen=True)
class Workplace:
    """A folder in which studies are run with the workflow of ``snakefile``."""

    folder: Path
    snakefile: Path = ROOT / "Snakefile"

    def command(self, *arguments: str, study: Path | None = None) -> list[str]:
        study = study or self.folder / "tiny.yaml"
        return [
            sys.executable,
            "-m",
            "snakemake",
            *arguments,
            "--snakefile",
            str(self.snakefile),
            "--configfile",
            str(study),
            *([] if "--cores" in arguments else ["--cores", "2"]),
        ]

    def snakemake(self, *arguments: str, fails: bool = False, study: Path | None = None) -> str:
        """What Snakemake prints; the test fails if its exit status is not the expected one."""
        done = subprocess.run(
            self.command(*arguments, study=study),
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=600,
            env=environment(),
        )
        text = done.stdout + done.stderr
        assert (done.returncode != 0) == fails, text
        return text

    def planned(self, *arguments: str, study: Path | None = None) -> dict[str, int]:
        """Jobs per rule that a run would start."""
        text = self.snakemake(*arguments, "--dry-run", "--quiet", "rules", study=study)
        found = re.findall(r"^\s*(\w[\w ]*?)\s+(\d+)\s*$", text, flags=re.MULTILINE)
        jobs = {rule.replace(" ", "_"): int(count) for rule, count in found}
        return {rule: jobs[rule] for rule in jobs if rule not in ("total", "default")}

    def change(self, **sections: Any) -> None:
        """Update sections of the study file."""
        path = self.folder / "tiny.yaml"
        raw = yaml.safe_load(path.read_text())
        for name, value in sections.items():
            raw[name] = {**raw.get(name, {}), **value} if isinstance(value, dict) else value
        path.write_text(yaml.safe_dump(raw))

    def results(self) -> dict[str, bytes]:
        """Bytes of all that must not depend on the machine's load or on interruptions."""
        found = self.folder / "results" / "tiny"
        kept = [
            *found.glob("tables/*"),
            *found.glob("atlas/*"),
            *found.rglob("pairs/**/*"),
            *found.rglob("compare/**/*"),
            *found.rglob("noise/**/*"),
            *found.rglob("runs/**/*.*"),
        ]
        return {
            str(path.relative_to(found)): path.read_bytes()
            for path in kept
            if path.is_file()
            and path.name not in ("timing.csv", "provenance.json", ".snakemake_timestamp")
        }


def environment() -> dict[str, str]:
    """The tests' environment, less what makes this run inside make or another fork server."""
    hidden = ("MAKELEVEL", "LMTOPO_FORK_SERVER")
    return {name: value for name, value in os.environ.items() if name not in hidden}
