"""Short children's stories, in the manner of TinyStories."""

from typing import NamedTuple

import numpy as np

from lmtopo.dataset.generated import deeds, friendship, plans
from lmtopo.dataset.generated.cast import (
    ANIMAL_HEROES,
    BEASTS,
    BOYS,
    CHILD_HOMES,
    COLORS,
    ELDERS,
    GIRLS,
    PLACES,
    PRONOUNS,
    RULES,
)
from lmtopo.dataset.generated.grammar import expand, pick

PLOTS = deeds.PLOTS | friendship.PLOTS | plans.PLOTS
NAMES = tuple(PLOTS)


class Story(NamedTuple):
    """A story and the facts it keeps to."""

    plot: str
    facts: dict[str, str]
    text: str


def story(rng: np.random.Generator) -> Story:
    """Draw a plot and a cast, and tell it.

    The facts are those of `cast` and the plots: ``hero``, ``he``, ``him``, ``his``; the same with
    an ``f`` for the friend and an ``e`` for the elder; ``thing``, ``color``, ``place``, ``beast``
    and others.
    """
    name = pick(rng, NAMES)
    plot = PLOTS[name]
    facts = cast(rng) | pick(rng, plot.rows)
    for key, value in facts.items():
        if "{" in value:
            facts[key] = value.format_map(facts)
    return Story(name, facts, expand(plot.template, {**RULES, **facts}, rng))


def cast(rng: np.random.Generator) -> dict[str, str]:
    """A hero, a friend, an elder, an animal, a place and a color."""
    facts: dict[str, str] = {}
    for prefix in ("", "f"):
        kid = "girl" if rng.random() < 0.5 else "boy"
        person = {"kid": kid, "home": pick(rng, CHILD_HOMES)}
        name = pick(rng, GIRLS if kid == "girl" else BOYS)
        while name == facts.get("hero"):
            name = pick(rng, GIRLS if kid == "girl" else BOYS)
        facts["friend" if prefix else "hero"] = name
        if rng.random() < 0.3:
            person = pick(rng, ANIMAL_HEROES)
        facts |= {prefix + key: value for key, value in (person | PRONOUNS[kid]).items()}
    elder = pick(rng, ELDERS)
    facts["elder"] = elder["elder"]
    facts |= {"e" + key: value for key, value in PRONOUNS[elder["gender"]].items()}
    return facts | {"color": pick(rng, COLORS)} | pick(rng, PLACES) | pick(rng, BEASTS)


def write(rng: np.random.Generator) -> str:
    """One story's text."""
    return story(rng).text
