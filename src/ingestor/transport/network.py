"""What a transport stands on: for each upstream connections of aiohttp's, and lines for the short way."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from typing import Protocol

import aiohttp

from ingestor.kits.aside import Aside
from ingestor.transport.allowlist import AllowList
from ingestor.transport.connector import CheckedResolver, GuardedConnector, LookUp
from ingestor.transport.lines.dialing import Dial, Dialer

LOOK_UPS = 4
"""Of one upstream at once. Those that hang are its own: others, above all the paid one, have places left."""


class Network(Protocol):
    """Both ways out of a transport. To stay on the allow-list is its duty, for every connection."""

    def connector(self, name: str) -> aiohttp.BaseConnector: ...

    def dial(self, name: str) -> Dial: ...


class Internet:
    """The real one: names are looked up, addresses are checked, certificates are verified."""

    def __init__(
        self,
        allowed: Mapping[str, AllowList],
        *,
        keepalive: Mapping[str, float],
        tls: ssl.SSLContext,
        look_up: LookUp,
    ) -> None:
        """`keepalive` is how many seconds an idle connection to each upstream is worth reusing."""
        self._allowed = allowed
        self._keepalive = keepalive
        self._tls = tls
        self._resolvers = {
            name: CheckedResolver(aside=Aside(LOOK_UPS, name="resolver"), look_up=look_up)
            for name in allowed
        }

    def connector(self, name: str) -> aiohttp.BaseConnector:
        return GuardedConnector(
            self._allowed[name],
            keepalive=self._keepalive[name],
            tls=self._tls,
            resolver=self._resolvers[name],
        )

    def dial(self, name: str) -> Dial:
        return Dialer(resolver=self._resolvers[name], tls=self._tls)
