"""What lm-evaluation-harness means by a text: its tokens, its words, its WikiText pages.

Source: EleutherAI's lm-evaluation-harness 0.4, ``lm_eval/models/huggingface.py``, task
``wikitext`` (version 2) and the script of its dataset ``EleutherAI/wikitext_document_level``. The
rules are theirs, oddities included: a number that is to be compared with theirs must share them.
"""

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


def prefix(tokenizer: "PreTrainedTokenizerBase") -> tuple[str, int]:
    """What precedes a text, ``bos`` or, where there is no BOS, ``eos``; and its id."""
    if tokenizer.bos_token_id is not None:
        return "bos", int(tokenizer.bos_token_id)
    return "eos", int(tokenizer.eos_token_id)


def encode(tokenizer: "PreTrainedTokenizerBase", texts: Sequence[str]) -> list[list[int]]:
    """Token ids of each text, with the special tokens that the tokenizer adds by itself, unless
    the text begins with the prefix spelled out. Such tokens are scored like any other."""
    spelled = str(tokenizer.decode([prefix(tokenizer)[1]]))
    return [
        tokenizer.encode(text, add_special_tokens=not text.startswith(spelled), verbose=False)
        for text in texts
    ]


def count_words(text: str) -> int:
    """Pieces between stretches of white space; at the ends of a text, empty ones count too."""
    return len(re.split(r"\s+", text))


def pages(rows: Sequence[str]) -> Iterator[str]:
    """WikiText's rows cut into pages at every line that looks like a title of the first level.

    The newline before a title belongs to no page. Unlike in `lmtopo.dataset.documents.articles`,
    a piece of a formula such as ``" = 1 henry and capacitance C = "`` starts a page. An empty row
    stands for the blank line ``" \\n"``.
    """
    lines: list[str] = []
    for line in "".join(row or " \n" for row in rows).split("\n"):
        headline = line.replace("= = =", "===").replace("= =", "==").strip()
        if headline.startswith("= ") and headline.endswith(" ="):
            if "".join(lines).strip():
                yield "\n".join(lines)
            lines = []
        lines.append(line)
    yield "\n".join(lines)


RULES = [
    (re.compile(split), joined)
    for split, joined in (
        # contractions; the second is a slip of the task's: a digit becomes its own pattern
        ("s '", "s'"),
        ("/' [0-9]/", "/'[0-9]/"),
        # number separators and punctuation
        (" @-@ ", "-"),
        (" @,@ ", ","),
        (r" @\.@ ", "."),
        *((f" {re.escape(mark)} ", f"{mark} ") for mark in ":;.!?,"),
        # white space inside brackets and quotation marks
        (r"\(\s*([^\)]*?)\s*\)", r"(\1)"),
        (r"\[\s*([^\]]*?)\s*\]", r"[\1]"),
        (r"{\s*([^}]*?)\s*}", r"{\1}"),
        (r"\"\s*([^\"]*?)\s*\"", r'"\1"'),
        (r"'\s*([^']*?)\s*'", r"'\1'"),
        # headings, degrees, line ends, numbers left out, genitives
        ("= = = =", "===="),
        ("= = =", "==="),
        ("= =", "=="),
        (" \N{DEGREE SIGN} ", "\N{DEGREE SIGN}"),
        (" \n", "\n"),
        ("\n ", "\n"),
        (" N ", " 1 "),
        (" 's", "'s"),
    )
]
"""What is replaced by what, in this order."""


def detokenise(page: str) -> str:
    """A page of WikiText as the task shows it to a model: most of the spaces that WikiText's
    tokenisation has added are taken out again."""
    for split, joined in RULES:
        page = split.sub(joined, page)
    return page
