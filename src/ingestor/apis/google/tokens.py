"""
A token that is renewed in time.

They come from google-auth (https://google-auth.readthedocs.io), whose refresh blocks: it runs aside, one at
a time.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial

import google.auth.credentials
import google.auth.exceptions
from google.auth.transport.requests import Request as TokenRequest
from pydantic import SecretStr

from ingestor.apis.google.refusals import translated
from ingestor.errors import AddressRefused, Denied, NotSent
from ingestor.kits.aside import Aside
from ingestor.transport import Hidden

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
        load: Callable[[], google.auth.credentials.Credentials] | None = None,
    ) -> None:
        """`load` reads the credentials once more, from where these came."""
        self._credentials = credentials
        self._load = load
        self._refused = False
        """Whether Google has refused them: somebody may put others in their place."""
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
            raise Denied(str(error), upstream="google", reason="origin") from None
        except Exception as error:  # noqa: BLE001 - the library takes an answer of another shape for a token's
            told = translated(error)
            self._refused |= isinstance(told, Denied)
            raise told from None
        self._refused = False

    def _refresh(self, stale: SecretStr) -> None:
        # One that nobody waited for any more may have come after all.
        if self._token() != stale:
            return
        credentials = self._loaded_anew() if self._refused else self._credentials
        before = credentials.token, credentials.expiry
        credentials.refresh(self._request)
        if not _text(credentials.token):
            credentials.token, credentials.expiry = before
            raise google.auth.exceptions.RefreshError("the one that came is empty")
        self._credentials = credentials

    def _loaded_anew(self) -> google.auth.credentials.Credentials:
        # Where the file is missing, or half written, the refused ones are as good.
        with suppress(Exception):
            if self._load is not None:
                return self._load()
        return self._credentials

    def _token(self) -> SecretStr:
        return SecretStr(_text(self._credentials.token))

    def _seconds_left(self) -> float:
        expiry: datetime | None = self._credentials.expiry
        if not self._token().get_secret_value():
            return 0.0
        if expiry is None:
            return EARLY
        # The library's times are UTC without saying so.
        return expiry.replace(tzinfo=UTC).timestamp() - self._clock()


def _text(token: object) -> str:
    return token if isinstance(token, str) else ""
