"""Stage `compare`: from the pairs of a study to a table of distances."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import persim
import pytest

from lmtopo.checksums import write_sealed
from lmtopo.cka import linear_cka
from lmtopo.compare import COLUMNS, compare
from lmtopo.diagram_distances import wasserstein
from lmtopo.formats import clouds
from lmtopo.formats.diagrams import load
from lmtopo.persist import persist
from lmtopo.tables import KEYS, read

LAYERS = ["embedding", "block_1", "final_norm"]
POINTS: dict[str, Any] = {"pca": None, "subsample": 20, "seed": 3}


def observe(folder: Path, run: tuple[str, str], step: int, flops: float | None, x: Any) -> None:
    """Write what a pair gives: clouds of ``x`` (points x width), growing by layers."""
    place = folder / run[0] / run[1] / f"step{step}" / "d"
    place.mkdir(parents=True)
    cloud = np.stack([x * scale for scale in (1, 2, 4)]).astype(np.float32)
    path, diagrams = str(place / "clouds.safetensors"), str(place / "diagrams.npz")
    clouds.save(path, {"mean": cloud, "token": cloud[:, ::-1]}, layers=LAYERS, metadata={})
    homology = {"metric": "euclidean", "max_dimension": 1, "threshold": None, "engine": "auto"}
    without = {"nulls": {}, "null_replicates": 1}
    persist(clouds=path, diagrams=diagrams, replicates=2, **POINTS, **homology, **without)
    names = {"study": "s", "model": run[0], "budget": run[1], "checkpoint": f"step{step}"}
    facts = {"run": names | {"step": step, "flops": flops}, "blocks": 1}
    write_sealed(place / "quality.json", facts)


def compared(folder: Path, runs: list[list[Any]], **changes: Any) -> pd.DataFrame:
    path = folder / "distances.parquet"
    settings = {"landmarks": 3, "scale": "none", "clouds_kept": True, "replicates": 1}
    compare(
        pairs=str(folder),
        runs=runs,
        dataset="d",
        distances=str(path),
        **POINTS | settings | changes,
    )
    found = read(path)
    assert list(found.columns) == list(COLUMNS)
    assert not found.duplicated(list(KEYS["distances"])).any()
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One run of 6 steps, the first two with the same weights, and two more at other compute."""
    place = tmp_path_factory.mktemp("pairs")
    rng = np.random.default_rng(0)
    start, drift = rng.normal(size=(2, 30, 4))
    for step in range(6):
        observe(place, ("m", "low"), step, 100.0 * step, start + max(0, step - 1) * drift)
    for step, flops in ((0, 0.0), (1, 210.0), (2, 290.0), (3, 700.0)):
        observe(place, ("m", "high"), step, flops, start + step * drift)
    observe(place, ("n", "low"), 0, None, start[:, :3])
    return place


LOW = ["m", "low", "t", [0, 1, 2, 3, 4, 5]]
HIGH = ["m", "high", "t", [0, 1, 2, 3]]
UNKNOWN = ["n", "low", "t", [0]]


def test_the_same_weights_are_at_distance_0_and_others_are_not(folder: Path) -> None:
    found = compared(folder, [LOW]).query("relation == 'consecutive'")
    first = found.query("step == 0")
    assert (first.query("dimension >= 0")["value"] == 0.0).all()
    assert (first.query("dimension == -1")["value"] == 1.0).all()
    later = found.query("step > 0 and dimension == 0")
    assert (later["value"] > 0).all()


def test_a_run_has_its_neighbours_its_landmarks_and_its_layers(folder: Path) -> None:
    found = compared(folder, [LOW])
    one = found.query("pooling == 'token' and dimension == 1 and distance == 'bottleneck'")
    pairs = one.groupby("relation")[["step", "other_step", "layer", "other_layer"]]
    rows = {name: rows.to_numpy().tolist() for name, rows in pairs}
    neighbours = [[step, step + 1, layer, layer] for layer in LAYERS for step in range(5)]
    assert rows["consecutive"] == neighbours
    marked = [[i, j, layer, layer] for layer in LAYERS for i, j in ((0, 2), (0, 5), (2, 5))]
    assert rows["landmarks"] == marked
    assert rows["layers"] == [
        [step, step, *layers]
        for layers in (("embedding", "block_1"), ("block_1", "final_norm"))
        for step in (0, 2, 5)
    ]
    kinds = found.groupby("dimension")["distance"].unique().map(sorted).to_dict()
    diagram = ["bottleneck", "sliced_wasserstein", "wasserstein_1", "wasserstein_2"]
    assert kinds == {-1: ["linear_cka", "linear_cka_debiased"], 0: diagram, 1: diagram}
    assert (found["study"] == "s").all()


def test_values_are_those_of_the_diagrams_and_clouds_in_the_files(folder: Path) -> None:
    found = compared(folder, [LOW], replicates=2).query("relation == 'landmarks'")
    row = found.query("step == 2 and layer == 'block_1' and pooling == 'mean' and replicate == 1")
    value = row.set_index(["dimension", "distance"])["value"]
    places = [folder / f"m/low/step{step}/d" for step in (2, 5)]
    ends = [load(place / "diagrams.npz").diagrams("block_1", "mean", 1) for place in places]
    for dimension, (one, other) in enumerate(zip(*ends, strict=True)):
        a, b = (bars[np.isfinite(bars[:, 1])] for bars in (one, other))
        assert value[dimension, "bottleneck"] == pytest.approx(persim.bottleneck(a, b))
        assert value[dimension, "wasserstein_1"] == pytest.approx(persim.wasserstein(a, b))
        assert value[dimension, "wasserstein_2"] == wasserstein(a, b, order=2)
        sliced = persim.sliced_wasserstein(a, b)
        assert value[dimension, "sliced_wasserstein"] == pytest.approx(sliced, rel=1e-5)
    chosen = clouds.subsamples(30, 20, 2, seed=3)[1]
    x, y = (
        clouds.load_layer(place / "clouds.safetensors", "mean", "block_1")[chosen]
        for place in places
    )
    assert value[-1, "linear_cka"] == pytest.approx(linear_cka(x, y), rel=1e-12)


@pytest.mark.slow
def test_relative_to_the_enclosing_radius_scale_does_not_count(folder: Path) -> None:
    absolute = compared(folder, [LOW]).query("relation == 'layers' and dimension == 0")
    assert (absolute["value"] > 0.1).all()
    relative = compared(folder, [LOW], scale="enclosing_radius")
    layers = relative.query("relation == 'layers' and dimension == 0")  # 1, 2, 4 times one cloud
    assert layers["value"].max() < 1e-6
    assert (relative["scale"] == "enclosing_radius").all()
    run = relative.query("relation == 'landmarks' and distance == 'bottleneck' and dimension == 0")
    assert run["value"].between(1e-3, 1).all()


def test_runs_meet_at_equal_compute(folder: Path) -> None:
    found = compared(folder, [LOW, HIGH, UNKNOWN])
    assert set(found["relation"]) == {"runs"}
    assert set(zip(found["model"], found["budget"], strict=True)) == {("m", "low")}
    assert set(found["other_budget"]) == {"high"}
    assert set(zip(found["flops"], found["other_flops"], strict=True)) == {
        (0.0, 0.0),
        (200.0, 210.0),
        (300.0, 290.0),
    }
    assert (found["layer"] == found["other_layer"]).all()
    assert set(found.query("step == 0 and dimension >= 0")["value"]) == {0.0}


def test_points_of_two_tokenizers_do_not_correspond(folder: Path) -> None:
    found = compared(folder, [LOW, ["m", "high", "other", [0, 1, 2, 3]]])
    assert set(found["dimension"]) == {0, 1}


@pytest.mark.slow
def test_without_clouds_there_is_no_cka(folder: Path) -> None:
    found = compared(folder, [LOW], clouds_kept=False)
    assert set(found["dimension"]) == {0, 1}
    expected = compared(folder, [LOW]).query("dimension >= 0").reset_index(drop=True)
    pd.testing.assert_frame_equal(found, expected)


@pytest.mark.slow
def test_cka_sees_the_principal_components_that_diagrams_see(folder: Path) -> None:
    whole = compared(folder, [LOW]).query("dimension == -1 and step == 2")["value"]
    reduced = compared(folder, [LOW], pca=2).query("dimension == -1 and step == 2")["value"]
    assert not np.allclose(whole, reduced, rtol=1e-3)


def test_what_is_not_observed_is_passed_over(folder: Path) -> None:
    found = compared(folder, [["m", "low", "t", [0, 3, 5]]])
    steps = found.query("relation == 'consecutive'")[["step", "other_step"]].drop_duplicates()
    assert steps.to_numpy().tolist() == [[0, 3], [3, 5]]


def test_nothing_to_compare_is_an_empty_table(folder: Path) -> None:
    single = compared(folder, [UNKNOWN])
    assert set(single["relation"]) == {"layers"}
    assert compared(folder, [LOW, UNKNOWN]).empty


@pytest.mark.slow
def test_the_same_files_give_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    compared(folder, [LOW])
    first = (folder / "distances.parquet").read_bytes()
    compared(folder, [LOW])
    assert (folder / "distances.parquet").read_bytes() == first
