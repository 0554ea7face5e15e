"""The guard at the socket: no library path leads past it to an address that is not allowed."""

from __future__ import annotations

import asyncio
import functools
import socket
import ssl
from collections.abc import Callable
from typing import Any
from weakref import WeakSet

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.client_reqrep import ConnectionKey
from aiohttp.connector import Connection
from aiohttp.tracing import Trace

from ingestor.errors import AddressRefused
from ingestor.kits.aside import Aside
from ingestor.transport.allowlist import AllowList, Origin, may_lead_to

CONNECT_SECONDS = 10.0
"""For the look-up, and again for connecting with TLS: a black hole costs no more. Taste."""
HAPPY_EYEBALLS_SECONDS = 0.25
"""Head start of one address family before the other is tried beside it (RFC 8305, section 5)."""

LookUp = Callable[..., list[tuple[Any, ...]]]
"""`socket.getaddrinfo`, or what a test puts in its place."""


class GuardedConnector(aiohttp.TCPConnector):
    """
    Connects to the origins of an allow-list only. It is asked for every request, also for those
    that reuse a connection, and the addresses checked are the very ones that are connected to.
    """

    def __init__(
        self,
        allowed: AllowList,
        *,
        keepalive: float,
        tls: ssl.SSLContext,
        resolver: CheckedResolver,
    ) -> None:
        super().__init__(
            ssl=tls,
            resolver=resolver,
            # Who calls is limited already, and waiting for a connection eats the deadline.
            limit=0,
            keepalive_timeout=keepalive,
            happy_eyeballs_delay=HAPPY_EYEBALLS_SECONDS,
        )
        self._allowed = allowed
        self._admitted: set[ConnectionKey] = set()
        """Where we were let go before: the list of an upstream never changes."""
        self._carried: WeakSet[object] = WeakSet()
        """Connections that were given out before."""

    async def connect(
        self,
        req: aiohttp.ClientRequest,
        traces: list[Trace],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 (aiohttp's signature)
    ) -> Connection:
        key = req.connection_key
        if key not in self._admitted:
            if key.proxy or not self._allowed.knows(Origin(key.is_ssl, key.host, key.port or 0)):
                raise AddressRefused(f"{key.host}: not one of the upstreams", reason="not-allowed")
            self._admitted.add(key)
        connection = await super().connect(req, traces, timeout)
        while self._is_spoilt(connection):
            connection.close()
            connection = await super().connect(req, traces, timeout)
        return connection

    def _is_spoilt(self, connection: Connection) -> bool:
        """
        Whether something came while it rested: nobody asked for that, and aiohttp would take it for
        the answer to what is sent next.
        """
        protocol = connection.protocol
        if protocol in self._carried:
            return protocol is not None and protocol.should_close
        self._carried.add(protocol)
        return False


class CheckedResolver(AbstractResolver):
    """
    Looks names up `aside`: a hanging look-up cannot be stopped, and must use up neither the threads that
    others need nor the time in which a process has to end.
    """

    def __init__(self, *, aside: Aside, look_up: LookUp) -> None:
        self._aside = aside
        self._look_up = look_up

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        look_up = functools.partial(
            self._look_up, host, port, family=family, type=socket.SOCK_STREAM
        )
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                found = await self._aside(look_up)
        except TimeoutError:
            raise OSError(None, "the look-up took too long") from None
        addresses = [(kind, str(address[0])) for kind, _, _, _, address in found]
        # One bad address spoils the answer: who mixes them is not to be trusted with the rest.
        if not all(may_lead_to(host, address) for _, address in addresses):
            raise AddressRefused(
                f"{host}: its name leads to an address where no such upstream lives",
                reason="elsewhere",
            )
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=kind,
                proto=socket.IPPROTO_TCP,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for kind, address in addresses
        ]

    async def close(self) -> None:
        """Nothing of its own is open."""
