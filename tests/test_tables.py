from pathlib import Path

import pandas as pd
import pytest

from lmtopo import tables


def test_a_repeated_key_is_never_written(tmp_path: Path) -> None:
    frame = pd.DataFrame({"a": [1, 1], "b": [2, 2], "value": [0.5, 0.6]})
    with pytest.raises(ValueError, match=r"several rows of \{'a': 1, 'b': 2\}"):
        tables.write_table(tmp_path / "t.parquet", frame, ("a", "b"))
    assert list(tmp_path.iterdir()) == []


def test_parquet_and_csv_hold_the_same(tmp_path: Path) -> None:
    frame = pd.DataFrame({"a": [1, 2], "value": [0.1 + 0.2, float("nan")], "name": ["x", "y"]})
    tables.write_table(tmp_path / "t.parquet", frame, ("a",))
    pd.testing.assert_frame_equal(tables.read(tmp_path / "t.parquet"), frame, check_dtype=False)
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "t.csv"), frame, check_dtype=False)


def test_csv_keeps_every_digit_and_text_that_needs_quotes(tmp_path: Path) -> None:
    numbers = [0.1 + 0.2, 1e-300, -1e22, 5e-324, float("inf"), float("nan")]
    frame = pd.DataFrame({"a": range(6), "value": numbers, "holds": [True, False] * 3})
    tables.write_table(tmp_path / "t.parquet", frame, ("a",))
    written = (tmp_path / "t.csv").read_text()
    assert '"' not in written
    assert [line.split(",")[1] for line in written.split()[1:-1]] == [
        *("0.30000000000000004", "1e-300", "-1e+22", "5e-324", "inf")
    ]
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "t.csv"), frame, rtol=1e-15)
    frame["text"] = ["a,b", 'he said "no"', "two\nlines", "x", "y", "z"]
    tables.write_table(tmp_path / "t.parquet", frame, ("a",))
    pd.testing.assert_frame_equal(
        pd.read_csv(tmp_path / "t.csv"), frame, rtol=1e-15, check_dtype=False
    )


def test_a_large_table_has_no_csv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    frame = pd.DataFrame({"a": [1, 2]})
    tables.write_table(tmp_path / "t.parquet", frame, ("a",))
    monkeypatch.setattr(tables, "CSV_ROWS", 2)
    tables.write_table(tmp_path / "t.parquet", frame, ("a",))
    assert not (tmp_path / "t.csv").exists()
