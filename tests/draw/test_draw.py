"""Every figure, of whole studies and of such as have little to show."""

import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import made
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from lmtopo.draw import draw
from lmtopo.draw.style import (
    COLOURS,
    brief,
    compute_axis,
    grid,
    heading,
    legend,
    looks,
    nothing,
    place_on_log,
    style,
)
from lmtopo.study import shown
from lmtopo.study.resolve import Study

ROOT = Path(__file__).parents[2]
TASKS = {"downstream": {"tasks": ["paraphrases"], "poolings": ["mean"]}}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def text_of(folder: Path, found: Study) -> dict[str, str]:
    """Draw every figure; what is written in each."""
    texts = {}
    for name, told in made.told(found).items():
        draw(figure=[f"{name}.svg"], **told)
        texts[name] = (folder / f"{name}.svg").read_text()
    plt.close("all")
    return texts


def drawn(found: Study, name: str, **other: Any) -> Figure:
    """A figure, from what it is told and the tables it reads, with ``other`` tables instead."""
    from importlib import import_module

    told = made.told(found)[name] | other
    tables = {
        table: pd.read_parquet(told[table])
        for table in shown.figures(found)[name].tables
        if isinstance(told[table], str)
    }
    del told["name"]
    with style():
        figure: Figure = import_module(f"lmtopo.draw.{name}").draw(**told | tables)
    return figure


@pytest.mark.slow
def test_every_figure_asks_a_question_and_has_a_caption(folder: Path) -> None:
    found = made.results(folder, made.config(**TASKS))
    texts = text_of(folder, found)
    assert set(texts) == set(shown.FIGURES)
    modules = {path.stem for path in (ROOT / "workflow/lmtopo/draw").glob("*.py")}
    assert modules - {"__init__", "style"} == set(shown.FIGURES)
    for name, text in texts.items():
        assert "?" in text, name
        assert len((ROOT / f"workflow/report/figures/{name}.rst").read_text()) > 100


ALONE = {
    "models": {"small": made.config()["models"]["small"] | {"budgets": ["low"]}},
    "budgets": {"low": {"tokens": 10_000_000}},
}


@pytest.mark.slow
def test_one_checkpoint_of_one_run_without_loops_and_nulls_is_drawn_as_far_as_it_goes(
    folder: Path,
) -> None:
    raw = made.config(**TASKS, homology={"max_dimension": 0}) | ALONE
    found = made.results(folder, raw, keep=slice(-1, None), evidence=False)
    assert len(found.pairs) == 2
    texts = text_of(folder, found)
    assert "no run has two checkpoints to compare" in texts["distances"]
    assert "no two runs are known to have spent the same compute" in texts["equal_compute"]
    assert "fewer than three checkpoints span no plane" in texts["space"]
    assert "no run has enough checkpoints" in texts["redundancy"]
    assert "no run has enough checkpoints" in texts["evidence"]
    assert "no run has enough checkpoints" in texts["skill"]
    assert "no null was drawn" in texts["signatures"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("more", "keep"),
    [
        (ALONE, slice(None)),
        ({}, slice(0, 1)),  # step 0 alone
        ({}, slice(0, 2)),
        ({"homology": {"max_dimension": 0}}, slice(None)),
        ({"homology": {"max_dimension": 2}}, slice(None)),
        ({"figures": {"width": 6.0}}, slice(None)),
    ],
    ids=["one run", "step 0", "two checkpoints", "H0", "H2", "narrow"],
)
def test_small_studies_have_their_figures(more: dict[str, Any], keep: slice, folder: Path) -> None:
    text_of(folder, made.results(folder, made.config() | more, keep=keep))


def test_figures_of_what_is_not_measured_are_not_among_them(folder: Path) -> None:
    found = made.results(folder, made.config(signatures=["twonn", "mean_norm"]))
    assert set(shown.FIGURES) - set(shown.figures(found)) == {
        "crocker",
        "downstream",
        "downstream_signature",
    }
    told = made.told(found)
    assert told["equal_compute"]["shown"] == [[-1, "twonn"]]
    everything = Study(found.file, found.runs, {})
    nobody = {
        (one.model, one.budget, one.name, dataset): "lost" for one, dataset in everything.pairs
    }
    assert {"diagrams", "barcodes"}.isdisjoint(shown.figures(Study(found.file, found.runs, nobody)))


def test_a_figure_reads_the_tables_it_shows_and_no_others(folder: Path) -> None:
    found = made.results(folder, made.config(**TASKS))
    tables = {name: one.tables for name, one in shown.figures(found).items()}
    assert tables["perplexity"] == ("quality",)
    assert tables["diagrams"] == tables["crocker"] == ()
    assert tables["distances"] == ("distances", "phases")
    files = shown.figures(found)["crocker"].files
    assert len(files) == 5
    assert all(Path(file).is_file() for file in files)


@pytest.mark.slow
@pytest.mark.parametrize("name", shown.FIGURES)
def test_figures_are_the_same_bytes_twice(name: str, folder: Path) -> None:
    told = made.told(made.results(folder, made.config(**TASKS)))[name]
    for copy in ("one", "two"):
        draw(figure=[f"{copy}.svg", f"{copy}.pdf", f"{copy}.png"], **told)
    for kind in ("svg", "pdf", "png"):
        assert (folder / f"one.{kind}").read_bytes() == (folder / f"two.{kind}").read_bytes()
    plt.close("all")


@pytest.mark.slow
def test_a_large_study_is_thinned_and_says_so(folder: Path) -> None:
    raw = made.config(models=7, blocks=12, checkpoints=62) | {"evaluate": ["stories"]}
    found = made.results(folder, raw)
    told = made.told(found)
    assert len(told["crocker"]["steps"]) == 60
    assert len(told["space"]["paths"]) == 12
    figure = drawn(found, "crocker")
    assert "60 of 62 checkpoints" in figure.get_suptitle()
    figure = drawn(found, "layers")
    assert "12 of 14 runs" in figure.get_suptitle().replace("\n", " ")
    panel = figure.axes[0]
    assert [label.get_text() for label in panel.get_yticklabels()] == [
        *("embedding", "block_2", "block_4", "block_6"),
        *("block_9", "block_11", "final_norm"),
    ]
    assert len(panel.get_xticks()) == 4
    plt.close("all")


def test_tasks_have_a_row_of_panels_each_with_baselines_and_every_run(folder: Path) -> None:
    figure = drawn(made.results(folder, made.config(**TASKS)), "downstream")
    titles = [panel.get_title() for panel in figure.axes]
    assert titles == [
        "paraphrases: linear probe (final_norm, mean)",
        "paraphrases: asked in words",
    ]
    assert all(panel.get_xlabel() == "training compute (FLOPs)" for panel in figure.axes)
    for panel in figure.axes:
        assert len(panel.containers) == 4  # runs
        assert [text.get_text() for text in panel.texts] == ["majority", "bag of words"]
        assert panel.get_ylim()[0] > 0  # the other layer is not shown
    plt.close(figure)


def test_a_baseline_of_another_tokenizer_has_a_line_of_its_own(folder: Path) -> None:
    found = made.results(folder, made.config(**TASKS))
    table = pd.read_parquet("results/made/tables/downstream.parquet")
    words = table["metric"] == "bag_of_words_accuracy"
    table.loc[words & (table["model"] == "large"), "value"] = 0.8
    figure = drawn(found, "downstream", downstream=table)
    for panel in figure.axes:
        told = {text.xy[1]: text.get_color() for text in panel.texts if "bag" in text.get_text()}
        assert told == {0.75: COLOURS[0], 0.8: COLOURS[1]}
    plt.close(figure)


def test_tasks_that_no_checkpoint_has_done_are_said_to_be_undone(folder: Path) -> None:
    found = made.results(folder, made.config(**TASKS))
    none = pd.read_parquet("results/made/tables/downstream.parquet")[:0]
    for name in ("downstream", "downstream_signature"):
        figure = drawn(found, name, downstream=none)
        assert "has done a task" in figure.axes[0].texts[0].get_text()
    plt.close("all")


def test_a_checkpoint_is_a_point_of_its_signature_and_score(folder: Path) -> None:
    found = made.results(folder, made.config(**TASKS))
    figure = drawn(found, "downstream_signature")
    assert "H_1$ persistence entropy (stories, final_norm, token)" in figure.axes[0].get_xlabel()
    assert figure.axes[0].get_ylabel() == "accuracy (validation)"
    line = figure.axes[0].containers[2].lines[0]  # large, low
    run = "model == 'large' and budget == 'low' and dataset == 'stories'"
    signatures = pd.read_parquet("results/made/tables/signatures.parquet")
    values = signatures.query(f"{run} and layer == 'final_norm' and dimension == 1")
    values = values[values["signature"] == "persistence_entropy"]
    expected = values.groupby("step")["value"].mean()
    np.testing.assert_allclose(np.asarray(line.get_xdata(), float), expected)
    scores = pd.read_parquet("results/made/tables/downstream.parquet")
    scores = scores.query(f"{run} and layer == 'final_norm'")
    np.testing.assert_allclose(np.asarray(line.get_ydata(), float), scores["value"])
    plt.close(figure)


def test_datasets_with_different_readings_have_a_panel_each(folder: Path) -> None:
    found = made.results(folder, made.config())
    quality = pd.read_parquet("results/made/tables/quality.parquet")
    quality.loc[quality["dataset"] == "articles", "reading"] = "document"
    figure = drawn(found, "perplexity", quality=quality)
    titles = [panel.get_title() for panel in figure.axes]
    assert titles == ["stories (validation)", "articles (validation)"]
    quality["flops"] = np.nan  # tokens are not known
    figure = drawn(found, "perplexity", quality=quality)
    assert figure.axes[0].get_xlabel() == "training step"
    plt.close("all")


def test_a_run_that_diverges_does_not_hide_the_others(folder: Path) -> None:
    found = made.results(folder, made.config())
    quality = pd.read_parquet("results/made/tables/quality.parquet")
    here = (quality["model"] == "large") & (quality["dataset"] == "stories")
    quality.loc[here & (quality["step"] > 0), "perplexity"] = 1e304
    figure = drawn(found, "perplexity", quality=quality)
    assert [panel.get_ylim()[1] > 3000 for panel in figure.axes] == [False, False]
    tips = [
        line for line in figure.axes[0].lines if line.get_marker() == "^" and line.get_xdata().size
    ]
    assert sum(line.get_xdata().size for line in tips) == 8
    assert set(np.concatenate([line.get_ydata() for line in tips])) == {3000.0}
    assert "8 values that lie further up" in figure.get_suptitle()
    quality.loc[here, "perplexity"] = np.inf  # from the start on
    figure = drawn(found, "perplexity", quality=quality)
    assert figure.axes[0].get_ylim()[1] == 3000.0
    plt.close("all")


@pytest.mark.slow
def test_a_signature_that_never_changes_has_no_panel_unless_nothing_moves(folder: Path) -> None:
    found = made.results(folder, made.config())
    figure = drawn(found, "signatures")
    titles = [panel.get_title() for panel in figure.axes]
    assert "twonn" in titles
    assert "constant" not in titles
    table = pd.read_parquet("results/made/tables/signatures.parquet")
    still = table.query("step == 0 and replicate == 0 and model == 'small' and budget == 'low'")
    figure = drawn(found, "signatures", signatures=still)
    assert "constant" in [panel.get_title() for panel in figure.axes]
    plt.close("all")


def test_a_signature_stands_beside_its_null(folder: Path) -> None:
    found = made.results(folder, made.config())
    figure = drawn(found, "signatures")
    grey = [line for line in figure.axes[0].lines if line.get_color() == "#666666"]
    mean = figure.axes[0].lines[0]
    table = pd.read_parquet("results/made/tables/signatures.parquet")
    null = table.query(
        "model == 'large' and budget == 'high' and layer == 'final_norm' and dataset == 'stories' "
        "and signature == 'persistence_entropy' and dimension == 0 and replicate == 0"
    )
    assert grey == [mean]
    np.testing.assert_allclose(np.asarray(mean.get_ydata(), float), null["gaussian_mean"])
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels[-1] == "gaussian null of large, high (mean ± 2 sd)"
    plt.close(figure)


def test_checkpoints_of_unknown_value_have_their_place_among_the_layers(folder: Path) -> None:
    found = made.results(folder, made.config())
    table = pd.read_parquet("results/made/tables/signatures.parquet")
    table.loc[table["step"] == 0, "value"] = np.nan
    figure = drawn(found, "layers", signatures=table)
    cells = figure.axes[0].images[0].get_array()
    assert cells.shape == (4, 5)
    assert np.ma.getmaskarray(np.ma.masked_invalid(cells)).sum(axis=1).tolist() == [1] * 4
    assert "grey: not known" in one_line(figure)
    plt.close("all")


def test_what_is_not_known_anywhere_is_said_in_words(folder: Path) -> None:
    found = made.results(folder, made.config(**TASKS))
    table = pd.read_parquet("results/made/tables/signatures.parquet").assign(value=np.nan)
    for name in ("layers", "equal_compute", "downstream_signature"):
        figure = drawn(found, name, signatures=table)
        assert [one.get_text() for one in figure.axes[0].texts] == [
            "it is not known at any checkpoint"
        ]
    plt.close("all")


def test_barcodes_show_the_longest_bars(folder: Path) -> None:
    from lmtopo.draw import barcodes

    bars = np.column_stack([np.zeros(100), np.arange(1.0, 101)])
    kept = barcodes.longest(bars[::-1].copy())
    np.testing.assert_array_equal(kept[:, 1], np.arange(41.0, 101))
    assert len(barcodes.longest(bars[:0])) == 0


def test_crocker_counts_components_and_loops(folder: Path) -> None:
    found = made.results(folder, made.config())
    from lmtopo.formats import curves

    told = made.told(found)["crocker"]
    for step in told["steps"]:
        counts = np.zeros((4, 2, 65))
        counts[:, 0, :32] = 11.0  # twelve components that are one from half the radius on
        curves.save(
            told["files"].format(step=step),
            {("token", "betti_curve"): counts},
            layers=made.layers(found),
        )
    figure = drawn(found, "crocker")
    components, loops = (panel.images[0].get_array() for panel in figure.axes[:2])
    assert components.shape == (65, 5)
    assert set(np.unique(components[:32])) == {12.0}
    assert set(np.unique(components[32:])) == {1.0}
    assert np.ma.getmaskarray(loops).all() or np.isnan(loops).all()
    plt.close(figure)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("highest", "asked"),
    [(0, "components"), (1, "components and loops"), (2, "components, loops and voids")],
)
def test_figures_ask_of_what_there_is(folder: Path, highest: int, asked: str) -> None:
    found = made.results(folder, made.config(homology={"max_dimension": highest}))
    for name in ("barcodes", "crocker"):
        assert f"do {asked} live" in one_line(drawn(found, name))
    appear = asked.removeprefix("components, ").removeprefix("components and ")
    question = one_line(drawn(found, "diagrams"))
    assert f"When do {appear} {'appear' if highest else 'merge'}" in question
    assert "without the component that never dies" in question
    plt.close("all")


def test_distances_of_neighbours_stand_above_change_points(folder: Path) -> None:
    from lmtopo.draw import distances

    found = made.results(folder, made.config())
    figure = drawn(found, "distances")
    names = [panel.get_title() for panel in figure.axes]
    assert names[0].startswith("$H_0$ diagrams: Wasserstein-1")
    assert names[2].startswith("clouds: 1 - CKA")
    below = figure.axes[3]
    marks = [line.get_xdata() for line in below.lines]
    assert [len(one) for one in marks] == [2, 2, 2, 0]
    table = pd.read_parquet("results/made/tables/distances.parquet")
    steps = found.runs["small", "low"].checkpoints[1:3]
    flops = [table.loc[table["other_step"] == one.step, "other_flops"].iloc[0] for one in steps]
    np.testing.assert_allclose(np.asarray(marks[0], float), flops)
    assert [text.get_text() for text in below.texts] == ["too few checkpoints"]
    plt.close(figure)
    rows = pd.DataFrame({"changes": [1, 2, 2, 3, 3, 3], "p": [0.2, 0.01, 0.01, 0.5, 0.5, 0.5]})
    assert distances.changes(rows) == (1, False)
    assert distances.changes(rows.assign(p=[0.01, 0.01, 0.01, 0.5, 0.5, 0.5])) == (2, True)


def test_points_of_a_plane_are_embedded_without_stress(folder: Path) -> None:
    from scipy.spatial.distance import pdist, squareform

    from lmtopo.draw import space

    points = np.random.default_rng(0).random((9, 2)) * [5, 1]
    places, stress = space.embedded(squareform(pdist(points)))
    assert stress < 1e-3
    np.testing.assert_allclose(pdist(places), pdist(points), rtol=1e-2)
    assert np.ptp(places[:, 0]) > np.ptp(places[:, 1])  # the longest way lies across
    places, stress = space.embedded(np.zeros((4, 4)))
    assert stress == 0.0
    assert not places.any()


def test_runs_are_compared_where_two_have_spent_the_same(folder: Path) -> None:
    from lmtopo.draw import equal_compute

    losses = pd.DataFrame(
        [("a", "x", 1e9), ("a", "x", 1e12), ("b", "x", 1e8), ("b", "x", 1e11), ("c", "x", 1e13)],
        columns=["model", "budget", "flops"],
    )
    levels = equal_compute.compared(losses)
    assert len(levels) == 4
    assert (levels > 1e9).all()
    assert levels[-1] == 1e11  # c has one checkpoint
    assert len(equal_compute.compared(losses[losses["model"] != "b"])) == 0
    run = pd.DataFrame({"flops": [1e11, 1e9], "value": [3.0, 1.0]})
    at = equal_compute.at_levels(np.array([1e8, 1e10, 1.005e11, 1e12]), run)
    np.testing.assert_allclose(at, [np.nan, 2.0, 3.0, np.nan])


@pytest.mark.parametrize("values", [[10, 50], [31.00001, 31.00004]])
def test_tick_labels_of_nearly_equal_values_stay_apart(values: list[float]) -> None:
    from lmtopo.draw.equal_compute import TICKS, few_ticks

    with style():
        figure, panel = plt.subplots(figsize=(1.7, 1.5))
        panel.plot(values, values)
        panel.ticklabel_format(useOffset=False)
        panel.tick_params(labelsize=TICKS)
        few_ticks(panel, 1.2)
        figure.draw_without_rendering()
        low, high = panel.get_xlim()
        boxes = [
            label.get_window_extent()
            for tick, label in zip(panel.get_xticks(), panel.get_xticklabels(), strict=True)
            if low <= tick <= high
        ]
    plt.close(figure)
    assert boxes
    assert not any(box.overlaps(other) for box, other in pairwise(boxes))


def test_what_says_the_same_stands_together(folder: Path) -> None:
    found = made.results(folder, made.config())
    kinds = ["a", "b", "c", "d"]  # a with c, and b with d
    rows = [
        {"dataset": "stories", "pooling": "token", "dimension": -1, "signature": one}
        | {"other_dimension": -1, "other_signature": other}
        | {"rho": 1.0, "partial": 0.95 if one + other in ("ac", "bd") else 0.1}
        for place, one in enumerate(kinds)
        for other in kinds[place + 1 :]
    ]
    figure = drawn(found, "redundancy", redundancy=pd.DataFrame(rows))
    panel = figure.axes[1]
    order = "".join(label.get_text() for label in panel.get_yticklabels())
    assert {frozenset(order[:2]), frozenset(order[2:])} == {frozenset("ac"), frozenset("bd")}
    cells = panel.images[0].get_array()
    assert cells[0, 1] == 0.95
    assert cells[1, 0] == 1.0
    plt.close(figure)


@pytest.mark.parametrize("primary", [True, False])
def test_the_declared_tests_are_shown_or_else_the_strongest(folder: Path, primary: bool) -> None:
    found = made.results(folder, made.config())
    table = made.tested(known=True, primary=primary)
    figure = drawn(found, "evidence", evidence=table)
    panel = figure.axes[0]
    labels = [label.get_text() for label in panel.get_yticklabels()]
    every = ["$H_1$ persistence entropy", "$H_1$ mean norm", "$H_1$ twonn"]
    assert labels == (every[:1] if primary else every)
    lines = {line.get_label(): line.get_xdata()[0] for line in panel.lines[1:]}
    assert lines["raw"] == pytest.approx(0.6)
    assert lines["after compute (95%)"] == pytest.approx(0.2)
    assert "excess over the null, after compute" in lines
    assert "stories, final_norm, pooling token, target log_perplexity" in one_line(figure)
    assert "null: gaussian" in one_line(figure)
    beside = panel.child_axes[0]
    assert {label.get_text() for label in beside.get_yticklabels()} == {"noise"}
    figure = drawn(found, "skill", evidence=table)
    assert "stories, final_norm, pooling token, target log_perplexity" in one_line(figure)
    assert [panel.get_title() for panel in figure.axes] == [
        "1 checkpoint ahead",
        "4 checkpoints ahead",
    ]
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == labels
    plt.close("all")


def one_line(figure: Figure) -> str:
    return str(figure.get_suptitle()).replace("\n", " ")


@pytest.mark.parametrize(("p", "alpha"), [(0.04, None), (0.06, 0.3), (np.nan, 0.3)])
def test_an_excess_that_may_be_chance_is_faint(folder: Path, p: float, alpha: float) -> None:
    table = made.tested(known=True, primary=True).assign(excess_p=p)
    figure = drawn(made.results(folder, made.config()), "evidence", evidence=table)
    crosses = [line for line in figure.axes[0].lines if line.get_marker() == "x"]
    assert [one.get_alpha() for one in crosses if np.isfinite(one.get_xdata()).any()] == [alpha]
    plt.close(figure)


def test_compute_is_flops_or_where_unknown_steps() -> None:
    assert compute_axis(pd.DataFrame({"flops": [0.0, 1e9]}))[0] == "flops"
    assert compute_axis(pd.DataFrame({"flops": [0.0, np.nan]}))[0] == "step"


def test_a_model_has_one_colour_and_a_budget_one_line_in_all_figures() -> None:
    runs = [("a", "low"), ("a", "high"), ("b", "low"), ("b", "high")]
    found = looks(runs)
    assert found["a", "low"]["color"] == found["a", "high"]["color"] != found["b", "low"]["color"]
    assert found["a", "low"]["linestyle"] == found["b", "low"]["linestyle"]
    assert found["a", "low"]["marker"] != found["a", "high"]["marker"]
    some = pd.DataFrame([runs[3]], columns=["model", "budget"])
    assert looks(runs, some) == {runs[3]: found[runs[3]]}
    # more models than colours: another line
    many = looks([(f"m{number}x", "low") for number in range(2 * len(COLOURS))])
    assert len({(one["color"], str(one["linestyle"])) for one in many.values()}) == len(many)


def test_seeds_of_a_model_look_alike_and_share_an_entry() -> None:
    runs = [(f"pythia-14m-seed{seed}", "released") for seed in range(1, 10)]
    found = looks([*runs, ("other", "released")])
    assert len({str(found[run]) for run in runs}) == 1
    figure = plt.figure()
    legend(figure, found)
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels == ["pythia-14m (9 seeds)", "other"]
    plt.close(figure)


def test_step_0_has_a_place_left_of_all_others() -> None:
    _, axes = plt.subplots()
    place = place_on_log(axes, pd.Series([0.0, 1e6, 1e9]), "FLOPs")
    assert 0 < place(0.0) < place(1e6) == 1e6
    assert axes.get_xscale() == "log"
    for only in (0.0, 1e9):
        _, axes = plt.subplots()
        where = place_on_log(axes, pd.Series([only]), "FLOPs")(only)
        low, high = axes.get_xlim()
        assert 2 * low < where < high / 2
    plt.close("all")


def test_titles_fit_and_long_steps_are_short() -> None:
    figure, panels = grid(4, columns=3, width=6.0, height=1.0)
    assert (len(panels), len(figure.axes)) == (4, 6)
    heading(figure, "Is it so?", "a", "", "b " * 60)
    first, second, *_ = figure.get_suptitle().splitlines()
    assert first == "Is it so?"
    assert second.startswith("a; b b")
    assert max(map(len, figure.get_suptitle().splitlines())) <= 78
    assert nothing(4.0, "Is it?", "no").get_suptitle() == "Is it?"
    assert [brief(step) for step in (0, 9999, 48828, 143000)] == ["0", "9,999", "48.8k", "143k"]
    plt.close("all")


def test_many_budgets_and_models_are_told_apart() -> None:
    runs = [(f"m{model}", f"b{budget}") for model in range(14) for budget in range(3)]
    for some in (runs, [("m", f"b{budget}") for budget in range(9)]):
        assert len({str(look) for look in looks(some).values()}) == len(some)


@pytest.mark.slow
def test_a_run_that_has_diverged_leaves_the_others_to_be_seen(folder: Path) -> None:
    found = made.results(folder, made.config())
    quality = pd.read_parquet(made.told(found)["perplexity"]["quality"])
    quality.loc[quality["step"] == 0, "perplexity"] = np.exp(700.0)
    figure = drawn(found, "perplexity", quality=quality)
    figure.draw_without_rendering()
    low, high = figure.axes[0].get_ylim()
    assert 0 < low < quality["perplexity"].min() * 10
    assert 1e99 < high < 1e200


@pytest.mark.slow
def test_figures_leave_a_notebook_its_backend(folder: Path) -> None:
    found = made.results(folder, made.config())
    plt.close("all")
    plt.switch_backend("svg")
    try:
        draw(figure=["p.png"], **made.told(found)["perplexity"])
        assert plt.get_backend() == "svg"
        assert not plt.get_fignums()
    finally:
        plt.switch_backend("agg")


def test_equal_subsamples_have_no_range_whatever_their_mean_is_rounded_to(folder: Path) -> None:
    found = made.results(folder, made.config())
    signatures = pd.read_parquet(made.told(found)["equal_compute"]["signatures"])
    drawn(found, "equal_compute", signatures=signatures.assign(value=0.1))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["layers", "distances", "perplexity", "signatures", "space"])
def test_long_names_of_runs_stay_inside_a_figure_and_apart(folder: Path, name: str) -> None:
    long = "{}-gpt-neox-with-rotary-and-parallel-blocks-of-the-second-kind"
    raw = made.config(models=3)
    raw["models"] = {long.format(model): entry for model, entry in raw["models"].items()}
    figure = drawn(made.results(folder, raw), name)
    figure.draw_without_rendering()
    boxes = [words.get_window_extent() for words in names_in(figure)]
    assert boxes
    for place, box in enumerate(boxes):
        assert figure.bbox.contains(*box.min)
        assert figure.bbox.contains(*box.max)
        assert not any(box.overlaps(other) for other in boxes[place + 1 :])


@pytest.mark.slow
@pytest.mark.parametrize("width", [6.0, 7.0])
def test_distances_in_three_dimensions_have_room(folder: Path, width: float) -> None:
    found = made.results(
        folder, made.config(homology={"max_dimension": 2}, figures={"width": width})
    )
    figure = drawn(found, "distances")
    figure.draw_without_rendering()
    boxes = [words.get_window_extent() for words in names_in(figure)]
    for place, box in enumerate(boxes):
        assert figure.bbox.contains(*box.min)
        assert figure.bbox.contains(*box.max)
        assert not any(box.overlaps(other) for other in boxes[place + 1 :])


def names_in(figure: Figure) -> list[Text]:
    """All that is written in a figure and is not a number: titles, labels and legends."""
    words = [one for one in figure.findobj(Text) if isinstance(one, Text) and one.get_visible()]
    return [one for one in words if re.search("[a-z]{3}", re.sub(r"\$.*?\$", "", one.get_text()))]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["signatures", "redundancy"])
def test_many_signatures_keep_the_width(folder: Path, name: str) -> None:
    from itertools import combinations

    found = made.results(folder, made.config(figures={"width": 6.0}))
    kinds = [(d, f"{word} persistence entropy") for d in (0, 1, 2) for word in "abcdefghijklmnopqr"]
    rows = [
        {"dataset": "stories", "pooling": "token", "dimension": one[0], "signature": one[1]}
        | {"other_dimension": other[0], "other_signature": other[1], "rho": 0.5, "partial": 0.1}
        for one, other in combinations(kinds, 2)
    ]
    more = {"redundancy": pd.DataFrame(rows)} if name == "redundancy" else {}
    figure = drawn(found, name, **more)
    assert figure.get_figwidth() == 6.0
    figure.draw_without_rendering()
    boxes = [words.get_window_extent() for words in names_in(figure)]
    for place, box in enumerate(boxes):
        assert figure.bbox.contains(*box.min)
        assert figure.bbox.contains(*box.max)
        if name == "signatures":
            assert not any(box.overlaps(other) for other in boxes[place + 1 :])
    plt.close(figure)


@pytest.mark.slow
def test_fonts_in_a_pdf_are_truetype(folder: Path) -> None:
    told = made.told(made.results(folder, made.config()))["perplexity"]
    draw(figure=["one.pdf"], **told)
    kinds = set(re.findall(rb"/Subtype /(Type3|Type0|CIDFontType2)", Path("one.pdf").read_bytes()))
    assert kinds == {b"Type0", b"CIDFontType2"}


def test_steps_of_millions_are_told_as_such() -> None:
    assert [brief(step) for step in (999_499, 999_500, 1_454_000)] == ["999k", "1M", "1.45M"]


@pytest.mark.parametrize("runs", [1, 2, 6, 30, 100])
def test_points_are_moved_aside_by_little(runs: int) -> None:
    from lmtopo.draw.downstream import ASIDE, beside_each_other

    factors = np.log10(beside_each_other(pd.Series([0.0, 1e9, 1e14]), runs))
    assert len(factors) == runs
    assert np.ptp(factors) <= ASIDE * 5 + 1e-9
    assert factors.mean() == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize(
    ("values", "labels"),
    [
        ([0.0, 2.0e15, 2.1e15], ["0", r"$2.0 \cdot 10^{15}$"]),
        ([0.0, 9.99e12, 9.99e12], ["0", r"$1.0 \cdot 10^{13}$"]),
        ([0.0, 1.0, 1e9], ["0", *(f"$10^{{{power}}}$" for power in range(0, 10, 2))]),
    ],
)
def test_an_axis_of_compute_has_numbers_that_fit(values: list[float], labels: list[str]) -> None:
    with style():
        _, panel = plt.subplots()
        place_on_log(panel, pd.Series(values), "compute")
        assert panel.xaxis.get_major_formatter().seq == labels
