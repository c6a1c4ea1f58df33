"""The workflow against a plain script, on the same checkpoints and texts, each run as it is used.

``make against-script`` runs it. Checkpoints are GPT-NeoX models of Pythia-70m's shape with random
weights, saved in float16 as Pythia's are; texts are generated articles, each read by itself and
cut at 128 tokens. The script (`plain_script.py`) is a process of its own, the workflow is
``snakemake --until describe`` in an empty folder: importing, training no tokenizer, saving the
dataset, making the probe, loading, all are counted. CPU seconds are those of all processes.

- the same work: the last layer, mean pooling, 50 principal components, H0 and H1 of all points,
  perplexity;
- the full work: all layers, 8 subsamples, and of each 19 draws of each of three nulls.

The script's cost is proportional to its checkpoints and to its calls of ripser: ``--script`` says
how many checkpoints it reads, of the full work it does each ``--every``-th call on one checkpoint,
once for all dtypes (its clouds are float32 in all), and the rest is scaled. Two runs in between
tell what one more dataset, layer and null draw costs. Finished runs are kept in ``--folder`` and
not repeated.
"""

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "workflow"))

from lmtopo import bottleneck, tokenizer  # noqa: E402
from lmtopo.dataset import dataset  # noqa: E402
from lmtopo.dataset.documents import documents  # noqa: E402
from lmtopo.files import read_json, write_json  # noqa: E402
from lmtopo.formats import diagrams  # noqa: E402

SHAPE = {
    "vocab_size": 50_304,
    "hidden_size": 512,
    "num_hidden_layers": 6,
    "num_attention_heads": 8,
    "intermediate_size": 2048,
    "max_position_embeddings": 2048,
    "rotary_pct": 0.25,
}
LENGTH = 128
COMPONENTS = 50
DATASETS = ("first", "second")
SIGNATURES = ["feature_count", "total_persistence", "max_persistence", "persistence_entropy"]
NULLS = ("gaussian", "norm_matched", "shuffled")
Parts = dict[str, dict[str, float]]
"""CPU and wall seconds by part of the script."""
READ = ("load", "extract", "perplexity")
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
LAYERS = SHAPE["num_hidden_layers"] + 1
"""Those of ``output_hidden_states``; the workflow has one more, the last block before the norm."""


@dataclass(frozen=True)
class Work:
    """What is asked of each checkpoint."""

    name: str
    datasets: int = 1
    layers: str = "last"
    replicates: int = 1
    draws: int = 0

    @property
    def clouds(self) -> int:
        """Of one checkpoint, in the script."""
        layers = 1 if self.layers == "last" else LAYERS
        return layers * self.replicates * (1 + len(NULLS) * self.draws)


SAME = Work("same")
DATA = Work("two datasets", datasets=2)
DEEP = Work("all layers", layers="all", replicates=8)
FULL = Work("full", layers="all", replicates=8, draws=19)


def make(folder: Path, checkpoints: int, texts: int) -> None:
    """Checkpoint folders, a tokenizer, and files of texts."""
    from transformers import AutoConfig, AutoModelForCausalLM

    for seed, name in enumerate(DATASETS):
        rows = {"train": 0, "validation": 2 * texts, "test": 0}
        origin = {"source": "generated", "kind": "articles", "seed": seed, "rows": rows}
        saved = folder / "articles" / name
        dataset(origin=origin, name=name, study="benchmark", folder=str(saved))
        written = documents(saved, "validation")
        if seed == 0:
            bpe = tokenizer.train(written, 2048)
            bpe.save_pretrained(folder / "tokenizer")
        ids = tokenizer.encode(bpe, written)
        long = [text for text, tokens in zip(written, ids, strict=True) if len(tokens) >= LENGTH]
        if len(long) < texts:
            sys.exit(f"only {len(long)} of {len(written)} articles have {LENGTH} tokens")
        lines = [json.dumps({"text": text}) for text in long[:texts]]
        (folder / f"{name}.jsonl").write_text("\n".join(lines) + "\n")
    config = AutoConfig.for_model("gpt_neox", bos_token_id=0, eos_token_id=0, **SHAPE)
    for index in range(checkpoints):
        path = folder / "checkpoints" / f"step{1000 * (index + 1)}"
        if not path.is_dir():
            torch.manual_seed(index)
            AutoModelForCausalLM.from_config(config).half().save_pretrained(path)


def study(folder: Path, work: Work, dtype: str, points: int, subsample: int) -> dict[str, Any]:
    """The workflow's study file for the same work."""
    names = DATASETS[: work.datasets]
    whole = work.replicates == 1
    return {
        "study": "against",
        "datasets": {
            name: {
                "source": "local",
                "format": "jsonl",
                "splits": {"validation": str(folder / f"{name}.jsonl")},
            }
            for name in names
        },
        "models": {
            "neox": {
                "source": "local",
                "path": str(folder / "checkpoints" / "step*"),
                "tokenizer_path": str(folder / "tokenizer"),
            }
        },
        "evaluate": [{"dataset": name, "max_tokens": LENGTH} for name in names],
        "clouds": {
            "points": points,
            "subsample": points if whole else subsample,
            "replicates": work.replicates,
            "poolings": ["mean"],
            "layers": ["final_norm"] if work.layers == "last" else "all",
            "skip_positions": 0,
            "min_text_tokens": 1,
            "pca": COMPONENTS,
        },
        "quality": {
            "readings": ["document"],
            "prefix": "none",
            "context": LENGTH,
            "dtype": dtype,
            "threads": 1,
        },
        "homology": {
            "nulls": {
                **(dict.fromkeys(NULLS, work.draws) if work.draws else {}),
                "replicates": work.replicates,
            }
        },
        "signatures": SIGNATURES,
        "noise": {"checkpoints": "none"},
    }


def timed(command: Sequence[str], cwd: Path, threads: int | None = None) -> dict[str, float]:
    """CPU and wall seconds of a command and of all that it starts, numpy's threads limited."""
    hidden = ("MAKELEVEL", "LMTOPO_FORK_SERVER")
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    if threads is not None:
        environment |= dict.fromkeys(THREADS, str(threads))

    def cpu() -> float:
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        return used.ru_utime + used.ru_stime

    before, began = cpu(), time.perf_counter()
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(command)}\n{done.stdout[-4000:]}{done.stderr[-4000:]}")
    return {"cpu": cpu() - before, "wall": time.perf_counter() - began}


class Bench:
    """Runs of both sides, each once for a folder."""

    def __init__(self, folder: Path, options: argparse.Namespace) -> None:
        self.folder, self.options = folder, options

    def _kept(self, name: str) -> Path:
        return self.folder / "times" / f"{name.replace(' ', '-')}.json"

    def workflow(self, work: Work, dtype: str, cores: int) -> dict[str, float]:
        """Seconds of the workflow from an empty folder."""
        name = f"workflow {work.name} {dtype} {cores}"
        kept, place = self._kept(name), self.folder / name.replace(" ", "-")
        if not kept.is_file():
            shutil.rmtree(place, ignore_errors=True)
            place.mkdir()
            told = study(self.folder, work, dtype, self.options.texts, self.options.subsample)
            write_json(place / "study.yaml", told)  # JSON is YAML
            command = [sys.executable, "-m", "snakemake", "--cores", str(cores), "--quiet", "all"]
            command += ["--snakefile", str(ROOT / "Snakefile"), "--until", "describe"]
            command += ["--configfile", str(place / "study.yaml")]
            write_json(kept, timed(command, place))
        return dict(read_json(kept))

    def script(self, work: Work, dtype: str, threads: int, head: bool = False) -> Parts:
        """Seconds of the script: `start` once, the other parts of one checkpoint and dataset, all
        calls of ripser counted."""
        if work is FULL and dtype != self.options.dtypes[0]:
            topology = self.script(work, self.options.dtypes[0], threads)
            return topology | {
                part: times
                for part, times in self.script(SAME, dtype, threads).items()
                if part in READ
            }
        name = f"script {work.name} {dtype} {threads}{' head' if head else ''}"
        kept, place = self._kept(name), self.folder / name.replace(" ", "-")
        folders = self.checkpoints()[: 1 if head or work.draws else self.options.script]
        if not kept.is_file():
            command = [sys.executable, str(Path(__file__).with_name("plain_script.py"))]
            command += [*map(str, folders), "--tokenizer", str(self.folder / "tokenizer")]
            command += ["--texts", str(self.folder / f"{DATASETS[0]}.jsonl"), "--out", str(place)]
            command += ["--dtype", dtype, "--threads", str(threads), "--length", str(LENGTH)]
            command += ["--layers", work.layers, "--replicates", str(work.replicates)]
            command += ["--draws", str(work.draws)]
            command += ["--every", str(self.options.every if work.draws else 1)]
            if work.replicates > 1:
                command += ["--subsample", str(self.options.subsample)]
            command += ["--head"] if head else []
            whole = timed(command, self.folder, threads)
            parts = read_json(place / "times.json")
            start = {
                clock: whole[clock] - sum(part[clock] for part in parts.values()) for clock in whole
            }
            write_json(kept, {"start": start, **parts})
        parts = read_json(kept)

        def scaled(part: str, times: float) -> dict[str, float]:
            return {clock: times * parts[part][clock] for clock in ("cpu", "wall")}

        def each(part: str) -> float:
            return 1 / parts[part]["calls"]

        layers = 1 if work.layers == "last" else LAYERS
        found = {"start": parts["start"]}
        found |= {part: scaled(part, each("extract")) for part in READ}
        found["pca"] = scaled("pca", layers * each("pca"))
        found["ripser"] = scaled("ripser", work.clouds * each("ripser"))
        if work.draws:
            draws = work.clouds - layers * work.replicates
            found["null"] = scaled("null", draws * each("null"))
        return found

    def checkpoints(self) -> list[Path]:
        return sorted((self.folder / "checkpoints").iterdir(), key=lambda path: int(path.name[4:]))

    def total(self, parts: Parts, clock: str) -> float:
        """Seconds of the script on all checkpoints."""
        once = sum(times[clock] for part, times in parts.items() if part != "start")
        return parts["start"][clock] + len(self.checkpoints()) * once

    def agreement(self, dtype: str) -> Iterator[tuple[float, float, float]]:
        """By checkpoint that both have read: how far the perplexities differ, relatively, and the
        bottleneck distances of H0 and H1 of the last layer over the longest bar."""
        cores = self.options.cores[0]
        ours = self.folder / f"workflow-same-{dtype}-{cores}/results/against/pairs/neox/released"
        for file in sorted((self.folder / f"script-same-{dtype}-{cores}").glob("step*.npz")):
            pair = ours / file.stem / DATASETS[0]
            mine = read_json(pair / "quality.json")["readings"]["document"]["perplexity"]
            theirs = read_json(file.with_suffix(".json"))["perplexity"]
            found = diagrams.load(pair / "diagrams.npz").diagrams("final_norm", "mean", 0)
            with np.load(file) as other:
                apart = [
                    bottleneck(bars, other[f"{LAYERS - 1}-0/H{dimension}"]) / longest(bars)
                    for dimension, bars in enumerate(found)
                ]
            yield abs(mine / theirs - 1), apart[0], apart[1]


def longest(bars: np.ndarray) -> float:
    return float(np.ptp(bars[np.isfinite(bars[:, 1])], axis=1).max())


def report(bench: Bench) -> None:
    options = bench.options
    first = options.cores[0]
    print(f"{len(bench.checkpoints())} checkpoints, {options.texts} texts of {LENGTH} tokens")
    print(f"{'seconds':40}{'script CPU':>12}{'wall':>8}{'workflow CPU':>14}{'wall':>8}", end="")
    print(f"{'CPU':>8}{'wall':>8}")
    for dtype in options.dtypes:
        for work, cores in ((SAME, options.cores), (FULL, [first])):
            for threads in cores:
                told = f"{dtype}, {work.name} work, {threads} core{'s' if threads > 1 else ''}"
                theirs = bench.script(work, dtype, threads)
                ours = bench.workflow(work, dtype, threads)
                row(told, bench, theirs, ours)
                if work is SAME and threads == first and dtype == options.dtypes[0]:
                    whole = bench.script(work, dtype, threads, head=True)
                    head = {part: whole[part] for part in ("load", "extract")}
                    row("... extracts with the head", bench, theirs | head, ours)
                    print("    script, with head: " + shown(theirs | head))
                if threads == first:
                    print("    script: " + shown(theirs))
        for name, *values in zip(
            ("perplexity, relative", "H0, bottleneck / longest bar", "H1"),
            *bench.agreement(dtype),
            strict=True,
        ):
            print(f"    apart at most: {name} {max(values):.1e}")
    costs(bench, options.dtypes[0], first)


def row(name: str, bench: Bench, theirs: Parts, ours: dict[str, float]) -> None:
    cpu, wall = bench.total(theirs, "cpu"), bench.total(theirs, "wall")
    print(
        f"{name:28}{cpu:12.1f}{wall:8.1f}{ours['cpu']:14.1f}{ours['wall']:8.1f}"
        f"{cpu / ours['cpu']:7.2f}x{wall / ours['wall']:7.2f}x"
    )


def shown(parts: Parts) -> str:
    return ", ".join(f"{part} {times['cpu']:.1f}" for part, times in parts.items())


def costs(bench: Bench, dtype: str, cores: int) -> None:
    """CPU seconds of one more dataset, layer (with 8 subsamples) and draw, per checkpoint."""
    checkpoints = len(bench.checkpoints())
    ours = {
        work: bench.workflow(work, dtype, cores)["cpu"] / checkpoints
        for work in (SAME, DATA, DEEP, FULL)
    }
    theirs = bench.script(FULL, dtype, cores)
    same = bench.script(SAME, dtype, cores)
    each = theirs["ripser"]["cpu"] / FULL.clouds
    draws = FULL.clouds - DEEP.clouds
    deep_clouds = (LAYERS + 1) * FULL.replicates
    found = {
        "dataset": (
            sum(times["cpu"] for part, times in same.items() if part not in ("start", "load")),
            ours[DATA] - ours[SAME],
        ),
        "layer, 8 subsamples": (
            theirs["pca"]["cpu"] / LAYERS + FULL.replicates * each,
            (ours[DEEP] - ours[SAME]) / LAYERS,
        ),
        "null draw": (
            each + theirs["null"]["cpu"] / draws,
            (ours[FULL] - ours[DEEP]) / (deep_clouds * len(NULLS) * FULL.draws),
        ),
    }
    for name, (one, other) in found.items():
        print(
            f"one more {name}, per checkpoint: script {1e3 * one:,.1f} ms, "
            f"workflow {1e3 * other:,.1f} ms"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--checkpoints", type=int, default=5)
    parser.add_argument("--texts", type=int, default=256, help="points of a whole cloud")
    parser.add_argument("--subsample", type=int, default=192)
    parser.add_argument("--dtypes", nargs="+", default=["float32", "bfloat16"])
    parser.add_argument("--cores", type=int, nargs="+", default=sorted({1, os.cpu_count() or 1}))
    parser.add_argument("--script", type=int, default=5, help="checkpoints that the script reads")
    # prime to the 58 clouds of a subsample, so that all of their kinds are among those measured
    parser.add_argument("--every", type=int, default=13, help="of the script's calls of ripser")
    parser.add_argument("--folder", type=Path, help="kept, and gone on with")
    options = parser.parse_args()
    options.script = min(options.script, options.checkpoints)
    with tempfile.TemporaryDirectory() as temporary:
        folder = (options.folder or Path(temporary)).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / "checkpoints").is_dir():
            make(folder, options.checkpoints, options.texts)
        report(Bench(folder, options))


if __name__ == "__main__":
    main()
