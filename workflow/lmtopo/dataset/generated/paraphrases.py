"""Labelled pairs of news sentences, in the manner of the Microsoft paraphrase corpus."""

import re
from typing import NamedTuple

import numpy as np

from lmtopo.dataset.generated.event import Event
from lmtopo.dataset.generated.events import EVENTS
from lmtopo.dataset.generated.grammar import expand, pick

NAMES = tuple(EVENTS)
POSITIVE = 2 / 3
CANDIDATES = 6
OVERLAP = (0.5, 1.0)
"""Range from which the wanted overlap of a pair is drawn, whatever its label."""


class Pair(NamedTuple):
    """Two sentences with the values of their slots; they say the same where the values agree."""

    event: str
    values: tuple[dict[str, int], dict[str, int]]
    sentences: tuple[str, str]
    label: int


def pair(rng: np.random.Generator) -> Pair:
    """Draw an event and tell it twice: with the same values (label 1) or with others (label 0).

    Of several second sentences the one is kept whose overlap with the first is nearest to an
    overlap drawn beforehand, so that the number of shared words does not tell the label.
    """
    name = pick(rng, NAMES)
    event = EVENTS[name]
    values = draw(event, rng)
    first = tell(event, values, rng)
    label = int(rng.random() < POSITIVE)
    wanted = OVERLAP[0] + (OVERLAP[1] - OVERLAP[0]) * rng.random()
    candidates = []
    for _ in range(CANDIDATES):
        others = values if label else change(event, values, rng)
        second = tell(event, others, rng)
        if second != first:
            candidates.append((abs(overlap(first, second) - wanted), second, others))
    if not candidates:
        return pair(rng)
    _, second, others = min(candidates, key=lambda candidate: candidate[0])
    return Pair(name, (values, others), (first, second), label)


def draw(event: Event, rng: np.random.Generator) -> dict[str, int]:
    """A value for each slot, by its place among the slot's values; swapped slots differ."""
    values = {slot: int(rng.random() * len(options)) for slot, options in event.slots.items()}
    if any(values[one] == values[other] for one, other in event.swaps):
        return draw(event, rng)
    return values


def change(event: Event, values: dict[str, int], rng: np.random.Generator) -> dict[str, int]:
    """Other values: two exchanged, or one slot drawn anew."""
    if event.swaps and rng.random() < 0.5:
        one, other = pick(rng, event.swaps)
        return values | {one: values[other], other: values[one]}
    slot = pick(rng, tuple(event.slots))
    size = len(event.slots[slot])
    changed = values | {slot: (values[slot] + 1 + int(rng.random() * (size - 1))) % size}
    if any(changed[one] == changed[other] for one, other in event.swaps):
        return change(event, values, rng)
    return changed


def tell(event: Event, values: dict[str, int], rng: np.random.Generator) -> str:
    """One of the sentences that say these values."""
    facts: dict[str, str | tuple[str, ...]] = {}
    for slot, place in values.items():
        value = event.slots[slot][place]
        facts |= {slot: value} if isinstance(value, str) else value
    return expand(pick(rng, event.sentences), facts, rng) + "."


def overlap(first: str, second: str) -> float:
    """Jaccard index of the two sets of words."""
    one, other = (set(re.findall(r"[\w,]+\w|\w", text.lower())) for text in (first, second))
    return len(one & other) / len(one | other)


def write(rng: np.random.Generator) -> tuple[str, str, int]:
    """One pair: both sentences and the label."""
    drawn = pair(rng)
    return (*drawn.sentences, drawn.label)
