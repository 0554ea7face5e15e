"""
Full batches at once, a short one at the end or after a while.

A batch is closed by count, by weight, or when its first item has waited for the linger time.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import TypeVar

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
    batch: list[T] = []
    weight = 0
    deadline = 0.0
    loop = asyncio.get_running_loop()
    while True:
        try:
            items = await _next(channel, most - len(batch), deadline if batch else None)
        except (EndOfChannel, TimeoutError) as end:
            if batch:
                yield batch
            if isinstance(end, EndOfChannel):
                return
            batch, weight = [], 0
            continue
        for item in items:
            more = weigh(item)
            if batch and weight + more > heaviest:
                yield batch
                batch, weight = [], 0
            if not batch:
                deadline = loop.time() + linger
            batch.append(item)
            weight += more
        if len(batch) >= most:
            yield batch
            batch, weight = [], 0
        # What was handed on is not kept alive by whoever waits for more.
        del item, items


async def _next(channel: Channel[T], most: int, deadline: float | None) -> list[T]:
    # Without a deadline, or with an item at hand, no timer is armed: that is the common case.
    if deadline is None or len(channel):
        return await channel.receive_some(most)
    async with asyncio.timeout_at(deadline):
        return await channel.receive_some(most)
