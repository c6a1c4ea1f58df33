from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from lmtopo.errors import InputError
from lmtopo.external import external, match
from lmtopo.tables import KEYS, RUN, write

RUNS = [["small", "released", [0, 1, 512]], ["large", "released", [0, 512]]]


@pytest.fixture
def write_file(tmp_path: Path) -> Callable[[str], str]:
    def write_file(text: str) -> str:
        (tmp_path / "mine.csv").write_text(text)
        return str(tmp_path / "mine.csv")

    return write_file


def quality(tmp_path: Path, runs: list[list[Any]]) -> str:
    """A table of quality with two datasets."""
    rows = [
        {
            "study": "s",
            "model": model,
            "budget": budget,
            "checkpoint": f"step{step}",
            "step": step,
            "tokens": 10.0 * step,
            "unique_tokens": None,
            "flops": 1e6 * step,
            "parameters": 5,
            "parameters_total": 9,
            "dataset": dataset,
            "perplexity": 3.0,
        }
        for model, budget, steps in runs
        for dataset in ("a", "b")
        for step in steps
    ]
    write(tmp_path / "quality.parquet", pd.DataFrame(rows).astype(RUN))
    return str(tmp_path / "quality.parquet")


def joined(tmp_path: Path, file: str, runs: Any = RUNS, unmatched: str = "fail") -> pd.DataFrame:
    external(
        file=file,
        quality=quality(tmp_path, runs),
        external=str(tmp_path / "external.parquet"),
        runs=runs,
        unmatched=unmatched,
    )
    return pd.read_parquet(tmp_path / "external.parquet")


def test_a_row_per_checkpoint_and_metric(tmp_path: Path, write_file: Callable[[str], str]) -> None:
    file = write_file(
        "step, model, lambada.ppl, acc, how\n"
        "512, large, 5.5, 0.5, by me\n0, small, inf,, by me\n512, small, 9.5, nan, by you\n"
    )
    found = joined(tmp_path, file)
    assert found[["model", "step", "metric", "value"]].to_numpy().tolist() == [
        ["small", 0, "lambada.ppl", float("inf")],
        ["small", 512, "lambada.ppl", 9.5],
        ["large", 512, "lambada.ppl", 5.5],
        ["large", 512, "acc", 0.5],
    ]
    assert list(found.columns) == [*RUN, "metric", "value"]
    assert found["flops"].tolist() == [0, 512e6, 512e6, 512e6]
    assert not found.duplicated(list(KEYS["external"])).any()
    assert (tmp_path / "external.csv").is_file()


def test_text_is_no_metric_and_that_is_said(
    tmp_path: Path, write_file: Callable[[str], str], capsys: pytest.CaptureFixture[str]
) -> None:
    file = write_file("model,step,acc,how\nsmall,0,0.1,by me\nhuge,0,0.2,\n")
    assert joined(tmp_path, file, unmatched="leave_out")["metric"].tolist() == ["acc"]
    said = capsys.readouterr().err
    assert "column 'how'" in said
    assert "1 rows of" in said


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("model,acc\nsmall,1\n", "no column 'step'"),
        ("model,step,acc\n", "has no rows"),
        (",model,step\n0,small,1\n", "a column without a name"),
        ("model,step,acc,acc\nsmall,0,1,2\n", "several columns 'acc'"),
        ("model,step,log_perplexity\nsmall,0,1\n", "called as the study's own quality is"),
        ("model,step,acc\nsmall,0\n", "line 2 has another number of cells"),
        ("model,step,acc\nsmall,0,1,2\n", "line 2 has another number of cells"),
        ("model;step;acc\nsmall;0;0,5\n", r"than the header \(model;step;acc\); commas stand"),
        ("model,step\nsmall,0\n", "has no number of a metric beside model and step: add"),
        ("model,step,acc\nsmall,0,50%\n", r"no number of a metric .* \(of text: acc\)"),
        ("model,step,acc\nsmall,0,\n", "has no number of a metric"),
        ("model,step,acc\nsmall,0.5,1\n", "line 2: step '0.5' is no whole number"),
        ("model,step,acc\nsmall,nan,1\n", "line 2: step 'nan' is no whole number"),
        (
            "model,step,acc\nsmall,0,1\nsmall,1,high\n",
            "line 3: 'high' in column 'acc' is no number",
        ),
        ("model,step,acc\nsmall,0,1\nsmall,0,1\n", "lines 2 and 3 are both of small step 0"),
        ("model,step,acc\n,,\n\nsmall,0,1\n\nsmall,x,1\n", "line 6: step 'x' is no whole number"),
        ("model,step,acc\nsmall,1_0,1\n", "line 2: step '1_0' is no whole number"),
        (
            "model,step,acc\nsmall,0,1\nsmall,2,1\nhuge,0,1\n",
            r"2 of 3 rows are of no checkpoint of the study \(small 2, huge 0\): take them out, or",
        ),
        (
            "model,step,acc\n" + "".join(f"huge,{step},1\n" for step in range(9)),
            r"9 of 9 .*\(huge 0, huge 1, huge 2 and 6 more\): the study has the models small, lar",
        ),
    ],
)
def test_what_cannot_be_joined_is_said(
    text: str, message: str, write_file: Callable[[str], str]
) -> None:
    with pytest.raises(InputError, match=message):
        match(write_file(text), RUNS, "fail")


def test_nothing_that_matches_is_an_error_whatever_is_left_out(
    write_file: Callable[[str], str],
) -> None:
    with pytest.raises(InputError, match="the study has the models small, large"):
        match(write_file("model,step,acc\nhuge,0,1\n"), RUNS, "leave_out")


def test_of_several_budgets_one_must_be_named(
    tmp_path: Path, write_file: Callable[[str], str]
) -> None:
    runs = [["neox", "low", [0, 4]], ["neox", "high", [0, 8]]]
    with pytest.raises(InputError, match="has the budgets low, high: add a column budget"):
        match(write_file("model,step,acc\nneox,4,1\n"), runs, "fail")
    found = joined(tmp_path, write_file("model,budget,step,acc\nneox,high,0,1\n"), runs)
    assert found[["budget", "checkpoint"]].to_numpy().tolist() == [["high", "step0"]]


def test_a_checkpoint_that_is_left_out_of_the_study_is_left_out_here(
    tmp_path: Path, write_file: Callable[[str], str]
) -> None:
    file = write_file("model,step,acc\nsmall,0,1\nsmall,1,2\n")
    external(
        file=file,
        quality=quality(tmp_path, [["small", "released", [0]]]),
        external=str(tmp_path / "external.parquet"),
        runs=RUNS,
        unmatched="fail",
    )
    assert pd.read_parquet(tmp_path / "external.parquet")["step"].tolist() == [0]
