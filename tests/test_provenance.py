"""A study's provenance says what its datasets are, or which of them cannot say so."""

from pathlib import Path

import pytest

from lmtopo.errors import Damaged
from lmtopo.files import read_json, write_json
from lmtopo.provenance import provenance


def test_datasets_are_named_with_their_fingerprints(tmp_path: Path) -> None:
    write_json(tmp_path / "stories/provenance.json", {"fingerprint": "1f"})
    file = tmp_path / "provenance.json"
    provenance(provenance=str(file), datasets=[str(tmp_path / "stories")], config={"study": "s"})
    assert read_json(file)["datasets"] == {"stories": "1f"}


def test_a_dataset_whose_own_provenance_is_cut_is_damaged(tmp_path: Path) -> None:
    (tmp_path / "stories").mkdir()
    (tmp_path / "stories/provenance.json").write_text('{"fingerprint"')
    with pytest.raises(Damaged, match=r"stories' is damaged \(.*\): delete it and run snakemake"):
        provenance(provenance="x.json", datasets=[str(tmp_path / "stories")], config={})
