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


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("ALL_PROXY", "socks5://127.0.0.1:1", r"proxy in .* ALL_PROXY cannot be used \(.*socksio"),
        ("HTTP_PROXY", "socks://here", r"proxy in .* cannot be used \(Unknown scheme"),
    ],
)
def test_a_proxy_that_cannot_be_used_is_told_at_once(
    hub: Any, name: str, value: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lmtopo.hub import calls
    from lmtopo.hub.snapshot import read

    monkeypatch.setenv(name, value)
    calls.set_client_factory(calls.client)  # the client that is there knows of no proxy
    with pytest.raises(InputError, match=message):
        read(REPO, "step2", patience=5.0)
    assert not hub.requests


def test_an_endpoint_without_a_scheme_is_told(hub: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    from lmtopo.hub.snapshot import read

    monkeypatch.setattr(constants, "ENDPOINT", "my.hub:8080")
    with pytest.raises(InputError, match=r"HF_ENDPOINT is 'my.hub:8080': put https:// or http://"):
        read(REPO, "step2", patience=5.0)


def test_a_certificate_that_cannot_be_verified_is_not_waited_for() -> None:
    import ssl

    import httpx2

    from lmtopo.hub.calls import patiently

    def call() -> None:
        doubt = ssl.SSLCertVerificationError(1, "certificate verify failed")
        doubt.verify_message = "self-signed certificate"
        raise httpx2.ConnectError("no") from doubt

    message = r"certificate cannot be verified \(self-signed certificate\): .* SSL_CERT_FILE$"
    with pytest.raises(InputError, match=message):
        patiently(call, what="x", patience=50.0)
