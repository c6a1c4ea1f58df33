"""From a study file to runs, checkpoints and pairs, before any job starts."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from lmtopo import device, flops, known_models, losses, revisions
from lmtopo.errors import InputError
from lmtopo.formats import checkpoints
from lmtopo.schedule import log_spaced_steps, total_steps
from lmtopo.study.schema import (
    Clouds,
    Evaluation,
    GeneratedDataset,
    HubDataset,
    HubModel,
    LocalModel,
    Model,
    Quality,
    Revisions,
    StudyFile,
    TrainedModel,
)
from lmtopo.tokenizer import file_hash, has_tokenizer

RELEASED = "released"
ASKING = 15.0
"""Seconds that reading a study may wait for a list of revisions."""


@dataclass(frozen=True)
class Checkpoint:
    """One set of weights: where it lies and how far training had come. ``revision`` is its name
    on the hub, if it is from there."""

    model: str
    budget: str
    step: int
    tokens: float | None
    folder: str
    inputs: tuple[str, ...]
    revision: str | None = None

    @property
    def name(self) -> str:
        return f"step{self.step}"


@dataclass(frozen=True)
class Run:
    """One training run: a model under a budget, with its checkpoints in order."""

    model: str
    budget: str
    tokenizer: str
    checkpoints: tuple[Checkpoint, ...] = field(repr=False)

    @cached_property
    def by_name(self) -> dict[str, Checkpoint]:
        return {checkpoint.name: checkpoint for checkpoint in self.checkpoints}


@dataclass(frozen=True)
class Study:
    """A study whose every run, checkpoint and pair is known."""

    file: StudyFile
    runs: Mapping[tuple[str, str], Run]
    left_out: Mapping[losses.Pair, str] = field(default_factory=dict)
    """Pairs that failed and are left out, with the reason."""

    @property
    def name(self) -> str:
        return self.file.study

    @property
    def results(self) -> str:
        return f"results/{self.name}"

    @property
    def analysed(self) -> str:
        """Where the tables of stage `analyse` lie: with the study's, or, of a table from
        elsewhere, in a folder of its own."""
        if self.file.table is None:
            return self.results
        return f"results/outside/{Path(self.file.table.file).stem}"

    @cached_property
    def evaluations(self) -> dict[str, Evaluation]:
        return {entry.dataset: entry for entry in self.file.evaluate}

    def clouds(self, dataset: str) -> Clouds:
        """The section ``clouds`` as it holds for a dataset."""
        return self.file.clouds_on(self.evaluations[dataset])

    def quality(self, dataset: str) -> Quality:
        """The section ``quality`` as it holds for a dataset."""
        return self.file.quality_on(self.evaluations[dataset])

    @property
    def trained(self) -> dict[str, TrainedModel]:
        models = self.file.models.items()
        return {name: model for name, model in models if isinstance(model, TrainedModel)}

    @property
    def pairs(self) -> list[tuple[Checkpoint, str]]:
        """Every checkpoint with every dataset it is observed on, runs in the file's order."""
        return [
            (checkpoint, dataset)
            for run in self.runs.values()
            for dataset in self.evaluations
            for checkpoint in self.observed(run, dataset)
        ]

    def wanted(self, model: str, budget: str, dataset: str) -> bool:
        """Whether section ``only`` lets a pair through."""
        only = self.file.only
        asked = ((only.model, model), (only.budget, budget), (only.dataset, dataset))
        return all(names is None or name in names for names, name in asked)

    def observed(self, run: Run, dataset: str) -> list[Checkpoint]:
        """The checkpoints of a run that are observed on a dataset."""
        return [
            checkpoint
            for checkpoint in run.checkpoints
            if (run.model, run.budget, checkpoint.name, dataset) not in self.left_out
        ]

    def runs_on(self, dataset: str) -> list[Run]:
        """The runs with a checkpoint that is observed on a dataset."""
        return [run for run in self.runs.values() if self.observed(run, dataset)]

    @property
    def shown(self) -> str:
        """The dataset that figures of one dataset show: the first that is observed at all."""
        return next((dataset for _, dataset in self.pairs), next(iter(self.evaluations)))

    @property
    def from_hub(self) -> dict[str, HubModel]:
        models = self.file.models.items()
        return {name: model for name, model in models if isinstance(model, HubModel)}

    def wants_gpu(self, stage: str) -> bool:
        """Whether a job of a stage is to have a GPU of its own: where the study asks for CUDA, or
        leaves it open and Snakemake itself runs where there is one (`lmtopo.device.count`)."""
        wanted = self.file.device
        return stage in device.STAGES and (
            wanted == "cuda" or (wanted == "auto" and device.count() > 0)
        )

    def pair_folder(self, checkpoint: Checkpoint, dataset: str) -> str:
        """Where all that a checkpoint gave on a dataset lies."""
        place = f"{checkpoint.model}/{checkpoint.budget}/{checkpoint.name}/{dataset}"
        return f"{self.results}/pairs/{place}"

    def checkpoint(self, model: str, budget: str, name: str) -> Checkpoint:
        return self.runs[model, budget].by_name[name]

    @property
    def datasets_used(self) -> list[str]:
        observed = [dataset for _, dataset in self.pairs]
        learned = [task.dataset for task in self.file.downstream.tasks]
        used = [model.dataset for model in self.trained.values()] + observed + learned
        return list(dict.fromkeys(used))

    def source_files(self, dataset: str) -> list[str]:
        """The user's own files that a dataset is made from."""
        origin = self.file.datasets[dataset]
        if isinstance(origin, GeneratedDataset | HubDataset):
            return []
        paths = [origin.path] if origin.path is not None else list((origin.splits or {}).values())
        return [file for path in paths for file in files_under(path)]

    @cached_property
    def tokenizers(self) -> dict[str, dict[str, Any]]:
        """Per tokenizer name: the dataset and vocabulary it is trained on; or its folder and the
        hash of what is in there; or its repository and revisions that may hold it."""
        found: dict[str, dict[str, Any]] = {}
        for name, model in self.file.models.items():
            found.setdefault(tokenizer_name(name, model), self._tokenizer_origin(name, model))
        return found

    def _tokenizer_origin(self, name: str, model: Model) -> dict[str, Any]:
        if not isinstance(model, HubModel):
            return tokenizer_origin(model)
        last = self.runs[name, RELEASED].checkpoints[-1].revision
        return {
            "repo": model.repo,
            "revisions": ["main", last],
            "patience": self.file.hub.patience,
        }

    def tokenizer_source(self, name: str) -> dict[str, Any]:
        """Where a tokenizer is taken from, if it is."""
        places = ("source", "repo", "revisions", "patience")
        return {key: value for key, value in self.tokenizers[name].items() if key in places}


def read(raw: Mapping[str, Any], *, checked: bool = False) -> Study:
    """The study that a parsed study file describes. ``checked``: by the process that starts the
    job in which it is read, so that files need not be looked through again.

    Raises
    ------
    InputError
        With every problem that can be seen before a job starts, one a line.
    """
    from lmtopo.study import check

    file = check.parse(raw)
    problems = check.names(file)
    runs: dict[tuple[str, str], Run] = {}
    patience: float | None = min(file.hub.patience, ASKING)
    if not problems:
        for name, model in file.models.items():
            for budget in budgets_of(model):
                try:
                    runs[name, budget] = run_of(file, name, model, budget, patience)
                except InputError as error:
                    problems.append(f"models.{name}: {error}")
                    if isinstance(model, HubModel) and is_silence(error):
                        patience = None
        if not checked:
            problems += check.tokenizers(file)
            problems += check.datasets(file)
    if not problems and not checked:
        problems += check.outside_metrics(file, steps(runs.values()))
    if problems:
        raise InputError(check.report(file.study, list(dict.fromkeys(problems))))
    left_out = losses.read(file.study) if file.missing == "leave_out" else {}
    return Study(file, runs, left_out)


def budgets_of(model: Model) -> list[str]:
    """A model's budgets; one that is not trained here has one."""
    return model.budgets if isinstance(model, TrainedModel) else [RELEASED]


def steps(runs: Iterable[Run]) -> list[list[Any]]:
    """Model, budget, and the steps of the checkpoints of each run."""
    return [[run.model, run.budget, [one.step for one in run.checkpoints]] for run in runs]


def is_silence(error: InputError) -> bool:
    """Whether a run is not known because the hub has not answered."""
    if error.__cause__ is None:
        return False
    from lmtopo.hub.calls import silent

    return silent(error)


def run_of(file: StudyFile, name: str, model: Model, budget: str, patience: float | None) -> Run:
    """A model's run; ``patience`` for the hub, see `lmtopo.revisions.choose`."""
    if isinstance(model, TrainedModel):
        return trained_run(file, name, model, budget)
    if isinstance(model, HubModel):
        return hub_run(file, name, model, patience)
    return local_run(file, name, model)


def trained_run(file: StudyFile, name: str, model: TrainedModel, budget: str) -> Run:
    limit, tokens_per_step = file.budgets[budget], file.train.batch_size * file.train.context
    per_token = training_flops_per_token(model, file.train.context)
    last = total_steps(
        flops=limit.flops,
        tokens=limit.tokens,
        tokens_per_step=tokens_per_step,
        flops_per_token=per_token,
    )
    if last < 1:
        needed, unit = (
            (per_token * tokens_per_step, "flops")
            if limit.flops is not None
            else (tokens_per_step, "tokens")
        )
        raise InputError(
            f"budget '{budget}' gives model '{name}' 0 optimizer steps "
            f"(one step takes {needed:.2g} {unit}): raise budgets.{budget}.{unit}"
        )
    check_layers(file, model.architecture.num_hidden_layers)
    check_width(file, model.architecture.hidden_size)
    folder = f"results/{file.study}/runs/{name}/{budget}"
    checkpoints = tuple(
        Checkpoint(
            name, budget, step, float(step * tokens_per_step), f"{folder}/step{step}", (folder,)
        )
        for step in log_spaced_steps(last, file.train.checkpoints)
    )
    return Run(name, budget, tokenizer_name(name, model), checkpoints)


def local_run(file: StudyFile, name: str, model: LocalModel) -> Run:
    folders = checkpoints.find(model.path, step=model.step)
    shapes = {checkpoints.read_shape(folder.path) for folder in folders}
    if len(shapes) > 1:
        raise InputError(
            f"the checkpoints under '{model.path}' differ in layers, vocabulary or context: "
            "give each architecture a model of its own"
        )
    shape = shapes.pop()
    check_context(file, shape.context)
    check_layers(file, shape.layers)
    if shape.width is not None:
        check_width(file, shape.width)
    found = tuple(
        Checkpoint(
            name,
            RELEASED,
            folder.step,
            tokens_seen(Path(folder.path).name, folder, model.tokens_per_step),
            folder.path,
            tuple(checkpoints.weight_files(folder.path)),
        )
        for folder in folders
    )
    return Run(name, RELEASED, tokenizer_name(name, model), found)


def hub_run(file: StudyFile, name: str, model: HubModel, patience: float | None) -> Run:
    facts = known_models.facts(model.repo)
    if facts is not None:
        check_context(file, facts.context)
        check_layers(file, facts.layers)
        check_width(file, facts.width)
    wanted = model.revisions
    chosen = revisions.choose(
        model.repo,
        wanted.model_dump(by_alias=True) if isinstance(wanted, Revisions) else wanted,
        step=model.step,
        patience=patience,
    )
    folder = f"results/{file.study}/checkpoints/{name}"
    found = []
    for one in chosen:
        tokens = tokens_seen(one.name, one, model.tokens_per_step)
        place = f"{folder}/step{one.step}"
        found.append(Checkpoint(name, RELEASED, one.step, tokens, place, (place,), one.name))
    return Run(name, RELEASED, tokenizer_name(name, model), tuple(found))


def tokens_seen(
    name: str, told: checkpoints.Folder | revisions.Revision, per_step: float | None
) -> float | None:
    """Tokens after which a checkpoint was saved: by its step, exactly, if the tokens of a step are
    given; else as its name tells them, rounded.

    Raises
    ------
    InputError
        If the two differ by more than 2% and one unit of the name's last digit.
    """
    if per_step is None:
        return told.tokens
    exact = told.step * per_step
    if told.tokens is not None:
        digit = next(10.0**power for power in range(12, -1, -1) if told.tokens % 10**power == 0)
        letter = next((one for one in (1e12, 1e9, 1e6, 1e3) if one <= told.tokens), digit)
        if abs(exact - told.tokens) > 0.02 * exact + min(digit, letter):
            raise InputError(
                f"'{name}' was saved after {told.tokens:.3g} tokens by its name, but "
                f"tokens_per_step {per_step:g} makes it {exact:.3g}: correct tokens_per_step, or "
                "leave it out"
            )
    return exact


def quality_sections(file: StudyFile) -> dict[str, Quality]:
    """Every section ``quality`` by which checkpoints are read, by its path in the file."""
    sections = file.quality_used
    if file.downstream.tasks:  # which are read as the study's own section says
        sections["quality"] = file.quality
    return sections


def clouds_sections(file: StudyFile) -> dict[str, Clouds]:
    """Every section ``clouds`` by which checkpoints are read, by its path in the file."""
    sections = file.clouds_used
    if file.downstream.tasks:
        sections["clouds"] = file.clouds
    return sections


def demands(file: StudyFile) -> dict[str, int]:
    """The positions, blocks and width that a model must have at least."""
    clouds = clouds_sections(file).values()
    return {
        "positions": max(quality.context for quality in quality_sections(file).values()),
        "blocks": max([0, *(block for one in clouds for _, block in named_blocks(one))]),
        "width": max(one.pca or 0 for one in file.clouds_used.values()),
    }


def named_blocks(clouds: Clouds) -> list[tuple[str, int]]:
    """The layers that are blocks, with their numbers; none where ``layers`` is ``all``."""
    layers = [] if clouds.layers == "all" else clouds.layers
    return [(one, int(one.removeprefix("block_"))) for one in layers if one.startswith("block_")]


def check_context(file: StudyFile, positions: int | None) -> None:
    for where, quality in quality_sections(file).items():
        if positions is not None and quality.context > positions:
            raise InputError(
                f"{where}.context is {quality.context}, but the model's positions end at "
                f"{positions}: lower {where}.context"
            )


def check_layers(file: StudyFile, layers: int) -> None:
    for where, clouds in clouds_sections(file).items():
        for layer, block in named_blocks(clouds):
            if block > layers:
                raise InputError(f"{where}.layers names '{layer}', but there are {layers} blocks")


def check_width(file: StudyFile, width: int) -> None:
    for where, clouds in file.clouds_used.items():
        if clouds.pca is not None and clouds.pca > width:
            raise InputError(
                f"{where}.pca is {clouds.pca}, but hidden states have {width} dimensions: "
                f"lower {where}.pca"
            )


def training_flops_per_token(model: TrainedModel, context: int) -> int:
    shape = model.architecture
    return flops.training_flops_per_token(
        matrix_parameters=flops.gpt_neox_matrix_parameters(
            width=shape.hidden_size, layers=shape.num_hidden_layers, mlp=shape.mlp_size
        ),
        layers=shape.num_hidden_layers,
        width=shape.hidden_size,
        vocabulary=model.vocabulary,
        context=context,
    )


def tokenizer_name(name: str, model: Model) -> str:
    if model.tokenizer is not None:
        return model.tokenizer
    return f"{model.dataset}-{model.vocabulary}" if isinstance(model, TrainedModel) else name


def tokenizer_origin(model: TrainedModel | LocalModel) -> dict[str, Any]:
    if isinstance(model, TrainedModel):
        return {"dataset": model.dataset, "vocabulary": model.vocabulary}
    folder = tokenizer_folder(model)
    return {"source": folder, "sha256": file_hash(folder)}


def files_under(path: str) -> list[str]:
    """A file, or all files in a folder."""
    if not Path(path).is_dir():
        return [path]
    return sorted(str(file) for file in Path(path).rglob("*") if file.is_file())


def tokenizer_folder(model: LocalModel) -> str:
    """The folder whose tokenizer a local model uses: as given, or of the first checkpoint that
    has one, or the folder above the checkpoints."""
    if model.tokenizer_path is not None:
        folders = [model.tokenizer_path]
    else:
        paths = [folder.path for folder in checkpoints.find(model.path, step=model.step)]
        folders = [*paths, *dict.fromkeys(str(Path(path).parent) for path in paths)]
    for folder in folders:
        if has_tokenizer(folder):
            return folder
    raise InputError(
        f"no tokenizer in {', '.join(repr(folder) for folder in folders[:3])}"
        f"{' ...' if len(folders) > 3 else ''}: give tokenizer_path, a folder that has one"
    )
