"""Checkpoint folders in Hugging Face format: finding, reading and loading them.

Weights are data. Safetensors are read as such, pickles only with ``weights_only``, and no code
that comes with a checkpoint is ever run.
"""

import errno
import glob
import json
import os
import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lmtopo.checksums import check_folder, made_anew, noted
from lmtopo.errors import Damaged, InputError
from lmtopo.files import read_json, sha256

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

SINGLE = ("model.safetensors", "pytorch_model.bin")
"""Where transformers looks for weights: a file, or else the shards that an index beside names."""
STEP = re.compile(
    r"(?:^|[-_/])(?:global_?step|checkpoint|ckpt|iter(?:ation)?|step)[-_=]?(\d+)([KM])?(?![\d.,]*\d|[a-z])",
    re.IGNORECASE,
)
TOKENS = re.compile(r"tokens[-_]?(\d+(?:\.\d+)?)([KMBT])?(?![\d.,]*\d|[a-z])", re.IGNORECASE)
POSITIONS = ("max_position_embeddings", "n_positions", "n_ctx", "max_seq_len", "context_length")
"""What configurations call the number of positions."""
HEAD = 100_000_000
"""Bytes that the head of a safetensors file may have, by its definition."""
POINTER = b"version https://git-lfs"
UNITS = {"": 1.0, "K": 1e3, "M": 1e6, "B": 1e9, "T": 1e12}


@dataclass(frozen=True)
class Folder:
    """One checkpoint on disk: where, at which step, after how many tokens (None: unknown)."""

    path: str
    step: int
    tokens: float | None


def step_and_tokens(name: str) -> tuple[int | None, float | None]:
    """Step and tokens as a checkpoint's name tells them; None where it does not.

    ``checkpoint-500``, ``step1000``, ``step1000-tokens4B``, ``step500-tokens2.1B``,
    ``global_step12``, ``ckpt-10k``, ``iteration_1000``, ``epoch=1-step=1000``, any of them in a
    folder (``ckpts/step1000``), or a number alone.
    """
    step = STEP.search(name) or re.fullmatch(r"(\d+)()", name)
    tokens = TOKENS.search(name)
    return (
        int(step[1]) * int(UNITS[(step[2] or "").upper()]) if step else None,
        float(round(float(tokens[1]) * UNITS[(tokens[2] or "").upper()])) if tokens else None,
    )


def find(path: str, *, step: int | None = None) -> list[Folder]:
    """The checkpoint folders that ``path`` (a folder or a glob) names, by step.

    ``step`` is the step of a single folder whose name does not tell it.

    Raises
    ------
    InputError
        If nothing matches, a folder holds no checkpoint or not all of it, a step cannot be read,
        ``step`` is given for several folders, or two folders have the same step.
    """
    matches = sorted(match for match in glob.glob(path, recursive=True) if Path(match).is_dir())
    if not matches:
        raise InputError(f"no folder matches '{path}': give a checkpoint folder or a glob of them")
    if step is not None and len(matches) > 1:
        raise InputError(
            f"step is {step}, but '{path}' matches {len(matches)} folders: leave step out, or name "
            "one folder"
        )
    found: dict[int, Folder] = {}
    for match in matches:
        check_whole(match)
        named, tokens = step_and_tokens(Path(os.path.abspath(match)).name)
        if named is None:  # a link, perhaps, to what has a name
            named, tokens = step_and_tokens(Path(match).resolve().name)
        if step is not None:
            named = step
        if named is None:
            mend = "name it like step1000 or checkpoint-500" + (
                ", or give the model's step" if len(matches) == 1 else ""
            )
            raise InputError(f"cannot read the training step from folder '{match}': {mend}")
        if named in found:
            raise InputError(f"'{found[named].path}' and '{match}' are both step {named}")
        found[named] = Folder(match, named, tokens)
    return [found[key] for key in sorted(found)]


def weight_files(folder: str | Path) -> list[str]:
    """The files that define a checkpoint: its config and the weights that transformers reads,
    whatever else lies beside them (other formats, states of an optimizer).

    Raises
    ------
    InputError
        If the configuration or weights are missing, or were never pulled by Git LFS.
    """
    folder = Path(folder)
    config = folder / "config.json"
    if not config.is_file():
        raise InputError(f"'{folder}' holds no config.json: it is no Hugging Face checkpoint")
    found = [str(config), *(str(folder / name) for name in weight_names(folder))]
    if pointers := [file for file in found if is_pointer(file)]:
        raise InputError(
            f"'{pointers[0]}' is a pointer of Git LFS and not the file itself: run "
            "`git lfs pull` in its repository"
        )
    return found


def weight_names(folder: Path) -> list[str]:
    for whole in SINGLE:
        if (folder / whole).is_file():
            return [whole]
        index = folder / f"{whole}.index.json"
        if not index.is_file():
            continue
        shards = shards_in(index)
        if shards is None:
            raise InputError(f"'{index}' is no index of shards: copy it again")
        if lost := [shard for shard in shards if not (folder / shard).is_file()]:
            raise InputError(f"'{folder}' lacks '{lost[0]}', which {index.name} names")
        return shards
    raise InputError(
        f"'{folder}' holds no weights (looked for {' and '.join(SINGLE)}, whole or in shards)"
    )


def shards_in(index: Path) -> list[str] | None:
    """The shards that an index names; None if it is no index."""
    try:
        return sorted(set(read_json(index)["weight_map"].values()))
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def weights_among(names: Iterable[str]) -> list[str]:
    """Of the names in a listing those of the weights that transformers reads: one file, or else
    shards; and none of what trainers save beside, such as ``training_args.bin``."""
    there = list(names)
    for whole in SINGLE:
        if whole in there:
            return [whole]
        stem, _, suffix = whole.partition(".")
        shards = [
            name for name in there if name.startswith(f"{stem}-") and name.endswith(f".{suffix}")
        ]
        if shards:
            return shards
    return []


def check_whole(folder: str | Path) -> None:
    """Refuse weights that were not saved or copied to their end, as far as their heads tell.

    Raises
    ------
    InputError
        If `weight_files` does, or a file is empty or shorter than it says.
    """
    for file in weight_files(folder)[1:]:
        size = Path(file).stat().st_size
        if size == 0 or (file.endswith(".safetensors") and size < promised(file)):
            raise InputError(f"'{file}' is cut short: copy or save the checkpoint again")


def promised(file: str) -> int:
    """Bytes that a safetensors file has by its head; more than there are, if that is cut off."""
    with Path(file).open("rb") as opened:
        length = int.from_bytes(opened.read(8), "little")
        try:
            head = json.loads(opened.read(length)) if length < HEAD else {}
            ends = [one["data_offsets"][1] for name, one in head.items() if name != "__metadata__"]
        except (ValueError, KeyError, TypeError, AttributeError):
            return sys.maxsize
    return 8 + length + max(ends, default=0)


def is_pointer(file: str) -> bool:
    """Whether it is what Git LFS leaves of a large file that it has not downloaded."""
    with Path(file).open("rb") as opened:
        return opened.read(len(POINTER)) == POINTER


def hashes(folder: str | Path) -> dict[str, str]:
    """SHA-256 of each of the `weight_files`, by path; of a folder that has been `load`-ed, so that
    where its ``sha256.json`` says them, they have been seen to be right."""
    known = noted(Path(folder), Path(folder).parent)
    return {
        file: known.get(str(Path(file).relative_to(folder))) or sha256(file)
        for file in weight_files(folder)
    }


@dataclass(frozen=True)
class Shape:
    """What a study has to know of a model before it is loaded."""

    layers: int
    vocabulary: int
    context: int | None
    width: int | None


def read_shape(folder: str | Path) -> Shape:
    """Layers, vocabulary and longest context from ``config.json``, whatever the architecture
    calls them."""
    try:
        config = read_json(Path(folder) / "config.json")
    except ValueError as error:
        raise InputError(f"'{folder}/config.json' is no JSON: {error}") from None
    if not isinstance(config, dict):
        raise InputError(f"'{folder}/config.json' is no JSON object, like {{...}}")
    check_text(folder, config)

    def first(*names: str) -> Any:
        return next((config[name] for name in names if config.get(name) is not None), None)

    layers = first("num_hidden_layers", "n_layer", "num_layers", "n_layers")
    vocabulary = first("vocab_size")
    if layers is None or vocabulary is None:
        raise InputError(f"'{folder}/config.json' gives no number of layers or no vocab_size")
    return Shape(
        layers,
        vocabulary,
        positions(config),
        first("hidden_size", "n_embd", "d_model"),
    )


def positions(config: Mapping[str, Any]) -> int | None:
    """How many positions a model has, by its configuration; None where that does not say, as of
    models that read on as far as one likes."""
    return next((config[name] for name in POSITIONS if config.get(name)), None)


def check_fit(model: "PreTrainedModel", folder: str, *, largest: int, context: int) -> None:
    """Refuse token ids (the ``largest`` is given) or positions that a model does not have."""
    vocabulary = model.config.vocab_size
    if largest >= vocabulary:
        raise InputError(
            f"the tokenizer gives id {largest}, but '{folder}' has a vocabulary of {vocabulary}: "
            "give the model the tokenizer it was trained with (models.NAME.tokenizer_path)"
        )
    has = positions(model.config.to_dict())
    if has is not None and context > has:
        raise InputError(
            f"quality.context {context} is beyond the {has} positions of '{folder}': lower "
            "quality.context"
        )


def check_text(folder: str | Path, config: Mapping[str, Any]) -> None:
    """Refuse a model of images and the like, whose configuration holds another for text."""
    if config.get("text_config"):
        raise InputError(
            f"'{folder}' is a model of more than text ({config.get('model_type')}): only those of "
            "text alone can be observed"
        )


def check(folder: Path) -> None:
    """See that a checkpoint is there, and as it was written where that is noted, as it always is of
    a run that was trained under ``results/``.

    Raises
    ------
    InputError
        If it is not.
    Damaged
        If it is of such a run, which can be trained again.
    """
    ours = made_anew(folder)
    trained = ours and folder.parts[2:3] == ("runs",)
    if not trained and not folder.is_dir():
        raise InputError(f"checkpoint '{folder}' is not there: run snakemake again")
    try:
        check_folder(folder, whole=folder.parent, always=trained)
    except Damaged as error:
        if ours:
            raise
        raise InputError(
            f"checkpoint '{folder}' is not as it was written ({error.why}): put the file back, or, "
            "if the change is meant, remove sha256.json from the folder"
        ) from None


def warm() -> None:
    """Have transformers make what it makes when it loads its first model, a thousand regular
    expressions, so that processes that are forked need not."""
    from transformers.conversion_mapping import get_checkpoint_conversion_mapping

    get_checkpoint_conversion_mapping("gpt_neox")


def load(
    folder: str | Path, *, dtype: str, device: "torch.device | None" = None
) -> "PreTrainedModel":
    """The causal language model of a checkpoint folder, in ``dtype``, for evaluation; on ``device``
    (None: the CPU).

    Raises
    ------
    InputError
        If transformers does not know the architecture, or weights are missing from the files or
        do not fit the model (transformers would fill them at random), or a file is damaged or not
        as its ``sha256.json`` says.
    Damaged
        If it is so in a training run under ``results/``, which can be made anew.
    """
    from pickle import UnpicklingError

    import torch
    from safetensors import SafetensorError
    from transformers import AutoModelForCausalLM

    # of what files hold, or of packages that a way of storing weights needs
    failures = (SafetensorError, OSError, EOFError, ValueError, KeyError, RuntimeError, ImportError)
    check(Path(folder))
    try:
        loaded: Any = AutoModelForCausalLM.from_pretrained(
            str(folder),
            dtype=getattr(torch, dtype),
            local_files_only=True,
            trust_remote_code=False,
            weights_only=True,
            output_loading_info=True,
        )
    except UnpicklingError as error:
        raise InputError(
            f"the pickle in '{folder}' is damaged or holds more than weights, which could run "
            "code: it is not loaded"
        ) from error
    except failures as error:
        if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):
            raise  # not what the files hold, but the disk or the file system
        raise InputError(f"cannot load '{folder}' as a causal language model: {error}") from error
    model, report = loaded
    check_text(folder, model.config.to_dict())
    for problem in ("missing_keys", "mismatched_keys"):
        if report.get(problem):
            names = ", ".join(sorted(map(str, report[problem]))[:5])
            raise InputError(
                f"the weights in '{folder}' do not fit its config ({problem}: {names})"
            )
    model.eval()
    if device is not None:
        model.to(device)
    return model  # type: ignore[no-any-return]
