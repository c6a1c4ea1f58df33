"""Calls to the hub that survive a bad network, and errors that say what to do about the rest."""

import errno
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TypeVar

import httpx2
from huggingface_hub import constants, set_client_factory
from huggingface_hub.errors import (
    EntryNotFoundError,
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.utils._http import default_client_factory, parse_ratelimit_headers

from lmtopo.errors import InputError
from lmtopo.job import say

Result = TypeVar("Result")

LATER = "run again when the network is better, what has arrived is kept; or raise hub.patience"

TIMEOUT = 30.0
"""Seconds without a byte before a request counts as stalled."""
LONGEST_PAUSE = 60.0
TRANSIENT = (408, 425, 429)

_timeout: ContextVar[float] = ContextVar("timeout", default=TIMEOUT)


class SpoiltAnswerError(OSError):
    """What the hub has said makes no sense."""


def client() -> httpx2.Client:
    """The library's own client, but in it no request waits for ever.

    The library asks for listings with ``timeout=None``, which outweighs a client's own timeout.

    Raises
    ------
    InputError
        If the proxy that the environment names cannot be used.
    """

    def bound(request: httpx2.Request) -> None:
        limits = request.extensions.get("timeout") or {}
        if limits.get("read") is None:
            request.extensions["timeout"] = httpx2.Timeout(_timeout.get()).as_dict()

    try:
        made = default_client_factory()
    except (ImportError, ValueError, httpx2.InvalidURL) as error:
        raise InputError(
            f"the proxy in HTTPS_PROXY, HTTP_PROXY or ALL_PROXY cannot be used ({error}): correct "
            "or unset it, or, if it is SOCKS, install the package socksio"
        ) from None
    hooks = made.event_hooks
    made.event_hooks = {**hooks, "request": [*hooks["request"], bound]}
    return made


set_client_factory(client)


def patiently(
    call: Callable[[], Result],
    *,
    what: str,
    patience: float,
    progress: Callable[[], int] = lambda: 0,
    mend: str = LATER,
) -> Result:
    """``call()``, again and again while what goes wrong may pass.

    Pauses double from one second to a minute, or are what the hub asks for. After ``patience``
    seconds in which ``progress()`` (bytes on disk) has not changed, it gives up. ``what`` says in
    messages what was wanted: ``revision 'step0' of 'EleutherAI/pythia-70m'``, and ``mend`` what to
    do if it was not to be had in time.

    Raises
    ------
    InputError
        If the hub refuses, or patience has run out.
    """
    since, seen, pause = time.monotonic(), progress(), 1.0
    while True:
        before = _timeout.set(min(TIMEOUT, max(patience, 1.0)))
        try:
            return call()
        except (httpx2.RequestError, OSError, EntryNotFoundError, HFValidationError) as error:
            if not passes(error):
                raise InputError(explained(error, what)) from error
            trouble: Exception = error
        finally:
            _timeout.reset(before)
        now = progress()
        if now != seen:
            since, seen, pause = time.monotonic(), now, 1.0
        asked = asked_pause(trouble)
        wait = pause if asked is None else asked
        spent = time.monotonic() - since
        # a pause that the hub asks for is never cut short, and after it the hub is asked once more
        if (spent if asked is not None else spent + pause) > patience or wait > patience:
            raise InputError(
                f"{what}: no success in {patience:.0f} s ({short(trouble)}): {mend}"
            ) from trouble
        say(f"{what}: {short(trouble)}; next try in {wait:.0f} s")
        time.sleep(wait)
        pause = min(2 * pause, LONGEST_PAUSE)


@contextmanager
def an_answer() -> Iterator[None]:
    """What the library, or who reads on from it, stumbles over in a spoilt answer is an error that
    `patiently` takes for what it is."""
    try:
        yield
    except (HFValidationError, InputError):
        raise
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise SpoiltAnswerError("an answer that makes no sense") from error


def passes(error: Exception) -> bool:
    """Whether a failure may pass by itself."""
    if isinstance(error, OfflineModeIsEnabled | HFValidationError):
        return False
    if isinstance(error, HfHubHTTPError):
        status = error.response.status_code
        return status in TRANSIENT or status >= 500
    if unverified(error) is not None:
        return False
    if isinstance(error, httpx2.RequestError):
        return not isinstance(
            error, httpx2.UnsupportedProtocol | httpx2.ProxyError | httpx2.TooManyRedirects
        )
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


def silent(error: InputError) -> bool:
    """Whether a call was given up because the hub has not answered: others would be, too."""
    return isinstance(error.__cause__, Exception) and passes(error.__cause__)


def unverified(error: BaseException | None) -> ssl.SSLCertVerificationError | None:
    """What a failure says of a certificate that cannot be verified; None if it is another."""
    while error is not None and not isinstance(error, ssl.SSLCertVerificationError):
        error = error.__cause__ or error.__context__
    return error


def asked_pause(error: Exception) -> float | None:
    """Seconds that the hub asks to wait: ``Retry-After``, a number or a date, or the end of its
    ``RateLimit`` window."""
    if not isinstance(error, HfHubHTTPError):
        return None
    limit = parse_ratelimit_headers(error.response.headers)
    if limit is not None and limit.remaining == 0:
        return limit.reset_in_seconds + 1.0  # it is told in whole seconds
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
    if (doubt := unverified(error)) is not None:
        return (
            f"{what}: the hub's certificate cannot be verified ({doubt.verify_message}): where a "
            "proxy puts one of its own there, name its authority's file in SSL_CERT_FILE"
        )
    if isinstance(error, httpx2.UnsupportedProtocol) and "://" not in constants.ENDPOINT:
        return f"{what}: HF_ENDPOINT is '{constants.ENDPOINT}': put https:// or http:// before it"
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
    text = str(error).strip().splitlines()
    name = type(error).__name__
    if isinstance(error, httpx2.RequestError):
        known = {
            "ReadTimeout": "no data in time",
            "ConnectTimeout": "no connection in time",
            "ConnectError": "no connection",
            "RemoteProtocolError": "the connection broke",
            "ReadError": "the connection broke",
            "DecodingError": "the answer is damaged",
        }
        return known.get(name, name)
    return text[0] if text else name
