"""Templates that a seeded generator expands into English."""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import NamedTuple, TypeVar

import numpy as np

T = TypeVar("T")
Facts = Mapping[str, str | tuple[str, ...]]

SYNTAX = re.compile(r"[\[\]|]|\{\w+\}")
ARTICLE = re.compile(r"\b([Aa]) (?=[AEIOaeio]|[Uu](?!ni|s[eu]|r[aeu])|hour)(?!one\b|once\b|[Ee]u)")
SENTENCE = re.compile(r'^[a-z]|[.!?] [a-z]|\." [a-z]| "[a-z]')


class Fact(NamedTuple):
    name: str
    capital: bool


class Choice(NamedTuple):
    options: "tuple[Parts, ...]"


Parts = tuple[str | Fact | Choice, ...]


def expand(template: str, facts: Facts, rng: np.random.Generator) -> str:
    """Write one text of a template.

    ``[one|another|]`` draws an alternative, which may be empty and may hold further ones;
    ``{name}`` inserts a fact, and ``{Name}`` the same with a capital. A fact that is a string is
    the same wherever it is named; one that is a tuple is a list of templates, drawn anew each
    time. Runs of white space become one space, `a` becomes `an` before a vowel, and sentences
    begin with a capital.

    Raises
    ------
    KeyError
        If the template names a fact that is not given.
    """
    pieces: list[str] = []
    waiting = list(parse(template)[::-1])
    capital = False
    while waiting:
        part = waiting.pop()
        if isinstance(part, Choice):
            waiting += part.options[int(rng.random() * len(part.options))][::-1]
            continue
        if isinstance(part, Fact):
            value = facts[part.name]
            capital |= part.capital
            if isinstance(value, tuple):
                waiting += parse(value[int(rng.random() * len(value))])[::-1]
                continue
            part = value
        if capital and part:
            part, capital = part[0].upper() + part[1:], False
        pieces.append(part)
    text = ARTICLE.sub(r"\1n ", " ".join("".join(pieces).split()))
    return SENTENCE.sub(lambda match: match[0].upper(), text)


@cache
def parse(template: str) -> Parts:
    """The parts of a template.

    Raises
    ------
    ValueError
        If its brackets do not match.
    """
    open_choices: list[list[Parts]] = []
    levels: list[list[str | Fact | Choice]] = [[]]
    place = 0
    for match in SYNTAX.finditer(template):
        if match.start() > place:
            levels[-1].append(template[place : match.start()])
        place = match.end()
        sign = match[0]
        if sign == "[":
            open_choices.append([])
            levels.append([])
        elif sign[0] == "{":
            name = sign[1:-1]
            levels[-1].append(Fact(name[0].lower() + name[1:], name[0].isupper()))
        elif not open_choices:
            raise ValueError(f"'{sign}' outside of brackets in template: {template}")
        else:
            open_choices[-1].append(tuple(levels.pop()))
            if sign == "|":
                levels.append([])
            else:
                levels[-1].append(Choice(tuple(open_choices.pop())))
    if open_choices:
        raise ValueError(f"'[' without ']' in template: {template}")
    return (*levels[0], template[place:])


def pick(rng: np.random.Generator, options: Sequence[T]) -> T:
    """One of the options; much faster than ``rng.choice``."""
    return options[int(rng.random() * len(options))]


def table(columns: str, lines: str) -> tuple[dict[str, str], ...]:
    """Rows of facts that belong together: a line a row, its cells parted by `` / ``."""
    names = columns.split()
    return tuple(
        dict(zip(names, line.strip().split(" / "), strict=True))
        for line in lines.strip().splitlines()
    )


def words(text: str) -> tuple[str, ...]:
    """The words of a text."""
    return tuple(text.split())
