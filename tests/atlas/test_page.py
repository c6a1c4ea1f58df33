"""The page in a real browser; skipped where there is no Chromium."""

import importlib.util
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import CHROMIUM, DRIVER, Page, chromium
from made_up import write_study

from lmtopo.atlas import atlas

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        None in (CHROMIUM, DRIVER) or importlib.util.find_spec("selenium") is None,
        reason="needs chromium, chromedriver and selenium",
    ),
]

LOST = ("large", "low", 2, "stories")
PANELS = {"diagram", "barcode", "betti", "projection"}
COURSES = {"quality", "signature"}


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[object]:
    with chromium(tmp_path_factory.mktemp("chromium")) as started:
        yield started


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("atlas")
    told = write_study(folder / "study", nulls={"gaussian": 2, "shuffled": 1}, lost=[LOST])
    atlas(page=str(folder / "index.html"), **told)
    return folder / "index.html"


@pytest.fixture
def page(driver: object, file: Path) -> Iterator[Page]:
    """The page, freshly opened; its console must have stayed silent."""
    opened = Page(driver, file)
    opened.open()
    yield opened
    assert opened.complaints() == []


@pytest.mark.parametrize(
    ("control", "value", "changes"),
    [
        ("model-a", "large", PANELS | COURSES),
        ("budget-a", "high", PANELS | COURSES),
        ("dataset-a", "articles", PANELS | COURSES),
        ("layer-a", "embedding", PANELS | {"signature"}),
        ("pooling-a", "mean", PANELS | {"signature"}),
        ("signature-name", "total_persistence", {"signature"}),
        ("null", "shuffled", {"diagram", "betti", "signature"}),
        ("null", "none", {"diagram", "betti", "signature"}),
        ("colour", "document", {"projection"}),
        ("measure", "bits_per_byte", {"quality"}),
    ],
)
def test_every_choice_changes_what_is_shown_and_the_address(
    page: Page, control: str, value: str, changes: set[str]
) -> None:
    before, address = page.seen(), page.chosen
    page.choose(control, value)
    after = page.seen()
    assert {name for name in after if after[name] != before[name]} >= changes
    key = {"signature-name": "signature"}.get(control, control.removesuffix("-a"))
    assert page.chosen == address | {key: value} | {
        # a model without the budget shows the one it has
        **({"budget": "low"} if value == "large" else {})
    }


def test_the_dimension_changes_all_panels_of_homology(page: Page) -> None:
    before = page.seen()
    page.run("document.getElementById('dimension-0').click()")
    page.settle()
    after = page.seen()
    assert {name for name in after if after[name] != before[name]} >= {
        *("diagram", "barcode", "betti", "signature")
    }
    assert "24 bars" in after["barcode"]
    counts = page.run(
        "return cloudsOf(state.a)"
        ".then(([cloud]) => bettiCurve(cloud.bars[0]).map(({count}) => count))"
    )
    assert (max(counts), counts[-1]) == (24, 1)  # in the end one component is left


def test_the_slider_drags_through_training(page: Page) -> None:
    seen = set()
    for at in range(4):
        page.run(
            "const slider = document.getElementById('step-a'); slider.value = arguments[0];"
            "slider.dispatchEvent(new Event('input')); slider.dispatchEvent(new Event('change'))",
            at,
        )
        page.settle()
        seen.add(tuple(page.seen().values()))
    assert len(seen) == 4
    assert page.chosen["step"] == "4"


def test_keys_do_what_the_help_says(page: Page) -> None:
    from selenium.webdriver.common.keys import Keys

    assert page.chosen["step"] == "4"
    page.press(Keys.ARROW_LEFT)
    assert page.chosen["step"] == "2"
    page.press(Keys.HOME)
    assert page.chosen["step"] == "0"
    page.press(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
    assert page.chosen["step"] == "2"
    page.press(Keys.END)
    assert page.chosen["step"] == "4"
    start = page.chosen
    changed = {"m": "model", "b": "budget", "d": "dataset", "p": "pooling", "0": "dimension"}
    changed |= {
        "s": "signature",
        "n": "null",
        "t": "colour",
        "q": "measure",
        Keys.ARROW_UP: "layer",
    }
    for key, name in changed.items():
        page.open()
        page.press(key)
        assert page.chosen[name] != start[name], name
    page.press("c")
    assert page.chosen["step-b"] == "0"
    page.press(Keys.ARROW_RIGHT, shift=True)
    assert page.chosen["step-b"] == "1"
    page.press("x")
    assert (page.chosen["step"], page.chosen["step-b"]) == ("1", "4")
    page.press("c")
    assert "step-b" not in page.chosen
    page.press("?")
    assert page.run("return document.getElementById('help').open")
    told = page.run("return document.getElementById('keys').innerText")
    assert all(key in told for key in "mbdpsntqcx?")


@pytest.mark.parametrize(
    "control", ["[title='Previous checkpoint']", "#compare", "#legend button", "#dimension-0"]
)
def test_keys_go_on_after_a_click(page: Page, control: str) -> None:
    from selenium.webdriver.common.keys import Keys

    page.click(control)
    page.press(Keys.HOME, focused=True)
    assert page.chosen["step"] == "0"
    page.press(Keys.ARROW_RIGHT, focused=True)
    assert page.chosen["step"] == "1"
    page.press(Keys.ARROW_DOWN, focused=True)
    assert page.chosen["layer"] == "block_1"


def test_a_link_brings_everything_back_and_so_does_the_back_button(page: Page) -> None:
    page.choose("layer-a", "block_1")
    page.choose("colour", "document")
    page.press("c")
    page.choose("dataset-b", "articles")
    page.choose("null", "shuffled")
    shown, address = page.seen(), page.run("return location.hash")
    page.open(address)
    assert page.run("return location.hash") == address
    assert page.seen() == shown
    assert page.run("return document.getElementById('dataset-b').value") == "articles"
    page.choose("pooling-a", "mean")
    page.driver.back()
    page.until(f"location.hash === '{address}'")
    page.settle()
    assert page.seen() == shown


def test_a_link_to_what_is_not_there_goes_to_what_is_nearest(page: Page) -> None:
    page.open("#model=gone&layer=block_77&step=3000&dimension=9&signature=none&null=x&pooling=y")
    assert page.chosen["model"] == "small"
    assert page.chosen["step"] == "4"
    assert set(page.seen()) == PANELS | COURSES
    page.open("#model=constructor&dataset=length&layer=block_1")  # what every object has
    assert page.chosen["model"] == "small"
    assert set(page.seen()) == PANELS | COURSES


def test_a_quick_hand_does_not_flood_the_history(page: Page) -> None:
    before = page.run("return history.length")
    page.run(
        "const slider = document.getElementById('step-a');"
        "for (let turn = 0; turn < 300; turn++) {"
        "  slider.value = turn % 4; slider.dispatchEvent(new Event('input'))}"
        "slider.dispatchEvent(new Event('change'))"
    )
    page.settle()
    assert page.chosen["step"] == "4"
    assert page.run("return history.length") - before <= 2


def test_two_checkpoints_lie_side_by_side(page: Page) -> None:
    page.click("#compare")
    page.choose("model-b", "large")
    boxes = page.run(
        "return ['side-a', 'side-b'].map((id) => {"
        "const box = document.getElementById(id).getBoundingClientRect();"
        "return [box.top, box.left, box.width]})"
    )
    assert boxes[0][0] == boxes[1][0]
    assert boxes[0][1] + boxes[0][2] <= boxes[1][1]
    marks = page.run(
        "return [...document.querySelectorAll('#quality text')].map((one) => one.textContent)"
    )
    assert {"A", "B"} <= set(marks)
    sides = page.run("return [...document.querySelectorAll('.side svg')].length")
    assert sides == 8


@pytest.mark.parametrize(
    ("other", "labels"),
    [("&step-b=4", ["A", "B"]), ("&step-b=0", ["A, B"]), ("&budget-b=high&step-b=0", ["A, B"])],
    ids=["far", "the same", "at one place"],
)
def test_letters_lie_on_nothing_else_that_is_written(
    page: Page, other: str, labels: list[str]
) -> None:
    page.open(f"#step=0&model-b=small{other}")
    texts = "return [...document.querySelectorAll('#quality .letters text')]"
    assert page.run(f"{texts}.map((one) => one.textContent)") == labels
    covered = page.run(
        "const box = (one) => one.getBoundingClientRect();"
        "const words = [...document.querySelectorAll('.courses svg text')].map(box);"
        "const letters = [...document.querySelectorAll('.letters text')].map(box);"
        "return letters.map((one) => words.filter((word) => one.left < word.right"
        "  && word.left < one.right && one.top < word.bottom && word.top < one.bottom).length)"
    )
    assert set(covered) == {1}  # itself


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_letters_of_the_sides_can_be_read_whatever_the_colour_of_a_run(
    page: Page, scheme: str
) -> None:
    colours(page, scheme)
    page.click("#compare")
    page.run("study.runs.forEach((run) => { run.colour = '#000000' }); return paint()")
    ink, paper, ring = page.run(
        "const {color, backgroundColor, borderTopColor} ="
        " getComputedStyle(document.querySelector('#side-a .letter'));"
        "return [color, backgroundColor, borderTopColor]"
    )
    assert ink != paper
    assert ring == ink  # black, and in the dark as light as the ink
    colours(page, "light")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_points_of_a_cloud_stand_out_from_the_paper(page: Page, scheme: str) -> None:
    colours(page, scheme)
    page.press("c", "c")  # painted anew
    least = page.run(
        "const light = (colour) => {const {r, g, b} = d3.rgb(colour);"
        "  const [R, G, B] = [r, g, b].map((one) => (one / 255) ** 2.2);"
        "  return 0.2126 * R + 0.7152 * G + 0.0722 * B + 0.05};"
        "const paper = light(getComputedStyle(document.querySelector('.card')).backgroundColor);"
        "return Math.min(...[...document.querySelectorAll('[data-panel=projection] circle')]"
        "  .map((one) => light(one.getAttribute('fill')) / paper)"
        "  .map((one) => Math.max(one, 1 / one)))"
    )
    assert least > (2.5 if scheme == "dark" else 1.5)
    colours(page, "light")


def colours(page: Page, scheme: str) -> None:
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    page.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    page.until(f"matchMedia('(prefers-color-scheme: {scheme})').matches")
    page.settle()


@pytest.mark.parametrize("panel", ["diagram", "barcode", "betti"])
def test_panels_side_by_side_have_the_same_axes(page: Page, panel: str) -> None:
    page.open("#model-b=large&step-b=0")
    one, other = page.run(
        "return ['a', 'b'].map((key) => ['x', 'y'].map((axis) => [...document.querySelectorAll("
        "`#side-${key} [data-panel=${arguments[0]}] [aria-label='${axis}-axis tick label'] text`"
        ")].map((tick) => `${tick.textContent} at ${tick.getAttribute('transform')}`)))",
        panel,
    )
    assert one == other
    assert one[0]


def test_a_run_that_diverges_does_not_hide_the_others(page: Page) -> None:
    page.run("study.quality.stories[0].perplexity[3] = 1e304; return paint()")
    labels = page.run(
        "return [...document.querySelectorAll(`#quality [aria-label='y-axis tick label'] text`)]"
        ".map((one) => Number(one.textContent.replaceAll(',', '')))"
    )
    assert max(labels) <= 10 * 305
    assert "triangles lie further up" in page.text()
    tips = "document.querySelectorAll('#quality [aria-label=dot] path').length"
    assert page.run(f"return {tips}") == 1


def test_values_are_told_under_the_pointer(page: Page) -> None:
    from selenium.webdriver.common.action_chains import ActionChains

    told = {
        "[data-panel=betti]": "alive",
        "[data-panel=barcode]": "lives",
        "[data-panel=projection]": "position",
        "#quality": "perplexity",
    }
    for name, word in told.items():
        chart = page.driver.find_element("css selector", f"{name} svg")
        found = ""
        for x in range(-100, 101, 20):
            ActionChains(page.driver).move_to_element_with_offset(chart, x, 0).perform()
            found += page.run(
                "return [...document.querySelectorAll(arguments[0] + ' [aria-label=tip]')]"
                ".map((one) => one.textContent).join()",
                name,
            )
            if word in found:
                break
        assert word in found, name


def test_an_axis_of_compute_begins_at_nothing(page: Page) -> None:
    labels = "#quality [aria-label='x-axis tick label'] text"
    shown = page.run(
        f'return [...document.querySelectorAll("{labels}")].map((one) => one.textContent)'
    )
    assert shown[0] == "0"
    assert all(shown)


def test_a_click_on_a_curve_goes_to_its_checkpoint(page: Page) -> None:
    from selenium.webdriver.common.action_chains import ActionChains

    page.open("#step=4")
    chart = page.driver.find_element("css selector", "#quality svg")
    # the curve begins at its upper left
    left, top = -chart.size["width"] // 2 + 56, -chart.size["height"] // 2 + 20
    ActionChains(page.driver).move_to_element_with_offset(chart, left, top).click().perform()
    page.until("location.hash.includes('step=0')")
    page.settle()


def test_what_is_missing_is_said_in_words(page: Page) -> None:
    page.open("#model=large&budget=low&dataset=stories&step=2")
    assert "This checkpoint is missing: the download was cut." in page.text()
    assert page.seen()["quality"].count("<svg") == 1  # the curves of the others are there
    page.press("d")
    assert page.seen()["diagram"].count("<svg") == 1


@pytest.mark.parametrize(("width", "height"), [(390, 844), (1366, 768), (1920, 1080)])
@pytest.mark.parametrize("address", ["", "#model-b=large"])
def test_no_screen_scrolls_sideways(page: Page, width: int, height: int, address: str) -> None:
    page.open(address, width, height)
    widest = page.run(
        "return Math.max(...[...document.querySelectorAll('body *')]"
        ".filter((one) => !one.closest('svg, .unseen, dialog'))"
        ".map((one) => one.getBoundingClientRect().right))"
    )
    assert page.run("return document.documentElement.scrollWidth") <= width
    assert widest <= width


@pytest.mark.parametrize(("width", "height"), [(390, 844), (900, 700), (1366, 768)])
def test_captions_of_curves_and_checkpoints_are_not_cut(
    page: Page, width: int, height: int
) -> None:
    page.open("#model-b=large&dataset-b=articles&layer-b=embedding", width, height)
    cut = page.run(
        "return [...document.querySelectorAll('.courses figcaption, .time output, .time span')]"
        ".filter((one) => !one.matches('.unseen') && one.scrollWidth > one.clientWidth + 1"
        "  && one.clientWidth)"
        ".map((one) => one.textContent)"
    )
    assert cut == []
    bars = page.run(
        "return ['side-a', 'side-b'].map((id) =>"
        "document.querySelector(`#${id} .time`).getBoundingClientRect())"
        ".map(({top, bottom}) => [top, bottom])"
    )
    if width < 760:
        assert bars[0][1] <= bars[1][0] + 1  # the sliders at the lower edge


def test_controls_have_names_and_can_be_reached_by_keyboard(page: Page) -> None:
    page.click("#compare")
    nameless = page.run(
        "return [...document.querySelectorAll('select, input, button')].filter((one) =>"
        "!(one.labels?.[0]?.textContent || one.ariaLabel || one.textContent.trim()))"
        ".map((one) => one.outerHTML)"
    )
    assert nameless == []
    unnamed = page.run(
        "return [...document.querySelectorAll('figure > svg, figure figure svg')]"
        ".filter((one) => !one.getAttribute('aria-label')).length"
    )
    assert unnamed == 0
    assert (
        page.run("return document.querySelectorAll('[tabindex]:not([tabindex=\"0\"])').length") == 0
    )


@pytest.mark.parametrize(
    "parts",
    [
        {"checkpoints": 1, "runs": [("only", "released")], "datasets": ["stories"]},
        {"nulls": {}},
        {"bars": 0, "nulls": {}},
        {"layers": 1, "poolings": ["mean"], "flops": float("nan")},
    ],
    ids=["one checkpoint", "no nulls", "no loops", "unknown compute"],
)
def test_sparse_studies_are_shown(driver: object, tmp_path: Path, parts: dict[str, object]) -> None:
    told = write_study(tmp_path / "study", **parts)  # type: ignore[arg-type]
    atlas(page=str(tmp_path / "index.html"), **told)
    page = Page(driver, tmp_path / "index.html")
    page.open()
    for key in "dsmbpntqc0":
        page.press(key)
    page.press("1")
    assert set(page.seen()) == PANELS | COURSES
    assert ("No bars of H1" in page.text()) == (parts.get("bars") == 0)
    assert page.complaints() == []


def test_nothing_is_fetched(driver: object, file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = Page(driver, file)
    page.requests()
    page.open()
    for key in ("c", "m", "d", "s", "0", " "):
        page.press(key)
    asked = {
        one.split("#")[0] for one in page.requests() if not one.startswith(("data:", "about:"))
    }
    assert asked == {page.url}
    page.open()
    ready = page.run("return document.documentElement.dataset.ready")
    with capsys.disabled():
        print(f"atlas: ready {ready} ms after opening")  # noqa: T201
