"""The study file: every key, its type, its default. ``config/README.md`` explains them."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PositiveFloat,
    PositiveInt,
    StringConstraints,
    field_serializer,
    model_validator,
)

NAME = r"^[a-z0-9][a-z0-9._-]*$"
LAYER = r"^(embedding|block_[1-9][0-9]*|final_norm)$"
SPLIT = r"^[A-Za-z0-9_-]+$"
REPO = r"^[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)?$"

Name = Annotated[str, StringConstraints(pattern=NAME, max_length=80)]
Layer = Annotated[str, StringConstraints(pattern=LAYER)]
Split = Annotated[str, StringConstraints(pattern=SPLIT)]
Repo = Annotated[str, StringConstraints(pattern=REPO)]
Fraction = Annotated[float, Field(ge=0, lt=1)]
Dtype = Literal["float32", "bfloat16", "float16"]
TrainingDtype = Literal["float32", "bfloat16"]
Reading = Literal["windows", "document", "rolling", "wikitext"]
Pooling = Literal["token", "last", "mean"]
FigureFormat = Literal["png", "svg", "pdf"]
FIGURE_WIDTHS = (6, 20)
"""The least and the most inches."""


class Part(BaseModel):
    """A section of the study file; unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


AnyPart = TypeVar("AnyPart", bound=Part)


def of_file(value: Any) -> Any:
    """``FILE`` is short for ``{file: FILE}``."""
    return {"file": value} if isinstance(value, str) else value


def of_dataset(value: Any) -> Any:
    """``- stories`` is short for ``- {dataset: stories}``."""
    return {"dataset": value} if isinstance(value, str) else value


def of_one(value: Any) -> Any:
    """``NAME`` is short for ``[NAME]``."""
    return [value] if isinstance(value, str) else value


Names = Annotated[Annotated[list[Name], Field(min_length=1)] | None, BeforeValidator(of_one)]


class GeneratedRows(Part):
    train: int = Field(10_000, ge=0)
    validation: int = Field(400, ge=0)
    test: int = Field(400, ge=0)


class GeneratedDataset(Part):
    """A corpus written by a seeded grammar, offline."""

    source: Literal["generated"]
    kind: Literal["stories", "articles", "paraphrases"]
    seed: int = Field(0, ge=0)
    rows: GeneratedRows = GeneratedRows()


class LocalDataset(Part):
    """Files of the user's own."""

    source: Literal["local"]
    format: Literal["text", "lines", "wikitext", "jsonl", "csv", "tsv", "parquet", "arrow"]
    path: str | None = None
    splits: dict[Split, str] | None = None
    holdout: Fraction = 0.05
    separator: str | None = None
    columns: dict[str, str] | None = None
    documents: Literal["rows", "articles", "sentences"] | None = None
    licence: str | None = None

    @model_validator(mode="after")
    def one_origin(self) -> "LocalDataset":
        if (self.path is None) == (self.splits is None):
            raise ValueError("give either path (cut by holdout) or splits")
        if self.format == "text" and self.separator is None:
            raise ValueError("format text needs separator: the line between two documents")
        return self


class HubDataset(Part):
    """A dataset of the Hugging Face hub."""

    source: Literal["hub"]
    repo: Repo
    name: str | None = None
    revision: str = "main"
    rows: dict[Split, PositiveInt] | None = None
    tokens: PositiveInt | None = None
    columns: dict[str, str] | None = None
    documents: Literal["rows", "articles", "sentences"] | None = None
    licence: str | None = None


class Architecture(Part):
    """GPT-NeoX, as in Pythia."""

    hidden_size: PositiveInt
    num_hidden_layers: PositiveInt
    num_attention_heads: PositiveInt
    intermediate_size: PositiveInt | None = None
    rotary_pct: float = Field(0.25, gt=0, le=1)
    tie_word_embeddings: bool = False

    @model_validator(mode="after")
    def heads_divide_width(self) -> "Architecture":
        if self.hidden_size % self.num_attention_heads:
            raise ValueError(
                f"hidden_size {self.hidden_size} is no multiple of "
                f"num_attention_heads {self.num_attention_heads}"
            )
        width = self.hidden_size // self.num_attention_heads
        if int(width * self.rotary_pct) % 2 or int(width * self.rotary_pct) == 0:
            raise ValueError(
                f"rotary_pct {self.rotary_pct} of a head of width {width} rotates "
                f"{int(width * self.rotary_pct)} dimensions: it must be an even number above 0"
            )
        return self

    @property
    def mlp_size(self) -> int:
        return self.intermediate_size or 4 * self.hidden_size


class TrainedModel(Part):
    """A model trained from scratch, one run per budget."""

    source: Literal["train"]
    dataset: Name
    vocabulary: int = Field(ge=257)
    architecture: Architecture
    budgets: Annotated[list[Name], Field(min_length=1)]
    tokenizer: Name | None = None
    seed: int | None = Field(None, ge=0)
    learning_rate: PositiveFloat | None = None


class LocalModel(Part):
    """Hugging Face checkpoint folders of the user's own: one folder, or a glob."""

    source: Literal["local"]
    path: str
    tokens_per_step: PositiveFloat | None = None
    step: int | None = Field(None, ge=0)
    tokenizer: Name | None = None
    tokenizer_path: str | None = None


class Revisions(Part):
    """Some of a repository's revisions, by the steps in their names."""

    first: int = Field(0, ge=0, alias="from")
    last: int | None = Field(None, ge=0, alias="to")
    every: PositiveInt = 1
    match: str | None = None


class HubModel(Part):
    """Checkpoints of a model on the Hugging Face hub: revisions of one repository."""

    source: Literal["hub"]
    repo: Repo
    revisions: Literal["all", "log"] | Annotated[list[str], Field(min_length=1)] | Revisions
    tokens_per_step: PositiveFloat | None = None
    step: int | None = Field(None, ge=0)
    tokenizer: Name | None = None


class Budget(Part):
    """What a training run may spend."""

    flops: PositiveFloat | None = None
    tokens: PositiveFloat | None = None
    unique_tokens: PositiveInt | None = None

    @model_validator(mode="after")
    def one_limit(self) -> "Budget":
        if (self.flops is None) == (self.tokens is None):
            raise ValueError("give either flops or tokens")
        return self


class Clouds(Part):
    points: int = Field(256, ge=3)
    poolings: Annotated[list[Pooling], Field(min_length=1)] = ["token", "mean"]
    layers: Literal["all"] | Annotated[list[Layer], Field(min_length=1)] = "all"
    skip_positions: int = Field(1, ge=0)
    min_text_tokens: PositiveInt = 16
    pca: PositiveInt | None = None
    replicates: PositiveInt = 8
    subsample: int = Field(128, ge=3)
    keep: Literal["all", "none"] = "all"


class External(Part):
    """A CSV file of metrics measured elsewhere, by model and step."""

    file: str
    unmatched: Literal["fail", "leave_out"] = "fail"


class Quality(Part):
    context: int = Field(256, ge=2)
    stride: PositiveInt | None = None
    readings: Annotated[list[Reading], Field(min_length=1)] = ["windows"]
    prefix: Literal["eos", "none"] = "eos"
    dtype: Dtype = "float32"
    batch_size: PositiveInt = 16
    threads: PositiveInt = 1
    linear: Literal["auto", "plain", "packed"] = "auto"
    external: Annotated[External | None, BeforeValidator(of_file)] = None


class Evaluation(Part):
    """A dataset on which every checkpoint is observed; keys of ``clouds`` and ``quality`` replace
    the study's for this dataset, those left out stay the study's."""

    dataset: Name
    split: Split = "validation"
    documents: PositiveInt | None = None
    min_characters: int = Field(0, ge=0)
    max_tokens: PositiveInt | None = None
    clouds: Clouds | None = None
    quality: Quality | None = None

    @field_serializer("clouds", "quality")
    def keys_given(self, section: Part | None) -> dict[str, Any] | None:
        return None if section is None else section.model_dump(mode="json", exclude_unset=True)


class Train(Part):
    threads: PositiveInt = 2
    dtype: TrainingDtype = "float32"
    context: int = Field(256, ge=2)
    batch_size: PositiveInt = 16
    learning_rate: PositiveFloat = 1e-3
    final_learning_rate: Fraction = 0.1
    warmup: Fraction = 0.05
    weight_decay: float = Field(0.1, ge=0)
    betas: tuple[Fraction, Fraction] = (0.9, 0.95)
    clip: PositiveFloat = 1.0
    checkpoints: int = Field(24, ge=3)


class Nulls(Part):
    """Draws of each null model of a cloud, for its first ``replicates`` subsamples."""

    gaussian: int = Field(0, ge=0)
    norm_matched: int = Field(0, ge=0)
    shuffled: int = Field(0, ge=0)
    replicates: PositiveInt = 1

    @property
    def draws(self) -> dict[str, int]:
        """By null, those that are drawn at all."""
        counts: dict[str, int] = self.model_dump(exclude={"replicates"})
        return {null: count for null, count in counts.items() if count}


class Homology(Part):
    max_dimension: int = Field(1, ge=0, le=2)
    metric: Literal["euclidean", "cosine", "standardised"] = "euclidean"
    threshold: PositiveFloat | None = None
    engine: Literal["auto", "link", "ripser", "gudhi"] = "auto"
    nulls: Nulls = Nulls()

    @model_validator(mode="after")
    def engine_knows_the_dimension(self) -> "Homology":
        if self.engine == "link" and self.max_dimension > 1:
            raise ValueError(
                f"engine link ends at H1, but max_dimension is {self.max_dimension}: use auto"
            )
        return self


class Compare(Part):
    """Distances between the diagrams of several checkpoints."""

    landmarks: int = Field(12, ge=2)
    replicates: PositiveInt = 1
    scale: Literal["none", "enclosing_radius"] = "none"


class Noise(Part):
    """What is observed again, to tell what the seed and the dtype alone do."""

    checkpoints: Literal["none", "last", "ends"] = "last"
    datasets: Literal["first", "all"] = "first"
    seeds: int = Field(2, ge=0)
    dtypes: list[Dtype] = ["float32", "bfloat16"]


class Task(Part):
    """A dataset of labelled pairs of sentences that is learned, and the split it is scored on."""

    dataset: Name
    split: Split = "validation"


class D90(Part):
    """A task whose intrinsic dimension is measured, and the checkpoints of which models."""

    dataset: Name
    checkpoints: Literal["last", "landmarks", "all"] = "last"
    models: Literal["all"] | Annotated[list[Name], Field(min_length=1)] = "all"


class Finetune(Part):
    """How checkpoints are fine-tuned for d90."""

    dimensions: Annotated[list[PositiveInt], Field(min_length=1)] = [10, 30, 100, 300, 1000, 3000]
    seeds: PositiveInt = 3
    steps: PositiveInt = 500
    batch_size: PositiveInt = 32
    learning_rate: PositiveFloat = 5e-5


class Downstream(Part):
    """How well checkpoints do tasks, from their frozen states and asked in words."""

    tasks: list[Annotated[Task, BeforeValidator(of_dataset)]] = []
    checkpoints: Literal["last", "landmarks", "all"] = "last"
    landmarks: int = Field(12, ge=2)
    poolings: Annotated[list[Literal["last", "mean"]], Field(min_length=1)] = ["last", "mean"]
    rows: PositiveInt = 10_000
    d90: list[Annotated[D90, BeforeValidator(of_dataset)]] = []
    finetune: Finetune = Finetune()


class PrimaryTest(Part):
    """A test over all runs that is declared before it is seen; ``dataset`` None is the first that
    is observed."""

    signature: str
    dimension: int = Field(-1, ge=-1, le=2)
    layer: Layer = "final_norm"
    pooling: Pooling = "token"
    dataset: Name | None = None
    target: str = "log_perplexity"


class Evidence(Part):
    """Whether signatures say more about quality than compute does."""

    primary: Annotated[list[PrimaryTest], Field(max_length=12)] = []
    warmup: Fraction = 0.05
    draws: int = Field(99, ge=19)


class Table(Part):
    """A table from elsewhere, and what its columns are."""

    file: str
    quality: str | None = None
    compute: str | None = None
    signatures: Annotated[list[str], Field(min_length=1)] | None = None
    primary: Annotated[list[str], Field(max_length=12)] | None = None


class Hub(Part):
    """What downloads may take."""

    keep: PositiveInt = 2
    downloads: int = Field(2, ge=1, le=4)
    patience: PositiveFloat = 600.0


class Only(Part):
    """Which part of the study the target ``pairs`` computes; what is left out means all."""

    model: Names = None
    budget: Names = None
    dataset: Names = None


class Figures(Part):
    formats: Annotated[list[FigureFormat], Field(min_length=1)] = ["png", "svg"]
    width: float = Field(7.0, ge=FIGURE_WIDTHS[0], le=FIGURE_WIDTHS[1])
    signature: str | None = None


class Atlas(Part):
    """How much of a large study the page shows."""

    checkpoints: int = Field(64, ge=2)
    layers: int = Field(13, ge=1)
    megabytes: float = Field(25.0, ge=1, le=1000)


Dataset = GeneratedDataset | LocalDataset | HubDataset
Model = TrainedModel | LocalModel | HubModel


class StudyFile(Part):
    study: Name
    seed: int = Field(1, ge=0)
    device: Literal["auto", "cpu", "cuda"] = "auto"
    data: str | None = None
    datasets: Annotated[
        dict[Name, Annotated[Dataset, Field(discriminator="source")]],
        Field(min_length=1),
    ]
    models: Annotated[
        dict[Name, Annotated[Model, Field(discriminator="source")]],
        Field(min_length=1),
    ]
    budgets: dict[Name, Budget] = {}
    evaluate: Annotated[
        list[Annotated[Evaluation, BeforeValidator(of_dataset)]], Field(min_length=1)
    ]
    clouds: Clouds = Clouds()
    quality: Quality = Quality()
    train: Train = Train()
    homology: Homology = Homology()
    signatures: Literal["all"] | Annotated[list[str], Field(min_length=1)] = "all"
    downstream: Downstream = Downstream()
    compare: Compare = Compare()
    noise: Noise = Noise()
    evidence: Evidence = Evidence()
    figures: Figures = Figures()
    atlas: Atlas = Atlas()
    hub: Hub = Hub()
    missing: Literal["fail", "leave_out"] = "fail"
    only: Only = Only()
    table: Annotated[Table, BeforeValidator(of_file)] | None = None

    def clouds_on(self, entry: Evaluation) -> Clouds:
        """The section ``clouds`` as it holds for an entry of ``evaluate``."""
        return replaced(self.clouds, entry.clouds)

    def quality_on(self, entry: Evaluation) -> Quality:
        """The section ``quality`` as it holds for an entry of ``evaluate``."""
        return replaced(self.quality, entry.quality)

    @property
    def clouds_used(self) -> dict[str, Clouds]:
        """Every section ``clouds`` that holds for some dataset, by its path in the file."""
        return {
            where(index, "clouds", entry.clouds): self.clouds_on(entry)
            for index, entry in enumerate(self.evaluate)
        }

    @property
    def quality_used(self) -> dict[str, Quality]:
        """Every section ``quality`` that holds for some dataset, by its path in the file."""
        return {
            where(index, "quality", entry.quality): self.quality_on(entry)
            for index, entry in enumerate(self.evaluate)
        }


def replaced(section: AnyPart, keys: AnyPart | None) -> AnyPart:
    """``section`` with the keys that were given in ``keys``."""
    given = {} if keys is None else {name: getattr(keys, name) for name in keys.model_fields_set}
    return section.model_copy(update=given)


def where(index: int, section: str, keys: Part | None) -> str:
    """The path of a section as it holds for the ``index``-th entry of ``evaluate``."""
    return section if keys is None else f"evaluate[{index}].{section}"


def json_schema() -> dict[str, Any]:
    """The JSON schema of a study file, for editors; kept in ``config/schema.json``."""
    schema = StudyFile.model_json_schema()
    section = schema["$defs"]["Downstream"]["properties"]
    for entry in (schema["properties"]["evaluate"], section["tasks"], section["d90"]):
        entry["items"] = {"anyOf": [{"type": "string"}, entry["items"]]}
    schema["$defs"]["Quality"]["properties"]["external"]["anyOf"].append({"type": "string"})
    for key in schema["$defs"]["Only"]["properties"].values():
        key["anyOf"].append({"type": "string"})
    schema["properties"]["table"]["anyOf"].append({"type": "string"})
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def fill_data(raw: Any, data: str | None) -> Any:
    """``raw`` with ``{data}`` replaced in every string below it."""
    if isinstance(raw, str):
        return raw.replace("{data}", data) if data is not None else raw
    if isinstance(raw, Mapping):
        return {key: fill_data(value, data) for key, value in raw.items()}
    if isinstance(raw, list):
        return [fill_data(value, data) for value in raw]
    return raw
