"""How a line is opened: look up, check the address, connect, agree on TLS; or why nothing was sent."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable

import aiohappyeyeballs

from ingestor.errors import AddressRefused, NotSent
from ingestor.transport.allowlist import Origin, is_address
from ingestor.transport.connector import (
    CONNECT_SECONDS,
    HAPPY_EYEBALLS_SECONDS,
    CheckedResolver,
)
from ingestor.transport.lines.line import Line
from ingestor.transport.translation import NO_FILES_LEFT, distrusted, explain

Dial = Callable[[Origin, Callable[[], Line]], Awaitable[Line]]
AddressInfo = tuple[int, int, int, str, tuple[str, int]]


class Dialer:
    """Connects to the very addresses that were checked. Raises NotSent or AddressRefused."""

    def __init__(self, *, resolver: CheckedResolver, tls: ssl.SSLContext) -> None:
        self._resolver = resolver
        self._tls = tls

    async def __call__(self, origin: Origin, new_line: Callable[[], Line]) -> Line:
        addresses = await self._addresses(origin)
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                return await self._connected(origin, addresses, new_line)
        except OSError as error:
            mistake = error
        # Raised here, where no foreign error hangs on to it.
        raise _explained(mistake, origin)

    async def _addresses(self, origin: Origin) -> list[AddressInfo]:
        if is_address(origin.host):
            family = socket.AF_INET6 if ":" in origin.host else socket.AF_INET
            return [_info(family, origin.host, origin.port)]
        try:
            found = await self._resolver.resolve(origin.host, origin.port, socket.AF_UNSPEC)
        except OSError:
            found = []
        if not found:
            raise explain("dns", place=origin.host, kind=NotSent)
        return [_info(entry["family"], entry["host"], entry["port"]) for entry in found]

    async def _connected(
        self, origin: Origin, addresses: list[AddressInfo], new_line: Callable[[], Line]
    ) -> Line:
        loop = asyncio.get_running_loop()
        connected = await aiohappyeyeballs.start_connection(
            addresses, happy_eyeballs_delay=HAPPY_EYEBALLS_SECONDS, interleave=1, loop=loop
        )
        _, line = await loop.create_connection(
            new_line,
            sock=connected,
            ssl=self._tls if origin.secure else None,
            server_hostname=origin.host if origin.secure else None,
        )
        return line


def _info(family: int, host: str, port: int) -> AddressInfo:
    return (family, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (host, port))


def _explained(error: Exception, origin: Origin) -> AddressRefused | NotSent:
    match error:
        case ssl.SSLCertVerificationError():
            return distrusted(error, place=origin.host)
        case ssl.SSLError():
            reason = "tls"
        case TimeoutError():
            reason = "connect-timeout"
        case OSError(errno=number) if number in NO_FILES_LEFT:
            reason = "no-files"
        case _:
            reason = "connect"
    return explain(reason, place=origin.host, kind=NotSent)
