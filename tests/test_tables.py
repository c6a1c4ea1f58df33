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


def test_a_large_table_has_no_csv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    frame = pd.DataFrame({"a": [1, 2]})
    tables.write_table(tmp_path / "t.parquet", frame, ("a",))
    monkeypatch.setattr(tables, "CSV_ROWS", 2)
    tables.write_table(tmp_path / "t.parquet", frame, ("a",))
    assert not (tmp_path / "t.csv").exists()
