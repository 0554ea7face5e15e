"""
Full batches at once, a short one at the end or after a while.

A batch is closed by count, by weight, or when its first item has waited for the linger time.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import Generic, TypeVar

from ingestor.kits.channel import Channel, EndOfChannel

T = TypeVar("T")


async def batches(
    channel: Channel[T],
    *,
    most: int,
    heaviest: int,
    weigh: Callable[[T], int],
    linger: float,
) -> AsyncIterator[list[T]]:
    """
    Yield lists of 1 to `most` items whose weights add up to `heaviest` at the most.

    An item that is too heavy on its own travels alone. The channel's end sends what there is.
    """
    loop = asyncio.get_running_loop()
    line: deque[T] = deque()
    while line or await _more(channel, line, most=most):
        batch = _Batch(line, most=most, heaviest=heaviest, weigh=weigh)
        deadline = loop.time() + linger
        if not batch.fill():
            await _fill_up(batch, channel, deadline=deadline)
        yield batch.items
        # What was handed on is not kept alive by whoever waits for more.
        del batch


class _Batch(Generic[T]):
    """What is to leave together, taken from the front of a line."""

    def __init__(
        self, line: deque[T], *, most: int, heaviest: int, weigh: Callable[[T], int]
    ) -> None:
        self.line = line
        self.items: list[T] = []
        self._weight = 0
        self._most = most
        self._heaviest = heaviest
        self._weigh = weigh

    @property
    def room(self) -> int:
        return self._most - len(self.items)

    def fill(self) -> bool:
        """Take from the line what fits; tells whether nothing more does."""
        line, items = self.line, self.items
        while line and len(items) < self._most:
            weight = self._weight + self._weigh(line[0])
            if items and weight > self._heaviest:
                return True
            items.append(line.popleft())
            self._weight = weight
        return len(items) >= self._most


async def _fill_up(batch: _Batch[T], channel: Channel[T], *, deadline: float) -> None:
    """Wait for what is missing, until the loop's time is `deadline` or the channel ends."""
    with suppress(TimeoutError):
        # One timer for all that is waited for: one for each item would cost more than the item.
        async with asyncio.timeout_at(deadline):
            while await _more(channel, batch.line, most=batch.room) and not batch.fill():
                pass


async def _more(channel: Channel[T], line: deque[T], *, most: int) -> bool:
    """Wait for 1 to `most` items, which join the line; False where the channel ends instead."""
    try:
        line.extend(await channel.receive_some(most))
    except EndOfChannel:
        return False
    return True
