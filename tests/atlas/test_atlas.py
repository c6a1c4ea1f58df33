import base64
import gzip
import json
import math
import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_up import write_study

from lmtopo.atlas import atlas
from lmtopo.atlas.blocks import NONE, TOP, block, bounds, scaled, short, steps
from lmtopo.atlas.pages import SCRIPTS, SOURCES, VENDOR, page, vendored
from lmtopo.atlas.thin import FEWEST_LAYERS, Limits
from lmtopo.errors import InputError
from lmtopo.formats.diagrams import load


def opened(page: Path) -> tuple[dict[str, Any], dict[str, str]]:
    """The facts and the blocks of a page."""
    text = page.read_text()
    data = re.search(r'<script type="application/json" id="study">(.*?)</script>', text, re.DOTALL)
    assert data is not None
    blocks = re.findall(r'<script type="text/plain" id="([^"]+)">([^<]*)</script>', text)
    return json.loads(data[1]), dict(blocks)


def unpacked(content: str) -> tuple[Any, np.ndarray]:
    raw = gzip.decompress(base64.b64decode(content))
    length = int(np.frombuffer(raw, "<u4", 1)[0])
    low, high = np.frombuffer(raw[4 + length :], np.uint8).reshape(2, -1).astype(np.uint16)
    return json.loads(raw[4 : 4 + length]), low | high << 8


def made(
    tmp_path: Path, limits: dict[str, Any] | None = None, **parts: Any
) -> tuple[dict[str, Any], dict[str, str]]:
    """The page of a made-up study."""
    told = write_study(tmp_path / "study", **parts) | (limits or {})
    atlas(page=str(tmp_path / "index.html"), **told)
    return opened(tmp_path / "index.html")


def test_sixteen_bits_hold_a_number_to_a_65000th_of_its_range_and_know_what_is_none() -> None:
    values = np.array([-3.0, 1.0, 7.25, math.nan, math.inf])
    numbers = scaled(values, -3.0, 7.25)
    assert numbers.tolist()[3:] == [NONE, NONE]
    assert np.abs(numbers[:3] / TOP * 10.25 - 3 - values[:3]).max() <= 10.25 / TOP
    assert scaled(np.array([5.0, 5.0]), 5.0, 5.0).tolist() == [0, 0]  # a range of one value
    assert bounds(np.array([math.nan])) == (0.0, 0.0)


def test_differences_add_up_again_even_where_they_wrap() -> None:
    values = np.array([5, 3, 65535, 0, 9], dtype=np.uint16)
    assert np.cumsum(steps(values), dtype=np.uint16).tolist() == values.tolist()


def test_a_block_is_read_as_it_was_written_and_has_no_date() -> None:
    header = {"name": "</script>é", "none": None}
    numbers = np.array([0, 1, 255, 256, 65535], dtype=np.uint16)
    content = block(header, [numbers[:2], numbers[2:]])
    found, read = unpacked(content)
    assert found == header
    assert read.tolist() == numbers.tolist()
    assert base64.b64decode(content)[4:8] == bytes(4)  # gzip's time of writing
    assert unpacked(block({}))[1].size == 0


def test_numbers_for_json_are_short_and_never_nan() -> None:
    assert [short(one) for one in (math.nan, math.inf, 2.0, 1 / 3)] == [None, None, 2, 0.333333]
    assert json.dumps(short(5e11)) == "500000000000"


def test_limits_shrink_to_what_is_asked_and_end() -> None:
    limits: Limits | None = Limits(64, 13)
    seen = []
    while limits is not None:
        seen.append(limits)
        limits = limits.fewer(0.5)
    sizes = [one.checkpoints * one.layers for one in seen]
    assert sizes == sorted(set(sizes), reverse=True)
    assert all(later <= one / 2 or one <= 64 for one, later in pairwise(sizes))
    assert seen[-1] == Limits(2, 1)
    assert all(one.layers >= FEWEST_LAYERS for one in seen if one.checkpoints > 8)
    assert Limits(2, 1).fewer(0.99) is None


@pytest.mark.slow
def test_a_page_needs_nothing_beside_itself(tmp_path: Path) -> None:
    made(tmp_path)
    text = (tmp_path / "index.html").read_text()
    assert not re.search(r"""(?:src|href)=["'](?!data:)""", text)
    own = "".join((SOURCES / name).read_text() for name in (*SCRIPTS, "index.html", "style.css"))
    assert not re.search(r"https?://|\bfetch\(|XMLHttpRequest|@import|url\(", own)
    data = page({"study": "s", "reason": "<!-- busy --></script>"}, {})
    assert "<!-- busy" not in data
    assert '"reason":"\\u003c!-- busy --' in data
    assert "{{" not in "".join((SOURCES / name).read_text() for name in ("style.css", *SCRIPTS))


@pytest.mark.slow
def test_the_same_study_gives_the_same_bytes(tmp_path: Path) -> None:
    told = write_study(tmp_path / "study")
    for name in ("one.html", "two.html"):
        atlas(page=str(tmp_path / name), **told)
    assert (tmp_path / "one.html").read_bytes() == (tmp_path / "two.html").read_bytes()


def test_bars_on_the_page_are_those_of_the_file(tmp_path: Path) -> None:
    _, blocks = made(tmp_path, nulls={})
    header, numbers = unpacked(blocks["clouds/small/low/stories/token/final_norm"])
    assert [one["bars"] for one in header] == [[24, 5]] * 4
    deaths = np.cumsum(numbers[:24], dtype=np.uint16)
    assert deaths[-1] == NONE  # one component never dies
    found = load(tmp_path / "study/pairs/small/low/step0/stories/diagrams.npz")
    merges, loops = found.diagrams("final_norm", "token", 0)
    assert deaths[:-1] / TOP * 2.0 == pytest.approx(merges[:-1, 1], abs=2 / TOP)
    born, died = np.cumsum(numbers[24:29], dtype=np.uint16), numbers[29:34]
    ordered = loops[np.argsort(loops[:, 0])]
    assert born / TOP * 2.0 == pytest.approx(ordered[:, 0], abs=2 / TOP)
    assert died / TOP * 2.0 == pytest.approx(ordered[:, 1], abs=2 / TOP)


@pytest.mark.slow
def test_a_null_has_its_first_diagrams_and_a_band_of_all_draws(tmp_path: Path) -> None:
    _, blocks = made(tmp_path, nulls={"gaussian": 3, "shuffled": 2})
    header, numbers = unpacked(blocks["clouds/small/low/stories/mean/embedding"])
    nulls = header[0]["nulls"]
    assert {name: one["draws"] for name, one in nulls.items()} == {"gaussian": 3, "shuffled": 2}
    bars = 24 + 2 * 5
    band = numbers[2 * bars :][: 3 * 2 * 65].reshape(3, 2, 65)
    low, median, high = np.cumsum(band, axis=2, dtype=np.uint16) / 2
    assert (low <= median).all()
    assert (median <= high).all()
    assert high[0, 0] == 24  # every point is a component
    assert (low[0, -1], high[0, -1]) == (1, 1)  # that which never dies is left


@pytest.mark.slow
def test_a_signature_carries_its_range_and_its_null(tmp_path: Path) -> None:
    facts, blocks = made(tmp_path)
    header, numbers = unpacked(blocks["signatures/stories/token/final_norm"])
    assert facts["nulls"] == ["gaussian"]
    assert len(header) == 3 * 5  # runs, and signatures
    first, count = header[0], 4
    values = numbers[: 5 * count].reshape(5, count) / TOP
    value, low, high, mean, own = first["from"] + values * (first["to"] - first["from"])
    assert ((low <= own) & (own <= high)).all()
    assert (low <= value).all()
    assert (value <= high).all()
    assert mean == pytest.approx(2.5, abs=1e-3)
    sd, percentile = numbers[5 * count : 7 * count].reshape(2, count)
    assert sd / TOP * first["sd"] == pytest.approx(0.25, abs=1e-4)
    assert percentile.tolist() == [TOP] * count
    alone = header[4]  # twonn is measured without a null
    assert (alone["dimension"], alone["name"], alone["sd"]) == (-1, "twonn", 0)


@pytest.mark.slow
def test_a_large_study_is_thinned_evenly_and_says_so(tmp_path: Path) -> None:
    facts, blocks = made(
        tmp_path, {"checkpoints": 6, "layers": 3}, checkpoints=16, layers=9, nulls={}
    )
    assert facts["layers"]["small"]["stories"] == ["embedding", "block_4", "final_norm"]
    steps_shown = facts["runs"][0]["step"]
    assert len(steps_shown) == 6
    assert (steps_shown[0], steps_shown[-1]) == (0, 2**14)
    assert len(facts["quality"]["stories"][0]["step"]) == 16  # curves keep every checkpoint
    assert [re.findall(r"\d+ of \d+", one) for one in facts["left_out"]] == [
        ["6 of 16"],
        ["3 of 9"],
    ]
    assert sum(name.startswith("clouds/small/low/stories/token/") for name in blocks) == 3


@pytest.mark.slow
def test_a_page_is_no_larger_than_it_may_be(tmp_path: Path) -> None:
    facts, _ = made(
        tmp_path,
        {"megabytes": 0.8},
        **{"runs": [("only", "released")], "datasets": ["stories"], "nulls": {}},
        **{"checkpoints": 30, "layers": 6, "points": 200, "bars": 100},
    )
    size = (tmp_path / "index.html").stat().st_size
    assert 0.65e6 < size <= 0.8e6
    assert facts["left_out"]
    assert len(facts["runs"][0]["step"]) >= 2


@pytest.mark.slow
def test_a_study_that_cannot_fit_names_the_key(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"atlas\.megabytes 0\.4"):
        made(tmp_path, {"megabytes": 0.4})


@pytest.mark.slow
def test_what_is_missing_leaves_a_gap_with_a_reason(tmp_path: Path) -> None:
    lost = ("small", "low", 2, "stories")
    facts, blocks = made(tmp_path, lost=[lost])
    header, _ = unpacked(blocks["clouds/small/low/stories/token/final_norm"])
    assert [one is None for one in header] == [False, False, True, False]
    assert facts["missing"] == [["small", "low", "step2", "stories", "the download was cut"]]
    series, _ = unpacked(blocks["signatures/stories/token/final_norm"])
    assert len(series) == 15


@pytest.mark.slow
@pytest.mark.parametrize(
    "parts",
    [
        {"checkpoints": 2, "runs": [("only", "released")], "datasets": ["stories"]},
        {"nulls": {}},
        {"bars": 0},
        {"layers": 1, "poolings": ["token"]},
        {"flops": math.nan},
    ],
    ids=["one run", "no nulls", "no loops", "one layer", "unknown compute"],
)
def test_sparse_studies_have_a_page(tmp_path: Path, parts: dict[str, Any]) -> None:
    facts, blocks = made(tmp_path, **parts)
    assert facts["runs"]
    assert any(name.startswith("clouds/") for name in blocks)
    assert facts["compute"]["column"] == ("step" if "flops" in parts else "flops")


@pytest.mark.slow
def test_tokens_are_shown_in_context_or_as_numbers(tmp_path: Path) -> None:
    told = write_study(tmp_path / "study")
    atlas(page=str(tmp_path / "index.html"), **told)
    _, blocks = opened(tmp_path / "index.html")
    found, _ = unpacked(blocks["places/tokenizer/stories"])
    texts = [one["before"] + one["text"] + one["after"] for one in found["token"]]
    assert any(" the " in text for text in texts)
    assert found["token"][5]["position"] == 6
    assert {one["document"] for one in found["text"]} <= {0, 1, 2}
    for file in (tmp_path / "study/tokenizer").iterdir():
        file.unlink()
    atlas(page=str(tmp_path / "index.html"), **told)
    found, _ = unpacked(opened(tmp_path / "index.html")[1]["places/tokenizer/stories"])
    assert re.fullmatch(r"\[\d+\]", found["token"][0]["text"])


def test_libraries_are_the_published_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VENDOR:
        assert "Copyright" in vendored(name)[:200]
        assert "</script" not in vendored(name)
    monkeypatch.setitem(VENDOR, "d3.min.js", "0" * 64)
    with pytest.raises(InputError, match=r"d3\.min\.js"):
        vendored("d3.min.js")
