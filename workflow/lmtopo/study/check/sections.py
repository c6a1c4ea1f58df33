"""Sections of a study that contradict themselves or each other."""

import difflib
import math
from pathlib import Path

from lmtopo import external, known_models
from lmtopo.errors import InputError
from lmtopo.formats import checkpoints
from lmtopo.study.check.parse import unknown
from lmtopo.study.schema import (
    GeneratedDataset,
    HubModel,
    LocalDataset,
    Model,
    PrimaryTest,
    StudyFile,
    TrainedModel,
)

JOINED = 5
"""Tokens of the shortest pair of sentences: one each, and what stands before, between and after."""


def tasks(file: StudyFile) -> list[str]:
    """Tasks of ``downstream`` without a dataset, with one that has no pairs, or given twice."""
    from lmtopo.dataset.local import PLAIN

    problems = []
    seen: set[str] = set()
    for task in file.downstream.tasks:
        origin = file.datasets.get(task.dataset)
        if origin is None:
            problems.append(unknown("downstream.tasks", task.dataset, file.datasets))
        elif isinstance(origin, LocalDataset) and origin.format in PLAIN:
            problems.append(
                f"downstream.tasks: dataset '{task.dataset}' is of format {origin.format}, but a "
                "task needs labelled pairs of sentences, columns of a table"
            )
        elif isinstance(origin, GeneratedDataset) and origin.kind != "paraphrases":
            problems.append(
                f"downstream.tasks: dataset '{task.dataset}' is of kind {origin.kind}, but a task "
                "needs labelled pairs of sentences: of those generated, paraphrases"
            )
        if task.dataset in seen:
            problems.append(f"downstream.tasks: dataset '{task.dataset}' stands there twice")
        if task.split == "train":
            problems.append(
                f"downstream.tasks: '{task.dataset}' would be scored on the split it is learned "
                "from: give another split than train"
            )
        seen.add(task.dataset)
    chosen: set[str] = set()
    for one in file.downstream.d90:
        if one.dataset not in seen:
            problems.append(unknown("downstream.d90", one.dataset, seen))
        if one.dataset in chosen:
            problems.append(f"downstream.d90: dataset '{one.dataset}' stands there twice")
        models = [] if one.models == "all" else one.models
        problems += [
            unknown("downstream.d90.models", model, file.models)
            for model in models
            if model not in file.models
        ]
        chosen.add(one.dataset)
    shortest = min(quality.context for quality in file.quality_used.values())
    if file.downstream.d90 and shortest < JOINED:
        problems.append(
            f"downstream.d90: a pair of sentences needs {JOINED} tokens, but quality.context is "
            f"{shortest}: raise it"
        )
    return problems


def sections(file: StudyFile) -> list[str]:
    """Keys of ``clouds`` or ``quality`` that contradict each other, for the study or a dataset."""
    problems = [
        f"evaluate[{index}].clouds.keep: is one for the whole study: set clouds.keep"
        for index, entry in enumerate(file.evaluate)
        if entry.clouds is not None and "keep" in entry.clouds.model_fields_set
    ]
    problems += [
        f"evaluate[{index}].quality.external: is one for the whole study: set quality.external"
        for index, entry in enumerate(file.evaluate)
        if entry.quality is not None and "external" in entry.quality.model_fields_set
    ]
    for where, clouds in file.clouds_used.items():
        for key in ("layers", "poolings"):
            named = getattr(clouds, key)
            if named != "all" and len(set(named)) < len(named):
                problems.append(f"{where}.{key}: names one of them twice")
        if clouds.subsample > clouds.points:
            problems.append(
                f"{where}.subsample {clouds.subsample} is above {where}.points {clouds.points}"
            )
        if clouds.subsample == clouds.points and clouds.replicates > 1:
            problems.append(
                f"{where}.subsample equals {where}.points, so its {clouds.replicates} replicates "
                "would all be the same cloud: lower subsample, or set replicates: 1"
            )
        if clouds.pca is not None and clouds.pca >= clouds.points:
            problems.append(
                f"{where}.pca {clouds.pca} is above {where}.points - 1 = {clouds.points - 1}: "
                "n points have n - 1 principal components"
            )
    for where, quality in file.quality_used.items():
        if quality.stride is not None and quality.stride > quality.context:
            problems.append(
                f"{where}: stride {quality.stride} above context {quality.context} would leave "
                "tokens unscored"
            )
        if quality.prefix == "none" and "document" not in quality.readings:
            problems.append(f"{where}: prefix none is for reading 'document', which is not read")
        elif quality.prefix == "none" and "windows" in quality.readings:
            problems.append(
                f"{where}: prefix none does not go with reading 'windows': nothing else would part "
                "a document from the one before"
            )
        if len(set(quality.readings)) < len(quality.readings):
            problems.append(f"{where}.readings: names a reading twice")
    for index, entry in enumerate(file.evaluate):
        whole = {"rolling", "wikitext"}.intersection(file.quality_on(entry).readings)
        if entry.max_tokens is not None and whole:
            problems.append(
                f"evaluate[{index}].max_tokens: reading '{min(whole)}' scores whole documents: "
                "leave max_tokens out, or read with 'document'"
            )
    return problems


def signatures(file: StudyFile) -> list[str]:
    """Signatures that do not exist, or are shown but not computed, or no number."""
    shown = file.figures.signature
    if file.signatures == "all" and shown is None:
        return []
    from lmtopo.signatures import NUMBERS, known, significant

    chosen = known() if file.signatures == "all" else file.signatures
    problems = [unknown("signatures", name, known()) for name in chosen if name not in known()]
    numbers = [*NUMBERS.names(), significant.NAME]
    tabled = [name for name in chosen if name in numbers]
    if not tabled and not problems:
        problems.append(
            f"signatures: {', '.join(chosen)}: only curves; name a number too, for the tables and "
            f"figures ({', '.join(numbers)})"
        )
    if shown is not None and shown not in tabled:
        problems.append(unknown("figures.signature", shown, tabled))
    asked = [shown] if file.signatures == "all" else [shown, *chosen]
    if significant.NAME in asked:
        problems += too_few_draws(file, "signatures")
    return problems


def too_few_draws(file: StudyFile, where: str) -> list[str]:
    """Where `significant_count` is asked for, which needs a null's draws, if there are too few."""
    from lmtopo.nulls import CLAIM
    from lmtopo.signatures import significant

    draws = next(iter(file.homology.nulls.draws.values()), 0)
    if draws >= CLAIM:
        return []
    return [
        f"{where}: '{significant.NAME}' needs {CLAIM} draws of the study's first null, but there "
        f"are {draws}: set homology.nulls.gaussian: {CLAIM}"
    ]


def evidence(file: StudyFile) -> list[str]:
    """Primary tests of what is not measured; a table that is not there."""
    from lmtopo.signatures import CURVES, NUMBERS, known, significant

    problems = []
    names = known() if file.signatures == "all" else file.signatures
    by_dimension = [*NUMBERS.of_diagram, significant.NAME]
    top = file.homology.max_dimension
    entries = {entry.dataset: entry for entry in file.evaluate}
    targets = known_targets(file) if file.evidence.primary else None
    of_blocks = any(test.layer.startswith("block_") for test in file.evidence.primary)
    most = max(map(blocks, file.models.values())) if of_blocks else 0
    for index, test in enumerate(file.evidence.primary):
        where = f"evidence.primary[{index}]"
        if test.signature not in names:
            problems.append(unknown(f"{where}.signature", test.signature, names))
        elif test.signature in CURVES.names():
            problems.append(
                f"{where}.signature: '{test.signature}' is a curve, and tests are of numbers"
            )
        elif test.signature in by_dimension and not 0 <= test.dimension <= top:
            problems.append(
                f"{where}.dimension: '{test.signature}' is one number for each homology dimension: "
                f"give dimension, from 0 to homology.max_dimension, {top}"
            )
        elif test.signature not in by_dimension and test.dimension != -1:
            problems.append(
                f"{where}.dimension: '{test.signature}' belongs to no homology dimension: leave "
                "dimension out"
            )
        if test.layer.startswith("block_") and int(test.layer.removeprefix("block_")) > most:
            problems.append(
                f"{where}.layer: no model has a '{test.layer}', at most {most:g} blocks"
            )
        if test.signature == significant.NAME:
            problems += too_few_draws(file, f"{where}.signature")
        if targets is not None and test.target not in targets:
            close = difflib.get_close_matches(test.target, targets, 1, 0.6)
            problems.append(
                f"{where}.target: '{test.target}' is neither log_perplexity, nor a task of "
                "downstream and its metric, nor a column of quality.external"
                + (f" (did you mean {close[0]}?)" if close else "")
            )
        elif targets is not None:
            problems += too_few_scores(file, test, where)
        if test.dataset is not None and test.dataset not in entries:
            problems.append(unknown(f"{where}.dataset", test.dataset, entries))
            continue
        clouds = file.clouds_on(entries[test.dataset or next(iter(entries))])
        if test.pooling not in clouds.poolings:
            problems.append(unknown(f"{where}.pooling", test.pooling, clouds.poolings))
        if clouds.layers != "all" and test.layer not in clouds.layers:
            problems.append(unknown(f"{where}.layer", test.layer, clouds.layers))
    if file.table is not None and not Path(file.table.file).is_file():
        problems.append(f"table: there is no file '{file.table.file}'")
    return problems


def blocks(model: Model) -> int | float:
    """How many blocks a model has; infinity where that is not known yet."""
    if isinstance(model, TrainedModel):
        return model.architecture.num_hidden_layers
    if isinstance(model, HubModel):
        facts = known_models.facts(model.repo)
        return math.inf if facts is None else facts.layers
    try:
        first = checkpoints.find(model.path, step=model.step)[0]
        return checkpoints.read_shape(first.path).layers
    except InputError:  # which is said where the run is read
        return math.inf


def known_targets(file: StudyFile) -> list[str] | None:
    """What a test can be of; None where a file of metrics cannot be read, which is said there."""
    from lmtopo import d90, downstream

    asked = {one.dataset for one in file.downstream.d90}
    recipe = file.downstream.finetune
    targets = [external.OWN]
    for task in file.downstream.tasks:
        names = [*downstream.METRICS]
        if task.dataset in asked:
            names += d90.metrics(recipe.dimensions)
        targets += [f"{task.dataset} {name}" for name in names]
    if file.quality.external is not None:
        try:
            rows = external.read(file.quality.external.file)
        except InputError:
            return None
        text = external.columns_of_text(rows)
        targets += [name for name in external.metrics_of(rows) if name not in text]
    return targets


def too_few_scores(file: StudyFile, test: PrimaryTest, where: str) -> list[str]:
    """Where a test is of a task's metric that no run has often enough beside the test's clouds."""
    from lmtopo import d90
    from lmtopo.evidence.association import FEWEST

    dataset, _, metric = test.target.partition(" ")
    section = file.downstream
    if dataset not in {task.dataset for task in section.tasks}:
        return []
    if metric.startswith("probe_") and test.pooling not in section.poolings:
        return [
            f"{where}.pooling: '{test.target}' is of states pooled as downstream.poolings says, "
            f"not by '{test.pooling}': give one of {', '.join(section.poolings)}"
        ]
    tuned = metric in d90.metrics(section.finetune.dimensions)
    which = [one.checkpoints for one in section.d90 if one.dataset == dataset and tuned]
    key = f"downstream{'.d90' if tuned else ''}.checkpoints"
    count = {"last": 1, "landmarks": section.landmarks, "all": math.inf}[
        (which or [section.checkpoints])[0]
    ]
    if count >= FEWEST:
        return []
    return [
        f"{where}.target: '{test.target}' is known at {count:g} of a run's checkpoints, but a test "
        f"needs {FEWEST}: set {key}: all"
    ]
