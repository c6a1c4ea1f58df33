"""Plots about plans: to wish, to go out, to grow, to build."""

from lmtopo.dataset.generated.grammar import table
from lmtopo.dataset.generated.plot import Plot

WISH = Plot(
    """
    {opening} {hero} wished for a {color} {thing} more than anything. [Every day {he} saw one in
    the window of the shop.|{friend} had one, and it looked like so much fun.] But a {thing} cost
    [ten|twelve|twenty|thirty] coins, and {hero} had only [one|two|three]. "[You must save your
    coins|You can earn it]," said {his} {elder}. So {hero} began to work. {He} [swept the
    floor|raked the leaves|washed the dishes] for {his} {elder}, and [fed the {beast}|carried bags
    for the neighbors|picked berries for {friend}]. The {beast} [watched|followed] {him} and
    {cheer}. {Each} {he} [put|dropped] a coin into {bank}. [Sometimes {he} wanted to give up.|Once
    {he} nearly spent it all on candy.] But {he} was patient. [At last|After many weeks|After three
    months], {bank} was full! {hero} [ran|raced|hurried] to the shop and bought the {thing}. "[My
    wish came true|I did it]!" {he} {shouted}. {hero} {rode} [all day|until sunset|with {friend}].
    {He} was {happy} because {he} had earned the {color} {thing} {himself}. [Good things come to
    those who wait.|Hard work can make a wish come true.|]
    """,
    tuple(
        thing | bank
        for thing in table(
            "thing rode",
            """
            bicycle / rode it up and down the road
            scooter / zoomed along the sidewalk
            sled / slid down the snowy slope
            telescope / looked at the moon
            violin / practiced a new tune
            tent / camped behind the house
            paint box / painted rainbows and castles
            fishing rod / caught a trout
            """,
        )
        for bank in table(
            "bank each",
            """
            the jar / every evening
            the piggy bank / every Friday
            the old boot / after each job
            the wooden box / each time
            """,
        )
    ),
)

WEATHER = Plot(
    """
    {opening} {oneday} {hero} and {friend} planned a {thing} {at}. They [packed|prepared|fetched]
    {gear}, and {hero} was {happy}. "[I can hardly wait|This will be great fun]!" said {friend}.
    But [suddenly|just as they arrived], {storm}. "[Oh no! Our {thing} is ruined|Now we cannot have
    our {thing}]!" {hero} {shouted}. {friend} was {sad}, too. They ran [home|back] [as fast as they
    could|with {gear} over their heads|hand in hand]. {hero}'s {elder} [gave them dry socks|made
    them cocoa|wrapped them in warm towels]. "[Do not be [sad|gloomy|upset]|Cheer up]," said {his}
    {elder}. "[We can have it indoors!|Who says it must be outside?]" They {inside}. The {beast}
    [came in, too, and|joined them and] {cheer}. [They told jokes and laughed.|They sang every song
    they knew.] [Outside it was wild, but inside it was cozy.|Nobody thought of the weather any
    more.] "This is the best {thing} ever," said {friend}. {hero} [nodded|agreed|{smiled}]. [When
    plans change, you can still have fun.|A rainy mood never lasts with friends.|] {evening}
    """,
    tuple(
        plan | weather
        for plan in table(
            "thing gear inside",
            """
            picnic / a blanket and a basket / spread the blanket on the kitchen floor
            treasure hunt / a map and a shovel / hid buttons all over the house
            puppet show / the puppets / built a stage from the sofa
            tea party / cups and spoons / set the cups on the carpet
            camping trip / pillows and a flashlight / made a tent out of sheets
            concert / pots and pans / drummed in the attic
            dance / ribbons and bells / danced around the table
            """,
        )
        for weather in table(
            "storm",
            """
            dark clouds came and it began to rain
            it started to hail
            a strong wind began to howl
            a whirlwind blew dust into their eyes
            lightning flashed and rain poured down
            a cold fog rolled in
            """,
        )
    ),
)

SEED = Plot(
    """
    {opening} {oneday} {his} {elder} gave {hero} a {small} {thing} seed. "[Plant it and be
    patient|Take good care of it]," {ehe} said. {hero} [dug a hole|made a bed of soft soil] {at}
    and put the seed into the ground. {He} watered it every [morning|evening|day]. [The next day
    {he} looked, but nothing had grown.|A week went by, but there was only dirt.] {hero} was {sad}.
    "[Maybe it is asleep|Growing takes time]," said {friend}. [{hero} sang to the seed every
    night.|{hero} pulled out the weeds.|{hero} kept the {beast} away from it.] Then, one
    [morning|day], a {small} sprout [peeked out|appeared]. "Look, look!" {hero} {shouted}. The
    sprout grew taller [and taller|than {friend}|every day]. [The sun shone and the rain fell.|Bees
    hummed around its leaves.] In the [fall|end], there was a {big} {thing}! {hero} {used}.
    [Everyone came to see it.|{friend} and the whole street got some.] {hero} was {happy} and
    {hugged} {his} {elder}. [{He} learned that a {thing} needs water, sun and time.|"I will save a
    seed of this {thing} for next year," said {hero}.|Patience had turned a seed into a {thing}.]
    """,
    table(
        "thing used",
        """
        pumpkin / carved a funny face into it
        sunflower / gave the seeds to the birds
        tomato / cut it into thick slices
        carrot / crunched it with a loud noise
        melon / shared the sweet pieces
        cabbage / made a large pot of soup
        bean / picked a whole bowl of pods
        potato / roasted it over a fire
        """,
    ),
)

TOWER = Plot(
    """
    {opening} {oneday} {hero} [wanted|decided] to build a {thing} {at}. {setting} {He}
    [gathered|collected|looked for] {stuff} and worked [hard|for hours|all morning]. [The {thing}
    grew and grew.|It looked splendid.] But then {friend}'s {beast} [rushed past|came by], and
    [crash|bump|splat], the {thing} [fell down|collapsed|broke apart]! "{sound}!" {cried} the
    {beast}. {hero} was {angry} and [stamped {his} feet|kicked the ground|wanted to quit]. "[It did
    not mean to do it|Please do not be {angry}]," said {friend}. "[Let us try again.|I will help
    you.]" {hero} [took a deep breath|counted to ten|dried {his} tears]. [This time they made it
    wider at the bottom.|First they drew a plan.|They {trick}.] {friend} [gave|handed] {him}
    {stuff}, and {hero} [pushed everything into place|did the rest]. [It fell once more, but they
    kept trying.|] [At last|Finally|By noon] it was done. The new {thing} was even
    [better|stronger|taller] than the first. The {beast} {cheer}, and {hero} was {happy}. [If you
    do not succeed, try again.|"We make a good team," said {hero}.|] {evening}
    """,
    table(
        "thing stuff trick",
        """
        castle / wet sand / packed it tightly
        tower / wooden blocks / put the heavy ones below
        fort / thick branches / tied them with string
        statue / lumps of clay / kept the clay wet
        bridge / flat stones / leaned them together
        raft / old planks / nailed them crosswise
        hut / straw and mud / let it dry in the sun
        birdhouse / boards and nails / measured each side
        """,
    ),
)

PLOTS = {"wish": WISH, "weather": WEATHER, "seed": SEED, "tower": TOWER}
