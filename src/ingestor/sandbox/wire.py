"""Answers below HTTP's dignity: prepared bytes, broken lines, drips, stalls and hang-ups."""

import asyncio
import socket
import struct
from collections.abc import Iterable
from typing import Final

from aiohttp import web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.typedefs import LooseHeaders

STALL_SECONDS: Final = 600.0
"""Longer than any client waits. Where a site drops what it began, a client that goes ends it."""

LINGER_NOT: Final = struct.pack("ii", 1, 0)
"""SO_LINGER with zero seconds: closing sends RST instead of FIN."""

Bytes = bytes | memoryview


class Raw(web.StreamResponse):
    """
    An answer whose every byte, status line included, is already there.

    `status` is only what the call log sees.
    """

    def __init__(self, *parts: Bytes, status: int = 200, close: bool = False) -> None:
        super().__init__(status=status)
        self._parts = parts
        self._close = close

    @property
    def keep_alive(self) -> bool:
        return not self._close

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter:
        self._close = self._close or not request.keep_alive
        for part in self._head() if request.method == "HEAD" else self._parts:
            await request.writer.write(part)
        return request.writer

    def _head(self) -> tuple[Bytes, ...]:
        """What a GET would bring beside it stays away (RFC 9110, 9.3.2)."""
        head, end, _ = b"".join(self._parts).partition(b"\r\n\r\n")
        return (head + end,)

    async def write_eof(self, data: bytes = b"") -> None:
        """Nothing is left to write: the parts end themselves."""


def head(status: str, headers: LooseHeaders) -> bytes:
    """A status line (as `200 OK`) and headers, ready to send."""
    pairs: Iterable[tuple[object, object]] = (
        headers.items() if hasattr(headers, "items") else headers
    )
    lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in pairs)]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def hang_up(request: web.BaseRequest) -> Raw:
    """Reset the connection, as a crashed front end does."""
    transport = request.transport
    if transport is not None:
        connection = transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_NOT)
        transport.abort()
    return Raw(status=0, close=True)


async def stall() -> Raw:
    """Say nothing more, for as long as the client listens."""
    await asyncio.sleep(STALL_SECONDS)
    return Raw(status=0, close=True)


async def drip(request: web.BaseRequest, body: bytes, *, seconds_per_byte: float) -> Raw:
    """Send a byte at a time, so slowly that only a minimum rate notices."""
    for index in range(len(body)):
        if not is_there(request):
            break
        await request.writer.write(body[index : index + 1])
        await asyncio.sleep(seconds_per_byte)
    return Raw(status=200, close=True)


async def pour(request: web.BaseRequest, piece: bytes, *, times: int) -> Raw:
    """Send a piece again and again, with the client's pace as the only brake."""
    for _ in range(times):
        if not is_there(request):
            break
        await request.writer.write(piece)
        await request.writer.drain()
    return Raw(status=200, close=True)


def is_there(request: web.BaseRequest) -> bool:
    return request.transport is not None and not request.transport.is_closing()
