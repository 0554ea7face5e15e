"""What it means that no token came: nearly always weather, and now and then a word that is final."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from urllib.parse import urlsplit

import google.auth.exceptions
import orjson
import requests

from ingestor.errors import Denied, IngestorError, NotSent
from ingestor.transport.translation import SENTENCES

FINAL = frozenset(
    {
        *("invalid_request", "invalid_client", "invalid_grant", "invalid_scope", "invalid_target"),
        *("unauthorized_client", "unsupported_grant_type", "access_denied", "org_internal"),
        *("deleted_client", "disabled_client", "admin_policy_enforced"),
        *("PERMISSION_DENIED", "UNAUTHENTICATED", "NOT_FOUND", "INVALID_ARGUMENT"),
        "FAILED_PRECONDITION",
    }
)
"""
Errors that only another credential ends: of a token endpoint (RFC 6749, section 5.2; RFC 8693; the names
that Google adds: https://developers.google.com/identity/protocols/oauth2/web-server), and below them of
acting as another account (https://cloud.google.com/iam/docs/reference/credentials/rest).
"""
NEEDS_A_PERSON = "Reauthentication"
"""How the library begins when a login has to be made again; it tells that without an answer's code."""
OF_ANOTHER_TIME = "reasonable timeframe"
"""In what Google says of a signature whose time, by this machine's clock, is minutes from its own."""
MOST_WORDS = 120
"""Characters of what the library says (taste)."""
ASKED = (
    google.auth.exceptions.TransportError,
    google.auth.exceptions.RefreshError,
    google.auth.exceptions.OAuthError,
)
"""What the library raises where it has asked somebody; its other errors are about what it was given."""

OUTAGES = {
    "gaierror": "dns",
    "SSLCertVerificationError": "tls-certificate",
    "SSLError": "tls",
    "ConnectTimeout": "connect-timeout",
    "Timeout": "timeout",
    "RemoteDisconnected": "disconnected",
    "ConnectionResetError": "reset",
    "HTTPException": "garbage",
    "ConnectionError": "connect",
}
"""
What an endpoint that was not reached leaves among an error's causes, the most telling first; by name, for
they come from libraries that are not asked for anything here.
"""


def translated(error: Exception) -> IngestorError:
    if not isinstance(error, google.auth.exceptions.GoogleAuthError):
        why = f"its answer cannot be read ({type(error).__name__})"
    elif _is_final(error):
        return Denied(_refusal(error), upstream="google", reason="credentials")
    else:
        why = _outage(error) or words(error)
    return NotSent(f"Google gave no token: {why}", reason="token-endpoint")


def _refusal(error: Exception) -> str:
    if OF_ANOTHER_TIME in str(error):
        return (
            "Google refuses the credentials because this machine's clock is wrong by minutes or more. Set it "
            "right; a new key would be refused as well."
        )
    return (
        f"Google refuses the credentials ({words(error)}). Make a new service account key, or "
        "run: gcloud auth application-default login"
    )


def _outage(error: BaseException) -> str:
    """
    Where and how the asking failed, as it is told of any upstream: the library's words are those of
    the libraries below it, which fill a line before they come to the point.
    """
    causes = list(_causes(error))
    asked = next((c.request for c in causes if isinstance(c, requests.RequestException)), None)
    if asked is None:
        return ""
    names = {kind.__name__ for cause in causes for kind in type(cause).__mro__}
    reason = next((reason for name, reason in OUTAGES.items() if name in names), "broken")
    return f"{urlsplit(asked.url or '').hostname}: {SENTENCES[reason]}"


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """The error itself, and what it came from."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _is_final(error: google.auth.exceptions.GoogleAuthError) -> bool:
    """Whether it was Google that said no, and not something on the way, or only for now."""
    unheard = google.auth.exceptions.TransportError
    if error.retryable or any(isinstance(cause, unheard) for cause in _causes(error)):
        return False
    return _code(error) in FINAL or words(error).startswith(NEEDS_A_PERSON)


def _code(error: Exception) -> str:
    """That of the answer which the library hangs on to its error, if it was JSON."""
    body = error.args[1] if len(error.args) > 1 else None
    if isinstance(body, str | bytes):
        with suppress(ValueError):
            body = orjson.loads(body)
    code = body.get("error") if isinstance(body, dict) else None
    if isinstance(code, dict):
        code = code.get("status")
    return code if isinstance(code, str) else ""


def words(error: Exception) -> str:
    """The sentence of an error whose other arguments are raw answers."""
    text = " ".join(str(error.args[0] if error.args else type(error).__name__).split())
    return text if len(text) <= MOST_WORDS else f"{text[:MOST_WORDS].rpartition(' ')[0]} …"
