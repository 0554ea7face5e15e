"""
A bounded queue with an end, between tasks of one event loop.

The stage that feeds a channel owns it: it enters the channel as a context, and by leaving closes it.
Readers iterate until everything sent has been taken. Python's own `Queue.shutdown` exists from 3.13.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from types import TracebackType
from typing import Generic, Self, TypeVar

T = TypeVar("T")


class EndOfChannel(Exception):
    """The channel is closed and empty: nothing more will come."""


class Channel(Generic[T]):
    """Holds at most `capacity` items; sending waits for room, which is how backpressure travels."""

    def __init__(self, capacity: int) -> None:
        if capacity < 1:
            raise ValueError("a channel holds at least one item")
        self.capacity = capacity
        self._items: deque[T] = deque()
        self._closed = False
        self._senders: deque[asyncio.Future[None]] = deque()
        self._readers: deque[asyncio.Future[None]] = deque()

    def __len__(self) -> int:
        return len(self._items)

    @property
    def ended(self) -> bool:
        return self._closed and not self._items

    async def send(self, item: T) -> None:
        """Wait for room, then hand over; a closed channel refuses (a bug of its owner)."""
        while len(self._items) >= self.capacity and not self._closed:
            await _wait_in(self._senders)
        if self._closed:
            raise RuntimeError("sent into a closed channel")
        self._items.append(item)
        if self._readers:
            _wake_one(self._readers)

    async def send_all(self, items: Sequence[T]) -> None:
        """Send what comes together: as many at a time as there is room for."""
        sent = 0
        while sent < len(items):
            await self.send(items[sent])
            some = items[sent + 1 : sent + 1 + self.capacity - len(self._items)]
            self._items.extend(some)
            sent += 1 + len(some)

    async def receive(self) -> T:
        """Take the next item; raises EndOfChannel when there will be none."""
        while not self._items:
            if self._closed:
                raise EndOfChannel
            await _wait_in(self._readers)
        item = self._items.popleft()
        if self._senders:
            _wake_one(self._senders)
        if self._items and self._readers:
            _wake_one(self._readers)
        return item

    async def receive_some(self, most: int) -> list[T]:
        """Take what is there, 1 to `most` items; raises EndOfChannel when there will be none."""
        first = await self.receive()
        more = min(most - 1, len(self._items))
        for _ in range(min(more, len(self._senders))):
            _wake_one(self._senders)
        return [first, *[self._items.popleft() for _ in range(more)]]

    def close(self) -> None:
        """End the channel; what was sent can still be taken. Closing twice is harmless."""
        self._closed = True
        _wake_all(self._readers)
        _wake_all(self._senders)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> T:
        try:
            return await self.receive()
        except EndOfChannel:
            raise StopAsyncIteration from None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


async def _wait_in(line: deque[asyncio.Future[None]]) -> None:
    place = asyncio.get_running_loop().create_future()
    line.append(place)
    try:
        await place
    except asyncio.CancelledError:
        # A wake-up that came together with the cancellation belongs to the next in line.
        if place in line:
            line.remove(place)
        elif place.done() and not place.cancelled():
            _wake_one(line)
        raise


def _wake_one(line: deque[asyncio.Future[None]]) -> None:
    while line:
        place = line.popleft()
        if not place.done():
            place.set_result(None)
            return


def _wake_all(line: deque[asyncio.Future[None]]) -> None:
    while line:
        _wake_one(line)
