"""
Concurrency that finds its own limit, and memory that is reserved before it is used.

`Adaptive` is additive increase, multiplicative decrease: one more at a time after each window of
successes, a cut to 0.7 when the upstream shows that it is too much.
"""

from __future__ import annotations

import asyncio
from collections import deque

CUT = 0.7
STUCK = 1.0
"""Seconds without anything given back, until an item that grows may pass the limit. It is waited for
at every step of its growth, so that it has to be short. Taste."""


class Adaptive:
    """Slots for work in flight; `limit` moves between 1 and `ceiling`."""

    def __init__(self, *, start: int, ceiling: int) -> None:
        self.ceiling = ceiling
        self.limit = float(min(start, ceiling))
        self.in_flight = 0
        self.cuts = 0
        self._epoch = 0
        self._line: deque[asyncio.Future[None]] = deque()

    async def enter(self) -> int:
        """Wait for a slot; whoever enters leaves. Returns the epoch to hand back to `too_much`."""
        if not self._line and self.in_flight < int(self.limit):
            self.in_flight += 1
            return self._epoch
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._line.append(place)
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled():
                self.leave()
            raise
        return self._epoch

    def leave(self) -> None:
        self.in_flight -= 1
        self._serve()

    def set_limit(self, limit: int) -> None:
        """For whoever knows the need and does not have to search for it."""
        self.limit = float(max(1, min(limit, self.ceiling)))
        self._serve()

    def succeeded(self) -> None:
        """Grow by one slot per `limit` successes: about one per round trip of a full window."""
        self.limit = min(float(self.ceiling), self.limit + 1 / self.limit)
        self._serve()

    def too_much(self, epoch: int) -> None:
        """Cut once for all the work that was started under the same limit."""
        if epoch != self._epoch:
            return
        self._epoch += 1
        self.cuts += 1
        self.limit = max(1.0, self.limit * CUT)

    def _serve(self) -> None:
        while self._line and self.in_flight < int(self.limit):
            place = self._line.popleft()
            if not place.done():
                self.in_flight += 1
                place.set_result(None)


class Memory:
    """
    A budget of bytes. Reserve before you read, release when you are done with them.

    What turns out larger than reserved waits for more like everybody, and before whoever has nothing
    yet. Where nobody gives anything back for a while, because all wait for each other with half an
    image in hand, the first of them passes the limit, and then the others wait for what it gives back.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.held = 0
        self.most_held = 0
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
            self._take(size)
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
        self._take(size)

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
                    self._take(more)
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

    def _take(self, size: int) -> None:
        self.held += size
        self.most_held = max(self.most_held, self.held)

    def _serve(self) -> None:
        while self._growing:
            more, place = self._growing[0]
            if not self._fits(more):
                return
            self._growing.popleft()
            self._take(more)
            place.set_result(None)
        while self._line:
            size, place = self._line[0]
            if not place.done():
                if not self._fits(size):
                    return
                self._take(size)
                place.set_result(None)
            self._line.popleft()
