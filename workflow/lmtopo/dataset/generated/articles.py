"""Encyclopedia articles on invented subjects, laid out as in WikiText."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from lmtopo.dataset.generated import sections, subjects
from lmtopo.dataset.generated.grammar import expand, pick

SUBJECTS: dict[str, tuple[Callable[[np.random.Generator], dict[str, str]], dict[str, str]]] = {
    "town": (subjects.town, sections.TOWN),
    "river": (subjects.river, sections.RIVER),
    "mineral": (subjects.mineral, sections.MINERAL),
    "machine": (subjects.machine, sections.MACHINE),
    "species": (subjects.species, sections.SPECIES),
    "person": (subjects.person, sections.PERSON),
}
KINDS = tuple(SUBJECTS)


class Article(NamedTuple):
    """An article and the facts it keeps to."""

    kind: str
    facts: dict[str, str]
    text: str


def article(rng: np.random.Generator) -> Article:
    """Draw a subject with its facts, and write its sections; one of them may be left out."""
    kind = pick(rng, KINDS)
    draw, templates = SUBJECTS[kind]
    facts = subjects.settle(subjects.common(rng) | draw(rng))
    last = tuple(templates)[-1]
    lines = [f" = {capital(facts['title'])} = "]
    for heading, template in templates.items():
        if heading == last and rng.random() < 0.3:
            continue
        if heading:
            lines.append(f" = = {heading} = = ")
        lines.append(f" {expand(template, facts, rng)} ")
    return Article(kind, facts, " \n \n".join(line.rstrip() for line in lines) + " \n")


def capital(title: str) -> str:
    """With a capital first letter."""
    return title[:1].upper() + title[1:]


def write(rng: np.random.Generator) -> str:
    """One article's text."""
    return article(rng).text
