"""Plots about two friends: to share, to quarrel, to give, to compete, to meet."""

from lmtopo.dataset.generated.grammar import table
from lmtopo.dataset.generated.plot import Plot

FOOD = table(
    "thing one taste",
    """
    cookies / cookie / sweet and crunchy
    pears / pear / soft and juicy
    muffins / muffin / warm and fluffy
    sandwiches / sandwich / tasty and fresh
    pancakes / pancake / hot and buttery
    strawberries / strawberry / ripe and sweet
    nuts / nut / crisp and salty
    candies / candy / sticky and sour
    plums / plum / cool and juicy
    pretzels / pretzel / salty and chewy
    """,
)

TURNS = Plot("""
    {opening} {oneday} {hero} brought {his} {color} {thing} to play {at}. {setting} It was a
    {pretty} {thing} and it {does}. {friend}, a {nice} {fkid}, [saw it|came along]. "[Can|May] I
    [play with|hold|try] your {thing}, please?" asked {friend}. [{hero} shook {his} head. "No! It
    is mine!" {he} {shouted}.|"No," said {hero}. {He} did not want to share.] {friend} was {sad}
    and [walked away|sat down alone {near}|began to cry]. {hero} played alone, but [soon {he} was
    bored|it was not fun at all|nobody laughed with {him}]. [{He} thought about {friend}.|Then {he}
    saw a tear on {friend}'s cheek.] [{hero} felt {sad} too.|{hero} knew {he} had been unkind.]
    {He} [ran|went|walked] to {friend} and said, "I am sorry. [Let us play together.|You can have a
    turn now.]" {friend} {smiled}. They took turns [until it was dark|all day long|for hours].
    [Playing together was much more fun.|Now both of them were {happy}.] [{hero} learned that
    sharing a {thing} makes it twice as nice.|After that, {hero} always shared the {color} {thing}
    with {friend}.|The two friends never fought over the {thing} again.] {evening}
""")

LUNCH = Plot(
    """
    {opening} {hero} loved to eat {thing}. {oneday} {his} {elder} gave {him} a
    [bag|box|basket|bowl] of {thing}. They were {taste}. {hero} took the {thing} and
    [went|walked|skipped] to {friend}, who was waiting {at}. {setting} [On the way|Before long]
    {he} met a hungry {beast}. "{sound}! [I have had nothing to eat today|My tummy is empty],"
    {cried} the {beast}. [{hero} looked at {his} {thing}. There were only three left.|{hero} wanted
    to keep them all.] [But {he} felt sorry for the {beast}.|But the {beast} looked so thin.]
    "Here, take one {one}," {he} said. The {beast} ate the {one} and {cheer}. [{friend} got one
    too.|"And this one is for you," {he} said to {friend}.] ["You are very kind," said
    {friend}.|"What a generous {kid} you are!" said {friend}.] Then they sat [side by side|down]
    and [ate|munched] together. Their {thing} had never tasted better. {hero} was {happy}, because
    [sharing feels good|giving is better than having]. {evening}
    """,
    FOOD,
)

GREEDY = Plot(
    """
    {opening} {oneday} {his} {elder} [found|bought|brought home] some {thing}. They looked
    wonderful. "[Please wait until dinner|Do not eat them all|Leave some for {friend}]," {his}
    {elder} said. But {hero} was [greedy|hungry|impatient]. The {thing} were {taste}, [and {he}
    wanted more and more|so {he} could not stop]. {He} ate one {one}, then two, then
    [five|six|seven|ten]! [Soon the plate was empty.|Not a crumb was left.] [Then {his} tummy began
    to hurt.|Suddenly {he} felt sick.] "Ouch! My tummy aches!" {he} {shouted}. {His} {elder} came
    [quickly|in a hurry] and [put {him} to bed|gave {him} a cup of tea|rubbed {his} back]. [Just
    then {friend} came to visit.|Then {friend} knocked on the door.] "Are there any {thing} left?"
    {fhe} asked. {hero} [blushed|looked at the floor|felt ashamed]. "I am sorry. I ate every one of
    them," {he} said. {friend} was {sad}, but [{fhe} was not {angry}|{fhe} forgave {him}]. [The
    next day|A week later], {hero} and {his} {elder} [bought|got] new {thing}, and {hero} gave the
    [first|biggest|best] {one} to {friend}. [{hero} learned not to be greedy.|Now {hero} knew when
    to stop.|Too much of a good thing is bad for you.]
    """,
    FOOD,
)

QUARREL = Plot("""
    {opening} {His} best friend was {friend}. {oneday} they found a {color} {thing} {near} while
    playing {at}. {setting} The {thing} {does}. "I saw it first!" {hero} {shouted}. "No, it is
    mine!" {shouted} {friend}. They [pulled and pulled|pushed each other|argued for a long time].
    [Then {friend} slipped and fell into the mud.|Then both of them tumbled to the ground.] "I do
    not want to be your friend any more," said {friend}, and {fhe} [marched off|went home]. {hero}
    had the {thing}, but {he} was {sad}. [Without {friend}, nothing was fun.|{He} missed {friend}.]
    "[What is worth more, a {thing} or a friend|Would you trade a friend for a {thing}]?" asked
    {his} {elder}. {hero} [thought hard|knew the answer]. {He} [knocked on {friend}'s door|went to
    see {friend}] and said, "I was wrong. You can have the {thing}." "[I am sorry, too|I was wrong
    as well]," said {friend}. [They shook hands.|They hugged.] From then on the {color} {thing}
    belonged to both of them. [One week it stayed with {hero}, and the next with {friend}.|]
    [They|Both friends] were {happy}. [A friend is worth more than a {thing}.|Saying sorry can mend
    a friendship.|] {evening}
""")

PRESENT = Plot(
    """
    {opening} [Tomorrow was|It was nearly] {friend}'s birthday. {hero} wanted to give {fhim} a
    {pretty} present, but {he} had no money. "[What can I do|What should I give]?" {he} asked {his}
    {elder}. "[Make something yourself|The best presents are made by hand]," said {his} {elder}.
    {hero} [thought and thought|scratched {his} head], and then {he} had an idea. {He} would make a
    {color} {thing}! {He} took {stuff} and [worked in secret|began at once]. {He} {made}. [It was
    not easy.|It took the whole night.|Twice {he} had to start over.] The {beast} [looked on|kept
    {him} company] and {cheer}. At last the {thing} was ready, and {hero} [wrapped it in paper|tied
    a ribbon around it|hid it in a bag]. [At the party|The next day], {friend} got many gifts.
    {hero} was {scared}. [What if {friend} did not like it?|The other gifts were so big.] But when
    {friend} opened the bag, {fhis} eyes [lit up|grew wide]. "A {color} {thing}! [You made it
    yourself?|It is just what I wanted!] [This is my favorite present|I love it]," said {friend}.
    {hero} was {happy}. [A gift from the heart is the best of all.|They ate cake and danced.|]
    """,
    table(
        "thing stuff made",
        """
        card / paper and crayons / drew the two of them under a rainbow
        necklace / beads and string / put the beads on the string
        mask / cardboard and paint / cut out the eyes and the mouth
        pillow / cloth and feathers / sewed the edges with tiny stitches
        candle / wax and a wick / poured the wax into a mold
        mug / clay and a sponge / shaped the handle with wet fingers
        sweater / wool and two needles / knitted one row after another
        paper bird / a square of paper / folded the wings very neatly
        whirligig / sticks and a pin / bent the four corners
        """,
    ),
)

RACE = Plot(
    """
    {opening} {oneday} there was a {thing} {where}. The prize was a {color} ribbon. {friend} was
    very {quick} and [bragged|boasted] about it. "[You will never win|I will beat you easily],"
    {fhe} said to {hero}. {hero} was {sad}. "[Just do your best|Practice helps more than talk],"
    said {his} {elder}. So {hero} practiced [every day|before school|in rain and wind]. {friend}
    only [slept|rested in the shade|ate ice cream]. Then the day came. "Ready, set, go!" [Everyone
    cheered.|The crowd clapped.|The {beast} {cried}.] {friend} was ahead, but [{fhe} stopped to
    show off|{fhe} grew tired|{fhe} tripped over {fhis} own feet]. {hero} went on, [step by
    step|without looking back]. [Closer and closer came the end.|{His} heart pounded.] And then
    {hero} won the {thing}! {friend} [cried|hung {fhis} head]. {hero} [helped {fhim} up|put an arm
    around {fhim}]. "[You are good at it, too|We can practice together]," {he} said. {friend}
    [{smiled}|wiped {fhis} nose] and said, "I will not brag again." {hero} was {happy} with the
    {color} ribbon, but even happier to have a friend for the next {thing}. [Practice is better
    than boasting.|]
    """,
    table(
        "thing quick where",
        """
        running race / fast / around the village
        swimming race / quick / in the bay
        jumping contest / good at jumping / on the lawn
        spelling contest / clever with letters / at school
        rowing race / strong / on the canal
        cooking contest / good at cooking / in the town hall
        singing contest / loud / in the theater
        """,
    ),
)

NEWCOMER = Plot("""
    {opening} {oneday} a {fkid} named {friend} [moved in next door|came to live nearby]. {friend}
    was shy and did not [speak to anyone|know anybody]. {hero} saw {fhim} {at}, all alone with a
    {color} {thing}. {setting} [The other children were busy.|Nobody asked {fhim} to play.] {hero}
    remembered [how it felt to be lonely|{his} own first day]. So {he} walked over and said,
    "[Hello|Hi]! I am {hero}. What a {pretty} {thing}!" {friend} [looked up|blushed]. "Thank you,"
    {fhe} whispered. "[Please show it to me|I would love to see it]," said {hero}. {friend}
    [gave|handed] {him} the {thing}. It {does}. [They laughed so hard that a {beast} came to
    look.|A {beast} heard them and {cheer}.] {hero} showed {friend} [a secret hiding place|the best
    spot] {hidden}. "[Would you like to come to my house|Will you play with me tomorrow]?" {hero}
    asked. {friend} {smiled} for the first time. "[Yes, please|I would love to]! And I will bring
    my {thing}," {fhe} said. {friend} was not lonely any more, and {hero} was {happy} to have a new
    friend. [A kind word can open any door.|Making a friend is as easy as saying hello.|] {evening}
""")

PLOTS = {
    "turns": TURNS,
    "lunch": LUNCH,
    "greedy": GREEDY,
    "quarrel": QUARREL,
    "present": PRESENT,
    "race": RACE,
    "newcomer": NEWCOMER,
}
