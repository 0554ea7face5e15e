"""
Google's credentials: a key, a token that is renewed in time, or none.

Tokens come from google-auth (https://google-auth.readthedocs.io), whose refresh blocks: it runs aside,
one at a time. The library makes its own connections; they go through the guard below, which
knows the few places that tokens may come from.
"""

from __future__ import annotations

import asyncio
import os
import time
import warnings
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final, Protocol
from urllib.parse import parse_qs, urlsplit

import google.auth
import google.auth.credentials
import google.auth.exceptions
import orjson
import requests
from google.auth.transport.requests import Request as TokenRequest
from pydantic import SecretStr
from requests.adapters import HTTPAdapter

from ingestor.errors import (
    AddressRefused,
    Denied,
    IngestorError,
    NotSent,
    SettingsError,
)
from ingestor.kits.aside import Aside
from ingestor.settings import is_loopback
from ingestor.transport import Hidden

SCOPES = (
    "https://www.googleapis.com/auth/cloud-platform",
    "https://www.googleapis.com/auth/userinfo.email",
    "https://www.googleapis.com/auth/firebase.database",
)
"""One token for Vision and for the database, which wants the last two
(https://firebase.google.com/docs/database/rest/auth)."""

EARLY = 300.0
"""Seconds before its end that a token is renewed; the library itself calls it old at 225."""
LAST = 30.0
"""
Seconds before its end up to which a token is used though it cannot be renewed: where it is judged it
arrives after a look-up and a connection (ten seconds each), and by another clock than ours.
"""
RENEWALS_APART = 5.0
"""
Seconds between two renewals of a token that is still good, and what one of them may cost whoever comes
by. A metadata server gives the same token until some four minutes before its end. (taste)
"""
REFRESH_DEADLINE = 60.0
"""Seconds for a renewal with the library's own three attempts."""
CONNECT_TIMEOUT, ANSWER_TIMEOUT = 5.0, 10.0
"""Seconds for one attempt; tokens come in well under one."""

TOKEN_ORIGINS = frozenset(
    {
        "https://oauth2.googleapis.com",
        "https://sts.googleapis.com",
        "https://iamcredentials.googleapis.com",
    }
)
"""For keys and logins; for workload identity; for acting as another account."""
METADATA_HOSTS = ("metadata.google.internal", "169.254.169.254")
"""Asked for tokens on Google's own machines, over plain HTTP that never leaves them."""

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

NONE_FOUND = "No Google credentials were found. Set "
KEY_OR = f"{NONE_FOUND}GOOGLE_API_KEY, or "
KEY_ALONE = "GOOGLE_API_KEY opens Vision, but no database. For that set "
NO_CREDENTIALS = (
    "{beginning}GOOGLE_APPLICATION_CREDENTIALS to the path of a "
    "service account's key, or run: gcloud auth application-default login"
)

ASKED = (
    google.auth.exceptions.TransportError,
    google.auth.exceptions.RefreshError,
    google.auth.exceptions.OAuthError,
)
"""What the library raises where it has asked somebody; its other errors are about what it was given."""

UNUSABLE = (
    "The Google credentials cannot be used: {why}. Check GOOGLE_APPLICATION_CREDENTIALS, or run: "
    "gcloud auth application-default login"
)


class Credentials(Protocol):
    """What authorizes a request, as headers; they are secret."""

    async def headers(self) -> Mapping[str, str]:
        """
        Renews first what is about to end. Raises Denied, or NotSent where there is no token now: what
        it was wanted for has not left this machine.
        """
        ...

    async def refresh_after(self, headers: Mapping[str, str]) -> None:
        """Replace what was refused; nothing happens if these headers are history already."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Who we are to each of Google's two services."""

    vision: Credentials
    database: Credentials


async def open_credentials(
    *, api_key: SecretStr | None, database_url: str | None, buying: bool = True
) -> Access:
    """
    Choose credentials: for Vision the key, for an emulator its own, for the rest the environment's.

    Without `buying`, Vision's may be missing. Raises SettingsError where there are none, or they
    cannot be read.
    """
    key = Fixed({"x-goog-api-key": api_key.get_secret_value()}) if api_key else None
    if not (key or buying):
        key = ANYBODY
    if database_url is None or is_emulator(database_url):
        database = EMULATOR_OWNER if database_url else ANYBODY
        return Access(vision=key or await default_tokens(KEY_OR), database=database)
    tokens = await default_tokens(KEY_ALONE if api_key else NONE_FOUND)
    return Access(vision=key or tokens, database=tokens)


def is_emulator(database_url: str) -> bool:
    """An emulator takes the database's name as a parameter, over plain HTTP."""
    parts = urlsplit(database_url)
    return parts.scheme == "http" and "ns" in parse_qs(parts.query)


async def default_tokens(beginning: str = NONE_FOUND) -> Tokens:
    """
    Application Default Credentials (https://cloud.google.com/docs/authentication/provide-credentials-adc).

    `beginning` is that of the sentence when there are none.
    """
    guarded = guarded_request()
    try:
        # A metadata server may be looked for, which takes half a minute where one says nothing.
        loaded = await Aside(1, name="credentials")(partial(_load, guarded))
        return Tokens(loaded, request=guarded)
    except ASKED as error:
        raise _translated(error) from None
    except google.auth.exceptions.GoogleAuthError as error:
        raise SettingsError(_why_not(error, beginning=beginning)) from None
    except (AttributeError, KeyError, OSError, TypeError, ValueError):
        # The library takes JSON of another shape than a key's for what it expects.
        raise SettingsError(UNUSABLE.format(why="it is not a credentials file")) from None


class Fixed:
    """Headers that never change: a key, the emulator's owner, or none at all."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        self._headers = Hidden(headers)

    async def headers(self) -> Mapping[str, str]:
        return self._headers

    async def refresh_after(self, headers: Mapping[str, str]) -> None:
        """A fixed credential that was refused stays refused."""


EMULATOR_OWNER: Final = Fixed({"authorization": "Bearer owner"})
"""What an emulator of the database takes for an administrator's."""
ANYBODY: Final = Fixed({})


class Tokens:
    """
    A token that is renewed five minutes before its end, and once for each time it was refused.

    While it is good nobody waits for its renewal but the one who asks for it, and a renewal that
    fails is no concern yet. Without a good one whoever comes meanwhile waits, and takes what comes.
    """

    def __init__(
        self,
        credentials: google.auth.credentials.Credentials,
        *,
        request: TokenRequest,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._credentials = credentials
        self._request = request
        self._clock = clock
        self._turn = asyncio.Lock()
        # A renewal that was left goes on, and the next one must wait for it.
        self._aside = Aside(1, name="token")
        self._renewed_at = float("-inf")
        """When the last renewal began."""
        self._ended = 0
        """Renewals that brought a token, or may another time."""
        self._failure = ""
        """Why the last of them brought none."""

    async def headers(self) -> Mapping[str, str]:
        left = self._seconds_left()
        if left < LAST:
            await self._replace(self._token())
        elif left < EARLY and self._may_renew():
            with suppress(NotSent):
                await self._replace(self._token(), patience=RENEWALS_APART)
        headers = Hidden(authorization=f"Bearer {self._token().get_secret_value()}")
        # People's logins belong to no project; this names the one to count and charge.
        if project := getattr(self._credentials, "quota_project_id", None):
            headers["x-goog-user-project"] = project
        return headers

    async def refresh_after(self, headers: Mapping[str, str]) -> None:
        await self._replace(SecretStr(headers.get("authorization", "").removeprefix("Bearer ")))

    def _may_renew(self) -> bool:
        # A clock that was set back says nothing.
        lately = 0 <= self._clock() - self._renewed_at < RENEWALS_APART
        return not (lately or self._turn.locked())

    async def _replace(self, stale: SecretStr, *, patience: float = REFRESH_DEADLINE) -> None:
        before = self._ended
        async with self._turn:
            if self._token() == stale and self._ended == before:
                await self._renew(stale, patience)
            elif self._failure and self._ended != before:
                # Who waited for it need not find out again, one after the other.
                raise NotSent(self._failure, reason="token-endpoint")

    async def _renew(self, stale: SecretStr, patience: float) -> None:
        self._renewed_at = self._clock()
        try:
            await self._renewed(stale, patience)
        except NotSent as error:
            self._ended, self._failure = self._ended + 1, str(error)
            raise
        self._ended, self._failure = self._ended + 1, ""

    async def _renewed(self, stale: SecretStr, patience: float) -> None:
        try:
            async with asyncio.timeout(patience):
                await self._aside(partial(self._refresh, stale))
        except TimeoutError:
            raise NotSent("Google's token endpoint does not answer.", reason="timeout") from None
        except AddressRefused as error:
            # Before anything was asked of Vision: not a request that may have been billed.
            raise Denied(str(error), upstream="google", status=400, reason="origin") from None
        except Exception as error:  # noqa: BLE001 - the library takes an answer of another shape for a token's
            raise _translated(error) from None

    def _refresh(self, stale: SecretStr) -> None:
        # One that nobody waited for any more may have come after all.
        if self._token() != stale:
            return
        before = self._credentials.token, self._credentials.expiry
        self._credentials.refresh(self._request)
        if not self._token().get_secret_value():
            self._credentials.token, self._credentials.expiry = before
            raise google.auth.exceptions.RefreshError("the one that came is empty")

    def _token(self) -> SecretStr:
        token: object = self._credentials.token
        return SecretStr(token if isinstance(token, str) else "")

    def _seconds_left(self) -> float:
        expiry: datetime | None = self._credentials.expiry
        if not self._token().get_secret_value():
            return 0.0
        if expiry is None:
            return EARLY
        # The library's times are UTC without saying so.
        return expiry.replace(tzinfo=UTC).timestamp() - self._clock()


def guarded_request(allowed: Collection[str] = TOKEN_ORIGINS) -> TokenRequest:
    """The library's own transport, able to reach the `allowed` origins and loopback only."""
    session = requests.Session()
    # Neither proxies nor netrc: what the environment says must not lead tokens elsewhere.
    session.trust_env = False
    for scheme in ("https://", "http://"):
        session.mount(scheme, _Guard(allowed))
    return TokenRequest(session)


class _Guard(HTTPAdapter):
    """Refuses other places before connecting; every hop of a redirect passes here."""

    def __init__(self, allowed: Collection[str]) -> None:
        super().__init__()
        self._allowed = allowed

    def send(
        self, request: requests.PreparedRequest, *args: Any, **given: Any
    ) -> requests.Response:
        parts = urlsplit(request.url or "")
        host = str(parts.hostname or "")
        metadata = {*METADATA_HOSTS, os.environ.get("GCE_METADATA_HOST", "").partition(":")[0]}
        if not (
            f"{parts.scheme}://{parts.netloc}" in self._allowed
            or is_loopback(host)
            or (parts.scheme == "http" and host in metadata)
        ):
            raise AddressRefused(
                f"Tokens are not asked for at {host[:80]!r}: the Google credentials name a place that "
                "is not Google's.",
                reason="origin",
            )
        given["timeout"] = (CONNECT_TIMEOUT, ANSWER_TIMEOUT)
        return super().send(request, *args, **given)


def _load(request: TokenRequest) -> google.auth.credentials.Credentials:
    with warnings.catch_warnings():
        # A login without a project: if it matters, Vision's refusal says so better.
        warnings.filterwarnings("ignore", message="Your application has authenticated")
        credentials, _project = google.auth.default(scopes=SCOPES, request=request)
    return credentials


def _why_not(error: Exception, *, beginning: str) -> str:
    if "credentials were not found" in _words(error):
        return NO_CREDENTIALS.format(beginning=beginning)
    return UNUSABLE.format(why=_words(error).rstrip("."))


def _translated(error: Exception) -> IngestorError:
    if not isinstance(error, google.auth.exceptions.GoogleAuthError):
        why = f"its answer cannot be read ({type(error).__name__})"
    elif _is_final(error):
        return Denied(
            f"Google refuses the credentials ({_words(error)}). Make a new service account key, or "
            "run: gcloud auth application-default login",
            upstream="google",
            status=400,
            reason="credentials",
        )
    else:
        why = _words(error)
    return NotSent(f"Google gave no token: {why}", reason="token-endpoint")


def _is_final(error: google.auth.exceptions.GoogleAuthError) -> bool:
    """Whether it was Google that said no, and not something on the way, or only for now."""
    causes = (error, error.__cause__, error.__context__)
    if any(isinstance(cause, google.auth.exceptions.TransportError) for cause in causes):
        return False
    if error.retryable:
        return False
    return _code(error) in FINAL or _words(error).startswith(NEEDS_A_PERSON)


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


def _words(error: Exception) -> str:
    """The sentence of an error whose other arguments are raw answers."""
    return " ".join(str(error.args[0] if error.args else type(error).__name__).split())[:120]
