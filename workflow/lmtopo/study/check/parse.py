"""A study file as it is written: keys that are not known, missing or of a wrong value."""

import difflib
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import ValidationError

from lmtopo.errors import InputError
from lmtopo.study.check.words import in_words
from lmtopo.study.schema import StudyFile, fill_data


def parse(raw: Mapping[str, Any]) -> StudyFile:
    """The typed study file.

    Raises
    ------
    InputError
        With every unknown key, missing key and wrong value, each by its path in the file.
    """
    data = raw.get("data")
    try:
        return StudyFile.model_validate(fill_data(dict(raw), None if data is None else str(data)))
    except ValidationError as error:
        raise InputError(report(str(raw.get("study", "?")), explained(error, raw))) from None


def report(study: str, problems: list[str]) -> str:
    """All problems as one message, one a line."""
    count = f"{len(problems)} problem{'s' if len(problems) > 1 else ''}"
    return "\n".join([f"study '{study}' has {count}:", *(f"  - {line}" for line in problems)])


def explained(error: ValidationError, raw: Mapping[str, Any]) -> list[str]:
    """Pydantic's findings in the file's own words. Of a value that may be of several kinds it has
    one of each kind: those that go deeper say what is wrong, or else all are said as one."""
    found: dict[str, dict[str, str]] = {}
    kinds = set()
    for item in error.errors():
        path, of_kind = key_path(item["loc"], raw, own=item["type"] in OF_KEYS)
        path += ".source" if item["type"] in OF_SOURCES else ""
        found.setdefault(path, {}).setdefault(explain(item), given(item))
        if of_kind:
            kinds.add(path)
    return [
        f"{path}: {', or '.join(words)}{next(iter(words.values()))}"
        for path, words in found.items()
        if path not in kinds
        or not any(other.startswith((f"{path}[", f"{path}.")) for other in found)
    ]


OF_KEYS = ("extra_forbidden", "missing")
OF_SOURCES = ("union_tag_invalid", "union_tag_not_found")


def explain(item: Mapping[str, Any]) -> str:
    """What one of pydantic's findings says of a key."""
    schema = item["type"]
    if schema == "extra_forbidden":
        name = str(item["loc"][-1])
        close = difflib.get_close_matches(name, keys_beside(item["loc"]), 1, 0.6)
        return "unknown key" + (f" (did you mean {close[0]}?)" if close else "")
    if schema in ("missing", "union_tag_not_found"):
        return "required, but not given"
    if schema == "union_tag_invalid":
        known = item["ctx"]["expected_tags"]
        return f"{item['ctx']['tag']!r} is not known here, only {known}"
    return in_words(item)


def given(item: Mapping[str, Any]) -> str:
    """The value that a finding is about, where it is short."""
    value = item.get("input")
    if item["type"] in (*OF_KEYS, *OF_SOURCES) or not isinstance(value, str | int | float):
        return ""
    return f" (given: {value!r})"


def key_path(loc: tuple[str | int, ...], raw: Any, *, own: bool) -> tuple[str, bool]:
    """``loc`` without the steps that pydantic adds for the kinds that a value may be of, and
    whether it ends in such a step. ``own``: the last is the file's, though it may not be there."""
    path, of_kind = "", False
    for place, key in enumerate(loc, 1):
        of_kind = False
        if isinstance(key, int):
            path += f"[{key}]"
            raw = raw[key] if isinstance(raw, list) and key < len(raw) else None
        elif (own and place == len(loc)) or (isinstance(raw, Mapping) and key in raw):
            path += f".{key}"
            raw = raw.get(key) if isinstance(raw, Mapping) else None
        else:
            of_kind = True
    return path.removeprefix("."), of_kind


def keys_beside(loc: tuple[str | int, ...]) -> list[str]:
    """The other keys that the section at which ``loc`` ends may have."""
    schema = StudyFile.model_json_schema()
    kinds = flat(schema, schema["$defs"])
    for step in loc[:-1]:
        below = [deeper for kind in kinds for deeper in inside(kind, step, schema["$defs"])]
        kinds = below or [kind for kind in kinds if is_kind(kind, step)] or kinds
    return [key for kind in kinds for key in kind.get("properties", {}) if key != loc[-1]]


def flat(part: Mapping[str, Any], defined: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """A part of the schema as the kinds that it may be of."""
    if "$ref" in part:
        return flat(defined[part["$ref"].rpartition("/")[2]], defined)
    found = [kind for key in ("anyOf", "oneOf") for kind in part.get(key, [])]
    return [one for kind in found for one in flat(kind, defined)] if found else [part]


def inside(
    kind: Mapping[str, Any], step: str | int, defined: Mapping[str, Any]
) -> list[Mapping[str, Any]]:
    """What a kind has under a key, a name or a number in a list."""
    named = [*kind.get("patternProperties", {}).values(), kind.get("additionalProperties")]
    others = [kind.get("items")] if isinstance(step, int) else named
    found = [kind.get("properties", {}).get(step), *others]
    return [one for part in found if isinstance(part, Mapping) for one in flat(part, defined)]


def is_kind(kind: Mapping[str, Any], step: str | int) -> bool:
    """Whether a step that pydantic adds means this kind, by its name or its ``source``."""
    source = kind.get("properties", {}).get("source", {}).get("const")
    return step in (kind.get("title"), source)


def unknown(where: str, name: str, known: Iterable[str]) -> str:
    there = list(known)
    close = difflib.get_close_matches(name, there, 1, 0.6)
    meant = f"did you mean {close[0]}? " if close else ""
    return f"{where}: '{name}' is not defined ({meant}there are: {', '.join(there) or 'none'})"
