"""
A budget of bytes: reserve before you read, release when you are done with them.

What turns out larger than reserved waits for more like everybody, and before whoever has nothing yet.
Where nobody gives anything back for a while, because all wait for each other with half an item in hand,
the first of them passes the limit, and then the others wait for what it gives back.
"""

from __future__ import annotations

import asyncio
from collections import deque

STUCK = 1.0
"""Seconds without anything given back, until an item that grows may pass the limit. It is waited for
at every step of its growth, so that it has to be short. Taste."""


class Memory:
    """At most `limit` bytes are held, but for an item that is larger than that, and then alone."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.held = 0
        self._line: deque[tuple[int, asyncio.Future[None]]] = deque()
        self._growing: deque[tuple[int, asyncio.Future[None]]] = deque()
        self._moves = 0
        """How often something was given back, or passed the limit."""

    @property
    def waiting(self) -> int:
        return len(self._line)

    async def reserve(self, size: int) -> None:
        """Wait until `size` bytes fit (an item larger than the limit waits to be alone)."""
        if not self._line and not self._growing and self._fits(size):
            self.held += size
            return
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._line.append((size, place))
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled():
                self.release(size)
            else:
                self._serve()
            raise

    def charge(self, size: int) -> None:
        """Hold `size` bytes, whether they fit or not: for what cannot wait. Others wait for it."""
        self.held += size

    async def grow(self, more: int) -> None:
        """Wait until `more` bytes fit, for an item that holds some already."""
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._growing.append((more, place))
        self._serve()
        try:
            while not place.done():
                moves = self._moves
                await asyncio.wait((place,), timeout=STUCK)
                if moves == self._moves and self._growing and self._growing[0][1] is place:
                    self._moves += 1
                    self._growing.popleft()
                    self.held += more
                    place.set_result(None)
        except asyncio.CancelledError:
            if place.done():
                self.release(more)
            else:
                self._growing.remove((more, place))
                self._serve()
            raise

    def release(self, size: int) -> None:
        self._moves += 1
        self.held -= size
        self._serve()

    def _fits(self, size: int) -> bool:
        return self.held + size <= self.limit or self.held == 0

    def _serve(self) -> None:
        while self._growing:
            more, place = self._growing[0]
            if not self._fits(more):
                return
            self._growing.popleft()
            self.held += more
            place.set_result(None)
        while self._line:
            size, place = self._line[0]
            if not place.done():
                if not self._fits(size):
                    return
                self.held += size
                place.set_result(None)
            self._line.popleft()


class Hold:
    """What one item has reserved of the memory, as it grows and shrinks."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self.size = 0

    async def reserve(self, size: int) -> None:
        await self._memory.reserve(size)
        self.size = size

    async def __call__(self, total: int) -> None:
        """Hold at least `total` bytes."""
        if total <= self.size:
            return
        await self._memory.grow(total - self.size)
        self.size = total

    def shrink(self, size: int) -> None:
        """Give back what was guessed too much."""
        if size < self.size:
            self._memory.release(self.size - size)
            self.size = size

    def release(self) -> None:
        self._memory.release(self.size)
        self.size = 0
