"""Perplexity and persistence diagrams of checkpoints, as one would write it for a first paper.

It uses transformers, scikit-learn and ripser, and nothing of lmtopo; `against_script.py` runs it.
Each checkpoint is loaded twice: as a body, for batches padded to their longest text and
``output_hidden_states=True``, and as a language model, for the loss of one text at a time. Hidden
states are averaged over each text's tokens and reduced to 50 principal components.

Beside what one would write, it notes the CPU and wall seconds of each part.
"""

import argparse
import json
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from ripser import ripser
from sklearn.decomposition import PCA
from transformers import AutoModel, AutoModelForCausalLM, AutoTokenizer

COMPONENTS = 50
"""By the exact solver: scikit-learn's default for such shapes is a randomised one."""
NULLS = ("gaussian", "norm_matched", "shuffled")

spent: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
calls: dict[str, int] = defaultdict(int)


@contextmanager
def part(name: str) -> Iterator[None]:
    cpu, wall = time.process_time(), time.perf_counter()
    yield
    spent[name][0] += time.process_time() - cpu
    spent[name][1] += time.perf_counter() - wall
    calls[name] += 1


def extract(model, tokenizer, texts, length, batch_size) -> np.ndarray:
    """Mean-pooled hidden states: layers x texts x width."""
    pooled = []
    for first in range(0, len(texts), batch_size):
        batch = tokenizer(
            texts[first : first + batch_size],
            padding=True,
            truncation=True,
            max_length=length,
            return_tensors="pt",
        )
        with torch.no_grad():
            states = torch.stack(model(**batch, output_hidden_states=True).hidden_states)
        mask = batch["attention_mask"][None, :, :, None]
        pooled.append((states.float() * mask).sum(2) / mask.sum(2))
    return torch.cat(pooled, dim=1).numpy()


def perplexity(model, tokenizer, texts, length) -> float:
    nll, tokens = 0.0, 0
    for text in texts:
        ids = tokenizer(text, truncation=True, max_length=length, return_tensors="pt").input_ids
        with torch.no_grad():
            loss = model(ids, labels=ids).loss
        nll += loss.item() * (ids.shape[1] - 1)
        tokens += ids.shape[1] - 1
    return float(np.exp(nll / tokens))


def signatures(diagrams) -> list[dict[str, float]]:
    found = []
    for bars in diagrams:
        bars = bars[np.isfinite(bars[:, 1])]
        lengths = bars[:, 1] - bars[:, 0]
        share = lengths / lengths.sum()
        found.append(
            {
                "feature_count": len(bars),
                "total_persistence": float(lengths.sum()),
                "max_persistence": float(lengths.max(initial=0.0)),
                "persistence_entropy": float(-(share * np.log(share)).sum()),
            }
        )
    return found


def null(kind: str, points: np.ndarray, spectrum, rng: np.random.Generator) -> np.ndarray:
    if kind == "shuffled":
        return rng.permuted(points, axis=0)
    _, s, vt = spectrum
    mean = points.mean(axis=0)
    random = rng.standard_normal((len(points), len(s)))
    q, r = np.linalg.qr(random - random.mean(axis=0))
    drawn = (q * np.sign(np.diag(r)) * s) @ vt
    if kind == "norm_matched":
        norms = np.linalg.norm(points - mean, axis=1) / np.linalg.norm(drawn, axis=1)
        drawn *= norms[:, None]
    return drawn + mean


def clouds(states, layers, subsample, replicates, draws, every, rng) -> Iterator:
    """What is measured of one checkpoint, one cloud after another; of all, each ``every``-th."""
    number = 0
    for layer in range(len(states))[-1:] if layers == "last" else range(len(states)):
        with part("pca"):
            points = PCA(COMPONENTS, svd_solver="full").fit_transform(states[layer])
        for replicate in range(replicates):
            chosen = points
            if subsample < len(points):
                chosen = points[rng.choice(len(points), subsample, replace=False)]
            spectrum = np.linalg.svd(chosen - chosen.mean(axis=0), full_matrices=False)
            wanted = [None, *((kind, draw) for kind in NULLS for draw in range(draws))]
            for null_draw in wanted:
                number += 1
                if number % every:
                    continue
                if null_draw is None:
                    yield f"{layer}-{replicate}", chosen
                else:
                    with part("null"):
                        drawn = null(null_draw[0], chosen, spectrum, rng)
                    yield f"{layer}-{replicate}-{null_draw[0]}-{null_draw[1]}", drawn


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("checkpoints", nargs="+", type=Path)
    parser.add_argument("--tokenizer", required=True)
    parser.add_argument("--texts", required=True, help="JSON lines with a key text")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--dtype", default="float32")
    parser.add_argument("--threads", type=int)
    parser.add_argument("--length", type=int, default=128)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--layers", choices=["last", "all"], default="last")
    parser.add_argument("--subsample", type=int, default=10**9)
    parser.add_argument("--replicates", type=int, default=1)
    parser.add_argument("--draws", type=int, default=0)
    parser.add_argument("--every", type=int, default=1, help="measure each so many-th cloud only")
    parser.add_argument("--head", action="store_true", help="extract with the language model")
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    options.out.mkdir(parents=True, exist_ok=True)
    lines = Path(options.texts).read_text().splitlines()
    texts = [json.loads(line)["text"] for line in lines]
    tokenizer = AutoTokenizer.from_pretrained(options.tokenizer)
    tokenizer.pad_token = tokenizer.eos_token
    dtype = getattr(torch, options.dtype)
    rng = np.random.default_rng(0)
    for folder in options.checkpoints:
        kind = AutoModelForCausalLM if options.head else AutoModel
        with part("load"):
            model = kind.from_pretrained(folder, dtype=dtype).eval()
        with part("extract"):
            states = extract(model, tokenizer, texts, options.length, options.batch_size)
        with part("load"):
            model = AutoModelForCausalLM.from_pretrained(folder, dtype=dtype).eval()
        with part("perplexity"):
            found = {"perplexity": perplexity(model, tokenizer, texts, options.length)}
        diagrams = {}
        how = (options.layers, options.subsample, options.replicates, options.draws, options.every)
        for name, points in clouds(states, *how, rng):
            with part("ripser"):
                diagrams[name] = ripser(points, maxdim=1)["dgms"]
                found[name] = signatures(diagrams[name])
        out = options.out / folder.name
        np.savez(
            out.with_suffix(".npz"),
            **{f"{name}/H{k}": d for name, dgms in diagrams.items() for k, d in enumerate(dgms)},
        )
        out.with_suffix(".json").write_text(json.dumps(found))
    times = {
        name: {"cpu": cpu, "wall": wall, "calls": calls[name]}
        for name, (cpu, wall) in spent.items()
    }
    (options.out / "times.json").write_text(json.dumps(times, indent=2))


if __name__ == "__main__":
    main()
