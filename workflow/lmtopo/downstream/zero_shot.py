"""A task asked in words, without learning: as lm-evaluation-harness asks MRPC."""

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float64, Int64

from lmtopo.downstream.task import Pairs

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

PROMPT = (
    "Sentence 1: {first}\nSentence 2: {second}\n"
    "Question: Do both sentences mean the same thing?\nAnswer:"
)
CHOICES = (" no", " yes")
"""The answers, by label."""

Request = tuple[list[int], list[int]]


def requests(tokenizer: "PreTrainedTokenizerBase", pairs: Pairs) -> list[Request]:
    """The prompt of each pair with the answer of each label, all pairs of label 0 first, as
    token ids of context and continuation.

    Source: lm-evaluation-harness, task ``mrpc`` (version 1.0, no examples in the prompt): the
    tokens of an answer are those of prompt and answer together beyond those of the prompt, both
    with the special tokens that the tokenizer adds by itself (`harness.encode`).
    """
    from lmtopo.harness import encode

    prompts = [
        PROMPT.format(first=first, second=second)
        for first, second in zip(pairs.first, pairs.second, strict=True)
    ]
    contexts = encode(tokenizer, prompts)
    found = []
    for choice in CHOICES:
        whole = encode(tokenizer, [prompt + choice for prompt in prompts])
        found += [
            (context, ids[len(context) :]) for context, ids in zip(contexts, whole, strict=True)
        ]
    return found


def likeliest(
    log_likelihoods: Float64[np.ndarray, " requests"],
) -> Int64[np.ndarray, " pairs"]:
    """The label whose answer is likelier, pair by pair; of equals, 0."""
    by_label = log_likelihoods.reshape(len(CHOICES), -1)
    return np.asarray(by_label.argmax(axis=0), dtype=np.int64)
