"""Calls to the hub that survive a bad network, and errors that say what to do about the rest."""

import errno
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TypeVar

import httpx2
from huggingface_hub import constants, get_session
from huggingface_hub.errors import (
    EntryNotFoundError,
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from lmtopo.errors import InputError
from lmtopo.job import say

Result = TypeVar("Result")

TIMEOUT = 30.0
"""Seconds without a byte before a request counts as stalled; the library itself sets no bound."""
LONGEST_PAUSE = 60.0
TRANSIENT = (408, 425, 429)


def patiently(
    call: Callable[[], Result],
    *,
    what: str,
    patience: float,
    progress: Callable[[], int] = lambda: 0,
) -> Result:
    """``call()``, again and again while what goes wrong may pass.

    Pauses double from one second to a minute, or are what the hub asks for. After ``patience``
    seconds in which ``progress()`` (bytes on disk) has not changed, it gives up. ``what`` says in
    messages what was wanted: ``revision 'step0' of 'EleutherAI/pythia-70m'``.

    Raises
    ------
    InputError
        If the hub refuses, or patience has run out.
    """
    get_session().timeout = TIMEOUT
    since, seen, pause = time.monotonic(), progress(), 1.0
    while True:
        try:
            return call()
        except (httpx2.TransportError, OSError, EntryNotFoundError, HFValidationError) as error:
            if not passes(error):
                raise InputError(explained(error, what)) from error
            trouble: Exception = error
        except json.JSONDecodeError as error:  # an answer cut short
            trouble = error
        now = progress()
        if now != seen:
            since, seen, pause = time.monotonic(), now, 1.0
        wait = asked_pause(trouble)
        wait = pause if wait is None else wait
        if time.monotonic() + wait - since > patience:
            raise InputError(
                f"{what}: no success in {patience:.0f} s ({short(trouble)}): run again when the "
                "network is better, what has arrived is kept; or raise hub.patience"
            ) from trouble
        say(f"{what}: {short(trouble)}; next try in {wait:.0f} s")
        time.sleep(wait)
        pause = min(2 * pause, LONGEST_PAUSE)


def passes(error: Exception) -> bool:
    """Whether a failure may pass by itself."""
    if isinstance(error, OfflineModeIsEnabled | HFValidationError):
        return False
    if isinstance(error, HfHubHTTPError):
        status = error.response.status_code
        return status in TRANSIENT or status >= 500
    if isinstance(error, httpx2.TransportError):
        return not isinstance(error, httpx2.UnsupportedProtocol | httpx2.ProxyError)
    # the library says with a bare OSError that a file came short; a full disk has a number
    return isinstance(error, OSError) and error.errno in (
        None,
        errno.ECONNRESET,
        errno.ECONNREFUSED,
        errno.ETIMEDOUT,
        errno.EPIPE,
        errno.ENETUNREACH,
        errno.EHOSTUNREACH,
    )


def asked_pause(error: Exception) -> float | None:
    """Seconds that the hub asks to wait, in ``Retry-After``: a number or a date."""
    if not isinstance(error, HfHubHTTPError):
        return None
    asked = error.response.headers.get("Retry-After", "").strip()
    try:
        return max(0.0, float(asked))
    except ValueError:
        pass
    try:
        until = parsedate_to_datetime(asked)
    except ValueError:
        return None
    return max(0.0, (until - datetime.now(UTC)).total_seconds()) if until.tzinfo else None


def explained(error: Exception, what: str) -> str:
    """A lasting failure as one line: what was wanted, what the hub says, what to do."""
    if isinstance(error, OfflineModeIsEnabled) or constants.is_offline_mode():
        return f"{what} is not in the hub's cache, and HF_HUB_OFFLINE forbids to fetch it"
    if isinstance(error, GatedRepoError):
        return (
            f"{what} is gated: accept its terms on its page of the hub, then log in with "
            "`hf auth login`"
        )
    if isinstance(error, RevisionNotFoundError):
        return f"{what} is not on the hub: check the revision (`snakemake revisions` lists them)"
    if isinstance(error, RepositoryNotFoundError):
        return (
            f"{what} is not on the hub, or is private: check the spelling of its repo "
            "(owner/name), or log in with `hf auth login`"
        )
    if isinstance(error, EntryNotFoundError):
        return f"{what} is not on the hub"
    if isinstance(error, HfHubHTTPError) and error.response.status_code in (401, 403):
        return (
            f"the hub refuses {what} (HTTP {error.response.status_code}): log in with "
            "`hf auth login`, with an account that may read it"
        )
    return f"{what}: {short(error)}"


def short(error: Exception) -> str:
    """An error in a few words, without addresses that may carry a signature."""
    if isinstance(error, HfHubHTTPError):
        return f"HTTP {error.response.status_code}"
    if isinstance(error, json.JSONDecodeError):
        return "an answer that is no JSON"
    text = str(error).strip().splitlines()
    name = type(error).__name__
    if isinstance(error, httpx2.TransportError):
        return {"ReadTimeout": "no data in time", "ConnectError": "no connection"}.get(name, name)
    return text[0] if text else name
