"""Stage `analyse`, from tables to verdicts and sentences."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from lmtopo.analyse import analyse
from lmtopo.errors import InputError
from lmtopo.evidence import findings
from lmtopo.evidence.rows import COLUMNS
from lmtopo.tables import KEYS, read, write

STEPS = np.unique(np.geomspace(1, 3000, 30).round()).astype(int)
WORDS = (
    *("supported", "confounded with compute", "spectral only", "noise", "not identifiable"),
    *("exploratory", "too few checkpoints"),
)


def tables(folder: Path, *, layers: tuple[str, ...] = ("final_norm",)) -> dict[str, str]:
    """A study of two models x three budgets in which `tied` is tied to quality beyond compute,
    `spectral` as well, but so is its null, and `driven` follows compute alone; with a step 0."""
    rng = np.random.default_rng(0)
    quality, signatures, noise = [], [], []
    for number, model in enumerate(("small", "large")):
        for budget in ("low", "high", "scarce"):
            e, f, g = rng.standard_normal((3, len(STEPS) + 1))
            for place, step in enumerate([0, *STEPS]):
                at = {"model": model, "budget": budget, "checkpoint": f"step{step}"}
                spent = {"step": int(step), "flops": 1e6 * (number + 1) * step}
                spent |= {"parameters": 1000 * (number + 1)}
                fall = 1 / (1 + 0.01 * step)
                loss = 2 + 3 * fall + 0.1 * e[place]
                reading = {"dataset": "d", "reading": "windows", "perplexity": np.exp(loss)}
                quality.append(at | spent | reading)
                tied, spectral = fall + 0.1 * (0.8 * e[place] + 0.6 * f[place]), 2 * loss
                null = spectral + 0.1 * g[place]
                for name, dimension, value, mean in (
                    ("tied", 1, tied, 0.0),
                    ("spectral", 0, spectral, null),
                    ("driven", -1, fall + 0.1 * f[place], 0.1 * g[place]),
                ):
                    for layer in layers:
                        for replicate in range(2):
                            signatures.append(
                                at
                                | spent
                                | {"dataset": "d", "layer": layer, "pooling": "token"}
                                | {"dimension": dimension, "signature": name}
                                | {"replicate": replicate, "value": value}
                                | {"gaussian_mean": mean if replicate == 0 else np.nan}
                            )
            for name, dimension in (("tied", 1), ("spectral", 0), ("driven", -1)):
                for step, spread in ((0, 5.0), (int(STEPS[-1]), 0.01)):
                    row = at | {"dataset": "d", "layer": "final_norm", "pooling": "token"}
                    row |= {"checkpoint": f"step{step}", "step": step}
                    row |= {"dimension": dimension, "signature": name, "source": "seed"}
                    noise.append(row | {"spread": spread, "range_over_training": 1.0})
    found = {}
    for name, rows in (
        ("quality", quality),
        ("signatures", signatures),
        ("noise", noise),
        ("missing", [{"model": "m", "budget": "b", "checkpoint": "c", "dataset": "d"}]),
    ):
        found[name] = str(folder / f"{name}.parquet")
        write(found[name], pd.DataFrame(rows))
    return found


def test(signature: str, dimension: int) -> dict[str, Any]:
    place = {"dataset": "d", "layer": "final_norm", "pooling": "token"}
    return place | {"signature": signature, "dimension": dimension, "target": "log_perplexity"}


test.__test__ = False  # type: ignore[attr-defined]
ALL = [test("tied", 1), test("spectral", 0), test("driven", -1)]


def analysed(folder: Path, files: dict[str, str], **changes: Any) -> tuple[pd.DataFrame, str]:
    out = {name: str(folder / f"{name}.parquet") for name in ("evidence", "phases", "redundancy")}
    settings: dict[str, Any] = {"name": "s", "primary": ALL, "warmup": 0.05, "draws": 19, "seed": 1}
    settings |= {"null": "gaussian"} | changes
    text = folder / "findings.md"
    analyse(**files, **out, findings=str(text), **settings)
    return read(out["evidence"]), text.read_text()


def test_a_study_gets_verdicts_and_says_what_holds(tmp_path: Path) -> None:
    evidence, text = analysed(tmp_path, tables(tmp_path))
    assert list(evidence.columns) == list(COLUMNS)
    assert not evidence.duplicated(list(KEYS["evidence"])).any()
    assert len(evidence) == 3 * (6 + 1)
    pooled = evidence[evidence["model"] == "pooled"].set_index("signature")
    assert pooled["verdict"].to_dict() == {
        "tied": "supported",
        "spectral": "spectral only",
        "driven": "confounded with compute",
    }
    assert (pooled["n"] == 6 * len(STEPS)).all()  # step 0 is left out
    assert pooled["noise_ratio"].tolist() == pytest.approx([100.0] * 3)
    assert evidence.loc[evidence["model"] != "pooled", "q"].isna().all()
    assert set(evidence["verdict"]) <= set(WORDS)
    assert "1 of 2 topological tests declared beforehand holds beyond compute and the " in text
    assert "spectrum: H1 tied" in text
    assert "1 pair of checkpoint and dataset is left out" in text
    row = pooled.loc["tied"]
    assert f"{row['partial']:+.2f} ({row['partial_low']:+.2f}" in text
    phases, pairs = (read(tmp_path / f"{name}.parquet") for name in ("phases", "redundancy"))
    assert not phases.duplicated(list(KEYS["phases"])).any()
    assert not pairs.duplicated(list(KEYS["redundancy"])).any()


@pytest.mark.slow
def test_it_can_say_that_topology_adds_nothing(tmp_path: Path) -> None:
    files = tables(tmp_path)
    shown = {"evidence": "figures/evidence.png", "perplexity": "figures/perplexity.png"}
    tests = [test("spectral", 0), test("driven", -1)]
    evidence, text = analysed(tmp_path, files, primary=tests, figures=shown)
    assert text.count("](figures/evidence.png)") == 1
    assert "perplexity.png" not in text  # it belongs to nothing that is said
    assert "nothing here: the only topological test declared beforehand does not hold" in text
    assert "Of 1 test of geometry none holds." in text
    assert evidence.query("model == 'pooled' and signature == 'tied'")["verdict"].tolist() == [
        "exploratory"
    ]
    _, text = analysed(tmp_path, files, primary=[])
    assert "No test was declared beforehand" in text
    assert "](" not in text


@pytest.mark.slow
def test_the_same_tables_give_the_same_bytes(tmp_path: Path) -> None:
    files = tables(tmp_path)
    names = ("evidence.parquet", "evidence.csv", "phases.parquet", "redundancy.csv", "findings.md")
    analysed(tmp_path, files)
    first = {name: (tmp_path / name).read_bytes() for name in names}
    analysed(tmp_path, files)
    assert first == {name: (tmp_path / name).read_bytes() for name in names}


def test_a_test_of_what_was_not_measured_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=r"evidence\.primary: no run has enough values of .* wrong"
    ):
        analysed(tmp_path, tables(tmp_path), primary=[test("wrong", 1)])


@pytest.mark.slow
def test_scores_of_tasks_and_from_elsewhere_are_targets(tmp_path: Path) -> None:
    files = tables(tmp_path, layers=("block_1", "final_norm"))
    quality = read(files["quality"])
    at = quality[["model", "budget", "checkpoint"]]
    probe = at.assign(task="mrpc", metric="probe_f1", layer="block_1", pooling="token", value=0.7)
    last = at.groupby(["model", "budget"]).tail(1)
    few = last.assign(task="mrpc", metric="d90", layer="-", pooling="-", value=9.0)
    write(tmp_path / "downstream.parquet", pd.concat([probe, few]))
    copy = at.assign(metric="lambada.ppl", value=quality["perplexity"])
    write(tmp_path / "external.parquet", copy)
    more = {name: str(tmp_path / f"{name}.parquet") for name in ("downstream", "external")}
    evidence, text = analysed(tmp_path, files | more)
    assert "mrpc d90" not in set(evidence["target"])
    assert "scored at fewer than 9 checkpoints of every run, so no target: mrpc d90" in text
    pooled = evidence[(evidence["model"] == "pooled") & (evidence["signature"] == "tied")]
    counts = pooled.groupby("target")["layer"].apply(list).to_dict()
    assert counts["mrpc probe_f1"] == ["block_1"]  # a score of a layer stands beside its layer
    assert counts["lambada.ppl"] == ["block_1", "final_norm"]
    same = pooled[pooled["layer"] == "final_norm"].set_index("target")
    assert same.loc["lambada.ppl", "partial"] == pytest.approx(
        same.loc["log_perplexity", "partial"]
    )
    constant = pooled[pooled["target"] == "mrpc probe_f1"]
    assert constant["verdict"].tolist() == ["not identifiable"]


def outside(folder: Path, **columns: Any) -> str:
    files = tables(folder)
    wide = read(files["quality"]).drop(columns=["checkpoint", "reading", "dataset"])
    values = (
        read(files["signatures"])
        .query("replicate == 0")
        .pivot(index=["model", "budget", "step"], columns="signature", values="value")
    )
    frame = wide.merge(values.reset_index()).assign(**columns)
    frame.to_csv(folder / "theirs.csv", index=False)
    return str(folder / "theirs.csv")


@pytest.mark.slow
def test_a_table_from_elsewhere_is_analysed_alike(tmp_path: Path) -> None:
    evidence, text = analysed(tmp_path, {"table": outside(tmp_path)}, primary=None, null=None)
    pooled = evidence[evidence["model"] == "pooled"].set_index("signature")
    assert pooled["primary"].all()
    assert pooled.loc["tied", "verdict"] == "supported"
    assert pooled.loc["driven", "verdict"] == "confounded with compute"
    assert "No null was drawn" in text
    assert "quality is column 'perplexity'" in text


@pytest.mark.slow
def test_a_table_with_many_signatures_needs_its_tests_named(tmp_path: Path) -> None:
    table = outside(tmp_path, **{f"more{number}": 1.0 for number in range(10)})
    evidence, text = analysed(tmp_path, {"table": table}, primary=None, null=None)
    assert not evidence["primary"].any()
    assert "none was declared beforehand: name up to 12" in text
    evidence, _ = analysed(tmp_path, {"table": table}, primary=["tied"], null=None)
    assert evidence["primary"].sum() == 1
    with pytest.raises(InputError, match=r"has no signature 'x' \(it has: driven"):
        analysed(tmp_path, {"table": table}, primary=["x"], null=None)


@pytest.mark.slow
@pytest.mark.parametrize("steps", [2, 3, 12])
def test_too_short_runs_are_said_to_be(tmp_path: Path, steps: int) -> None:
    table = outside(tmp_path)
    whole = pd.read_csv(table)
    whole[whole["step"] <= STEPS[steps - 1]].to_csv(table, index=False)
    evidence, text = analysed(tmp_path, {"table": table}, primary=None, null=None)
    assert set(evidence["verdict"]) == {"too few checkpoints"}
    assert (evidence.query("model != 'pooled'")["n"] == steps).all()
    assert "cannot say whether topology adds anything" in text
    assert "6 runs have fewer than 15 checkpoints" in text


def test_a_study_of_untrained_models_has_nothing_to_say(tmp_path: Path) -> None:
    files = tables(tmp_path)
    for name in ("quality", "signatures"):
        table = read(files[name])
        write(files[name], table[table["step"] == 0])
    evidence, text = analysed(tmp_path, files, primary=[])
    assert evidence.empty
    assert "no run has a checkpoint after step 0" in text
    table = outside(tmp_path)
    pd.read_csv(table).query("step == 0").to_csv(table, index=False)
    with pytest.raises(InputError, match="no run has a checkpoint after step 0"):
        analysed(tmp_path, {"table": table}, primary=None, null=None)


@pytest.mark.slow
def test_a_signature_without_values_is_left_out_and_may_not_be_primary(tmp_path: Path) -> None:
    table = outside(tmp_path, bare=np.nan)
    evidence, text = analysed(tmp_path, {"table": table}, primary=None, null=None)
    assert evidence.query("model == 'pooled'")["primary"].all()
    assert "without a value beside one of quality after step 0: bare" in text
    with pytest.raises(InputError, match="signature 'bare' is primary, but has no value"):
        analysed(tmp_path, {"table": table}, primary=["bare"], null=None)


@pytest.mark.slow
def test_what_holds_of_geometry_says_nothing_of_topology(tmp_path: Path) -> None:
    evidence, _ = analysed(tmp_path, tables(tmp_path))
    tests = evidence["primary"]
    evidence.loc[tests & (evidence["signature"] == "driven"), "verdict"] = "supported"
    told = findings.answer(evidence, "gaussian")
    assert "1 of 2 topological tests declared beforehand holds" in told
    assert "Of 1 test of geometry 1 holds: driven (final_norm, token) on d." in told
    evidence.loc[tests & (evidence["dimension"] >= 0), "primary"] = False
    told = findings.answer(evidence, "gaussian")
    assert told.startswith("**No topological test was declared beforehand")
    assert "Topology adds" not in told


@pytest.mark.slow
def test_the_words_are_those_of_the_null(tmp_path: Path) -> None:
    evidence, _ = analysed(tmp_path, tables(tmp_path))
    told = {null: findings.answer(evidence, null) for null in ("gaussian", "shuffled", "null")}
    assert "beyond compute and the spectrum" in told["gaussian"]
    assert "clouds of the same mean and covariance show it" in told["gaussian"]
    for null in ("shuffled", "null"):
        assert "beyond compute and the null" in told[null]
        assert "but draws of the null show it" in told[null]
        assert "spectrum" not in told[null]


@pytest.mark.slow
def test_runs_too_short_to_compare_are_not_said_to_be_unrelated(tmp_path: Path) -> None:
    files = tables(tmp_path)
    for name in ("quality", "signatures"):
        table = read(files[name])
        write(files[name], table[table["step"] <= STEPS[12]])
    _, text = analysed(tmp_path, files)
    assert (
        "No two runs that differ by seed or budget alone could be compared (each needs 15" in text
    )
