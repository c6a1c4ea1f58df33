"""Stage `downstream`: how well a checkpoint tells paraphrases, from its frozen states and asked.

A linear probe reads the two sentences of a pair, each by itself, at every layer and pooling;
beside it stand the majority of the training labels, the same classifier on token counts, and the
model's own answer to the question in words.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Int64

from lmtopo.errors import InputError

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    from lmtopo.downstream.task import Pairs

NONE = "-"
"""Layer and pooling of what is measured without either."""
POSITIONS = 2048
"""Inputs that a model without a limit of its own is asked at most, as in the harness."""
METRICS = (
    *("probe_accuracy", "probe_f1", "probe_c", "bag_of_words_accuracy", "bag_of_words_f1"),
    *("majority_accuracy", "majority_f1", "zero_shot_accuracy", "zero_shot_f1"),
)
"""The metrics of the table `downstream`, but for those of d90."""

Ids = list[list[int]]


def downstream(
    *,
    checkpoint: str,
    tokenizer: str,
    dataset: str,
    downstream: str,
    run: Mapping[str, Any],
    split: str,
    name: str,
    rows: int,
    layers: str | Sequence[str],
    poolings: Sequence[str],
    skip_positions: int,
    prefix: str,
    context: int,
    dtype: str,
    batch_size: int,
    threads: int,
    device: str,
    seed: int,
) -> None:
    """Learn the task ``name`` from the split ``train`` of ``dataset`` and score it on ``split``,
    the first ``rows`` pairs of each; write the table ``downstream``.

    ``run`` holds the run columns that the study knows. A row is a metric: ``probe_accuracy``,
    ``probe_f1`` and ``probe_c`` (the regularisation chosen) of a layer and pooling, and
    ``majority_*``, ``bag_of_words_*`` and ``zero_shot_*`` of none; scores with their interval and
    the number of pairs they are over.

    Raises
    ------
    InputError
        If the dataset has no labelled pairs of sentences, too few to learn from, or the model
        cannot read them (vocabulary, positions, layers) or has states that are not finite.
    """
    import pandas as pd
    import torch
    from threadpoolctl import threadpool_limits

    from lmtopo import device as devices
    from lmtopo import tables
    from lmtopo import tokenizer as tokenizers
    from lmtopo.decoder import Decoder
    from lmtopo.downstream import task, zero_shot
    from lmtopo.downstream.classifier import SCORES, interval
    from lmtopo.downstream.reading import log_likelihoods
    from lmtopo.formats import checkpoints
    from lmtopo.resources import run_columns
    from lmtopo.seeds import generator

    place = devices.ready(device, threads)
    learned = task.read(dataset, "train", rows=rows)
    tested = task.read(dataset, split, rows=rows)
    task.check_learnable(name, learned.labels)
    words = tokenizers.load(tokenizer)
    ids = [tokenizers.encode(words, pairs.sentences) for pairs in (learned, tested)]
    asked = zero_shot.requests(words, tested)
    if not all(chain(*asked)):
        raise InputError(
            "the tokenizer cannot read the question or its answers, 'no' and 'yes', that "
            f"zero_shot asks of task '{name}': leave the task out"
        )
    model = checkpoints.load(checkpoint, dtype=dtype, device=place)
    check_fit(model, [*chain(*ids, *asked)], checkpoint, context)
    columns = run_columns(run, checkpoint, model, context)
    decoder = Decoder(model)
    guessed: dict[tuple[str, str, str], Int64[np.ndarray, " pairs"]] = {}
    strength: dict[tuple[str, str], float] = {}
    # after scikit-learn is imported: libraries that are loaded later would keep their threads
    with torch.inference_mode(), threadpool_limits(threads):
        majority = np.bincount(learned.labels).argmax()
        guessed[NONE, NONE, "majority"] = np.full(len(tested), majority)
        counts = bag_of_words(ids, decoder.vocabulary, len(learned))
        guessed[NONE, NONE, "bag_of_words"], _ = fit(*counts, learned)
        answers = log_likelihoods(
            decoder,
            asked,
            positions=checkpoints.positions(model.config.to_dict()) or POSITIONS,
            batch_size=batch_size,
        )
        guessed[NONE, NONE, "zero_shot"] = zero_shot.likeliest(answers)
        for layer, pooling, train, test in states(
            decoder,
            ids,
            len(learned),
            boundary=tokenizers.boundary(words) if prefix == "eos" else None,
            context=context,
            skip_positions=skip_positions,
            layers=chosen(layers, decoder.layers, checkpoint),
            poolings=poolings,
            batch_size=batch_size,
            where=f"'{checkpoint}' ({dtype})",
        ):
            guessed[layer, pooling, "probe"], strength[layer, pooling] = fit(train, test, learned)
    found: list[tuple[Any, ...]] = []
    for (layer, pooling, method), guesses in guessed.items():
        for score in SCORES:
            # the same resamples for all, so that differences between them are not the bootstrap's
            rng = generator(seed, "downstream", name)
            values = interval(score, tested.labels, guesses, rng)
            found.append((layer, pooling, f"{method}_{score}", *values, len(tested)))
    for key, value in strength.items():
        found.append((*key, "probe_c", value, np.nan, np.nan, len(learned)))
    names = ("layer", "pooling", "metric", "value", "low", "high", "n")
    rows_found = [dict(zip(names, one, strict=True)) for one in found]
    frame = pd.DataFrame([{**columns, "task": name, "split": split, **one} for one in rows_found])
    tables.write(downstream, frame.astype(tables.DOWNSTREAM))


def fit(train: Any, test: Any, learned: "Pairs") -> tuple[Int64[np.ndarray, " pairs"], float]:
    """Labels of ``test``: two arrays, of the first and of the second sentences; and the C."""
    from lmtopo.downstream.classifier import features, learn

    return learn(features(*train), learned.labels, features(*test))


def states(
    decoder: Any, ids: Sequence[Ids], learned: int, *, layers: Sequence[str], where: str, **how: Any
) -> Iterator[tuple[str, str, Any, Any]]:
    """By layer and pooling, the states of the first and second sentences of the pairs to learn
    from, and of those to be tested.

    Raises
    ------
    InputError
        If they are not finite.
    """
    from lmtopo.downstream.reading import sentence_states

    clouds = sentence_states(decoder, [*ids[0], *ids[1]], layers=layers, **how)
    for pooling, cloud in clouds.items():
        for layer, points in zip(layers, cloud, strict=True):
            if not np.isfinite(points).all():
                raise InputError(
                    f"{where} has hidden states that are not finite in {layer} (pooling "
                    f"{pooling}): the weights are broken, or need float32"
                )
            points = points.astype(np.float64)
            train, test = np.split(points, [2 * learned])
            yield layer, pooling, np.split(train, 2), np.split(test, 2)


def bag_of_words(ids: Sequence[Ids], vocabulary: int, learned: int) -> tuple[Any, Any]:
    """Token counts in place of states: sparse arrays of the first and of the second sentences,
    of the pairs to learn from and of those to be tested."""
    from scipy import sparse

    found = []
    for some in ids:
        lengths = [len(one) for one in some]
        places = np.repeat(np.arange(len(some)), lengths), np.concatenate(some)
        counts = sparse.csr_array((np.ones(sum(lengths)), places), shape=(len(some), vocabulary))
        found.append((counts[: len(some) // 2], counts[len(some) // 2 :]))
    return found[0], found[1]


def chosen(layers: str | Sequence[str], known: Sequence[str], checkpoint: str) -> list[str]:
    wanted = list(known) if isinstance(layers, str) else list(layers)
    if missing := set(wanted) - set(known):
        raise InputError(f"clouds.layers: no {sorted(missing)} in '{checkpoint}'")
    return wanted


def check_fit(
    model: "PreTrainedModel", texts: Sequence[Sequence[int]], folder: str, context: int
) -> None:
    """Refuse texts with ids or positions that the model does not have, or with no token at all."""
    from lmtopo.formats import checkpoints

    if not all(texts):
        raise InputError("a sentence has no tokens: the tokenizer cannot read it")
    checkpoints.check_fit(model, folder, largest=max(map(max, texts)), context=context)
