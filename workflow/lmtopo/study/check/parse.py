"""A study file as it is written: keys that are not known, missing or of a wrong value."""

import difflib
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import ValidationError

from lmtopo.errors import InputError
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
        problems = [explain(item, raw) for item in error.errors()]
        raise InputError(report(str(raw.get("study", "?")), problems)) from None


def report(study: str, problems: list[str]) -> str:
    """All problems as one message, one a line."""
    count = f"{len(problems)} problem{'s' if len(problems) > 1 else ''}"
    return "\n".join([f"study '{study}' has {count}:", *(f"  - {line}" for line in problems)])


def explain(item: Mapping[str, Any], raw: Mapping[str, Any]) -> str:
    """One of pydantic's findings in the file's own words."""
    path, schema = key_path(item["loc"], raw), item["type"]
    if schema == "extra_forbidden":
        name = str(item["loc"][-1])
        close = difflib.get_close_matches(name, all_keys(), 1, 0.6)
        return f"{path}: unknown key" + (f" (did you mean {close[0]}?)" if close else "")
    if schema == "missing":
        return f"{path}: required, but not given"
    if schema == "union_tag_invalid":
        known = item["ctx"]["expected_tags"]
        return f"{path}.source: {item['ctx']['tag']!r} is not known here, only {known}"
    if schema == "union_tag_not_found":
        return f"{path}.source: required, but not given"
    message = item["msg"].removeprefix("Value error, ")
    message = message[:1].lower() + message[1:]
    value = item.get("input")
    shown = f" (given: {value!r})" if isinstance(value, str | int | float) else ""
    return f"{path}: {message}{shown}"


def key_path(loc: tuple[str | int, ...], raw: Any) -> str:
    """``loc`` without the steps pydantic adds for the branches of a union."""
    path = ""
    for key in loc:
        if isinstance(key, int):
            path += f"[{key}]"
            raw = raw[key] if isinstance(raw, list) and key < len(raw) else None
        elif key == loc[-1] or (isinstance(raw, Mapping) and key in raw):
            path += f".{key}"
            raw = raw.get(key) if isinstance(raw, Mapping) else None
    return path.removeprefix(".")


def all_keys() -> list[str]:
    schema = StudyFile.model_json_schema()
    parts = [schema, *schema["$defs"].values()]
    return [key for part in parts for key in part.get("properties", {})]


def unknown(where: str, name: str, known: Iterable[str]) -> str:
    return f"{where}: '{name}' is not defined (there are: {', '.join(known) or 'none'})"
