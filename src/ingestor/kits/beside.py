"""Work that goes on beside a block, and ends with it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager


@asynccontextmanager
async def beside(
    work: Coroutine[object, object, None], *, name: str
) -> AsyncIterator[asyncio.Task[None]]:
    """
    Carry out `work` while in the block, at whose end it is cancelled and waited for.

    What the block raises leaves as it is: a task group would wrap it. What `work` raises ends
    `work` alone, and is raised when the block has ended well.
    """
    task = asyncio.create_task(work, name=name)
    try:
        yield task
    finally:
        task.cancel()
        # Waited for without taking part in its cancellation: ours is told from it.
        await asyncio.wait((task,))
    if not task.cancelled():
        task.result()
