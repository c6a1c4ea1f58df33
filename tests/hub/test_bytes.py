"""Files of the hub arrive whole and right, or not at all."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from standin import Fault

from lmtopo.errors import InputError

REPO = "EleutherAI/pythia-70m"
NAME = "model.safetensors"


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Pauses between tries are noted, not slept."""
    from lmtopo.hub import calls

    pauses: list[float] = []
    monkeypatch.setattr(calls.time, "sleep", pauses.append)
    return pauses


def got(hub: Any, folder: Path, name: str = NAME) -> bytes:
    from lmtopo.hub.download import fetch
    from lmtopo.hub.snapshot import read

    snapshot = read(REPO, "step2", patience=50.0)
    return fetch(snapshot, name, folder, patience=50.0).read_bytes()


def original(hub: Any, name: str = NAME) -> bytes:
    return (hub.root / "models" / REPO / "step2" / name).read_bytes()


@pytest.mark.parametrize("kind", ["drop", "truncate", "flip", 500, 503, 429])
@pytest.mark.parametrize("name", [NAME, "config.json"])
def test_spoilt_transfers_end_in_the_right_bytes(
    hub: Any, tmp_path: Path, kind: int | str, name: str
) -> None:
    hub.faults.append(Fault(rf"GET .*/resolve/.*/{name}", kind, 2))
    assert got(hub, tmp_path / "f", name) == original(hub, name)


def test_a_half_file_is_completed(hub: Any, tmp_path: Path) -> None:
    whole = original(hub)
    (tmp_path / "f").mkdir()
    (tmp_path / "f" / f"{NAME}.partial").write_bytes(whole[:-1000])
    assert got(hub, tmp_path / "f") == whole
    assert hub.sent[NAME] == 1000


def test_a_line_that_breaks_every_time_is_enough(hub: Any, tmp_path: Path) -> None:
    hub.faults.append(Fault(rf"GET .*/resolve/.*/{NAME}", "truncate", 4))
    whole = original(hub)
    assert got(hub, tmp_path / "f") == whole
    assert hub.sent[NAME] < 2 * len(whole)


def test_bytes_that_stay_wrong_are_not_used(hub: Any, tmp_path: Path) -> None:
    hub.faults.append(Fault(rf"GET .*/resolve/.*/{NAME}", "flip"))
    with pytest.raises(InputError, match="arrived 3 times with SHA-256"):
        got(hub, tmp_path / "f")
    assert list((tmp_path / "f").iterdir()) == []


def test_a_spoilt_listing_is_asked_for_again(hub: Any, tmp_path: Path) -> None:
    from lmtopo.hub.download import fetch
    from lmtopo.hub.snapshot import read

    snapshot = read(REPO, "step2", patience=50.0)
    right = snapshot.files[NAME]
    snapshot.files[NAME] = replace(right, sha256="0" * 64)
    assert fetch(snapshot, NAME, tmp_path, patience=50.0).read_bytes() == original(hub)
    assert snapshot.files[NAME] == right


def sent(hub: Any) -> int:
    return sum("/resolve/" in line for line in hub.requests)


@pytest.mark.parametrize("wrong", [-7, 7, 1 << 40])
def test_a_size_that_is_listed_wrong_is_asked_for_again_and_the_bytes_are_not(
    hub: Any, tmp_path: Path, wrong: int
) -> None:
    from lmtopo.hub.download import fetch
    from lmtopo.hub.snapshot import read

    snapshot = read(REPO, "step2", patience=50.0)
    right = snapshot.files[NAME]
    snapshot.files[NAME] = replace(right, size=right.size + wrong)
    assert fetch(snapshot, NAME, tmp_path, patience=50.0).read_bytes() == original(hub)
    assert snapshot.files[NAME] == right
    assert sent(hub) == 1


def test_a_range_that_the_hub_does_not_have_is_no_failure(hub: Any, tmp_path: Path) -> None:
    (tmp_path / "f").mkdir()
    (tmp_path / "f" / f"{NAME}.partial").write_bytes(original(hub)[:-1000])
    hub.faults.append(Fault(rf"GET .*/resolve/.*/{NAME}", 416, 1))
    assert got(hub, tmp_path / "f") == original(hub)
    assert sent(hub) == 2


@pytest.mark.parametrize(
    "headers",
    [
        {"Retry-After": "7"},
        {"Retry-After": "a date"},
        {"RateLimit": '"api";r=0;t=6', "RateLimit-Policy": '"fixed window";"api";q=500;w=300'},
    ],
    ids=str,
)
def test_what_the_hub_asks_for_is_waited(
    hub: Any, impatient: list[float], headers: dict[str, str]
) -> None:
    from lmtopo.hub.snapshot import read

    if "a date" in headers.values():
        until = datetime.now(UTC) + timedelta(seconds=8)
        headers = {"Retry-After": format_datetime(until, usegmt=True)}
    hub.faults.append(Fault("GET .*/revision/", 429, 1, headers))
    read(REPO, "step2", patience=50.0)
    assert 6.5 < max(impatient) < 8.5


def test_pauses_that_the_hub_asks_for_may_exceed_ones_patience_together_but_not_alone(
    hub: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lmtopo.hub import calls
    from lmtopo.hub.snapshot import read

    passed = [0.0]
    monkeypatch.setattr(calls.time, "monotonic", lambda: passed[0])
    monkeypatch.setattr(
        calls.time, "sleep", lambda seconds: passed.__setitem__(0, passed[0] + seconds)
    )
    hub.faults.append(Fault("GET .*/revision/", 429, 2, {"Retry-After": "300"}))
    read(REPO, "step2", patience=500.0)
    assert passed[0] == 600
    hub.faults.append(Fault("GET .*/revision/", 429, 1, {"Retry-After": "501"}))
    with pytest.raises(InputError, match="no success in 500 s"):
        read(REPO, "step2", patience=500.0)


def test_patience_ends(hub: Any) -> None:
    from lmtopo.hub.snapshot import read

    hub.faults.append(Fault("GET .*/revision/", 503))
    with pytest.raises(InputError, match=r"no success in 0 s \(HTTP 503\)"):
        read(REPO, "step2", patience=0.4)


@pytest.mark.parametrize(
    ("setting", "message"),
    [("gated", "accept its terms"), ("private", "log in with `hf auth login`")],
)
def test_a_refusal_says_how_to_log_in_and_no_token(
    hub: Any, setting: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lmtopo.hub.snapshot import read

    monkeypatch.setenv("HF_TOKEN", "hf_hidden")
    getattr(hub, setting).add(REPO)
    with pytest.raises(InputError, match=message) as error:
        read(REPO, "step2", patience=50.0)
    assert "hf_hidden" not in str(error.value)
    assert len([line for line in hub.requests if "revision" in line]) == 1


def test_a_full_disk_is_not_a_bad_network() -> None:
    import errno

    from lmtopo.hub.calls import patiently

    def full() -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(InputError, match="No space left"):
        patiently(full, what="x", patience=50.0)


def test_the_users_cache_is_used_and_kept(hub: Any, tmp_path: Path) -> None:
    from huggingface_hub import constants, hf_hub_download

    hf_hub_download(REPO, NAME, revision="step2", cache_dir=constants.HF_HUB_CACHE)
    hub.requests.clear()
    assert got(hub, tmp_path / "f") == original(hub)
    assert (tmp_path / "f" / NAME).is_symlink()
    assert not [line for line in hub.requests if NAME in line]


def test_a_spoilt_cache_is_neither_used_nor_touched(hub: Any, tmp_path: Path) -> None:
    from huggingface_hub import constants, hf_hub_download

    cached = Path(hf_hub_download(REPO, NAME, revision="step2", cache_dir=constants.HF_HUB_CACHE))
    blob = cached.resolve()
    spoilt = b"\0" * blob.stat().st_size
    blob.write_bytes(spoilt)
    assert got(hub, tmp_path / "f") == original(hub)
    assert not (tmp_path / "f" / NAME).is_symlink()
    assert blob.read_bytes() == spoilt
