"""What the articles are about: invented names, and facts that agree with each other."""

import numpy as np

from lmtopo.dataset.generated.grammar import pick, table, words

Facts = dict[str, str]

STEMS = words(
    "Alder Ash Brack Brom Cald Carn Corn Dun Eller Fal Farn Gar Glen Hal Harrow Hex Inver Kel "
    "Kirk Lang Lin Mar Mel Mor Nether Nor Oak Orm Pen Rad Rother Sel Skel Stan Stour Thorn Tor "
    "Ul Wal Wether Win Wyn Yar"
)
TOWNS = words("borough bridge bury by dale field ford ham haven leigh minster mouth stead ton wick")
RIVERS = words("an aven beck ent er ick ish ow une yde")
SURNAMES = words(
    "Abernethy Ballard Carruthers Drummond Eastlake Fairbairn Galbraith Hollis Ingram Jessop "
    "Kershaw Lascelles Merriman Northcote Ogilvie Pemberton Quiller Ravenscroft Somerville "
    "Trevelyan Underhill Vickers Wainwright Yelverton Zeller Ashworth Brunton Cresswell Dalrymple "
    "Entwistle Farquhar Gascoigne Hargreave Illingworth Jardine Kitchener Lockwood Mallinson "
    "Nettleton Oldcastle Pilkington Rawlinson Satterfield Thistleton Urquhart Venning Whitaker "
    "Babington Cavendish Dunstable Fenwick Goodall Haldane Kingsley Maitland Pargeter Stanhope"
)
MEN = words(
    "Alfred Bernard Cuthbert Edmund Frederick George Herbert Isaac Josiah Lionel Matthew "
    "Nathaniel Percival Robert Silas Thomas Walter William"
)
WOMEN = words(
    "Agnes Beatrice Caroline Dorothea Edith Florence Georgiana Harriet Isabel Josephine "
    "Katherine Louisa Margaret Octavia Philippa Rosalind Sophia Winifred"
)
MONTHS = words(
    "January February March April May June July August September October November December"
)
COUNTIES = words("Northshire Wexmoor Carrickdale Eastmarch Arranmore Velland Tarnshire")
INDUSTRIES = words("wool tin pottery glass paper leather lace slate salt rope copper linen")
LATIN = words(
    "Acantho Brachy Calo Cyano Dendro Erythro Glauco Lepto Macro Melano Nycto Oreo Platy Rhodo "
    "Steno Xantho"
)
LATIN_ENDS = words("cephalus gnathus phanes pterus rhynchus soma stoma urus")
EPITHETS = words(
    "alpinus australis borealis elegans fluvialis gracilis litoralis montanus palustris vagans"
)

ANIMALS = table(
    "animal family group young diet",
    """
    warbler / Sylviidae / songbird / chicks / beetles, spiders and small snails
    newt / Salamandridae / amphibian / larvae / worms, midges and freshwater shrimp
    trout / Salmonidae / freshwater fish / fry / mayflies, leeches and smaller fish
    vole / Cricetidae / rodent / pups / roots, bark and sedges
    plover / Charadriidae / wader / chicks / crustaceans, worms and molluscs
    bat / Vespertilionidae / flying mammal / pups / moths, lacewings and gnats
    skink / Scincidae / lizard / hatchlings / ants, crickets and woodlice
    grebe / Podicipedidae / diving bird / chicks / minnows, tadpoles and dragonfly nymphs
    """,
)
MACHINES = table(
    "machine purpose part unit",
    """
    steam plough / the cultivation of heavy clay / winding drum / horsepower
    locomotive / hauling coal over steep gradients / coupled axle / horsepower
    beam engine / draining deep mines / cast-iron cylinder / horsepower
    traction engine / moving timber and stone / rear flywheel / horsepower
    power loom / weaving patterned cloth / shuttle mechanism / picks per minute
    rotary press / printing daily newspapers / inking roller / sheets per minute
    dredger / deepening silted harbours / bucket chain / tonnes per hour
    threshing machine / separating grain from chaff / beater drum / sacks per hour
    """,
)
CALLINGS = table(
    "calling field work",
    """
    botanist / the flora of upland bogs / an illustrated catalogue of mosses
    astronomer / variable stars / a chart of the southern sky
    surveyor / the measurement of coastlines / an atlas of harbours and shoals
    engineer / the design of suspension bridges / a treatise on wrought iron
    composer / choral music / an oratorio in four parts
    geologist / the dating of sandstone / a monograph on fossil ferns
    physician / the treatment of fevers / a handbook of hospital hygiene
    mathematician / the theory of curves / a table of elliptic integrals
    historian / medieval charters / a chronicle of the northern abbeys
    """,
)
CRYSTALS = table(
    "system habit luster tint",
    """
    monoclinic / slender prisms / vitreous / pale violet
    cubic / octahedra / metallic / steel grey
    hexagonal / tabular plates / pearly / colourless
    orthorhombic / radiating needles / silky / amber
    tetragonal / stubby pyramids / adamantine / reddish brown
    triclinic / bladed aggregates / resinous / bottle green
    """,
)
ELEMENTS = words("calcium iron manganese zinc lead barium cobalt magnesium strontium copper")


def number(value: int | float, digits: int = 0) -> str:
    """As printed: with commas between thousands."""
    return f"{value:,.{digits}f}"


def between(rng: np.random.Generator, low: int, high: int) -> int:
    """A whole number from ``low`` to ``high``, both included."""
    return low + int(rng.random() * (high - low + 1))


def common(rng: np.random.Generator) -> Facts:
    """Names, of which no two are the same, a county and dates in order of time."""
    stems = rng.permutation(len(STEMS))
    town, other, third = (STEMS[stem] + pick(rng, TOWNS) for stem in stems[:3])
    river, branch, fork = (STEMS[stem] + pick(rng, RIVERS) for stem in stems[3:6])
    first, second, last = (SURNAMES[place] for place in rng.permutation(len(SURNAMES))[:3])
    woman = rng.random() < 0.5
    year = between(rng, 1805, 1845)
    later = year + between(rng, 12, 40)
    latest = later + between(rng, 15, 40)
    return {
        "town": town,
        "other": other,
        "third": third,
        "river": river,
        "branch": branch,
        "fork": fork,
        "person": f"{pick(rng, WOMEN if woman else MEN)} {first}",
        "surname": first,
        "he": "she" if woman else "he",
        "his": "her" if woman else "his",
        "partner": f"{pick(rng, MEN)} {second}",
        "critic": f"{pick(rng, WOMEN)} {last}",
        "county": pick(rng, COUNTIES),
        "industry": pick(rng, INDUSTRIES),
        "month": pick(rng, MONTHS),
        "patron": pick(rng, MEN),
        "year": str(year),
        "later": str(later),
        "latest": str(latest),
        "gap": str(later - year),
        "modern": str(between(rng, 1930, 1998)),
        "distance": number(between(rng, 6, 38)),
    }


def town(rng: np.random.Generator) -> Facts:
    """Population counted twice, area and what follows from them."""
    before = between(rng, 900, 6000)
    growth = between(rng, 700, 29_000)
    area = between(rng, 4, 60)
    return {
        "title": "{town}",
        "founded": str(between(rng, 1080, 1420)),
        "before": number(before),
        "after": number(before + growth),
        "growth": number(growth),
        "area": number(area),
        "density": number((before + growth) // area),
        "height": number(between(rng, 12, 340)),
        "census": str(between(rng, 200, 202) * 10 + 1),
    }


def river(rng: np.random.Generator) -> Facts:
    """Heights, their difference, and the length as the sum of two courses."""
    source, mouth = between(rng, 420, 980), between(rng, 4, 160)
    upper, lower = between(rng, 9, 60), between(rng, 14, 130)
    return {
        "title": "River {river}",
        "month": pick(rng, MONTHS[2:6]),
        "source": number(source),
        "fall": number(source - mouth),
        "mouth": number(mouth),
        "upper": number(upper),
        "lower": number(lower),
        "length": number(upper + lower),
        "basin": number(between(rng, 200, 3900)),
        "flow": number(between(rng, 30, 700) / 10, 1),
        "flood": number(between(rng, 800, 2400)),
        "mills": number(between(rng, 11, 60)),
        "houses": number(between(rng, 20, 400)),
    }


def mineral(rng: np.random.Generator) -> Facts:
    """A crystal, its composition and its mine."""
    elements = rng.permutation(len(ELEMENTS))
    return pick(rng, CRYSTALS) | {
        "title": "{mineral}",
        "metal": ELEMENTS[elements[0]],
        "trace": ELEMENTS[elements[1]],
        "acid": pick(rng, ("silicate", "phosphate", "carbonate", "arsenate", "borate")),
        "hardness": number(between(rng, 20, 75) / 10, 1),
        "gravity": number(between(rng, 240, 690) / 100, 2),
        "depth": number(between(rng, 30, 420)),
        "tonnes": number(between(rng, 800, 24_000)),
        "share": number(between(rng, 51, 88)),
        "melting": number(between(rng, 610, 1490)),
    }


def machine(rng: np.random.Generator) -> Facts:
    """How many were built, scrapped and kept."""
    scrapped, kept = between(rng, 14, 300), between(rng, 2, 9)
    return pick(rng, MACHINES) | {
        "title": "{surname} {machine}",
        "built": number(scrapped + kept),
        "scrapped": number(scrapped),
        "kept": number(kept),
        "output": number(between(rng, 24, 180)),
        "weight": number(between(rng, 31, 240) / 10, 1),
        "price": number(between(rng, 180, 2900)),
        "workers": number(between(rng, 60, 900)),
    }


def species(rng: np.random.Generator) -> Facts:
    """Sizes, and numbers at two counts."""
    now, lost = between(rng, 400, 9000), between(rng, 300, 9000)
    least = between(rng, 6, 19)
    return pick(rng, ANIMALS) | {
        "title": "{river} {animal}",
        "month": pick(rng, MONTHS[2:6]),
        "latin": f"{pick(rng, LATIN)}{pick(rng, LATIN_ENDS)} {pick(rng, EPITHETS)}",
        "least": number(least),
        "most": number(least + between(rng, 2, 7)),
        "grams": number(between(rng, 11, 190)),
        "brood": number(between(rng, 2, 9)),
        "days": number(between(rng, 14, 48)),
        "formerly": number(now + lost),
        "lost": number(lost),
        "now": number(now),
        "upland": number(between(rng, 150, 900)),
        "census": str(between(rng, 2001, 2019)),
    }


def person(rng: np.random.Generator) -> Facts:
    """A life, in years that add up."""
    return pick(rng, CALLINGS) | {
        "title": "{person}",
        "age": str(between(rng, 58, 91)),
        "young": str(between(rng, 21, 30)),
        "pages": number(between(rng, 180, 940)),
        "letters": number(between(rng, 210, 3400)),
        "pension": number(between(rng, 60, 400)),
    }


def settle(facts: Facts) -> Facts:
    """Add what follows from several facts, and write out those that name others."""
    facts = dict(facts)
    facts["mineral"] = facts["surname"].rstrip("e") + "ite"
    if "age" in facts:
        born = int(facts["year"]) - int(facts["young"])
        died = max(born + int(facts["age"]), int(facts["later"]) + 2)
        facts |= {"born": str(born), "died": str(died), "age": str(died - born)}
    return {name: value.format_map(facts) for name, value in facts.items()}
