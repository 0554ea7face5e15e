"""A scripted server on loopback: says exactly these bytes, and remembers what it was told."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Never

import aiohttp

from ingestor.transport import HttpTransport, Request
from ingestor.transport.lines.dialing import Dial

Play = Callable[["FarEnd", asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
"""What happens on one connection; it is closed when the play is over."""

HARD_CLOSE = struct.pack("ii", 1, 0)
"""SO_LINGER without lingering: closing sends a reset."""


@dataclass
class FarEnd:
    origin: str = ""
    connections: int = 0
    requests: list[bytes] = field(default_factory=list)
    """Heads with bodies, as they came."""
    heard: asyncio.Event = field(default_factory=asyncio.Event)
    """A request is here."""
    left: asyncio.Event = field(default_factory=asyncio.Event)
    """The client has closed a connection that a play kept open."""
    hung_up: asyncio.Event = field(default_factory=asyncio.Event)
    """A connection was closed from this side, and the loop has had time to tell the client."""

    async def hear(self, reader: asyncio.StreamReader) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = 0
        for line in head.lower().split(b"\r\n"):
            if line.startswith(b"content-length:"):
                length = int(line.partition(b":")[2])
        self.requests.append(head + await reader.readexactly(length))
        self.heard.set()


@asynccontextmanager
async def far_end(*plays: Play, tls: ssl.SSLContext | None = None) -> AsyncIterator[FarEnd]:
    """Give each connection the next play, and the last one to all that follow."""
    far = FarEnd()
    playing: dict[asyncio.Task[Any], asyncio.StreamWriter] = {}

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        playing[task] = writer
        play = plays[min(far.connections, len(plays) - 1)]
        far.connections += 1
        try:
            await play(far, reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            far.left.set()
        finally:
            writer.close()
            await hang_up(far, writer)
            del playing[task]

    server = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=tls)
    port = server.sockets[0].getsockname()[1]
    far.origin = f"{'https' if tls else 'http'}://{'localhost' if tls else '127.0.0.1'}:{port}"
    try:
        yield far
    finally:
        server.close()
        # Plays end when their connection does, and need no cancelling.
        for writer in playing.values():
            writer.transport.abort()
        await asyncio.gather(*playing)


async def hang_up(far: FarEnd, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError, ssl.SSLError):
        await writer.wait_closed()
    # Both ends live in this loop: a few turns later the client has read that it is alone.
    for _turn in range(5):
        await asyncio.sleep(0)
    far.hung_up.set()


def says(*pieces: bytes, then: str = "close") -> Play:
    """Hear one request, say the pieces, then "close", "reset" or "stall" until the client leaves."""

    async def play(far: FarEnd, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await far.hear(reader)
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
        await end(far, reader, writer, then)

    return play


def says_for_ever(head: bytes, piece: bytes, *, every: float = 0.0) -> Play:
    async def play(far: FarEnd, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await far.hear(reader)
        writer.write(head)
        while True:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(every)

    return play


def answers(*responses: bytes, then: str = "close") -> Play:
    """Keep the connection for as many requests as there are responses."""

    async def play(far: FarEnd, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for response in responses:
            await far.hear(reader)
            writer.write(response)
            await writer.drain()
        await end(far, reader, writer, then)

    return play


async def end(
    far: FarEnd, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, then: str
) -> None:
    if then == "stall":
        await reader.read()
        far.left.set()
    elif then == "reset":
        plain: socket.socket = writer.get_extra_info("socket")
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, HARD_CLOSE)
        writer.transport.abort()


def response(
    body: bytes = b"", *, status: str = "200 OK", headers: Iterable[str] = (), length: int = -1
) -> bytes:
    """A whole answer; `length` is what it claims where that is not the truth."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body) if length < 0 else length}"]
    return "\r\n".join([*lines, *headers, "", ""]).encode() + body


class Silence:
    """A network in which nobody ever answers; a name has more addresses than anybody has patience."""

    def connector(self, _name: str) -> aiohttp.BaseConnector:
        return BlackHole()

    def dial(self, _name: str) -> Dial:
        return _nobody_answers


class BlackHole(aiohttp.BaseConnector):
    async def _create_connection(self, *_: object) -> Never:
        await _nobody_answers()


async def _nobody_answers(*_: object) -> Never:
    await asyncio.Event().wait()
    raise AssertionError


def a_transport(*origins: str, window: float = 5.0) -> HttpTransport:
    """One upstream, "images", and one that is paid."""
    return HttpTransport(
        origins={"images": origins, "vision": origins}, user_agent="tests", window=window
    )


class Room:
    """Memory for an answer that nobody set any aside for; remembers what it was asked for."""

    def __init__(self, size: int = 0, *, first: Awaitable[object] | None = None) -> None:
        """`first`: awaited before more is given."""
        self.size = size
        self.asked: list[int] = []
        self.needed = asyncio.Event()
        self._first = first

    async def __call__(self, total: int) -> None:
        self.asked.append(total)
        self.needed.set()
        if self._first is not None:
            await self._first
        self.size = total


def a_request(url: str, **given: Any) -> Request:
    """A GET of at most a megabyte within half a minute, unless it is said otherwise."""
    usual: dict[str, Any] = {
        "upstream": "images",
        "method": "GET",
        "deadline": 30.0,
        "cap": 1_000_000,
    }
    return Request(url=url, **(usual | given))


def has_version_6() -> bool:
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False
