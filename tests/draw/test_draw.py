import math
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from lmtopo.draw import draw
from lmtopo.draw.style import compute_axis, looks, place_on_log
from lmtopo.tables import read, write


def study(tmp_path: Path, *names: str, flops: float = 1e9) -> dict[str, str]:
    """Tables of two models and two budgets over five checkpoints; the paths of those named."""
    steps = [0, 1, 4, 16, 64]
    runs = [(model, budget) for model in ("small", "large") for budget in ("low", "high")]
    quality = pd.DataFrame(
        [
            {
                "model": model,
                "budget": budget,
                "checkpoint": f"step{step}",
                "step": step,
                "flops": step * flops,
                "dataset": dataset,
                "split": "validation",
                "reading": "windows",
                "perplexity": 300 / (1 + step),
            }
            for model, budget in runs
            for dataset in ("stories", "articles")
            for step in steps
        ]
    )
    rng = np.random.default_rng(0)
    signatures = pd.DataFrame(
        [
            {**row, "layer": layer, "depth": depth, "pooling": "token", "dimension": dimension}
            | {"signature": name, "replicate": replicate, "value": value}
            for row in quality.to_dict("records")
            for layer, depth in (("embedding", 0.0), ("block_1", 1.0), ("final_norm", 1.0))
            for dimension, name, value in (
                (0, "persistence_entropy", rng.random()),
                (1, "persistence_entropy", rng.random()),
                (-1, "twonn", rng.random()),
                (-1, "constant", 3.0),
            )
            for replicate in range(2)
        ]
    )
    write(tmp_path / "quality.parquet", quality)
    write(tmp_path / "signatures.parquet", signatures)
    scores = [
        {
            **row,
            "task": task,
            "layer": layer,
            "pooling": pooling,
            "metric": metric,
            "value": value,
            "low": value - 0.05,
            "high": value + 0.05,
        }
        for row in quality.query("dataset == 'stories'").to_dict("records")
        for task in ("pairs", "mrpc")
        for layer, pooling, metric, value in (
            ("final_norm", "mean", "probe_accuracy", rng.uniform(0.6, 0.8)),
            ("block_1", "mean", "probe_accuracy", 0.0),
            ("-", "-", "zero_shot_accuracy", rng.uniform(0.3, 0.6)),
            ("-", "-", "majority_accuracy", 0.68),
            ("-", "-", "bag_of_words_accuracy", 0.75),
        )
    ]
    write(tmp_path / "downstream.parquet", pd.DataFrame(scores))
    return {name: str(tmp_path / f"{name}.parquet") for name in names}


def tables(tmp_path: Path, *names: str) -> dict[str, pd.DataFrame]:
    return {name: read(path) for name, path in study(tmp_path, *names).items()}


PROBES = {"layers": {"pairs": "final_norm", "mrpc": "final_norm"}, "pooling": "mean"}
BESIDE = {
    "dataset": "stories",
    "cloud_pooling": "token",
    "cloud_layer": "final_norm",
    "signature": "persistence_entropy",
}
SHOWN: dict[str, dict[str, Any]] = {
    "perplexity": {},
    "signatures": {"dataset": "stories", "pooling": "token", "layer": "final_norm"},
    "layers": {"dataset": "stories", "pooling": "token", "signature": "persistence_entropy"},
    "downstream": PROBES,
    "downstream_signature": {**PROBES, **BESIDE},
}
TABLES = {
    "perplexity": ("quality",),
    "signatures": ("signatures",),
    "layers": ("signatures",),
    "downstream": ("downstream",),
    "downstream_signature": ("signatures", "downstream"),
}


def test_tasks_have_a_row_of_panels_each_with_baselines_and_every_run(tmp_path: Path) -> None:
    from lmtopo.draw import downstream

    figure = downstream.draw(width=7.0, **tables(tmp_path, "downstream"), **PROBES)
    titles = [panel.get_title() for panel in figure.axes]
    assert titles == [
        "pairs: linear probe (final_norm, mean)",
        "pairs: asked in words",
        "mrpc: linear probe (final_norm, mean)",
        "mrpc: asked in words",
    ]
    assert [panel.get_xlabel() != "" for panel in figure.axes] == [False, False, True, True]
    for panel in figure.axes:
        assert len(panel.containers) == 4  # runs
        assert [text.get_text() for text in panel.texts] == ["majority", "bag of words"]
        assert panel.get_ylim()[0] > 0  # the other layer is not shown
    plt.close(figure)


def test_a_checkpoint_is_a_point_of_its_signature_and_score(tmp_path: Path) -> None:
    from lmtopo.draw import downstream_signature

    found = tables(tmp_path, "signatures", "downstream")
    figure = downstream_signature.draw(width=7.0, **found, **PROBES, **BESIDE)
    assert "H_1$ persistence entropy (stories, final_norm)" in figure.axes[0].get_xlabel()
    line = figure.axes[1].containers[2].lines[0]  # mrpc, of large low
    run = "model == 'large' and budget == 'low' and dataset == 'stories'"
    values = found["signatures"].query(f"{run} and layer == 'final_norm' and dimension == 1")
    expected = values.groupby("step")["value"].mean()
    np.testing.assert_allclose(np.asarray(line.get_xdata(), float), expected)
    scores = found["downstream"].query(f"{run} and task == 'mrpc' and layer == 'final_norm'")
    np.testing.assert_allclose(np.asarray(line.get_ydata(), float), scores["value"])
    plt.close(figure)


def test_datasets_with_different_readings_have_a_panel_each(tmp_path: Path) -> None:
    from lmtopo.draw import perplexity

    quality = tables(tmp_path, "quality")["quality"]
    quality.loc[quality["dataset"] == "articles", "reading"] = "document"
    figure = perplexity.draw(quality=quality, width=5.0)
    titles = [panel.get_title() for panel in figure.axes]
    assert titles == ["stories (validation)", "articles (validation)"]
    plt.close(figure)


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("perplexity", ("png", "svg", "pdf")),
        ("layers", ("png", "svg")),
        ("downstream", ("svg",)),
        ("downstream_signature", ("svg",)),
    ],
)
def test_figures_are_the_same_bytes_twice(
    name: str, kinds: tuple[str, ...], tmp_path: Path
) -> None:
    paths, shown = study(tmp_path, *TABLES[name]), SHOWN[name]
    for copy in ("one", "two"):
        files = [str(tmp_path / copy / f"figure.{kind}") for kind in kinds]
        draw(name=name, figure=files, width=7.0, **paths, **shown)
    for kind in kinds:
        one, two = (tmp_path / copy / f"figure.{kind}" for copy in ("one", "two"))
        assert one.read_bytes() == two.read_bytes()
    plt.close("all")


def test_without_tokens_the_axis_is_the_step(tmp_path: Path) -> None:
    path = str(tmp_path / "figure.svg")
    draw(name="perplexity", figure=[path], width=5.0, **study(tmp_path, "quality", flops=math.nan))
    assert "training step" in Path(path).read_text()


def test_a_signature_that_never_changes_has_no_panel(tmp_path: Path) -> None:
    path = str(tmp_path / "figure.svg")
    paths = study(tmp_path, "signatures")
    draw(name="signatures", figure=[path], width=7.0, **paths, **SHOWN["signatures"])
    text = Path(path).read_text()
    assert "twonn" in text
    assert "constant" not in text


def test_where_nothing_moves_everything_is_shown(tmp_path: Path) -> None:
    paths = study(tmp_path, "signatures")
    still = read(paths["signatures"]).query("step == 0 and replicate == 0 and model == 'small'")
    write(tmp_path / "signatures.parquet", still.query("budget == 'low' and dataset == 'stories'"))
    path = str(tmp_path / "figure.svg")
    draw(name="signatures", figure=[path], width=7.0, **paths, **SHOWN["signatures"])
    assert "constant" in Path(path).read_text()


def test_compute_is_flops_or_where_unknown_steps() -> None:
    assert compute_axis(pd.DataFrame({"flops": [0.0, 1e9]}))[0] == "flops"
    assert compute_axis(pd.DataFrame({"flops": [0.0, np.nan]}))[0] == "step"


def test_a_model_has_one_colour_and_a_budget_one_line() -> None:
    runs = [("a", "low"), ("a", "high"), ("b", "low"), ("b", "high")]
    found = looks(pd.DataFrame(runs, columns=["model", "budget"]))
    assert found["a", "low"]["color"] == found["a", "high"]["color"] != found["b", "low"]["color"]
    assert found["a", "low"]["linestyle"] == found["b", "low"]["linestyle"]
    assert found["a", "low"]["marker"] != found["a", "high"]["marker"]


def test_step_0_has_a_place_left_of_all_others() -> None:
    _, axes = plt.subplots()
    place = place_on_log(axes, pd.Series([0.0, 1e6, 1e9]), "FLOPs")
    assert 0 < place(0.0) < place(1e6) == 1e6
    assert axes.get_xscale() == "log"
    plt.close("all")


def evidence(path: Path, primary: bool) -> str:
    """A table of three signatures of one run and over all, the last of them declared."""
    from lmtopo.evidence.rows import COLUMNS

    rows = []
    for model in ("pooled", "small"):
        for number, name in enumerate(("twonn", "mean_norm", "persistence_entropy")):
            row = dict.fromkeys(COLUMNS, 0.1 * number) | {"model": model, "budget": "low"}
            row |= {"dataset": "stories", "layer": "final_norm", "pooling": "token"}
            row |= {"dimension": 1, "signature": name, "target": "log_perplexity"}
            row |= {"primary": primary and model == "pooled" and number == 2}
            rows.append(row | {"rho": 0.3 * number, "verdict": "noise"})
    write(path, pd.DataFrame(rows, columns=list(COLUMNS)))
    return str(path)


@pytest.mark.parametrize("primary", [True, False])
def test_the_declared_tests_are_shown_or_else_the_strongest(tmp_path: Path, primary: bool) -> None:
    from lmtopo.draw import evidence as forest
    from lmtopo.draw import skill

    table = read(evidence(tmp_path / "evidence.parquet", primary))
    figure = forest.draw(evidence=table, width=7.0)
    panel = figure.axes[0]
    labels = [label.get_text() for label in panel.get_yticklabels()]
    every = ["$H_1$ persistence entropy", "$H_1$ mean norm", "$H_1$ twonn"]
    assert labels == (every[:1] if primary else every)
    lines = {line.get_label(): line.get_xdata()[0] for line in panel.lines[1:]}
    assert lines["raw"] == pytest.approx(0.6)
    assert lines["after compute (95%)"] == pytest.approx(0.2)
    beside = panel.child_axes[0]
    assert {label.get_text() for label in beside.get_yticklabels()} == {"noise"}
    plt.close(figure)
    figure = skill.draw(evidence=table, width=7.0)
    assert [panel.get_title() for panel in figure.axes] == [
        "1 checkpoint ahead",
        "4 checkpoints ahead",
    ]
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == labels
    plt.close(figure)


@pytest.mark.parametrize("name", ["evidence", "skill"])
def test_a_study_without_evidence_has_figures_that_say_so(tmp_path: Path, name: str) -> None:
    path = evidence(tmp_path / "evidence.parquet", primary=False)
    write(path, pd.read_parquet(path)[:0])
    files = [str(tmp_path / f"{name}.{suffix}") for suffix in ("png", "svg")]
    draw(name=name, figure=files, width=7.0, evidence=path)
    assert "no run has enough checkpoints" in Path(files[1]).read_text()
