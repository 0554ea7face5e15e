"""A body on its way out: piece by piece, never joined, never more or less than was announced."""

from __future__ import annotations

from collections.abc import Iterator

import aiohttp
from aiohttp.abc import AbstractStreamWriter

from ingestor.transport.values import Parts

PIECE = 64 * 1024
"""Bytes written at once: one large write holds up the event loop, and aiohttp warns above 1 MiB."""


class Outgoing(aiohttp.Payload):
    """
    What aiohttp sends. Good for one attempt, so that no library can send it a second time; a retry of
    ours makes a new one.

    What goes wrong while the body is made is our mistake and not the network's: `mistake` keeps it.
    """

    def __init__(self, body: Parts) -> None:
        super().__init__(body)
        # For aiohttp, which announces it.
        self._size = body.length
        self._pieces = self._counted(body)
        self.mistake: Exception | None = None

    async def write(self, writer: AbstractStreamWriter) -> None:
        # Then aiohttp does not repeat a PUT by itself where the connection it reused was closed.
        self._consumed = True
        for piece in self._pieces:
            await writer.write(piece)

    def decode(self, *_: object, **__: object) -> str:
        """The other way in which a body may be asked for its bytes."""
        raise TypeError("a body on its way out is made once")

    def _counted(self, body: Parts) -> Iterator[bytes | memoryview]:
        left = body.length
        try:
            for piece in body.make():
                left -= len(piece)
                if left < 0:
                    break
                yield piece
            if left:
                raise ValueError(f"the body's parts miss their announced length by {left} bytes")
        except Exception as mistake:
            self.mistake = mistake
            raise


def cut(body: bytes) -> Parts:
    """Offer one piece of memory as many small ones, without copying it."""

    def pieces() -> Iterator[memoryview]:
        view = memoryview(body)
        for start in range(0, len(view), PIECE):
            yield view[start : start + PIECE]

    return Parts(length=len(body), make=pieces)
