"""
Annotations in, nothing out: whole photos, few large writes, each of which may be repeated.

What the store refuses is halved until the photo that spoils the update is alone; that one becomes a
dead letter, its paid result stays in the journal.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from ingestor.errors import IngestorError, Rejected, reason_of
from ingestor.kits.batching import batches
from ingestor.kits.channel import Channel
from ingestor.kits.lifetime import Lifetime, Stopping
from ingestor.models import Failure, Published
from ingestor.records import MOST_BYTES, MOST_PHOTOS, halves, weigh_record

LINGER = 0.5
"""Seconds: an annotation is searchable soon, and a busy run still fills its updates (taste)."""

Write = Callable[[Sequence[Published]], Awaitable[None]]
Fail = Callable[[Failure], Awaitable[None]]


async def store(
    published: Channel[Published],
    *,
    write: Write,
    failed: Fail,
    writers: int,
    lifetime: Lifetime,
) -> None:
    """
    Write everything that comes, `writers` updates at a time.

    An error that concerns the run stops it, and the end of the grace period cuts updates short: what
    was not written stays annotated in the journal and is published by the next run.
    """
    places = asyncio.Semaphore(writers)
    updates: set[asyncio.Task[None]] = set()

    async def publish_and_leave(batch: Sequence[Published]) -> None:
        try:
            await publish(batch, write=write, failed=failed)
        except Stopping:
            # A retry that the stop woke: paid calls in flight must not end with it.
            pass
        except IngestorError as error:
            lifetime.stop(reason_of(error), error)

    def ended(update: asyncio.Task[None]) -> None:
        # Not the update's own last step: one that is cut before its first step has none.
        updates.discard(update)
        places.release()

    def cut() -> None:
        for update in tuple(updates):
            update.cancel()

    with lifetime.at_cut(cut):
        async with asyncio.TaskGroup() as group:
            async for batch in batches(
                published, most=MOST_PHOTOS, heaviest=MOST_BYTES, weigh=weigh_record, linger=LINGER
            ):
                await places.acquire()
                # Asked when there is a place: whoever waited for it may have waited past the cut.
                if lifetime.cut_short:
                    places.release()
                    continue
                update = group.create_task(publish_and_leave(batch), name="store-update")
                updates.add(update)
                update.add_done_callback(ended)


async def publish(batch: Sequence[Published], *, write: Write, failed: Fail) -> None:
    """Write one update, or its halves where it is refused."""
    try:
        await write(batch)
    except Rejected as error:
        if len(batch) == 1:
            await failed(refused(batch[0], error))
            return
        for half in halves(batch):
            await publish(half, write=write, failed=failed)


def refused(published: Published, error: Rejected) -> Failure:
    """What becomes of a photo that the store will not take."""
    return Failure(
        photo_id=published.photo.id,
        stage="store",
        reason="store-refused",
        detail=str(error),
        paid="yes",
    )
