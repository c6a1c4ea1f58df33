"""What jobs need of a machine that holds them to it: memory and time, before anything is there.

Upper bounds from the sizes of models, texts and clouds, some twice of what was measured (of
`observe`: 1.0 GB for Pythia-70m in batches of 8 x 1024 tokens, and 29 kB more a token). They
decide where and when a job runs, never what it gives: a job that is killed for one of them is
tried again with twice as much (``retries`` in ``profiles/slurm``).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from math import ceil
from pathlib import Path

from lmtopo import flops, known_models
from lmtopo.formats import checkpoints
from lmtopo.plan import sizes
from lmtopo.study import settings, tasks
from lmtopo.study.resolve import Checkpoint, Run, Study
from lmtopo.study.schema import Clouds, GeneratedDataset, HubModel, LocalDataset, TrainedModel

MB = 1e6
PROCESS = 600.0
"""MB of a job without torch, and of the Snakemake around it on a node."""
TORCH = 1200.0
"""MB of a job with torch and transformers."""
PASS = 80
"""Bytes per token and width of a forward pass."""
LOGITS = 100.0
"""MB of the logits that a pass holds at once, and their softmax."""
CPU, GPU = 2e10, 5e12
"""FLOP/s that a thread, and a GPU, does at least."""
CUDA = 3000.0
"""MB that CUDA takes of the host."""
DAY = 24 * 60.0
"""Minutes after which a job that resumes may as well be started again."""
TOKENS = 5e6
"""Tokens of a split of which nothing is known."""
SENTENCE = 40
"""Tokens of a sentence of a task."""
UNKNOWN = sizes.Shape(layers=24, width=2048, matrices=10**9, vocabulary=50_304, total=14 * 10**8)
"""A model of which nothing is known is assumed to be as large."""

SIZE = re.compile(r"(?<![a-z0-9._])(?:(\d+)x)?(\d+(?:[._]\d+)?)(m|b)(?![a-z0-9])", re.IGNORECASE)
"""How a name tells parameters: ``6.9b``, ``410m``, ``1_6b``, ``8x7B``."""


@dataclass(frozen=True)
class Need:
    """Memory in MB and time in minutes."""

    memory: int | float
    minutes: int | float

    def mem_mb(self, attempt: int) -> int:
        """Megabytes to ask for, in steps of 500: twice as many at each further attempt."""
        return 500 * ceil(self.memory / 500) << (attempt - 1)

    def runtime(self, attempt: int) -> int:
        """Minutes to ask for, in half hours: twice as many at each further attempt."""
        return 30 * ceil(max(self.minutes, 1) / 30) << (attempt - 1)


def train(study: Study, model: str, budget: str) -> Need:
    recipe, run = study.file.train, study.runs[model, budget]
    of = shape(study, model)
    tokens = recipe.batch_size * recipe.context
    # weights, gradients, Adam's two moments and a copy to save; what backward needs of each block;
    # logits, their softmax and its gradient
    held = 20 * of.total + tokens * (of.layers * of.width * 150 + 16 * of.vocabulary)
    per_token = flops.training_flops_per_token(
        matrix_parameters=of.matrices,
        layers=of.layers,
        width=of.width,
        vocabulary=of.vocabulary,
        context=recipe.context,
    )
    work = (run.checkpoints[-1].tokens or 0.0) * per_token
    return passes(study, "train", held, work, recipe.threads, longest=DAY)


def observe(study: Study, checkpoint: Checkpoint, dataset: str) -> Need:
    of, quality, clouds = (
        shape(study, checkpoint.model),
        study.quality(dataset),
        study.clouds(dataset),
    )
    work = len(quality.readings) * tokens(study, dataset) * forward(of, quality.context)
    work *= quality.context / (quality.stride or quality.context)
    held = passing(of, quality.batch_size, quality.context) + 2 * cloud_bytes(of, clouds)
    return passes(study, "observe", held, work, quality.threads)


def downstream(study: Study, checkpoint: Checkpoint, dataset: str) -> Need:
    section, quality = study.file.downstream, tasks.quality(study, dataset)
    of = shape(study, checkpoint.model)
    layers = sizes.layers(tasks.clouds(study, dataset).layers, of)
    pairs, read = asked(study, dataset)
    states = pairs * 4 * of.width * 4 * layers * len(section.poolings)
    held = passing(of, quality.batch_size, quality.context) + states
    # sentences are read alone, and in a question
    work = 4 * read * forward(of, quality.context)
    probes = layers * len(section.poolings) * pairs * of.width * 2e-5
    need = passes(study, "downstream", held, work, quality.threads)
    return Need(need.memory, need.minutes + probes / 60)


def d90(study: Study, checkpoint: Checkpoint, dataset: str) -> Need:
    recipe, quality = study.file.downstream.finetune, tasks.quality(study, dataset)
    of = shape(study, checkpoint.model)
    length = min(quality.context, 128)
    runs = recipe.seeds * (1 + 2 * len(recipe.dimensions))
    steps = runs * recipe.steps
    work = 3 * steps * recipe.batch_size * length * forward(of, length)
    transforms = 100 * steps * of.total  # additions: Fastfood's, there and back
    held = 40 * of.total + recipe.batch_size * length * of.layers * of.width * 150
    return passes(study, "d90", held, work + transforms, quality.threads, longest=DAY)


def persist(study: Study, checkpoint: Checkpoint, dataset: str) -> Need:
    of, clouds = shape(study, checkpoint.model), study.clouds(dataset)
    n, dimension = clouds.subsample, study.file.homology.max_dimension
    per_cloud = n * n * (1e-3 if dimension > 1 else 1e-6)
    # an engine that is not ours takes some 350 bytes a pair of points, or far more in H2
    held = 2 * cloud_bytes(of, clouds) + n * n * (n * 100 if dimension > 1 else 1000)
    return Need(PROCESS + held / MB, measured_clouds(study, of, dataset) * per_cloud / 60)


def describe(study: Study, checkpoint: Checkpoint, dataset: str) -> Need:
    of, clouds = shape(study, checkpoint.model), study.clouds(dataset)
    n, measured = clouds.subsample, measured_clouds(study, of, dataset)
    held = 2 * cloud_bytes(of, clouds) + measured * n * 100 + n * n * 100
    return Need(PROCESS + 400 + held / MB, measured * (0.05 + n * n * 5e-6) / 60)


def compare(study: Study, runs: Sequence[Run], dataset: str) -> Need:
    """Of one run with itself, or of several."""
    section, clouds, n = (
        study.file.compare,
        study.clouds(dataset),
        study.clouds(dataset).subsample,
    )
    count = max(len(study.observed(run, dataset)) for run in runs)
    pairs = count + section.landmarks**2 / 2 if len(runs) == 1 else section.landmarks * len(runs)
    pairs *= 1 if len(runs) == 1 else len(runs) / 2
    largest = max((shape(study, run.model) for run in runs), key=lambda one: one.layers * one.width)
    layers = sizes.layers(clouds.layers, largest) * len(clouds.poolings)
    kept = cloud_bytes(largest, clouds) if study.file.clouds.keep == "all" else 0
    held = 2 * section.landmarks * len(runs) * kept + count * len(runs) * layers * n * 200
    matches = pairs * layers * min(section.replicates, clouds.replicates) * (0.02 + n * n * 2e-6)
    return Need(PROCESS + 1000 + held / MB, matches / 60)


def tables(study: Study) -> Need:
    """Of a job that holds the table `signatures`: `collate`, `noise`, `analyse`, the figures."""
    names = study.file.signatures
    kinds = 50 if names == "all" else 2 * len(names)  # topological ones in each dimension
    rows = 0
    for (model, _), run in study.runs.items():
        for dataset in study.evaluations:
            clouds = study.clouds(dataset)
            layers = sizes.layers(clouds.layers, shape(study, model)) * len(clouds.poolings)
            rows += len(run.checkpoints) * layers * clouds.replicates * kinds
    return Need(2000 + rows * 1000 / MB, 30 + rows * 5e-4 / 60)


@cache
def shape_in(folder: str) -> sizes.Shape:
    """The shape of a checkpoint folder, from its configuration and the size of its weights."""
    of = checkpoints.read_shape(folder)
    size = sum(Path(file).stat().st_size for file in checkpoints.weight_files(folder))
    parameters = size // 2  # in half precision; less, if they are float32
    return sizes.Shape(of.layers, of.width or UNKNOWN.width, parameters, of.vocabulary, parameters)


def shape(study: Study, model: str) -> sizes.Shape:
    """The shape of a model, without asking a hub."""
    found = study.file.models[model]
    if isinstance(found, HubModel):
        known = known_models.facts(found.repo)
        if known is None:
            return named(found.repo)
        total = known.parameters_total
        return sizes.Shape(known.layers, known.width, known.matrices, known.vocabulary, total)
    run = next(run for run in study.runs.values() if run.model == model)
    if isinstance(found, TrainedModel):
        return sizes.shape(settings.planned_run(study, run)) or UNKNOWN
    return shape_in(run.checkpoints[-1].folder)


def named(repo: str) -> sizes.Shape:
    """The shape of a model of which only the name is known, which may tell its parameters."""
    told = SIZE.findall(repo.rpartition("/")[2])
    if not told:
        return UNKNOWN
    sizes_told = [
        int(experts or 1) * float(size.replace("_", ".")) * {"m": 1e6, "b": 1e9}[unit.lower()]
        for experts, size, unit in told
    ]
    scale = max(sizes_told) / UNKNOWN.matrices
    side = scale ** (1 / 3)  # parameters grow with the layers and the square of the width
    return sizes.Shape(
        layers=ceil(UNKNOWN.layers * side),
        width=ceil(UNKNOWN.width * side),
        matrices=ceil(UNKNOWN.matrices * scale),
        vocabulary=UNKNOWN.vocabulary,
        total=ceil(UNKNOWN.total * scale),
    )


def forward(of: sizes.Shape, context: int) -> int:
    return flops.forward_flops_per_token(
        matrix_parameters=of.matrices,
        layers=of.layers,
        width=of.width,
        vocabulary=of.vocabulary,
        context=context,
    )


def passing(of: sizes.Shape, batch_size: int, context: int) -> int:
    """Bytes of a pass in float32: weights, and once more as they are laid out for products."""
    return 8 * of.total + PASS * of.width * batch_size * context


def passes(
    study: Study,
    stage: str,
    held: int | float,
    work: int | float,
    threads: int,
    longest: float = float("inf"),
) -> Need:
    """Of a stage that runs a model: bytes that it holds and FLOPs that it does."""
    gpu = study.wants_gpu(stage)
    rate = GPU if gpu else CPU * threads
    memory = TORCH + LOGITS + held / MB + (CUDA if gpu else 0)
    return Need(memory, min(longest, work / rate / 60))


def cloud_bytes(of: sizes.Shape, clouds: Clouds) -> int:
    """Bytes of a pair's clouds."""
    return sizes.layers(clouds.layers, of) * len(clouds.poolings) * clouds.points * of.width * 4


def measured_clouds(study: Study, of: sizes.Shape, dataset: str) -> int:
    """Subsamples and draws of a pair."""
    clouds = study.clouds(dataset)
    each = clouds.replicates + settings.draws_per_cloud(study, dataset)
    return sizes.layers(clouds.layers, of) * len(clouds.poolings) * each


def asked(study: Study, task: str) -> tuple[int, int]:
    """Pairs of sentences of a task, at most, and tokens of their sentences."""
    rows, told = study.file.downstream.rows, settings.planned_dataset(study, task)
    size = sizes.split_size(told, "train")
    if size is None:
        return rows, 2 * rows * SENTENCE
    pairs = min(rows, size[1] // 2)
    return pairs, 2 * pairs * max(SENTENCE, round(size[0] / size[1] / sizes.BYTES_PER_TOKEN))


def tokens(study: Study, dataset: str) -> float:
    """Tokens of the observed split, at most."""
    entry, origin = study.evaluations[dataset], study.file.datasets[dataset]
    found = sizes.estimated_tokens(settings.planned_dataset(study, dataset))
    if found is not None:
        return found
    if isinstance(origin, GeneratedDataset):
        return 500.0 * float(getattr(origin.rows, entry.split))
    if isinstance(origin, LocalDataset):
        files = [Path(file) for file in study.source_files(dataset)]
        return sum(file.stat().st_size for file in files if file.is_file()) / 4
    return TOKENS
