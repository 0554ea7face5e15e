"""
Who may hold a connection, and for how long without asking: slow clients get no hold on a server.

A server library bounds the size of a request, not the time it takes to arrive, nor the number of
connections. A browser opens six, and sends a request in milliseconds.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sized
from contextlib import asynccontextmanager, contextmanager
from typing import Final, Protocol, runtime_checkable

from ingestor.kits.beside import beside

MOST: Final = 500
"""Connections at once; some 20 kB each (taste)."""
PATIENCE: Final = 10.0
"""Seconds for a request to arrive whole."""
IDLE: Final = 35.0
"""Seconds between two requests; longer than keep-alive, whose end comes first for the polite."""
EVERY: Final = 1.0
"""Seconds between two looks at who has been silent for too long."""
EVERYWHERE: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 (told, not bound)
"""Every address of this machine, and the one of them that it can be asked by from here."""


class Server(Protocol):
    """Makes what speaks on each connection, and knows those that are open."""

    @property
    def connections(self) -> Sized: ...

    def __call__(self) -> asyncio.BaseProtocol: ...


class Runner(Protocol):
    """Has a server while it runs."""

    @property
    def server(self) -> Server | None: ...


@runtime_checkable
class Speaker(Protocol):
    """What speaks on one of them."""

    transport: asyncio.Transport | None

    def force_close(self) -> None: ...


class Connections:
    def __init__(self, *, most: int = MOST, patience: float = PATIENCE) -> None:
        self._most = most
        self._patience = patience
        self._deadlines: dict[asyncio.BaseProtocol, float] = {}

    @asynccontextmanager
    async def listening(self, runner: Runner, *, host: str, port: int) -> AsyncIterator[str]:
        """Accept connections while in the block; yields the address."""
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: self._accept(runner, loop.time()), host, port)
        try:
            bound = server.sockets[0].getsockname()
            async with beside(self._sweep(), name="connections"):
                yield f"http://{_seen_from_here(bound[0])}:{bound[1]}"
        finally:
            server.close()

    @contextmanager
    def answering(self, speaker: asyncio.BaseProtocol) -> Iterator[None]:
        """While it is being answered a request is our own business."""
        self._deadlines.pop(speaker, None)
        try:
            yield
        finally:
            self._deadlines[speaker] = asyncio.get_running_loop().time() + IDLE

    def _accept(self, runner: Runner, now: float) -> asyncio.BaseProtocol:
        server = runner.server
        if server is None or len(server.connections) >= self._most:
            return _Refused()
        speaker = server()
        self._deadlines[speaker] = now + self._patience
        return speaker

    async def _sweep(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(EVERY)
            now = loop.time()
            for speaker in [one for one, end in self._deadlines.items() if end < now]:
                del self._deadlines[speaker]
                if isinstance(speaker, Speaker):
                    _cut(speaker)


def _seen_from_here(host: str) -> str:
    """As a browser takes it."""
    host = EVERYWHERE.get(host, host)
    return f"[{host}]" if ":" in host else host


def _cut(speaker: Speaker) -> None:
    """Closing alone waits until all is sent that was written: for ever, where nobody reads it."""
    transport = speaker.transport
    speaker.force_close()
    if transport is not None:
        transport.abort()


class _Refused(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.close()
