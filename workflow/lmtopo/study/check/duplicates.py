"""Keys that stand twice in a study file, of which YAML readers silently take the last."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import yaml

from lmtopo.errors import InputError


def unique_keys(paths: Iterable[str | Path]) -> None:
    """Refuse study files in which a section has a key twice.

    Raises
    ------
    InputError
        With the file, the key and both lines of each, one a line.
    """
    problems = [
        f"'{path}', line {second}: key '{key}' stands on line {first} already, and only the last "
        "would count: rename or remove one"
        for path in paths
        for key, first, second in repeated(yaml.compose(Path(path).read_text(), yaml.SafeLoader))
    ]
    if problems:
        raise InputError("\n".join(problems))


def repeated(node: yaml.Node | None, path: str = "") -> Iterator[tuple[str, int, int]]:
    """Path in the file, first line and later line of keys that their section has already."""
    if isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            yield from repeated(item, f"{path}[{index}]")
    if isinstance(node, yaml.MappingNode):
        lines: dict[str, int] = {}
        for key, value in node.value:
            name = f"{path}.{key.value}".removeprefix(".")
            line = key.start_mark.line + 1
            if key.value in lines:
                yield name, lines[key.value], line
            lines.setdefault(key.value, line)
            yield from repeated(value, name)
