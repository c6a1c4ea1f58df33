"""What Snakemake and this workflow's rules take for thousands of jobs, whatever the jobs do.

``make benchmark-scale`` runs it, in a folder of its own, with the workflow's own rules and a study
of as many pairs as asked for, whose jobs do nothing but make empty files (`scale.smk`,
`touch.py`).

- ``dry-run``: seconds of ``snakemake -n`` on an empty folder, and its peak of memory; of the
  shipped study `pythia` as well
- ``run``: CPU seconds of the main process alone, without its jobs, for each job of a full run
- ``check``: seconds of ``snakemake -n`` when all is there
- ``entries``: of the fullest folder below ``results/`` and ``logs/``
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import psutil
import yaml

ROOT = Path(__file__).parents[1]
DATASETS = ("stories", "articles", "more-stories")
CHECKPOINTS = 167


@dataclass
class Spent:
    """Wall seconds, CPU seconds of the process alone, its largest memory in MB, what it said."""

    seconds: float
    cpu: float
    memory: float
    said: str


def study(pairs: int) -> dict[str, object]:
    """Trained models with three datasets each, and at least so many pairs in all."""
    models = -(-pairs // (CHECKPOINTS * len(DATASETS)))
    shape = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    return {
        "study": "scale",
        "datasets": {
            name: {"source": "generated", "kind": name.split("-")[-1], "seed": seed}
            for seed, name in enumerate(DATASETS)
        },
        "models": {
            f"model-{number}": {
                "source": "train",
                "dataset": "stories",
                "vocabulary": 512,
                "architecture": shape,
                "budgets": ["long"],
                "seed": number,
            }
            for number in range(models)
        },
        "budgets": {"long": {"flops": 1e13}},
        "evaluate": list(DATASETS),
        "train": {"checkpoints": CHECKPOINTS},
        "clouds": {"keep": "none"},
        "figures": {"formats": ["png"]},
    }


def snakemake(folder: Path, file: Path, *arguments: str, snakefile: str) -> Spent:
    command = [sys.executable, "-m", "snakemake", *arguments, "--snakefile", snakefile]
    command += ["--configfile", str(file), "--workflow-profile", str(ROOT / "profiles/default")]
    began, cpu, memory = time.perf_counter(), 0.0, 0.0
    with (folder / "said").open("w+") as said:
        running = subprocess.Popen(command, cwd=folder, stdout=said, stderr=subprocess.STDOUT)
        process = psutil.Process(running.pid)
        while running.poll() is None:
            try:
                times, held = process.cpu_times(), process.memory_info().rss
            except psutil.Error:
                break
            cpu, memory = times.user + times.system, max(memory, held / 1e6)
            time.sleep(0.1)
        running.wait()
        said.seek(0)
        text = said.read()
    if running.returncode:
        sys.exit(text)
    return Spent(time.perf_counter() - began, cpu, memory, text)


def fullest(*folders: Path) -> tuple[int, str]:
    """Entries of the fullest folder below some."""
    return max(
        (len(inside) + len(files), place)
        for folder in folders
        for place, inside, files in os.walk(folder)
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=5000)
    parser.add_argument("--cores", default=str(os.cpu_count()))
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder, own = Path(name), str(ROOT / "benchmarks/scale.smk")
        file = folder / "scale.yaml"
        file.write_text(yaml.safe_dump(study(chosen.pairs)))
        quick = ("--dry-run", "--quiet", "all")
        pythia = snakemake(
            folder,
            ROOT / "config/studies/pythia.yaml",
            *quick,
            snakefile=str(ROOT / "Snakefile"),
        )
        dry = snakemake(folder, file, *quick, snakefile=own)
        run = snakemake(folder, file, "--cores", chosen.cores, "--quiet", "all", snakefile=own)
        done = len(list((folder / "logs").rglob("*.log")))
        check = snakemake(folder, file, *quick, snakefile=own)
        if "Nothing to be done" not in check.said and any((folder / "said").read_text().split()):
            sys.exit(check.said)
        most, place = fullest(folder / "results", folder / "logs")
        print("| | wall | CPU, main process | peak memory |")
        print("|---|---|---|---|")
        for label, spent in (
            ("dry-run of `pythia`, nothing there", pythia),
            (f"dry-run of {done:,} jobs, nothing there", dry),
            (f"run of {done:,} jobs that do nothing", run),
            ("dry-run, all there", check),
        ):
            print(
                f"| {label} | {spent.seconds:.0f} s | {spent.cpu:.1f} s | {spent.memory:.0f} MB |"
            )
        print(f"\na job of the run: {(run.cpu - dry.cpu) / done * 1e3:.1f} ms of the main process")
        print(f"the fullest folder: {most:,} entries ({Path(place).relative_to(folder)})")


if __name__ == "__main__":
    main()
