"""A body on its way out: piece by piece, never joined, never more or less than was announced."""

from __future__ import annotations

from collections.abc import Iterator

from ingestor.transport.values import Parts

PIECE = 64 * 1024
"""Bytes written at once: one large write holds up the event loop, and aiohttp warns above 1 MiB."""


class Outgoing:
    """
    What aiohttp iterates over while it sends. Good for one attempt, so that no library can send
    it a second time; a retry of ours makes a new one.

    What goes wrong while the body is made is our mistake and not the network's: `mistake` keeps it.
    """

    def __init__(self, body: Parts) -> None:
        self._pieces = iter(body.make())
        self._left = body.length
        self.mistake: Exception | None = None

    def __aiter__(self) -> Outgoing:
        return self

    async def __anext__(self) -> bytes | memoryview:
        try:
            return self._next()
        except StopAsyncIteration:
            raise
        except Exception as mistake:
            self.mistake = mistake
            raise

    def _next(self) -> bytes | memoryview:
        piece = next(self._pieces, None)
        self._left -= 0 if piece is None else len(piece)
        if self._left < 0 or (piece is None and self._left):
            raise ValueError(f"the body's parts miss their announced length by {self._left} bytes")
        if piece is None:
            raise StopAsyncIteration
        return piece


def cut(body: bytes) -> Parts:
    """Offer one piece of memory as many small ones, without copying it."""

    def pieces() -> Iterator[memoryview]:
        view = memoryview(body)
        for start in range(0, len(view), PIECE):
            yield view[start : start + PIECE]

    return Parts(length=len(body), make=pieces)
