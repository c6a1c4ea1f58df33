"""Stage `describe`: from clouds and diagrams to the table `signatures`."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from lmtopo import tables
from lmtopo.checksums import write_sealed
from lmtopo.describe import describe
from lmtopo.errors import Damaged, InputError
from lmtopo.formats import clouds, curves, projections
from lmtopo.persist import persist
from lmtopo.signatures import (
    CURVES,
    GEOMETRIC,
    HOMOLOGICAL,
    NUMBERS,
    TOPOLOGICAL,
    curve_of_cloud,
    of_cloud,
    of_diagram,
    of_homology,
)
from lmtopo.signatures.cloud import Cloud

LAYERS = ["embedding", "block_1", "block_2", "block_3", "block_4", "final_norm"]
SAMPLING: dict[str, Any] = {
    "pca": None,
    "subsample": 32,
    "replicates": 2,
    "seed": 0,
    "nulls": {},
    "null_replicates": 1,
    "metric": "euclidean",
    "max_dimension": 1,
}
COLUMNS = [
    "study",
    "model",
    "budget",
    "checkpoint",
    "step",
    "tokens",
    "unique_tokens",
    "flops",
    "parameters",
    "parameters_total",
    "dataset",
    "split",
    "layer",
    "depth",
    "pooling",
    "dimension",
    "signature",
    "replicate",
    "points",
    "skip_positions",
    "dtype",
    "value",
]


def pair(
    folder: Path,
    layers: list[str] = LAYERS,
    sampling: dict[str, Any] | None = None,
    **metadata: str,
) -> dict[str, str]:
    """The files of one pair, as `observe` and `persist` leave them."""
    rng = np.random.default_rng(0)
    cloud = {
        pooling: rng.normal(size=(len(layers), 40, 6)).astype(np.float32)
        for pooling in ("mean", "token")
    }
    run = {
        "study": "s",
        "model": "m",
        "budget": "released",
        "checkpoint": "step1",
        "step": 1,
        "tokens": 2097152,
        "unique_tokens": None,
        "flops": 1e9,
        "parameters": 10,
        "parameters_total": 12,
    }
    facts = {"run": run, "dataset": "d", "split": "test", "dtype": "float32", "skip_positions": 1}
    names = (
        "clouds.safetensors",
        "diagrams.npz",
        "quality.json",
        "signatures.parquet",
        "curves.npz",
        "projection.npz",
    )
    files = {name.split(".")[0]: str(folder / name) for name in names}
    files["draws"] = str(folder / "nulls.parquet")
    clouds.save(files["clouds"], cloud, layers=layers, metadata=metadata)
    write_sealed(files["quality"], facts)
    persist(
        clouds=files["clouds"],
        diagrams=files["diagrams"],
        threshold=None,
        engine="auto",
        **SAMPLING | (sampling or {}),
    )
    return files


def table(files: dict[str, str], names: list[str] | None = None, **changed: Any) -> pd.DataFrame:
    describe(**files, names=names, **SAMPLING | changed)
    return tables.read(files["signatures"])


def test_every_signature_of_every_subsample_has_one_row(tmp_path):
    frame = table(pair(tmp_path))
    assert list(frame.columns) == COLUMNS
    assert not frame.duplicated(list(tables.KEYS["signatures"])).any()
    subsets = len(LAYERS) * 2 * 2
    assert (frame.dimension == -1).sum() == subsets * (len(GEOMETRIC) + len(HOMOLOGICAL))
    assert (frame.dimension == 0).sum() == subsets * len(TOPOLOGICAL)
    assert (frame.dimension == 1).sum() == subsets * len(TOPOLOGICAL)
    assert np.isfinite(frame.value[frame.dimension < 1]).all()


def test_rows_say_where_they_are_from(tmp_path):
    frame = table(pair(tmp_path))
    assert frame.tokens.unique().tolist() == [2097152.0]
    assert frame.unique_tokens.isna().all()
    assert frame.points.unique().tolist() == [32]
    for column, value in {"split": "test", "dataset": "d", "dtype": "float32"}.items():
        assert frame[column].unique().tolist() == [value]
    assert frame.dtypes["value"] == frame.dtypes["unique_tokens"] == "float64"
    assert frame.dtypes["dimension"] == frame.dtypes["step"] == "int64"


@pytest.mark.parametrize("spoilt", ["", '{"run": {"study"', '{"run": {}}'])
def test_a_damaged_quality_is_named(tmp_path, spoilt):
    files = pair(tmp_path)
    Path(files["quality"]).write_text(spoilt)
    with pytest.raises(Damaged, match=r"quality\.json' is damaged"):
        table(files)


def test_32_points_have_31_finite_components(tmp_path):
    frame = table(pair(tmp_path), ["feature_count"])
    assert (frame.value[frame.dimension == 0] == 31).all()


def test_depth_runs_from_embedding_to_final_norm(tmp_path):
    frame = table(pair(tmp_path), ["mean_norm"])
    depth = frame.groupby("layer").depth.first()
    assert depth[LAYERS].tolist() == [0.0, 0.25, 0.5, 0.75, 1.0, 1.0]


def test_depth_knows_of_blocks_that_were_not_kept(tmp_path):
    frame = table(pair(tmp_path, ["embedding", "block_1"], blocks="4"), ["mean_norm"])
    assert frame.groupby("layer").depth.first().to_dict() == {"block_1": 0.25, "embedding": 0.0}


def test_twice_gives_the_same_bytes(tmp_path):
    files = pair(tmp_path)
    outputs = ("signatures", "curves", "projection")
    table(files)
    first = {name: Path(files[name]).read_bytes() for name in outputs}
    table(files)
    assert {name: Path(files[name]).read_bytes() for name in outputs} == first


def test_curves_are_means_over_the_subsamples(tmp_path):
    files = pair(tmp_path)
    table(files)
    found = curves.load(files["curves"])
    assert found.layers == tuple(LAYERS)
    assert set(found.arrays) == {
        (one, name) for one in ("mean", "token") for name in CURVES.names()
    }
    kept = clouds.load(files["clouds"])
    samples = [
        Cloud(kept.arrays["token"][2][rows]) for rows in clouds.subsamples(40, 32, 2, seed=0)
    ]
    expected = np.mean([CURVES.of_cloud["gride_curve"](sample) for sample in samples], axis=0)
    np.testing.assert_allclose(found.curve("gride_curve", "block_2", "token"), expected, rtol=1e-6)


def test_only_curves_of_diagrams_have_an_axis_of_dimensions(tmp_path):
    files = pair(tmp_path)
    table(files)
    arrays = curves.load(files["curves"]).arrays
    assert arrays["token", "betti_curve"].shape == (6, 2, 65)
    assert arrays["token", "persistence_landscape"].shape == (6, 2, 5, 65)
    assert arrays["token", "persistence_image"].shape == (6, 2, 32, 32)
    assert arrays["token", "euler_curve"].shape == (6, 65)
    assert arrays["token", "gride_curve"].shape == (6, 2, 4)
    assert all(array.dtype == np.float32 for array in arrays.values())


def test_the_table_agrees_with_the_curves(tmp_path):
    files = pair(tmp_path)
    frame = table(files).query("pooling == 'mean' and layer == 'block_1'")
    found = curves.load(files["curves"])
    betti = found.curve("betti_curve", "block_1", "mean")
    count = frame[(frame.signature == "feature_count") & (frame.dimension == 0)].value.mean()
    assert betti[0, 0] == count
    area = frame[frame.signature == "euler_area"].value.mean()
    grid = np.linspace(0, 1, 65)
    assert np.trapezoid(found.curve("euler_curve", "block_1", "mean"), grid) == pytest.approx(
        area, abs=0.3
    )


def test_the_projection_shows_every_point_of_every_cloud(tmp_path):
    files = pair(tmp_path)
    table(files, pca=2, names=["mean_norm"])
    found = projections.load(files["projection"])
    assert found.layers == tuple(LAYERS)
    assert found.points["token"].shape == (6, 40, 2)
    assert found.variance["token"].shape == (6, 2)
    assert (found.variance["mean"] > 1 / 6).any()
    assert found.variance["mean"].sum(axis=1).max() < 1  # of all of the width, whatever pca


def test_names_choose_signatures_and_their_order_does_not_matter(tmp_path):
    files = pair(tmp_path)
    frame = table(files, ["twonn", "betti_area"])
    assert set(frame.signature) == {"twonn", "betti_area"}
    pd.testing.assert_frame_equal(frame, table(files, ["betti_area", "twonn"]))


def test_geometry_is_measured_on_the_principal_components(tmp_path):
    files = pair(tmp_path)
    rank, one = (table(files, ["participation_ratio"], pca=count).value for count in (None, 1))
    assert rank.min() > 1.5
    np.testing.assert_allclose(one, 1, rtol=1e-6)


def test_an_unknown_name_is_answered_with_the_known_ones(tmp_path):
    with pytest.raises(InputError, match=r"'roundness': use feature_count, .*mean_norm"):
        table(pair(tmp_path), ["roundness"])


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"replicates": 3}, r"has no diagrams of .*/2 \("),
        ({"max_dimension": 2}, "run persist again"),
    ],
)
def test_diagrams_of_other_settings_are_refused(tmp_path, changed, told):
    with pytest.raises(InputError, match=rf"diagrams\.npz.*{told}"):
        table(pair(tmp_path), **changed)


@pytest.fixture
def as_before():
    """Signatures that a test adds are forgotten after it."""
    kept = {id(one): (one, dict(one)) for both in (NUMBERS, CURVES) for one in vars(both).values()}
    yield
    for registry, before in kept.values():
        registry.clear()
        registry.update(before)


@pytest.mark.usefixtures("as_before")
def test_a_new_signature_is_a_function_with_a_name(tmp_path):
    @of_diagram
    def first_birth(bars: np.ndarray, radius: float) -> float:
        return float(bars[:, 0].min(initial=radius))

    @of_cloud
    def width(cloud: Cloud) -> float:
        return float(cloud.points.shape[1])

    frame = table(pair(tmp_path), ["first_birth", "width"])
    assert set(frame.value[frame.signature == "width"]) == {6.0}
    assert set(frame.dimension[frame.signature == "first_birth"]) == {0, 1}
    with pytest.raises(ValueError, match="two signatures named 'width'"):
        of_cloud(width)


NULLS = {"nulls": {"gaussian": 19, "shuffled": 3}, "null_replicates": 1}


def test_the_first_subsample_stands_beside_the_draws_of_its_nulls(tmp_path):
    files = pair(tmp_path, ["final_norm"], NULLS)
    frame = table(files, **NULLS)
    statistics = ["mean", "sd", "z", "percentile", "draws"]
    assert list(frame.columns) == COLUMNS + [
        f"{null}_{name}" for null in ("gaussian", "shuffled") for name in statistics
    ]
    assert not frame.duplicated(list(tables.KEYS["signatures"])).any()
    second = frame[frame.replicate == 1]
    assert (second[["gaussian_draws", "shuffled_draws"]] == 0).all(axis=None)
    assert second["gaussian_mean"].isna().all()
    first = frame[(frame.replicate == 0) & (frame.signature != "significant_count")]
    every = first[first.dimension == 0]  # in H1 a cloud of ten points may have no bar
    assert (every["gaussian_draws"] == 19).all()
    assert every["gaussian_percentile"].between(0, 100).all()
    assert every["shuffled_percentile"].isna().all()  # of 3 draws none is claimed
    keys = ["layer", "pooling", "replicate", "dimension", "signature"]
    draws = tables.read(files["draws"])
    drawn = draws[draws.null == "gaussian"].groupby(keys)["value"]
    assert len(draws[draws.null == "shuffled"]) * 19 == len(draws[draws.null == "gaussian"]) * 3
    both = every.join(drawn.agg(["mean", "std"]), on=keys)
    np.testing.assert_allclose(both["gaussian_mean"], both["mean"], rtol=1e-12)
    np.testing.assert_allclose(both["gaussian_sd"], both["std"], rtol=1e-9, atol=1e-12)


def test_the_spectrum_is_what_the_gaussian_null_keeps(tmp_path):
    spectral = ["effective_rank", "participation_ratio", "stable_rank", "spectrum_decay"]
    files = pair(tmp_path, ["final_norm"], NULLS)
    frame = table(files, [*spectral, "max_persistence"], **NULLS).query("replicate == 0")
    kept = frame[frame.signature.isin(spectral)]
    assert (kept["gaussian_z"] == 0).all()
    assert (kept["gaussian_percentile"] == 50).all()
    np.testing.assert_allclose(kept["gaussian_mean"], kept["value"], rtol=1e-12)
    assert (kept["shuffled_sd"] > 0).any()
    assert (frame[frame.signature == "max_persistence"]["gaussian_sd"] > 0).all()


def test_a_circle_among_noise_has_one_significant_loop(tmp_path):
    rng = np.random.default_rng(0)
    angle = rng.uniform(0, 2 * np.pi, 60)
    circle = np.column_stack([np.cos(angle), np.sin(angle), *(rng.normal(size=(6, 60)) / 50)])
    noise = rng.normal(size=(60, 8))
    files = pair(tmp_path)
    layers = ["embedding", "final_norm"]
    cloud = np.stack([circle, noise]).astype(np.float32)
    clouds.save(files["clouds"], {"token": cloud}, layers=layers, metadata={})
    settings = SAMPLING | {"subsample": 48, "nulls": {"gaussian": 19}}
    persist(
        clouds=files["clouds"],
        diagrams=files["diagrams"],
        threshold=None,
        engine="auto",
        **settings,
    )
    frame = table(files, ["significant_count", "max_persistence"], **settings)
    counted = frame[frame.signature == "significant_count"]
    assert counted[counted.replicate == 1]["value"].isna().all()
    found = counted[counted.replicate == 0].set_index(["layer", "dimension"])["value"]
    assert found.to_dict() == {
        ("embedding", 0): 1,
        ("embedding", 1): 1,
        ("final_norm", 0): 1,
        ("final_norm", 1): 0,
    }
    loops = frame.query("layer == 'embedding' and dimension == 1 and replicate == 0")
    excess = loops[loops.signature == "max_persistence"].iloc[0]
    assert excess["gaussian_percentile"] == 100
    assert excess["gaussian_z"] > 5


def test_draws_with_nulls_are_the_same_bytes_again(tmp_path):
    files = pair(tmp_path, ["final_norm"], NULLS)
    table(files, **NULLS)
    first = {name: Path(files[name]).read_bytes() for name in ("diagrams", "signatures", "draws")}
    table(pair(tmp_path, ["final_norm"], NULLS), **NULLS)
    assert {name: Path(files[name]).read_bytes() for name in first} == first


@pytest.mark.usefixtures("as_before")
def test_a_new_signature_of_all_dimensions_and_a_new_curve(tmp_path):
    @of_homology
    def loops_to_components(diagrams: list[np.ndarray], radius: float) -> float:
        return len(diagrams[1]) / len(diagrams[0])

    @curve_of_cloud
    def sorted_norms(cloud: Cloud) -> np.ndarray:
        return np.sort(cloud.norms)

    files = pair(tmp_path)
    frame = table(files, ["loops_to_components", "sorted_norms"])
    assert set(frame.dimension) == {-1}
    assert set(frame.signature) == {"loops_to_components"}
    arrays = curves.load(files["curves"]).arrays
    assert set(arrays) == {("mean", "sorted_norms"), ("token", "sorted_norms")}
    assert (np.diff(arrays["mean", "sorted_norms"]) >= 0).all()


def test_the_example_in_the_docs_works(tmp_path, as_before):
    page = (Path(__file__).parents[1] / "docs/add-a-signature.md").read_text()
    blocks = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    names = re.findall(r"^def (\w+)\(", "\n".join(blocks), re.MULTILINE)
    assert len(names) == 3
    assert max(len(block.splitlines()) for block in blocks) < 20
    for block in blocks:
        exec(compile(block, "add-a-signature.md", "exec"), {})
    files = pair(tmp_path)
    frame = table(files, names)
    for name in set(names) & set(NUMBERS.names()):
        assert np.isfinite(frame.value[frame.signature == name]).any()
    tabled = set(frame.signature)
    drawn = {name for _, name in curves.load(files["curves"]).arrays}
    assert tabled | drawn == set(names)
    assert tabled
    assert drawn
