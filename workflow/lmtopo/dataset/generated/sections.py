"""How the articles are written: per subject the headings, and a template for each paragraph.

No template holds a figure of its own, so that every number in an article is one of its facts.
"""

TOWN = {
    "": """
    {town} is a [market town|parish and former borough|small town] in {county},
    [situated|located] on the [left|northern|eastern] bank of the River {river}, about {distance}
    kilometres from {other}. [It stands at an elevation of {height} metres above sea level.|The
    town lies {height} metres above sea level and covers {area} square kilometres.] At the census
    of {census} it had a population of {after}. [Historically it was known for its {industry}
    trade.|Its prosperity was founded on {industry}.]""",
    "History": """
    The settlement [is first recorded|first appears] in a charter of {founded}, which granted a
    weekly market to the [monks|burgesses] of {town}. [Little is known of the earlier
    period.|Fragments of Roman tile suggest an older occupation.] In {year} {person}
    [established|opened] a {industry} works beside the {river}, and [the enterprise expanded
    rapidly|within a decade it dominated local employment]. The railway from {other} [reached
    {town}|was completed] in {later}, [{gap} years after the foundation of the works|despite the
    objections of several landowners]. [A severe fire in {month} {latest} destroyed the
    guildhall.|The guildhall was rebuilt in {latest} to the plans of {partner}.] Production of
    {industry} ceased in {modern}.""",
    "Geography": """
    The parish [occupies|comprises] {area} square kilometres of [undulating farmland|limestone
    upland|alluvial meadow]. The River {river} is joined below the town by the {branch}, which
    [rises near|flows from] {third}. [Flooding was frequent before the embankments were
    raised.|The subsoil consists mainly of clay and gravel.] The nearest towns are {other} and
    {third}.""",
    "Demographics": """
    The population [rose|increased] from {before} in {latest} to {after} in {census}, [an
    increase of {growth} inhabitants|a gain of {growth}]. This [corresponds to|represents] a
    density of roughly {density} inhabitants per square kilometre. [Most residents are employed
    in services and light manufacturing.|A considerable proportion commutes to {other}.]""",
    "Landmarks": """
    [The parish church, dedicated to Saint {patron}, retains a Norman doorway.|The ruined priory
    stands on a terrace above the {river}.] A [bronze statue|granite obelisk] commemorates
    {person}, whose {industry} works has been [converted into a museum|listed as a protected
    building] since {modern}. [The annual fair takes place in {month}.|]""",
}

RIVER = {
    "": """
    The River {river} is a [river|watercourse] in {county}. It [is {length} kilometres long|has a
    length of {length} kilometres] and drains a basin of {basin} square kilometres. [Its
    principal tributaries are the {branch} and the {fork}.|The {branch} and the {fork} are its
    largest tributaries.] The [largest|only] town on its banks is {town}.""",
    "Course": """
    The {river} [rises|originates] at an altitude of {source} metres on the [moors|slopes] above
    {third}. Its upper course, {upper} kilometres long, [descends through a narrow gorge|follows
    a glacial valley]. At {town} it receives the {branch}; [thereafter|from this confluence] the
    lower course [meanders|winds] for another {lower} kilometres across [an alluvial plain|
    marshland] to its mouth near {other}, {mouth} metres above sea level. The total descent is
    {fall} metres.""",
    "Hydrology": """
    The mean discharge at the {town} gauge is {flow} cubic metres per second. [Discharge is
    greatest in {month}, when snow melts in the uplands.|The regime is dominated by winter
    rainfall.] The [highest|most severe] flood on record occurred in {latest}, when the flow
    [exceeded|was estimated at] {flood} cubic metres per second and {houses} houses [were
    inundated|had to be evacuated] in {town}. [An embankment was subsequently constructed.|A
    reservoir above {third} has regulated the flow since {modern}.]""",
    "Economy": """
    In the nineteenth century the {river} powered {mills} mills, most of which [produced
    {industry}|were engaged in the {industry} trade]. A canal linking {town} with {other} was
    [surveyed|proposed] by {person} in {year} and [opened|completed] in {later}, after {gap}
    years. [Commercial navigation ended in {modern}.|The locks were abandoned in {modern}.]
    [Angling and canoeing are now of greater importance.|]""",
    "Bridges": """
    The [oldest surviving|principal] bridge, at {town}, has [three|five|seven] arches of dressed
    sandstone and [was erected in|dates from] {later}. Its architect, {partner}, [also
    designed|was likewise responsible for] the viaduct over the {branch}. [A footbridge near
    {other} was swept away in the flood of {latest}.|]""",
}

MINERAL = {
    "": """
    {Mineral} is a [rare|scarce|comparatively uncommon] {metal} {acid} mineral. It crystallizes
    in the {system} system and [typically forms|usually occurs as] {habit}. It was [first
    described|discovered] in {year} by {person}, after whom it is named, from specimens
    collected near {town} in {county}.""",
    "Properties": """
    {Mineral} is {tint} with a {luster} lustre. Its hardness on the Mohs scale is {hardness}, and
    its specific gravity is {gravity}. [The streak is white.|Cleavage is perfect in one
    direction.|The fracture is conchoidal.] Small quantities of {trace} [may substitute
    for|commonly replace] {metal}[ in the lattice|]. When heated, the mineral [loses water and
    turns opaque|darkens gradually], and it melts at {melting} degrees Celsius. [It dissolves
    slowly in dilute hydrochloric acid.|It is insoluble in acids.]""",
    "Discovery": """
    {Person} [noticed|encountered] the mineral in {year} while [examining|surveying] a disused
    {trace} mine above the River {river}. An analysis by {partner} [showed|established] that it
    contained {metal}, [which had been overlooked by earlier investigators|contrary to the
    prevailing opinion]. The name {mineral} was [proposed|introduced] by {critic} in {later},
    {gap} years after the discovery. [The type specimen is preserved in the museum at {other}.|]""",
    "Occurrence": """
    {Mineral} [occurs|is found] in [hydrothermal veins|weathered basalt|metamorphosed limestone],
    in association with [quartz and fluorite|galena and baryte|calcite and pyrite]. The richest
    deposit was worked at a depth of {depth} metres near {town}, where {tonnes} tonnes of ore
    were [extracted|raised] between {later} and {latest}. It [yielded|accounted for] {share}
    percent of the known [supply|material]. [Minor localities include {other} and {third}.|]""",
    "Uses": """
    [During the nineteenth century|For several decades] {mineral} was [ground as a pigment|used
    as a flux in {industry} manufacture|employed in the glazing of tiles]. [It was displaced by
    cheaper synthetic compounds, and the last mine closed in {modern}.|Mining was discontinued in
    {modern} on grounds of cost.] [Transparent crystals are occasionally cut for collectors.|]""",
}

MACHINE = {
    "": """
    The {surname} {machine} was a [type|class] of {machine} [designed|devised] by {person} for
    {purpose}. [It was manufactured|Examples were built] at {town} in {county} from {later} to
    {latest}. [Altogether|In total] {built} were completed, of which {kept} survive.""",
    "Development": """
    {Surname}, [who had been apprenticed at {other}|formerly a foreman at the {other} foundry],
    [obtained|was granted] a patent for {his} invention in {year}. [Financial support was
    provided by {partner}.|The partnership with {partner} supplied the necessary capital.] The
    prototype [proved unreliable|suffered from fractured castings], and {gap} years
    [elapsed|passed] before regular production commenced in {later}. [Trials on the banks of the
    {river} attracted considerable attention.|The first example was delivered to an estate near
    {third}.]""",
    "Design": """
    The machine weighed {weight} tonnes and [developed|was rated at] {output} {unit}. Its [most
    distinctive|principal] feature was the {part}, [which was mounted above the frame|which could
    be disengaged by a single lever]. [Lubrication was automatic.|Steam was supplied by a
    horizontal boiler.|The bearings were of phosphor bronze.] According to {critic}, the {part}
    [reduced vibration|simplified maintenance] and [made the {machine} suitable for|permitted]
    {purpose} [without skilled supervision|in all seasons].""",
    "Production": """
    The {town} works employed {workers} [people|hands] at its height. Each {machine} was sold for
    {price} pounds. [Exports began almost immediately.|The {industry} industry was the chief
    customer.] [Competition from cheaper designs|A strike in {month}|The death of {partner}]
    brought production to an end in {latest}, by which time {built} had been constructed.""",
    "Preservation": """
    Of the {built} machines, {scrapped} were scrapped and {kept} have been preserved. [One is
    displayed at the {other} museum of industry.|One was restored to working order in {modern}.]
    [Original drawings by {person} are held in the {county} archives.|]""",
}

SPECIES = {
    "": """
    The {river} {animal} ({latin}) is a [species|little-known species] of {group} in the family
    {family}. It is [endemic|native] to the {river} valley in {county}. [The species was
    described|A formal description was published] by {person} in {year}.""",
    "Description": """
    Adults [measure|attain] {least} to {most} centimetres in length and weigh about {grams}
    grams. The upper parts are [chestnut|slate|olive] with [dark bars|pale spots|a narrow
    stripe], [while the throat is whitish|whereas the underside is buff]. [Females are slightly
    larger than males.|The sexes are similar in appearance.] {Critic} [distinguished|separated]
    it from related forms by [the shape of the skull|the structure of the teeth|its
    vocalizations].""",
    "Distribution and habitat": """
    The {animal} inhabits [reed beds|stony streams|damp woodland|coastal heath] between {town}
    and {other}, [up to|to] an altitude of {upland} metres. [Isolated populations persist along
    the {branch}.|It formerly occurred along the {branch} as well.] It [avoids|is absent from]
    cultivated land.""",
    "Behaviour": """
    The diet consists of {diet}. [Foraging takes place chiefly at dusk.|Individuals are solitary
    outside the breeding season.] Breeding begins in {month}, and a brood [numbers|comprises]
    {brood} {young}, which become independent after {days} days. [Predators include herons,
    otters and pike.|Longevity in the wild is unknown.]""",
    "Conservation": """
    [Drainage|Pollution from {industry} works|The introduction of mink] caused a [steep|marked]
    decline during the twentieth century. A survey in {modern} estimated {formerly} individuals;
    by {census} only {now} remained, a loss of {lost}. The species is [protected by
    law|classified as vulnerable], and a reserve near {town} was [established|designated] in
    {census}.""",
}

PERSON = {
    "": """
    {person} ({month} {born} – {died}) was [a|an eminent] {calling} [from|born at] {town} in
    {county}. {He} is [remembered|best known] for {his} contributions to {field} and for {work},
    [published|completed] in {later}.""",
    "Early life": """
    {Surname} was born in {month} {born} at {town}, where {his} family [owned a {industry}
    manufactory|had long been engaged in the {industry} trade]. [{He} was educated at the grammar
    school in {other}.|Poor health prevented regular schooling.] In {year}, at the age of
    {young}, {he} [moved to {third}|became assistant to {partner}], [whose encouragement proved
    decisive|where {he} gained access to an excellent library].""",
    "Career": """
    [From then on|For the following {gap} years] {surname} devoted {his} energies to {field}.
    [Expeditions along the River {river} furnished most of the material.|A modest legacy released
    {his} time for research.] The result was {work}, which [appeared|was issued] in {later} and
    ran to {pages} pages. {Critic} [praised its precision|criticized its conclusions], [but the
    work soon became indispensable|and a prolonged controversy ensued]. A pension of {pension}
    pounds was [awarded|granted] in the same year.""",
    "Death and legacy": """
    {Surname} died at {other} in {died}, aged {age}. {his} correspondence, amounting to {letters}
    letters, was [bequeathed|presented] to the library of {third}. [A commemorative tablet was
    unveiled at {town} in {modern}.|A lunar crater was named in {his} honour in {modern}.]
    [Modern scholarship has confirmed many of {his} findings.|{His} methods have since been
    superseded.]""",
    "Assessment": """
    According to {partner}, {surname} was [reserved|generous|obstinate] in private and [eloquent|
    unsparing] in print. [{His} interest in {field} never diminished.|Contemporaries considered
    {field} an eccentric pursuit.] [Several manuscripts remain unpublished.|An edition of {his}
    papers is in preparation.]""",
}
