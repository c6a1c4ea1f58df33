"""What a study file's values should be, in words, where pydantic's own are of Python."""

from collections.abc import Mapping
from typing import Any

from lmtopo.study.schema import LAYER, NAME, REPO, SPLIT

PATTERNS = {
    NAME: "lower-case letters, digits, '.', '_' and '-', the first a letter or a digit",
    LAYER: "embedding, block_1, block_2, ... or final_norm",
    SPLIT: "letters, digits, '_' and '-'",
    REPO: "owner/name, as on the hub",
}


def in_words(item: Mapping[str, Any]) -> str:
    """What one of pydantic's findings says of a value."""
    told = item.get("ctx", {})
    match item["type"]:
        case "string_pattern_mismatch":
            return f"should be {PATTERNS[told['pattern']]}"
        case "string_too_long":
            return f"should have at most {told['max_length']} characters"
        case "too_short":
            return f"should have at least {told['min_length']} item, not {told['actual_length']}"
        case "too_long":
            return f"should have at most {told['max_length']} items, not {told['actual_length']}"
        case "model_type" | "dict_type":
            return "should be a section of keys"
        case "list_type":
            return "should be a list"
    message = item["msg"].removeprefix("Value error, ")
    return f"{message[:1].lower()}{message[1:]}"
