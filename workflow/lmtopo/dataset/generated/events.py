"""News that can be told in several ways: sentences of one meaning, and what may differ."""

from lmtopo.dataset.generated.event import (
    CITIES,
    DAYS,
    DOWN,
    FIRMS,
    LEADERS,
    MONTHS,
    TEAMS,
    UP,
    VEHICLES,
    Event,
    numbers,
)
from lmtopo.dataset.generated.grammar import words

EVENTS = {
    "purchase": Event(
        (
            "{buyer} [said|announced] on {day} that it [will|has agreed to] [buy|acquire] "
            "{seller} for ${sum} million in a deal that [requires|needs] the approval of "
            "regulators",
            "{seller} [will be|is to be] [bought|acquired] by {buyer} for ${sum} million in a "
            "deal that [requires|needs] the approval of regulators, the companies "
            "[said|announced] on {day}",
            "in a deal that [requires|needs] the approval of regulators, {buyer} [will|is to] "
            "[buy|acquire] {seller} for ${sum} million, the companies [said|announced] on {day}",
        ),
        {
            "buyer": FIRMS,
            "seller": FIRMS,
            "sum": numbers(120, 940, 20),
            "day": DAYS,
        },
        (("buyer", "seller"),),
    ),
    "damages": Event(
        (
            "a [judge|court] in {city} on {day} ordered {payer} to pay {payee} ${sum} million in "
            "[damages|compensation] [for|over] {harm}",
            "{payer} must pay {payee} ${sum} million in [damages|compensation] [for|over] "
            "{harm}, a [judge|court] in {city} ruled on {day}",
            "on {day}, {payee} was awarded ${sum} million in [damages|compensation] from {payer} "
            "[for|over] {harm} by a [judge|court] in {city}",
        ),
        {
            "payer": FIRMS,
            "payee": FIRMS,
            "sum": numbers(11, 95, 3),
            "day": DAYS,
            "city": CITIES,
            "harm": (
                "the theft of trade secrets",
                "the infringement of three patents",
                "a broken supply contract",
                "the delivery of faulty parts",
            ),
        },
        (("payer", "payee"),),
    ),
    "match": Event(
        (
            "{winner} [beat|defeated] {loser} by {goals} goals to one in front of {crowd} "
            "[spectators|fans] in {city} on {day} [to reach|and reached] the {stage} of the cup",
            "{loser} were [beaten|defeated] by {winner}, who reached the {stage} of the cup, by "
            "{goals} goals to one in front of {crowd} [spectators|fans] in {city} on {day}",
            "on {day} in {city}, {winner} reached the {stage} of the cup [by beating|with a "
            "victory over] {loser} by {goals} goals to one in front of {crowd} [spectators|fans]",
        ),
        {
            "winner": TEAMS,
            "loser": TEAMS,
            "goals": ("two", "three", "four", "five"),
            "crowd": numbers(11_000, 64_000, 1000),
            "city": CITIES,
            "day": DAYS,
            "stage": ("quarterfinal", "semifinal", "final", "third round"),
        },
        (("winner", "loser"),),
    ),
    "charge": Event(
        (
            "during a [debate|session] on {topic} in {city}, {accuser} on {day} [accused "
            "{accused} of|said {accused} was guilty of] {deed} and demanded an apology",
            "{accuser} [accused {accused} of|said {accused} was guilty of] {deed} and demanded "
            "an apology during a [debate|session] on {topic} in {city} on {day}",
            "{accused} was accused of {deed} by {accuser}, who demanded an apology, on {day} "
            "during a [debate|session] on {topic} in {city}",
        ),
        {
            "accuser": LEADERS,
            "accused": LEADERS,
            "city": CITIES,
            "day": DAYS,
            "topic": ("tax reform", "prison funding", "water rights", "school budgets", "housing"),
            "deed": (
                "misleading voters",
                "hiding the true cost of the project",
                "leaking a confidential report",
                "ignoring the advice of experts",
            ),
        },
        (("accuser", "accused"),),
    ),
    "meeting": Event(
        (
            "{guest} will [fly|travel] to {city} on {day} to meet {host} for talks on {topic}, "
            "[a spokesman|an aide] said",
            "{host} will [receive|welcome] {guest} in {city} on {day} for talks on {topic}, [a "
            "spokesman|an aide] said",
            "[a spokesman|an aide] said that {guest} will be [received|welcomed] by {host} in "
            "{city} on {day} for talks on {topic}",
        ),
        {
            "guest": LEADERS,
            "host": LEADERS,
            "city": CITIES,
            "day": DAYS,
            "topic": ("border security", "fishing quotas", "flood relief", "trade and tariffs"),
        },
        (("guest", "host"),),
    ),
    "shares": Event(
        (
            "[shares of|stock in] {firm} {moved} {percent} percent to ${price} on {day} after "
            "the company [replaced|dismissed] its chief {officer} officer",
            "after the company [replaced|dismissed] its chief {officer} officer, {firm} "
            "[shares|stock] {moved} {percent} percent on {day} to ${price}",
            "on {day}, {firm} [shares|stock] traded at ${price}, {move} of {percent} percent, "
            "after the company [replaced|dismissed] its chief {officer} officer",
        ),
        {
            "firm": FIRMS,
            "trend": (UP, DOWN),
            "percent": numbers(2, 19, 1),
            "price": numbers(14, 88, 1),
            "day": DAYS,
            "officer": ("executive", "financial", "technology", "operating"),
        },
    ),
    "vote": Event(
        (
            "by {ayes} votes to {noes}, the {city} council on {day} {decided} a [plan|proposal] "
            "to {plan} [despite protests by residents|although residents had protested]",
            "the {city} council {decided} a [plan|proposal] to {plan} on {day} by {ayes} votes "
            "to {noes} [despite protests by residents|although residents had protested]",
            "[despite protests by residents|although residents had protested], a [plan|proposal] "
            "to {plan} was {decided} by the {city} council by {ayes} votes to {noes} on {day}",
        ),
        {
            "city": CITIES,
            "day": DAYS,
            "ayes": ("nine", "ten", "eleven", "twelve"),
            "noes": ("two", "three", "four", "six"),
            "verdict": (
                {"decided": ("approved", "endorsed", "passed")},
                {"decided": ("rejected", "turned down", "voted down")},
            ),
            "plan": (
                "widen the airport road",
                "close two public libraries",
                "build a stadium on the waterfront",
                "ban cars from the old market",
            ),
        },
    ),
    "crash": Event(
        (
            "at least {count} people were [hurt|injured] on {day} when a {one} [hit|struck] a "
            "{two} on a {road} near {city}, police said",
            "police said at least {count} people were [hurt|injured] when a {two} was "
            "[hit|struck] by a {one} on a {road} near {city} on {day}",
            "a {one} [hit|struck] a {two} on a {road} near {city} on {day}, [hurting|injuring] "
            "at least {count} people, [according to police|police said]",
        ),
        {
            "count": numbers(3, 42, 1),
            "one": VEHICLES,
            "two": VEHICLES,
            "road": ("bridge", "level crossing", "highway ramp", "flooded street"),
            "city": CITIES,
            "day": DAYS,
        },
        (("one", "two"),),
    ),
    "storm": Event(
        (
            "Hurricane {name} [knocked out|cut] power to {homes} homes in {land} on {day} as "
            "winds reached {speed} miles per hour, [officials|authorities] said",
            "{homes} homes in {land} [lost|were left without] power on {day} when Hurricane "
            "{name} struck with winds of {speed} miles per hour, [officials|authorities] said",
            "[officials|authorities] said {homes} homes [lost|were left without] power on {day} "
            "as Hurricane {name} hit {land} with winds of {speed} miles per hour",
        ),
        {
            "name": words("Gloria Hector Irene Jerome Katia Lorenzo Melissa Norman Odette Pablo"),
            "homes": numbers(12_000, 310_000, 2000),
            "land": words("Florida Louisiana Honduras Jamaica Cuba Texas Haiti Georgia Belize"),
            "speed": numbers(75, 150, 5),
            "day": DAYS,
        },
    ),
    "study": Event(
        (
            "{habit} {affects} the risk of {illness}, [researchers|scientists] in {city} said on "
            "{day} after [a study of|studying] {count} adults over {years} years",
            "[researchers|scientists] in {city} said on {day} that {habit} {affects} the risk of "
            "{illness}, after [a study of|studying] {count} adults over {years} years",
            "a study of {count} adults over {years} years [found|showed] that the risk of "
            "{illness} is {affected} by {habit}, [researchers|scientists] in {city} said on "
            "{day}",
        ),
        {
            "habit": ("eating fish", "night work", "drinking coffee", "regular fasting"),
            "effect": (
                {
                    "affects": ("lowers", "reduces", "cuts"),
                    "affected": ("lowered", "reduced", "cut"),
                },
                {"affects": ("raises", "increases"), "affected": ("raised", "increased")},
            ),
            "illness": ("stroke", "diabetes", "heart disease", "asthma", "depression"),
            "count": numbers(1200, 9800, 200),
            "years": words("three five six eight ten"),
            "city": CITIES,
            "day": DAYS,
        },
    ),
    "plant": Event(
        (
            "{firm} [said|announced] on {day} that it will {act} its plant in {city} in {month}, "
            "{acting} {jobs} jobs, because of [changing|shifting] demand for {goods}",
            "because of [changing|shifting] demand for {goods}, {jobs} jobs will be {acted} when "
            "{firm} {acts} its plant in {city} in {month}, the company [said|announced] on {day}",
            "the {city} plant of {firm} will be {done} in {month}, {acting} {jobs} jobs, the "
            "company [said|announced] on {day}, citing [changing|shifting] demand for {goods}",
        ),
        {
            "firm": FIRMS,
            "direction": (
                {
                    "act": ("close", "shut"),
                    "acts": ("closes", "shuts"),
                    "done": ("closed", "shut"),
                    "acting": ("cutting", "eliminating"),
                    "acted": ("cut", "eliminated"),
                },
                {
                    "act": ("expand", "enlarge"),
                    "acts": ("expands", "enlarges"),
                    "done": ("expanded", "enlarged"),
                    "acting": ("creating", "adding"),
                    "acted": ("created", "added"),
                },
            ),
            "city": CITIES,
            "jobs": numbers(150, 2900, 50),
            "month": MONTHS,
            "day": DAYS,
            "goods": words("tractors batteries furniture printers bicycles engines cameras"),
        },
    ),
    "exports": Event(
        (
            "exports of {goods} from {land} {moved} {percent} percent in {month} from a year "
            "[earlier|before], [according to figures released on {day}|figures released on {day} "
            "showed]",
            "figures released on {day} [showed|revealed] that exports of {goods} from {land} "
            "{moved} {percent} percent in {month} from a year [earlier|before]",
            "exports of {goods} from {land} showed {move} of {percent} percent in {month} from a "
            "year [earlier|before], according to figures [released|published] on {day}",
        ),
        {
            "goods": words("steel wheat copper timber textiles coffee machinery cotton"),
            "land": words("Brazil Canada Chile Norway Poland Kenya Vietnam Turkey Mexico"),
            "trend": (UP, DOWN),
            "percent": numbers(3, 38, 1),
            "month": MONTHS,
            "day": DAYS,
        },
    ),
}
