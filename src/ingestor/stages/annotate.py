"""
Images in, annotations out: as many per call as Vision takes, as many calls as are needed.

A batch waits for a place among the calls in flight, so the images of at most that many batches are
in doubt at any moment. It keeps the place, and its memory, until the store has taken what was bought:
a slow store stops the buying, and nothing is held that is not counted.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from ingestor.kits.batching import batches
from ingestor.kits.channel import Channel
from ingestor.kits.lifetime import Lifetime
from ingestor.kits.memory import Memory
from ingestor.kits.pacing import Adaptive
from ingestor.models import Failure, Image, Published

LINGER = 1.0
"""Seconds a short batch waits for more: at 16 images a second it never has to (taste)."""

Buy = Callable[[Sequence[Image]], Awaitable[Sequence[Published | Failure]]]


async def annotate(
    images: Channel[Image],
    published: Channel[Published],
    *,
    buy: Buy,
    most: int,
    heaviest: int,
    weigh: Callable[[Image], int],
    text_beside: Callable[[Sequence[Image]], int],
    slots: Adaptive,
    memory: Memory,
    lifetime: Lifetime,
) -> None:
    """
    Have every image annotated; owns `published`. A call has up to `most` images whose weights (`weigh`)
    add up to `heaviest` bytes at the most; `text_beside` is how many bytes of text it holds as well while
    it is under way.

    On stopping, images not yet bought are dropped (they stay pending in the journal); when the grace
    period is over, calls in flight are cancelled.
    """
    buyers: set[asyncio.Task[None]] = set()

    async def annotate_batch(batch: Sequence[Image], held: int) -> None:
        try:
            outcomes = await buy(batch)
            await published.send_all([one for one in outcomes if isinstance(one, Published)])
        finally:
            memory.release(held)
            slots.leave()

    def cut() -> None:
        for buyer in tuple(buyers):
            buyer.cancel()

    with lifetime.at_cut(cut):
        async with published, asyncio.TaskGroup() as group:
            async for batch in batches(
                images, most=most, heaviest=heaviest, weigh=weigh, linger=LINGER
            ):
                held = sum([image.reserved for image in batch])
                await slots.enter()
                # Asked when there is a place: whoever waited for it may have waited past the cut.
                if lifetime.stopping:
                    memory.release(held)
                    slots.leave()
                    continue
                text = text_beside(batch)
                memory.charge(text)
                buyer = group.create_task(annotate_batch(batch, held + text), name="annotate-batch")
                buyers.add(buyer)
                buyer.add_done_callback(buyers.discard)
                # From here on it is the buyer's, and gone with it.
                del batch
