"""Stage `tokenizer`: train a byte-level BPE on a dataset, or take one from a folder."""

from pathlib import Path
from typing import TYPE_CHECKING

from lmtopo import files
from lmtopo.errors import InputError
from lmtopo.files import atomic

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

END_OF_TEXT = "<|endoftext|>"
FILES = ("tokenizer.json", "tokenizer.model", "vocab.json", "vocab.txt", "spiece.model")


def tokenizer(
    *,
    folder: str,
    dataset: str | None = None,
    vocabulary: int | None = None,
    source: str = "",
    sha256: str | None = None,
) -> None:
    """Write ``folder``, a tokenizer in Hugging Face format.

    Trained on the ``train`` split of ``dataset`` to ``vocabulary`` ids (byte-level BPE with
    GPT-2's pre-tokenization and one special token, ``<|endoftext|>``), or a copy of the one in
    the folder ``source``.

    Raises
    ------
    InputError
        If the tokenizer in ``source`` is not the one with the hash ``sha256``.
    """
    with atomic(folder) as temporary:
        if dataset is not None and vocabulary is not None:
            from lmtopo.dataset.documents import documents

            train(documents(dataset, "train"), vocabulary).save_pretrained(temporary)
        else:
            if sha256 is not None and file_hash(source) != sha256:
                raise InputError(f"the tokenizer in '{source}' has changed: start again")
            load(source).save_pretrained(temporary)


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
        If there is none, or it names neither an end-of-sequence nor a beginning-of-sequence
        token (a document must have something before its first token).
    """
    from transformers import AutoTokenizer

    try:
        found = AutoTokenizer.from_pretrained(
            str(folder), local_files_only=True, trust_remote_code=False
        )
    except (OSError, ValueError) as error:
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


def file_hash(folder: str | Path) -> str:
    """SHA-256 of the file that defines the tokenizer in a folder."""
    return next(
        files.sha256(Path(folder) / name) for name in FILES if (Path(folder) / name).is_file()
    )
