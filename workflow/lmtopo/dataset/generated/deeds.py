"""Plots about deeds: to find, to rescue, to mend, to dare, to bring home."""

from lmtopo.dataset.generated.cast import BEASTS
from lmtopo.dataset.generated.grammar import table
from lmtopo.dataset.generated.plot import Plot

SMALL = ("frog", "owl", "bird", "mouse", "bee", "crow")

LOST = Plot("""
    {opening} {hero} had a {pretty} {color} {thing}. [The {thing} {does}, and|It {does}, so] {hero}
    [loved it very much|took it everywhere|never went out without it]. {oneday} {hero} [went to
    play|played|was running around] {at}. {setting} [But when it was time to go home|Suddenly|After
    a while], {he} could not find the [{color} |]{thing}. "[Oh no! Where|Where] is my {thing}?"
    {hero} [cried|asked]. {He} felt {sad}. [A {beast} heard {him}. "{sound}! {sound}!" {cried} the
    {beast}. "[Do not worry. |]I will help you [look|search]."|A {beast} came by. "{sound}! Why are
    you crying?" it asked.] They looked {near}, but the {thing} was not there. [They looked {far}
    too, but found only [a leaf|a stick|an old sock|a snail].|] [Then the {beast} peeked|At last
    they looked|Finally {hero} looked] {hidden}. [There it was!|There lay the {color} {thing}!]
    {hero} was {happy} and {hugged} the {beast}. The {beast} {cheer}. [From that day on, {he}
    always took good care of {his} {thing}.|{hero} held the {color} {thing} tight all the way
    home.|"I will never lose my {thing} again," said {hero}.] [The moral of the story is to look
    after the things we love.|{hero} learned that it is good to ask for help.|] {evening}
""")

RESCUE = Plot(
    """
    {opening} {oneday} {hero} [was walking|was playing|took a walk] {at}. {setting} [Suddenly {he}
    heard|Then {he} heard|There was] a [faint|strange|sad] sound. "{sound}! {sound}!" It was a
    {small} {beast}. The {beast} was stuck in a {thing}. "[Help! I cannot get out!|Please help
    me!]" it {cried}. [{hero} felt sorry for it.|{hero} was {scared}, but {he} wanted to help.]
    First {he} [pulled|tugged|pushed] with all {his} might, but [nothing happened|the {beast} did
    not move]. "[I am not strong enough|We need a plan]," said {hero}. {He} [ran to get|called|went
    to find] {friend}. {friend} brought {tool}. Together they {freed}, and [pop! The|at last
    the|soon the] {beast} was free. It {cheer}. "[Thank you, {hero}!|You saved me!]" it {cried}.
    [{hero} and {friend} were {happy}.|"You are welcome," said {hero}.] [{friend} and {hero} became
    good friends with the {beast}.|Now the {beast} comes to visit them every week.] And it never
    went near a {thing} again. [Even a small {kid} can be a big help.|When friends work together,
    they can do great things.|] {evening}
    """,
    tuple(
        thing | beast
        for thing in table(
            "thing tool freed",
            """
        hole / a long rope / pulled on the rope
        net / a pair of scissors / cut the strings
        bucket / a wooden spoon / tipped it over
        puddle of mud / a strong plank / laid the plank over the mud
        thorn bush / thick gloves / bent the thorns away
        fence / a hammer / lifted a board
        cage / a tiny key / turned the lock
        pipe / a bar of soap / made it slippery
        jar / some butter / rubbed the rim
        """,
        )
        for beast in BEASTS
        if beast["beast"] in SMALL or thing["thing"] not in ("bucket", "cage", "pipe", "jar")
    ),
)

MENDED = Plot(
    """
    {opening} {His} {elder} had a {pretty} {color} {thing}. It [was|was kept|had its place]
    {where}. "[Be careful with it|Please do not touch it]," {his} {elder} [always|often] said.
    {oneday} {hero} was [jumping|dancing|playing with a ball|chasing a fly] in the room. Crash!
    {He} [bumped into|knocked over|ran into] the {thing}, and {broke}. {hero} was {scared}. [{He}
    wanted to hide.|"What have I done?" {he} thought.|{He} wanted to blame the {beast}.] But {he}
    [told the truth|went to {his} {elder}]. "I am sorry. I broke your {thing}," {he} said. {His}
    {elder} was [not {angry}|{sad} at first]. "Thank you for telling me," {ehe} said. "[Let us mend
    it.|We can fix it together.]" They [fetched|found|got] {tool} and [set to work|worked slowly
    and carefully|sat down at the table]. {hero} {helped}. [After an hour|Before supper|Soon], the
    {color} {thing} was [whole again|as good as new|almost like before]. {hero} was {happy}. [From
    then on {he} was careful indoors.|{He} learned that it is always best to tell the
    truth.|"Everyone makes mistakes," said {his} {elder}.]
    """,
    table(
        "thing where broke tool helped",
        """
        vase / on the shelf / it broke into four pieces / some glue / pressed the pieces together
        chair / beside the stove / one leg came off / a hammer and nails / held the leg
        clock / on the wall / its hands fell off / a little screwdriver / handed over the screws
        curtain / by the window / it tore in the middle / needle and thread / threaded the needle
        cup / in the cupboard / its handle snapped / some glue / held the handle still
        lamp / next to the sofa / its shade was bent / pliers and wire / twisted the wire
        picture / above the fireplace / its frame cracked / strong tape / cut the tape
        teapot / on the tray / its lid split in two / some glue / counted to a hundred
        basket / near the door / its bottom ripped / some straw / wove the straw in and out
        guitar / in the corner / a string snapped / a new string / turned the peg
        """,
    ),
)

AFRAID = Plot(
    """
    {opening} {hero} was [brave|happy] most of the time, but {he} was [afraid|scared|frightened] of
    {thing}. {oneday} {friend} said, "{invite}" {hero} [trembled|turned pale|felt {his} heart beat
    fast]. "[No, I cannot! I am too {scared}|I do not like {thing}]," {he} whispered. {friend} did
    not laugh. "[I was afraid too, once|Everybody is afraid sometimes]," {fhe} said. "{advice}"
    {hero} [took a deep breath|closed {his} eyes for a moment|held {friend}'s hand]. [One, two,
    three!|Slowly and bravely,] {he} {tried}. [At first {his} knees shook.|It was hard in the
    beginning.|] Then something changed. {He} noticed that {found}. "[I did it|Look at me]!" {hero}
    {shouted}. [{friend} was proud of {him}.|{friend} clapped {fhis} hands.|"I knew you could do
    it," said {friend}.] {hero} was {happy}. [After that, {he} was not [afraid|scared|frightened]
    of {thing} any more.|Now {hero} tells everyone that {thing} can be fun.] [Being brave means
    trying even when you are afraid.|A good friend can make you strong.|] {evening}
    """,
    table(
        "thing invite advice tried found",
        """
        the dark / Come and see my secret cave. / Take this lantern with you. / \
stepped inside / the cave was full of sparkling stones
        deep water / Let us go swimming! / Hold on to this float. / \
kicked with both legs / the water carried {him} gently
        thunder / Listen, a storm is coming! / Let us count after the flash. / \
counted out loud / the storm was moving away
        the tall slide / Let us go down the slide! / I will sit right behind you. / \
let go of the rail / sliding tickled in {his} belly
        spiders / Look at this cobweb! / Watch how gently it spins. / \
moved closer / the spider had made a web like a star
        big dogs / Meet my new puppy! / Let it sniff your fingers. / \
held out one hand / the puppy only wanted to lick it
        the stage / Will you sing in the school play? / Look only at me while you sing. / \
sang the first line / the crowd was humming along
        loud trains / Let us ride to the city! / Cover your ears when it whistles. / \
climbed aboard / the wheels sounded like a song
        """,
    ),
)

BABY = Plot(
    """
    {opening} {oneday} {hero} and {friend} [were exploring|took a stroll|were having fun] {at}.
    {setting} [All of a sudden|Right in front of them], they found a baby {beast}. It was all
    alone. "{sound}," it {cried}, very softly. "[Where is your mother, little {beast}?|Poor
    {beast}, are you lost?]" asked {hero}. [The baby shivered.|A tear ran down its face.] {hero}
    [gave it some water|covered it with {his} scarf|stroked it gently]. "[We could keep it|Let us
    take it home]," said {friend}. But {hero} [shook {his} head|said no]. "Its mother must be
    {sad}. We have to find the mother." They [looked everywhere|searched high and low|followed the
    tracks]. [They asked a snail and a beetle.|They walked a long way.] No mother! Then {hero} had
    an idea. "{sound}! {sound}!" {he} {shouted}, as [loudly|well] as {he} could. [From far away|At
    once|After a moment] came an answer: "{sound}!" There, {far}, was a {big} {beast}. [The mother
    ran to the baby.|The baby jumped up and ran to its mother.] The big {beast} {cheer}. {hero} and
    {friend} were {happy} that the {beast} family was together again. [Every child needs a
    mother.|Doing the right thing felt good.|] {evening}
    """,
    tuple(beast | {"thing": beast["beast"]} for beast in BEASTS),
)

PLOTS = {"lost": LOST, "rescue": RESCUE, "mended": MENDED, "afraid": AFRAID, "baby": BABY}
