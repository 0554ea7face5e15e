"""
Access tokens that the sandbox gave out: what they are good for, until when, and for whom.

Vision and the database ask here about the token in `Authorization: Bearer`.
"""

import secrets
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, Literal

MOST_KEPT: Final = 10_000
"""More live tokens than any run asks for; the oldest fall out first."""

Holder = Literal["service", "user"]
"""End users' tokens have no project of their own, so they must name one to be charged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    scopes: frozenset[str]
    holder: Holder
    expires: float
    """On the clock of the token store, in seconds."""


class Tokens:
    """All tokens that are out; unknown, expired and revoked ones look alike."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._grants: dict[str, Grant] = {}

    def issue(self, scopes: Iterable[str], *, seconds: float, holder: Holder = "service") -> str:
        """Give out a token that is good for so many seconds."""
        while len(self._grants) >= MOST_KEPT:
            del self._grants[next(iter(self._grants))]
        token = f"ya29.sandbox-{secrets.token_urlsafe(24)}"
        self._grants[token] = Grant(
            scopes=frozenset(scopes), holder=holder, expires=self._clock() + seconds
        )
        return token

    def grant(self, token: str) -> Grant | None:
        grant = self._grants.get(token)
        return grant if grant is not None and grant.expires > self._clock() else None

    def scopes(self, token: str) -> frozenset[str] | None:
        """What the token is good for, or None when it is good for nothing (any more)."""
        grant = self.grant(token)
        return grant.scopes if grant is not None else None

    def revoke(self, token: str) -> None:
        self._grants.pop(token, None)

    def revoke_all(self) -> int:
        """Make every token invalid, and tell how many there were."""
        count = len(self._grants)
        self._grants.clear()
        return count
