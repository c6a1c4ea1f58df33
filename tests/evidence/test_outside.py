"""Tables of other people are read, or it is said why not."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lmtopo.errors import InputError
from lmtopo.evidence import outside


def wide() -> pd.DataFrame:
    rows = [
        {"model": model, "step": step, "compute": 1e9 * step, "perplexity": 90.0 - step}
        | {"h1_entropy": 1.0 * step, "rank": 2.0, "note": "x"}
        for model in ("a", "b")
        for step in (0, 1, 2)
    ]
    return pd.DataFrame(rows)


def written(folder: Path, frame: pd.DataFrame, name: str = "t.csv") -> str:
    path = folder / name
    frame.to_csv(path, index=False, sep="\t" if name.endswith("tsv") else ",")
    return str(path)


def test_a_column_is_a_signature_and_its_name_tells_the_dimension(tmp_path: Path) -> None:
    found = outside.read(written(tmp_path, wide()))
    kinds = found.signatures[["signature", "dimension"]].drop_duplicates()
    assert kinds.to_numpy().tolist() == [["h1_entropy", 1], ["rank", -1]]
    assert len(found.quality) == 6
    assert found.quality["flops"].tolist()[:3] == [0, 1e9, 2e9]
    np.testing.assert_allclose(found.quality["log_quality"][:3], np.log([90, 89, 88]))
    assert found.null is None
    told = " ".join(found.notes)
    assert "signatures are h1_entropy, rank" in told
    assert "columns left out: note" in told


def test_long_tables_seeds_and_nulls(tmp_path: Path) -> None:
    frame = wide().drop(columns=["rank", "note"]).rename(columns={"h1_entropy": "value"})
    frame = pd.concat([frame.assign(seed=seed) for seed in (1, 2)])
    frame = frame.assign(signature="entropy", dimension=1, gaussian_mean=0.5)
    found = outside.read(written(tmp_path, frame, "t.tsv"))
    assert found.quality["budget"].unique().tolist() == ["released-seed1", "released-seed2"]
    assert found.null == "null"
    assert found.signatures["null_mean"].tolist() == [0.5] * 12
    frame = wide().assign(h1_entropy_null_mean=0.25)
    found = outside.read(written(tmp_path, frame))
    assert "h1_entropy_null_mean" not in set(found.signatures["signature"])
    means = found.signatures.groupby("signature")["null_mean"].first()
    assert means["h1_entropy"] == 0.25
    assert np.isnan(means["rank"])


def test_runs_without_a_seed_or_budget_are_runs_too(tmp_path: Path) -> None:
    frame = pd.concat([wide().assign(seed=seed) for seed in (None, 1, 2)])
    found = outside.read(written(tmp_path, frame))
    expected = ["released", "released-seed1", "released-seed2"]
    assert found.quality["budget"].unique().tolist() == expected
    frame["budget"] = frame["seed"].map({1.0: "low", 2.0: "low"})
    found = outside.read(written(tmp_path, frame))
    assert found.quality["budget"].unique().tolist() == ["released", "low-seed1", "low-seed2"]


def test_a_model_that_is_called_as_all_runs_are_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="a model 'pooled', which is what tables call all runs"):
        outside.read(written(tmp_path, wide().replace({"model": {"a": "pooled"}})))


def test_parquet_and_chosen_columns(tmp_path: Path) -> None:
    frame = wide().rename(columns={"perplexity": "wiki", "compute": "pf"})
    frame.to_parquet(tmp_path / "t.parquet")
    found = outside.read(
        str(tmp_path / "t.parquet"), quality="wiki", compute="pf", signatures=["rank"]
    )
    assert found.signatures["signature"].unique().tolist() == ["rank"]
    assert found.quality["flops"].iloc[1] == 1e9
    assert found.quality["log_quality"].iloc[0] == 90  # of unknown name and a small range: as it is


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.drop(columns="model"), "has no column 'model' or .* for the model"),
        (lambda t: t.rename(columns={"perplexity": "q"}), r"quality: COLUMN\}'"),
        (lambda t: t.drop(columns=["h1_entropy", "rank"]), "has no column of a signature"),
        (
            lambda t: t.assign(perplexity="much"),
            "row 1: 'much' in column 'perplexity' is no number",
        ),
        (lambda t: pd.concat([t, t]), "several values of .* tell"),
        (lambda t: t[:0], "has no rows"),
        (lambda t: t.assign(perplexity=np.nan), "no value of quality"),
        (lambda t: t.assign(step=np.nan), "rows without model or step"),
        (lambda t: t.assign(step=[0, 0.5, np.inf] * 2), "has step 0.5: steps are whole numbers"),
        (lambda t: t.assign(step=[0, 1, np.inf] * 2), "has step inf: steps are whole numbers"),
    ],
)
def test_what_is_wrong_is_said(
    tmp_path: Path, change: Callable[[pd.DataFrame], pd.DataFrame], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        outside.read(written(tmp_path, change(wide())))


def test_a_file_that_is_no_table_and_a_column_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        outside.read(str(tmp_path / "none.csv"))
    with pytest.raises(InputError, match="no column 'wiki' for the quality"):
        outside.read(written(tmp_path, wide()), quality="wiki")
    with pytest.raises(InputError, match="no column 'x' for the signatures"):
        outside.read(written(tmp_path, wide()), signatures=["x"])


def test_another_quality_or_cost_is_no_signature(tmp_path: Path) -> None:
    frame = wide().assign(val_loss=2.0, nll=3.0, tokens_seen=4.0, bits_per_byte=1.0)
    frame.to_csv(tmp_path / "t.csv")  # with pandas' index, a column without a name
    found = outside.read(str(tmp_path / "t.csv"))
    assert found.signatures["signature"].unique().tolist() == ["h1_entropy", "rank"]
    told = " ".join(found.notes)
    assert "left out: Unnamed: 0, note, val_loss, nll, tokens_seen, bits_per_byte" in told


def test_lines_may_end_in_a_comma_and_a_steps_quality_stand_in_one_of_its_rows(
    tmp_path: Path,
) -> None:
    text = "model,step,loss,layer,rank\na,1,2.0,block_1,5.0,\na,1,,block_2,6.0,\na,2,,block_1,7,\n"
    (tmp_path / "t.csv").write_text(text)
    found = outside.read(str(tmp_path / "t.csv"))
    assert found.quality["model"].unique().tolist() == ["a"]
    assert found.quality["quality"].dropna().tolist() == [2.0]
    assert found.quality["step"].tolist() == [1, 2]
    assert found.signatures["value"].tolist() == [5, 6, 7]


def test_compute_that_does_not_grow_is_none(tmp_path: Path) -> None:
    found = outside.read(written(tmp_path, wide().assign(compute=7.0)))
    assert found.quality["flops"].isna().all()
    assert "column 'compute' does not grow along run 'a', so steps stand for" in found.notes[1]
    rounded = wide().assign(compute=lambda t: t["step"].clip(upper=1) + (t["step"] > 2))
    assert outside.read(written(tmp_path, rounded)).quality["flops"].isna().all()
    rounded = pd.concat([wide(), wide().assign(step=lambda t: t["step"] + 3)])
    rounded["compute"] = rounded["step"] // 2  # 0, 0, 1, 1, 2, 2
    assert outside.read(written(tmp_path, rounded)).quality["flops"].tolist()[:3] == [0, 0, 1]
    with pytest.raises(InputError, match="'rank' does not grow along run 'a'"):
        outside.read(written(tmp_path, wide()), compute="rank")


def test_one_loss_that_is_infinite_does_not_make_the_others_logarithms(tmp_path: Path) -> None:
    frame = wide().rename(columns={"perplexity": "loss"})
    frame.loc[1, "loss"] = np.inf
    assert outside.read(written(tmp_path, frame)).quality["log_quality"].iloc[0] == 90


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("perplexity", True),
        ("lambada_ppl", True),
        ("Wikitext Perplexity", True),
        ("blog_perplexity", True),
        ("lambada_log_perplexity", False),
        ("neg_log_ppl", False),
        ("apple_accuracy", False),
        ("loss", False),
    ],
)
def test_a_perplexity_is_known_by_its_name(name: str, expected: bool) -> None:
    assert outside.is_perplexity(name) == expected


def test_a_quality_in_logarithms_is_not_logged_again(tmp_path: Path) -> None:
    frame = wide().rename(columns={"perplexity": "log_perplexity"})
    frame["log_perplexity"] = [10.8, 2.0, 0.1] * 2
    found = outside.read(written(tmp_path, frame)).quality
    assert found["log_quality"].tolist() == [10.8, 2.0, 0.1] * 2
    frame = frame.rename(columns={"log_perplexity": "loss"})
    frame["loss"] = [90.0, 3.0, 2.0] * 2  # of which the first is of the untrained model
    assert outside.read(written(tmp_path, frame)).quality["log_quality"].tolist() == [90, 3, 2] * 2
    frame["loss"] = [90.0, 30.0, 2.0] * 2
    logs = outside.read(written(tmp_path, frame)).quality["log_quality"]
    np.testing.assert_allclose(logs, np.log([90, 30, 2] * 2))


def test_a_column_of_yes_and_no_is_no_signature(tmp_path: Path) -> None:
    wide().assign(late=[False, True, True] * 2).to_parquet(tmp_path / "t.parquet")
    found = outside.read(str(tmp_path / "t.parquet"))
    assert found.signatures["signature"].unique().tolist() == ["h1_entropy", "rank"]
    assert "left out: note, late" in " ".join(found.notes)


def test_rows_without_compute_are_told(tmp_path: Path) -> None:
    frame = wide()
    frame.loc[2, "compute"] = np.nan
    assert "1 row has no compute: steps stand for it" in " ".join(
        outside.read(written(tmp_path, frame)).notes
    )
