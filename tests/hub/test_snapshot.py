"""What the hub lists, asked of a stand-in."""

from typing import Any

import pytest
from standin import Fault

from lmtopo.errors import InputError

REPO = "EleutherAI/pythia-70m"


def test_a_snapshot_has_the_hash_of_every_file(hub: Any) -> None:
    from lmtopo.hub.snapshot import read

    found = read(REPO, "step2", patience=5.0)
    assert len(found.commit) == 40
    assert found.files["model.safetensors"].sha256 is not None
    assert found.files["config.json"].sha256 is None
    assert found.files["config.json"].blob is not None
    with pytest.raises(InputError, match="revision 'step3' of 'EleutherAI/pythia-70m' is not on"):
        read(REPO, "step3", patience=5.0)
    with pytest.raises(InputError, match="check the spelling of its repo"):
        read("EleutherAI/pythia-70n", "step3", patience=5.0)


WHAT = ["GET .*/refs", "GET .*/revision/", "GET .*/tree/"]


@pytest.mark.slow
@pytest.mark.parametrize("what", WHAT)
@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "stall", "seconds": 20.0},
        {"kind": "flip"},
        {"kind": "truncate"},
        {"kind": "drop"},
        {"kind": 200},
        {"kind": 200, "headers": {"Content-Encoding": "gzip"}},
    ],
    ids=str,
)
def test_a_spoilt_answer_is_asked_for_again(
    hub: Any, what: str, fault: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from lmtopo.hub import calls, snapshot
    from lmtopo.revisions import refresh

    def answers() -> tuple[Any, Any]:
        return refresh(REPO, 15.0), snapshot.read(REPO, "step2", patience=15.0)

    right = answers()
    monkeypatch.setattr(calls, "TIMEOUT", 0.3)
    monkeypatch.setattr(calls.time, "sleep", lambda seconds: None)
    hub.faults.append(Fault(what, times=1, **fault))
    names, found = answers()
    assert names == right[0]
    assert (found.commit, found.files.keys()) == (right[1].commit, right[1].files.keys())
