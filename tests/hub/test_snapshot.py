"""What the hub lists, asked of a stand-in."""

from typing import Any

import pytest

from lmtopo.errors import InputError


def test_a_snapshot_has_the_hash_of_every_file(hub: Any) -> None:
    from lmtopo.hub.snapshot import read

    found = read("EleutherAI/pythia-70m", "step2", patience=5.0)
    assert len(found.commit) == 40
    assert found.files["model.safetensors"].sha256 is not None
    assert found.files["config.json"].sha256 is None
    assert found.files["config.json"].blob is not None
    with pytest.raises(InputError, match="revision 'step3' of 'EleutherAI/pythia-70m' is not on"):
        read("EleutherAI/pythia-70m", "step3", patience=5.0)
    with pytest.raises(InputError, match="check the spelling of its repo"):
        read("EleutherAI/pythia-70n", "step3", patience=5.0)
