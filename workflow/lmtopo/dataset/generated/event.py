"""What an event in the news is made of."""

from collections.abc import Mapping
from typing import NamedTuple

from lmtopo.dataset.generated.grammar import words

Choice = str | Mapping[str, str | tuple[str, ...]]


class Event(NamedTuple):
    """Sentences that say the same, the values of their slots, and pairs of slots to exchange.

    Every sentence names every slot, so that another value gives another meaning. A value that is
    a mapping sets several facts at once, where one verb needs several forms.
    """

    sentences: tuple[str, ...]
    slots: Mapping[str, tuple[Choice, ...]]
    swaps: tuple[tuple[str, str], ...] = ()


def numbers(low: int, high: int, step: int) -> tuple[str, ...]:
    """Numbers as a newspaper prints them."""
    return tuple(f"{value:,}" for value in range(low, high + 1, step))


DAYS = words("Monday Tuesday Wednesday Thursday Friday Saturday Sunday")
MONTHS = words("January March April May June July August October November December")
CITIES = words(
    "Boston Denver Chicago Dallas Seattle Phoenix Houston Toronto Montreal Glasgow Dublin Madrid "
    "Lisbon Vienna Warsaw Prague Athens Cairo Nairobi Delhi Bangkok Manila Sydney Lima"
)
FIRMS = (
    *("Northgate Bank", "Calder Systems", "Ridgeway Foods", "Halston Motors", "Trident Energy"),
    *("Bluewater Airlines", "Keystone Steel", "Orion Software", "Summit Pharma", "Larkin Paper"),
    *("Delmar Telecom", "Pacific Freight", "Corwin Chemicals", "Everett Shipping", "Nova Retail"),
)
LEADERS = (
    *("Senator Alvarez", "Mayor Whitfield", "Governor Osborne", "Minister Lindqvist"),
    *("Chancellor Brandt", "Congressman Pruitt", "Judge Okafor", "Commissioner Tanaka"),
    *("Secretary Mahoney", "Councillor Desai", "Speaker Rourke", "Ambassador Novak"),
)
TEAMS = words("Rovers United Athletic Wanderers Dynamo Rangers Albion Olympic Harriers Hornets")
VEHICLES = ("school bus", "freight train", "delivery van", "fire engine", "taxi", "tram", "truck")

UP = {
    "moved": ("rose", "climbed", "increased"),
    "move": ("a rise", "an increase"),
}
DOWN = {
    "moved": ("fell", "dropped", "declined"),
    "move": ("a drop", "a decline"),
}
