"""The archive of a study, made and read back; the whole way is in tests/workflow."""

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import lmtopo
from lmtopo.archive import archive, without_places
from lmtopo.draw import draw
from lmtopo.errors import Damaged, InputError
from lmtopo.files import write_json
from lmtopo.formats import curves, diagrams
from lmtopo.formats.diagrams import Key, Persistence
from lmtopo.recipes import recipes
from lmtopo.tables import write

PNG = b"\x89PNG\r\n\x1a\n...\0\0\0\0IEND\xaeB`\x82"
WHERE: dict[str, Any] = {"model": "m", "checkpoint": "step1", "dataset": "d"}


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A study of one run and two checkpoints, with one figure; the working directory is above."""
    monkeypatch.chdir(tmp_path)
    folder = "results/mine"
    rows = [
        {"model": "m", "budget": "b", "checkpoint": f"step{step}", "step": step, "dataset": "d"}
        | {"split": "s", "reading": "windows", "flops": 1e9 * step, "perplexity": 9.0 - step}
        for step in (0, 1)
    ]
    for name in ("quality", "signatures"):
        write(f"{folder}/tables/{name}.parquet", pd.DataFrame(rows))
    circle = np.array([[0.5, 1.5]])
    for row in rows:
        place = Path(folder, "pairs/m/b", str(row["checkpoint"]), "d")
        place.mkdir(parents=True)
        found = Persistence([np.array([[0.0, np.inf]]), circle], 2.0)
        diagrams.save(place / "diagrams.npz", {Key("l", "p", 0): found})
        curves.save(place / "curves.npz", {("p", "c"): np.ones((1, 3))}, layers=["l"])
        np.savez(place / "projection.npz", layers=np.array(["l"]))
        (place / "clouds.safetensors").write_bytes(b"large")
        write_json(place / "provenance.json", {"sha256": {f"{tmp_path}/w/model.safetensors": "1"}})
    Path(folder, "findings.md").write_text("Nothing.\n")
    origin = {"source": "local", "path": str(tmp_path / "text.txt")}
    write_json(f"{folder}/provenance.json", {"config": {"study": "mine", "datasets": [origin]}})
    told: dict[str, Any] = {"name": "perplexity", "width": 5.0, "runs": [["m", "b"]]}
    tables = {"quality": f"{folder}/tables/quality.parquet"}
    figure = f"{folder}/figures/perplexity.svg"
    draw(**told, **tables, figure=[figure])
    recipes(
        recipes=f"{folder}/recipes.json",
        study="mine",
        results=folder,
        figures={"perplexity": {**told, **tables}},
    )
    return folder


def parts(results: str) -> list[str]:
    """What the study is made of beside its pairs."""
    found = Path(results).rglob("*.*")
    return [str(path) for path in found if path.is_file() and "pairs" not in path.parts]


@pytest.mark.slow
def test_a_study_reads_the_same_from_its_zip_as_from_its_folder(
    results: str, tmp_path: Path
) -> None:
    archive(archive="mine.zip", results=results, parts=parts(results))
    folder, packed = lmtopo.load_study(results), lmtopo.load_study("mine.zip")
    assert packed.tables == folder.tables == ["quality", "signatures"]
    pd.testing.assert_frame_equal(
        packed.quality, pd.read_parquet(f"{results}/tables/quality.parquet")
    )
    pd.testing.assert_frame_equal(packed.signatures, folder.signatures)
    assert packed.findings == "Nothing.\n"
    h0, h1 = packed.diagrams(**WHERE, layer="l", pooling="p")
    assert h0.tolist() == [[0.0, np.inf]]
    assert h1.tolist() == [[0.5, 1.5]]
    assert packed.curves(**WHERE).curve("c", "l", "p").tolist() == [1.0, 1.0, 1.0]
    assert packed.config["study"] == "mine"
    drawn = Path(results, "figures/perplexity.svg").read_bytes()
    for number, study in enumerate((folder, packed)):
        assert study.figures == ["perplexity"]
        paths = study.redraw(folder=tmp_path / str(number), formats=["svg"])
        assert [path.read_bytes() for path in paths] == [drawn]
    (wide,) = packed.redraw("perplexity", folder=tmp_path / "wide", formats=["svg"], width=9.0)
    assert wide.read_bytes() != drawn


def test_an_archive_is_the_same_bytes_twice_and_tells_no_places(
    results: str, tmp_path: Path
) -> None:
    for name in ("one", "two"):
        archive(archive=f"{name}.zip", results=results, parts=parts(results))
        for path in Path(results).rglob("*.*"):
            path.touch()
    assert Path("one.zip").read_bytes() == Path("two.zip").read_bytes()
    with zipfile.ZipFile("one.zip") as file:
        names = file.namelist()
        assert not [name for name in names if str(tmp_path).encode() in file.read(name)]
        hashes = json.loads(file.read("mine/pairs/m/b/step0/d/provenance.json"))["sha256"]
        assert b"path: text.txt" in file.read("mine/config.yaml")
    assert hashes == {"model.safetensors": "1"}
    assert all(name.startswith("mine/") for name in names)
    assert not [name for name in names if name.endswith(".safetensors")]


def test_what_an_earlier_form_of_the_study_has_left_is_not_packed(results: str) -> None:
    mine = parts(results)
    Path(results, "figures/old.svg").write_text("old")
    Path(results, "tables/old.csv").write_text("old")
    Path(results, "audit.csv").write_text("file\n")
    archive(archive="mine.zip", results=results, parts=mine)
    with zipfile.ZipFile("mine.zip") as file:
        names = file.namelist()
    assert [name for name in names if "old" in name] == []
    assert "mine/audit.csv" in names


def test_only_absolute_paths_are_cut() -> None:
    value = {"/a/b": ["~/c/d", "~me/c/d", "runs/e", 1, None], "ratio": "1/2"}
    assert without_places(value) == {"b": ["d", "d", "runs/e", 1, None], "ratio": "1/2"}
    signs = ["/", "//", "~", "~~~~", "~~~~/x", ""]
    assert without_places(signs) == signs


def test_what_is_no_study_says_so(results: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="'nowhere' is no study"):
        lmtopo.load_study("nowhere")
    archive(archive="mine.zip", results=results, parts=parts(results))
    whole = Path("mine.zip").read_bytes()
    Path("cut.zip").write_bytes(whole[:-100])
    with pytest.raises(InputError, match=r"'cut.zip' is no archive of a study, or damaged"):
        lmtopo.load_study("cut.zip")
    study = lmtopo.load_study("mine.zip")
    with pytest.raises(InputError, match=r"no table 'x' \(there are: quality, signatures\)"):
        study.table("x")
    with pytest.raises(InputError, match=r"no figure \['x'\] \(there are: perplexity\)"):
        study.redraw("x", folder=tmp_path)


def test_a_study_under_results_is_known_by_its_name(results: str) -> None:
    study = lmtopo.load_study("mine")
    assert study.folder == Path(results)
    named = study.diagrams(**WHERE, layer="l", pooling="p")
    by_step = {**WHERE, "checkpoint": study.quality["step"].iloc[1]}
    for found in (
        study.diagrams(**by_step, layer="l", pooling="p"),
        lmtopo.diagrams("mine", **{**WHERE, "checkpoint": 1}, layer="l", pooling="p"),
    ):
        assert [bars.tolist() for bars in found] == [bars.tolist() for bars in named]
    with pytest.raises(InputError, match=r"no checkpoint 'step7' .*\(there are: step0, step1\)"):
        study.curves(**{**WHERE, "checkpoint": 7})


def test_what_an_archive_has_not_is_told_by_the_archives_name(results: str) -> None:
    archive(archive="mine.zip", results=results, parts=parts(results))
    study = lmtopo.load_study("mine.zip")
    place = "mine.zip/pairs/m/b/step1/d/diagrams.npz"
    with pytest.raises(
        InputError, match=rf"^'{place}' has no diagrams of l/p/3 \(it has: layer l;"
    ):
        study.diagrams(**WHERE, layer="l", pooling="p", replicate=3)
    with pytest.raises(InputError, match=r"^no dataset 'x' in mine.zip/pairs/m/b/step1 "):
        study.diagrams(**{**WHERE, "dataset": "x"}, layer="l", pooling="p")
    (study.folder / "recipes.json").unlink()
    with pytest.raises(InputError, match=r"^there is no recipes.json in 'mine.zip'"):
        _ = study.figures


def test_what_is_gone_or_cannot_be_is_told(results: str, tmp_path: Path) -> None:
    study = lmtopo.load_study(results)
    with pytest.raises(InputError, match=r"no format \['tiff'\] \(there are: png, svg, pdf\)"):
        study.redraw(folder=tmp_path / "drawn", formats=["tiff"])
    Path(results, "findings.md").unlink()
    with pytest.raises(InputError, match=r"there is no findings\.md"):
        _ = study.findings
    Path(results, "tables/quality.parquet").unlink()
    with pytest.raises(InputError, match=r"what figure 'perplexity' shows .* \(.*quality\.parquet"):
        study.redraw("perplexity", folder=tmp_path / "drawn")


@pytest.mark.parametrize("beside", ["__MACOSX/._x", "notes.txt"])
def test_a_zip_may_hold_more_than_the_study(results: str, beside: str) -> None:
    archive(archive="mine.zip", results=results, parts=parts(results))
    with zipfile.ZipFile("mine.zip", "a") as file:
        file.writestr(beside, "x")
    assert lmtopo.load_study("mine.zip").tables == ["quality", "signatures"]
    with zipfile.ZipFile("none.zip", "w") as file:
        file.writestr(beside, "x")
    with pytest.raises(
        InputError, match=r"'none\.zip' is no archive of a study: it holds 0 of them"
    ):
        lmtopo.load_study("none.zip")


@pytest.mark.parametrize("width", [5.9, 20.5, float("nan")])
def test_a_figure_is_redrawn_no_smaller_or_larger_than_a_study_draws_it(
    width: float, results: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=f"width is {width} inches: give 6 to 20"):
        lmtopo.load_study(results).redraw(folder=tmp_path / "drawn", width=width)
    assert not (tmp_path / "drawn").exists()


def test_what_is_damaged_is_not_packed(results: str) -> None:
    path = Path(results, "pairs/m/b/step1/d/curves.npz")
    spoilt = bytearray(path.read_bytes())
    spoilt[len(spoilt) // 3] ^= 1
    path.write_bytes(spoilt)
    with pytest.raises(Damaged, match=r"curves.npz' is damaged"):
        archive(archive="mine.zip", results=results, parts=parts(results))
    assert not Path("mine.zip").exists()


@pytest.mark.parametrize(
    "name",
    [
        "provenance.json",
        "recipes.json",
        "findings.md",
        "figures/perplexity.svg",
        "figures/perplexity.png",
        "pairs/m/b/step1/d/provenance.json",
    ],
)
@pytest.mark.parametrize("kept", [0, 5])
def test_what_is_cut_short_is_not_packed(results: str, name: str, kept: int) -> None:
    path = Path(results, name)
    if path.suffix == ".png":
        path.write_bytes(PNG)
    mine = parts(results)
    archive(archive="mine.zip", results=results, parts=mine)
    Path("mine.zip").unlink()
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(Damaged, match=rf"{name}' is damaged"):
        archive(archive="mine.zip", results=results, parts=mine)
    assert not Path("mine.zip").exists()
