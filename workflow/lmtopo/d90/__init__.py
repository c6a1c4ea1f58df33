"""Stage `d90`: in how many dimensions a checkpoint must be moved to learn a task."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool

STATE = Path(".lmtopo/state/d90")
NONE = "-"
KINDS = ("global", "said")


def metrics(dimensions: Sequence[int]) -> list[str]:
    """The metrics that the table may have."""
    each = [f"{kind}_{dimension}_accuracy" for kind in KINDS for dimension in dimensions]
    return ["finetuned_accuracy", "finetuned_gain", *each, *(f"d90_{kind}" for kind in KINDS)]


def d90(
    *,
    checkpoint: str,
    tokenizer: str,
    dataset: str,
    d90: str,
    run: Mapping[str, Any],
    name: str,
    split: str,
    rows: int,
    dimensions: Sequence[int],
    seeds: int,
    steps: int,
    batch_size: int,
    learning_rate: float,
    context: int,
    threads: int,
    device: str,
    seed: int,
) -> None:
    """Fine-tune the checkpoint on the split ``train`` of a task, fully and in random subspaces of
    each of ``dimensions`` (global and SAID), ``seeds`` times each, and write the table ``d90``.

    Its metrics are ``finetuned_accuracy`` and ``finetuned_gain`` (over the majority label; means
    over seeds with intervals), ``d90_global`` and ``d90_said`` (`smallest.smallest`), and the
    accuracy in each subspace, ``global_{d}_accuracy`` and ``said_{d}_accuracy``, with the least and
    the greatest of the seeds. SAID needs more dimensions than the model has layers; smaller ones
    are left out. In float32; ``device``: see `lmtopo.device.ready`.

    What one fine-tuning answers is kept under ``.lmtopo/state/d90``, by the weights, the task and
    the recipe, so that a killed job goes on and a longer list of dimensions or more seeds repeat
    nothing.

    Raises
    ------
    InputError
        As `lmtopo.downstream.downstream`, or if a batch does not fit into memory.
    """
    import pandas as pd
    import torch

    from lmtopo import device as devices
    from lmtopo import memory, tables
    from lmtopo import tokenizer as tokenizers
    from lmtopo.checksums import read_sealed, write_sealed
    from lmtopo.d90.finetune import Classifier, Recipe, joined, layer_of, learn
    from lmtopo.d90.smallest import gain, over_resamples, smallest
    from lmtopo.downstream import check_fit, task
    from lmtopo.fingerprint import fingerprint
    from lmtopo.formats import checkpoints
    from lmtopo.job import say
    from lmtopo.resources import run_columns
    from lmtopo.seeds import generator, seed_of

    compute_on = devices.ready(device, threads)
    learned, tested = (task.read(dataset, part, rows=rows) for part in ("train", split))
    task.check_learnable(name, learned.labels)
    words = tokenizers.load(tokenizer)
    model = checkpoints.load(checkpoint, dtype="float32")
    texts = []
    for pairs in (learned, tested):
        first, second = (tokenizers.encode(words, some) for some in (pairs.first, pairs.second))
        check_fit(model, [*first, *second], checkpoint, context)
        boundary = tokenizers.boundary(words)
        texts.append([joined(a, b, boundary, context) for a, b in zip(first, second, strict=True)])
    columns = run_columns(run, checkpoint, model, context)
    # what one layer's scale of SAID takes is no longer there for the others
    layers = {
        layer_of(name) for name, _ in Classifier(model.get_decoder(), 1, 0).named_parameters()
    }
    grids = {
        "global": sorted(dimensions),
        "said": [d for d in sorted(dimensions) if d > len(layers)],
    }
    recipe = Recipe(steps=steps, batch_size=batch_size, learning_rate=learning_rate)
    key = {
        "code": fingerprint("d90"),
        "weights": list(checkpoints.hashes(checkpoint).values()),
        "texts": hashlib.sha256(json.dumps(texts).encode()).hexdigest(),
        "labels": learned.labels.tolist(),
        "recipe": [
            steps,
            batch_size,
            learning_rate,
            context,
            threads,
            devices.facts(compute_on)["name"],
            seed,
        ],
    }
    with torch.no_grad():  # some models make their last states narrower than their blocks
        width = model.get_decoder()(torch.zeros(1, 1, dtype=torch.long)).last_hidden_state.shape[-1]
    longest = sorted(texts[0], key=len, reverse=True)
    place = STATE / hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:16]

    def answers(kind: str, dimension: int | None, number: int) -> Bool[np.ndarray, " pairs"]:
        """What one fine-tuning says, or has said."""
        file = place / f"{kind}-{dimension or 'all'}-{number}.json"
        if not file.is_file():
            own = seed_of(seed, "d90", number)
            classifier = Classifier(model.get_decoder(), width, own)
            classifier.to(compute_on)
            how: dict[str, Any] = {"dimension": dimension, "said": kind == "said", "seed": own}

            def tune(size: int) -> Bool[np.ndarray, " pairs"]:
                sized = replace(recipe, batch_size=size)
                return learn(classifier, texts[0], learned.labels, texts[1], recipe=sized, **how)

            def attempt(size: int) -> object:
                once, some = replace(recipe, batch_size=size, steps=1), longest[:size]
                return learn(classifier, some, learned.labels[:size], some, recipe=once, **how)

            found = memory.in_batches(
                tune,
                batch_size,
                attempt=attempt,
                device=compute_on,
                what="downstream.finetune.batch_size: {} pairs of sentences",
                otherwise="lower quality.context",
            )
            write_sealed(file, {"answers": found.astype(int).tolist()})
            right = float((found == tested.labels.astype(bool)).mean())
            say(f"d90 {name} {run['model']} {run['checkpoint']}: {file.stem} accuracy {right:.3f}")
        return np.array(read_sealed(file)["answers"], dtype=bool)

    truth = tested.labels.astype(bool)

    def right(kind: str, dimension: int | None) -> Bool[np.ndarray, "seeds pairs"]:
        return np.stack([answers(kind, dimension, number) == truth for number in range(seeds)])

    majority = truth == bool(np.bincount(learned.labels).argmax())
    full = right("full", None)
    # the same resamples for both, so that their difference is not the bootstrap's
    accuracy = over_resamples(full.astype(np.float64), generator(seed, "d90", name))
    ahead = gain(full, majority, generator(seed, "d90", name))
    base = float(majority.mean())
    found = [
        ("finetuned_accuracy", accuracy.value, accuracy.low, accuracy.high),
        ("finetuned_gain", ahead.value, ahead.low, ahead.high),
    ]
    for kind, grid in grids.items():
        scores = {d: right(kind, d).mean(axis=1) for d in grid}
        found += [
            (f"{kind}_{d}_accuracy", float(one.mean()), float(one.min()), float(one.max()))
            for d, one in scores.items()
        ]
        estimate = smallest(scores, full=full.mean(axis=1), majority=base, beats=ahead.low > 0)
        found.append((f"d90_{kind}", estimate.value, estimate.low, estimate.high))
    known = {**columns, "task": name, "split": split, "layer": NONE, "pooling": NONE}
    names = ("metric", "value", "low", "high")
    frame = pd.DataFrame(
        [{**known, **dict(zip(names, one, strict=True)), "n": len(tested)} for one in found]
    )
    tables.write(d90, frame.astype(tables.DOWNSTREAM)[list(tables.DOWNSTREAM)])
