"""Who and what the stories are about: people, animals, places and things."""

from lmtopo.dataset.generated.grammar import table, words

GIRLS = words(
    "Lily Mia Anna Sara Zoe Ruby Ella Nora Lucy Amy Rosie Molly Tina Emma Daisy Clara Ivy Maya "
    "Hazel Penny Jane Sue Alice Wendy Olive Kate Nina June"
)
BOYS = words(
    "Tim Tom Ben Max Sam Leo Jack Finn Oscar Noah Toby Henry Milo Peter Felix Hugo Luke Owen "
    "Billy Dan Eli Charlie Adam Ned Theo Sid Ravi Oliver"
)
COLORS = words("red blue green yellow purple orange pink white black brown silver golden")

PRONOUNS = {
    "girl": {"he": "she", "him": "her", "his": "her", "himself": "herself"},
    "boy": {"he": "he", "him": "him", "his": "his", "himself": "himself"},
}

CHILD_HOMES = (
    "in a small house",
    "on a quiet street",
    "in a tall building in the city",
    "in a village near the sea",
    "in a wooden cabin",
    "above a bakery",
)

ANIMAL_HEROES = table(
    "kid home",
    """
    rabbit / in a warm burrow
    bear / in a deep cave
    fox / in a cozy den
    squirrel / in a hollow tree
    hedgehog / under a pile of leaves
    turtle / beside a still pond
    badger / under the roots of an elm
    otter / near a waterfall
    """,
)

ELDERS = table(
    "elder gender",
    """
    mom / girl
    dad / boy
    grandma / girl
    grandpa / boy
    aunt / girl
    uncle / boy
    """,
)

PLACES = table(
    "place at scene near far hidden",
    """
    park / in the park / Children were laughing on the swings. / under the bench / \
beside the fountain / behind the slide
    beach / at the beach / The waves rolled over the sand. / under a towel / \
next to the sandcastle / behind a rock
    forest / in the forest / Tall trees stood all around. / under a log / \
beside the path / between the ferns
    garden / in the garden / The tulips smelled sweet. / under the flower pot / \
next to the gate / behind the shed
    farm / on the farm / A tractor hummed in the distance. / under the wagon / \
beside the fence / in the hay
    river / by the river / The water sparkled in the sun. / under the bridge / \
on the pebbles / between the reeds
    meadow / in the meadow / Butterflies danced over the clover. / under a bush / \
beside the brook / in the long grass
    hill / on the hill / The wind tickled the daisies. / under the oak / \
next to the big stone / in a ditch
    lake / by the lake / A little ferry sailed past. / under the dock / \
beside the canoe / among the lilies
    market / at the market / People were selling bread and honey. / under a table / \
next to the baskets / behind a barrel
    schoolyard / in the schoolyard / A teacher rang the bell. / under the stairs / \
beside the sandbox / behind the wall
    orchard / in the orchard / Ripe fruit hung from the branches. / under a ladder / \
next to the well / in an empty crate
    """,
)

BEASTS = table(
    "beast sound cried cheer",
    """
    dog / Woof / barked / wagged its tail
    cat / Meow / meowed / purred softly
    duck / Quack / quacked / flapped its wings
    cow / Moo / mooed / swished its tail
    sheep / Baa / bleated / shook its wool
    pig / Oink / grunted / wiggled its ears
    hen / Cluck / clucked / fluffed its feathers
    frog / Ribbit / croaked / hopped in a circle
    owl / Hoot / hooted / blinked its round eyes
    bird / Tweet / chirped / sang a tune
    mouse / Squeak / squeaked / twitched its whiskers
    horse / Neigh / neighed / stamped its hooves
    bee / Buzz / buzzed / danced in the air
    donkey / Hee-haw / brayed / nodded its head
    goose / Honk / honked / stretched its neck
    crow / Caw / cawed / puffed up its chest
    """,
)

TOYS = table(
    "thing does",
    """
    ball / bounced very high
    kite / flew like an eagle
    doll / had long curly hair
    drum / went boom when you hit it
    train / rolled along a wooden track
    truck / carried sand and stones
    boat / floated like a cork
    robot / could walk and beep
    teddy / was soft and fluffy
    whistle / made a loud noise
    marble / shone like a star
    scarf / kept the cold away
    hat / had a funny feather on top
    bracelet / jingled with every step
    book / was full of pictures
    umbrella / opened with a click
    blanket / felt as warm as toast
    balloon / bobbed in the air
    crown / made everyone bow
    lantern / glowed in the night
    flute / played a sweet melody
    shell / sounded like the ocean
    backpack / had seven pockets
    key / opened a secret box
    wagon / had four squeaky wheels
    puppet / moved its arms and legs
    """,
)

RULES = {
    "nice": words(
        "little kind cheerful curious brave gentle clever shy playful friendly polite lively "
        "merry young"
    ),
    "happy": ("happy", "glad", "very happy", "so happy", "full of joy", "delighted", "pleased"),
    "sad": ("sad", "very sad", "upset", "unhappy", "so sad", "gloomy"),
    "scared": ("scared", "afraid", "frightened", "worried", "nervous"),
    "angry": ("angry", "cross", "mad", "grumpy"),
    "big": ("big", "huge", "large", "giant", "great big"),
    "small": ("small", "tiny", "little"),
    "pretty": ("pretty", "lovely", "beautiful", "special", "wonderful", "shiny"),
    "day": ("day", "morning", "afternoon", "Saturday", "spring morning", "summer day"),
    "oneday": (
        "One day,",
        "One {day},",
        "One sunny {day},",
        "On a bright {day},",
        "Early one morning,",
        "One day after breakfast,",
    ),
    "said": ("said", "answered", "replied"),
    "shouted": ("shouted", "cried", "called", "yelled"),
    "smiled": ("smiled", "grinned", "beamed", "laughed", "clapped"),
    "hugged": ("hugged", "gave a big hug to", "thanked", "threw {his} arms around"),
    "opening": (
        "Once upon a time, there was a {nice} {kid} named {hero}. [{hero} lived {home}.|]",
        "Once upon a time, a {nice} {kid} named {hero} lived {home}.",
        "There once was a {nice} {kid} called {hero}. [{He} lived {home}.|]",
        "{hero} was a {nice} {kid} who lived {home}.",
        "Long ago, a {nice} {kid} named {hero} lived {home} with {his} {elder}.",
    ),
    "evening": (
        "",
        "That night, {hero} slept well.",
        "When the sun went down, {he} went home with a smile.",
        "In the evening, {he} told {his} {elder} all about it.",
        "It was the best day ever.",
        "At bedtime, {hero} was still smiling.",
    ),
    "setting": ("", "{scene}", "It was warm and sunny.", "{scene} It was a fine day."),
}
