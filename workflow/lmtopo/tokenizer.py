"""Stage `tokenizer`: train a byte-level BPE on a dataset, or take one from a folder or the hub."""

import hashlib
import json
import tempfile
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lmtopo import files
from lmtopo.checksums import made_anew, reading
from lmtopo.errors import InputError
from lmtopo.files import atomic, read_json, write_json
from lmtopo.provenance import DOWNLOADED

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

    from lmtopo.hub.snapshot import Snapshot

END_OF_TEXT = "<|endoftext|>"
VOCABULARY = "vocab.json"
FILES = ("tokenizer.json", "tokenizer.model", VOCABULARY, "vocab.txt", "spiece.model")
CONFIG = "tokenizer_config.json"
UNSAVED = ("legacy",)
"""Keys of it that decide how texts are split, and that transformers does not save again."""
MERGES = "merges.txt"
AFFIXES = ("continuing_subword_prefix", "end_of_word_suffix")
"""Keys of the model in a ``tokenizer.json`` for which an empty string is the same as null."""
MODEL_CONFIG = "config.json"
BESIDE = (
    MODEL_CONFIG,
    CONFIG,
    "special_tokens_map.json",
    "added_tokens.json",
    MERGES,
)


def tokenizer(
    *,
    folder: str,
    dataset: str | None = None,
    vocabulary: int | None = None,
    source: str = "",
    sha256: str | None = None,
    repo: str = "",
    revisions: Sequence[str] = (),
    patience: float = 0.0,
) -> None:
    """Write ``folder``, a tokenizer in Hugging Face format.

    Trained on the ``train`` split of ``dataset`` to ``vocabulary`` ids (byte-level BPE with
    GPT-2's pre-tokenization and one special token, ``<|endoftext|>``), or a copy of the one in
    the folder ``source``, or that of the first of a repository's ``revisions`` that has one.

    Raises
    ------
    InputError
        If the tokenizer in ``source`` is not the one with the hash ``sha256``, or the repository
        has none.
    """
    with atomic(folder) as temporary:
        if dataset is not None and vocabulary is not None:
            from lmtopo.dataset.documents import documents

            train(documents(dataset, "train"), vocabulary).save_pretrained(temporary)
        elif repo:
            download(repo, revisions, temporary, patience)
        else:
            if sha256 is not None and file_hash(source) != sha256:
                raise InputError(f"the tokenizer in '{source}' has changed: start again")
            copy(source, temporary)


def download(repo: str, revisions: Sequence[str], folder: Path, patience: float) -> None:
    """The tokenizer of a repository on the hub, and where it comes from (``hub.json``)."""
    from huggingface_hub.constants import is_offline_mode
    from huggingface_hub.errors import RevisionNotFoundError

    from lmtopo.hub.snapshot import read

    for revision in revisions:
        try:
            snapshot = read(repo, revision, patience=patience)
        except InputError as error:
            lacking = isinstance(error.__cause__, RevisionNotFoundError) or is_offline_mode()
            if revision == revisions[-1] or not lacking:
                raise
            continue
        files = listed_hashes(snapshot)
        if not files:
            continue
        save(snapshot, folder, patience)
        told = {"repo": repo, "revision": revision, "commit": snapshot.commit, "files": files}
        write_json(folder / DOWNLOADED, told)
        return
    asked = " or ".join(f"'{revision}'" for revision in revisions)
    raise InputError(
        f"'{repo}' has no tokenizer in revision {asked}: put a model of the hub that has it "
        "before this one in the study, and give both one name with models.NAME.tokenizer; or "
        "download it and make it a model of source: local with a tokenizer_path"
    )


def listed_hashes(snapshot: "Snapshot") -> dict[str, str | None]:
    """Hashes, as the hub lists them, of the files that make a revision's tokenizer: the one that
    defines it and those beside; none if it has no tokenizer."""
    there = snapshot.files
    defining = next((name for name in FILES if name in there), None)
    if defining is None:
        return {}
    names = [name for name in (defining, *BESIDE) if name in there and name != MODEL_CONFIG]
    return {name: there[name].sha256 or there[name].blob for name in names}


def save(snapshot: "Snapshot", folder: Path, patience: float) -> None:
    """Fetch a revision's tokenizer and save it as `copy` does, so that it can be compared."""
    from lmtopo.hub.download import fetch

    with tempfile.TemporaryDirectory(prefix="lmtopo-") as scratch:
        for wanted in (*FILES, *BESIDE):
            if wanted in snapshot.files:
                fetch(snapshot, wanted, Path(scratch), patience=patience)
        copy(scratch, folder)


def copy(source: str | Path, folder: Path) -> None:
    """Save the tokenizer in ``source`` anew, whatever files it came in."""
    load(source).save_pretrained(folder)
    told = read_config(source)
    if unsaved := {key: told[key] for key in UNSAVED if key in told}:
        write_json(folder / CONFIG, {**read_config(folder), **unsaved})


def read_config(folder: str | Path) -> dict[str, Any]:
    """A tokenizer's `CONFIG`, if it has one."""
    path = Path(folder) / CONFIG
    return dict(read_json(path)) if path.is_file() else {}


def content_hash(path: str | Path) -> str:
    """SHA-256 of what a tokenizer's file says, whatever version of the library wrote it: the
    model, normalizer, pre-tokenizer and added tokens of a ``tokenizer.json``, any other's bytes."""
    path = Path(path)
    if path.name != "tokenizer.json":
        return files.sha256(path)
    from tokenizers import Tokenizer

    try:
        told = json.loads(Tokenizer.from_file(str(path)).to_str())
    except Exception as error:  # tokenizers' own are plain Exceptions
        raise InputError(f"'{path}' cannot be read as a tokenizer: {error}") from error
    parts = {key: told[key] for key in ("model", "normalizer", "pre_tokenizer", "added_tokens")}
    parts["model"] = {**parts["model"], **{key: parts["model"].get(key) or None for key in AFFIXES}}
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def train(texts: list[str], vocabulary: int) -> "PreTrainedTokenizerBase":
    """A byte-level BPE of at most ``vocabulary`` ids, deterministic in the texts.

    Source: Sennrich et al. 2016, arXiv 1508.07909; Radford et al. 2019 (GPT-2), section 2.2.
    """
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    bpe.train_from_iterator(
        texts,
        trainers.BpeTrainer(
            vocab_size=vocabulary,
            special_tokens=[END_OF_TEXT],
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        ),
    )
    return PreTrainedTokenizerFast(tokenizer_object=bpe, eos_token=END_OF_TEXT)


def load(folder: str | Path) -> "PreTrainedTokenizerBase":
    """The tokenizer in a folder.

    Raises
    ------
    InputError
        If there is none, or it cannot be read, or it names neither an end-of-sequence nor a
        beginning-of-sequence token (a document must have something before its first token).
    Damaged
        If it is one of a study, which can be made anew, and cannot be read.
    """
    from importlib.util import find_spec

    from transformers import AutoTokenizer

    if defined(folder).suffix == ".model" and find_spec("sentencepiece") is None:
        raise InputError(
            f"'{defined(folder)}' is read by packages that are not installed: install "
            "sentencepiece and protobuf, or give a folder with a tokenizer.json"
        )
    try:
        with reading(folder) if made_anew(folder) else nullcontext():
            found = AutoTokenizer.from_pretrained(
                str(folder), local_files_only=True, trust_remote_code=False
            )
    except InputError:
        raise
    except Exception as error:  # of many kinds: those of tokenizers are plain Exceptions
        raise InputError(f"cannot read a tokenizer from '{folder}': {error}") from error
    if found.eos_token_id is None and found.bos_token_id is None:
        raise InputError(
            f"the tokenizer in '{folder}' has neither eos_token nor bos_token: "
            "name one in its tokenizer_config.json"
        )
    return found


def boundary(tokenizer: "PreTrainedTokenizerBase") -> int:
    """The id that stands before each document: EOS, or BOS where there is no EOS."""
    found = tokenizer.eos_token_id
    return int(tokenizer.bos_token_id if found is None else found)


def encode(tokenizer: "PreTrainedTokenizerBase", texts: list[str]) -> list[list[int]]:
    """Token ids of each text, without special tokens, whatever the length."""
    if not texts:
        return []
    encoded = tokenizer(texts, add_special_tokens=False, verbose=False)
    return encoded["input_ids"]  # type: ignore[no-any-return]


def has_tokenizer(folder: str | Path) -> bool:
    """Whether a folder holds a tokenizer's files."""
    return any((Path(folder) / name).is_file() for name in FILES)


def defined(folder: str | Path) -> Path:
    """The file that defines the tokenizer in a folder; of none, the one looked for first."""
    paths = [Path(folder) / name for name in FILES]
    return next((path for path in paths if path.is_file()), paths[0])


def file_hash(folder: str | Path) -> str:
    """SHA-256 of the file that defines the tokenizer in a folder, and of its merges beside it."""
    found = defined(folder)
    pair = vocabulary_hash(folder) if found.name == VOCABULARY else None
    return pair or files.sha256(found)


def vocabulary_hash(folder: str | Path) -> str | None:
    """SHA-256 of a vocabulary and the merges beside it; None if there are not both."""
    pair = [Path(folder) / name for name in (VOCABULARY, MERGES)]
    if not all(path.is_file() for path in pair):
        return None
    return hashlib.sha256(" ".join(map(files.sha256, pair)).encode()).hexdigest()


def another(folders: Sequence[str | Path]) -> str | Path | None:
    """The first of the folders whose tokenizer is not that of the first folder: in other bytes, and
    (as the state of padding and truncation is saved along, and libraries write differently) saying
    something else, or with other special tokens; None if all are one.

    Raises
    ------
    InputError
        If one cannot be read.
    """
    first, *others = folders
    ends, slow, content = special(first), vocabulary_hash(first), None
    same = {file_hash(first)}
    for folder in others:
        if special(folder) != ends:
            return folder
        own = file_hash(folder)
        # one of them may have a tokenizer.json as well
        if own in same or (slow is not None and vocabulary_hash(folder) == slow):
            continue
        if {defined(folder).name, defined(first).name} != {"tokenizer.json"}:
            return folder
        content = content or content_hash(defined(first))
        if content_hash(defined(folder)) != content:
            return folder
        same.add(own)
    return None


def special(folder: str | Path) -> list[Any]:
    """What `CONFIG` says of the tokens at the ends of texts, and of those beside special ones."""
    told = read_config(folder)
    found = [told.get(key) for key in ("bos_token", "eos_token", *UNSAVED)]
    return [one.get("content") if isinstance(one, dict) else one for one in found]
