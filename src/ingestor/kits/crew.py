"""
Workers with one item in hand each; at the end, who is late is helped.

One slow item would hold up the end of everything. When nothing is left to begin it is made a second time
beside the first, and what comes first counts.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")

LOOK = 0.1
"""Seconds between two looks at who is late."""


class Crew(Generic[T, R]):
    """
    `size` workers that `make` something of each item, which may be done twice, and `deliver` it once.

    Neither may raise; of two results one that `counts` is waited for.
    """

    def __init__(
        self,
        size: int,
        *,
        make: Callable[[T], Awaitable[R]],
        deliver: Callable[[R], Awaitable[None]],
        is_late: Callable[[T], bool],
        counts: Callable[[R], bool],
        name: str,
    ) -> None:
        self._make = make
        self._deliver = deliver
        self._is_late = is_late
        self._counts = counts
        self._name = name
        self._in_hand: list[T | None] = [None] * size
        self._workers: list[asyncio.Task[None]] = []
        self._helpers: dict[int, asyncio.Task[None]] = {}
        self._stopped = False

    async def work(self, items: AsyncIterable[T]) -> None:
        """Return when the items have ended and everything is delivered, or when stopped."""
        if self._stopped:
            return
        async with asyncio.TaskGroup() as group:
            self._workers = [
                group.create_task(self._work(number, items), name=f"{self._name}-{number}")
                for number in range(len(self._in_hand))
            ]
            # Whoever ends first has found nothing left to begin.
            _, busy = await asyncio.wait(self._workers, return_when=asyncio.FIRST_COMPLETED)
            while busy and not self._stopped:
                # In the place of somebody who is done: no more than so many are made at once.
                places = len(self._workers) - len(busy) - self._helping()
                for number in self._helpless()[:places]:
                    self._helpers[number] = group.create_task(
                        self._help(number), name=f"{self._name}-again"
                    )
                _, busy = await asyncio.wait(busy, timeout=LOOK)

    def stop(self) -> None:
        """Cancel what is in hand, and begin nothing any more."""
        self._stopped = True
        for task in (*self._workers, *self._helpers.values()):
            task.cancel()

    async def _work(self, number: int, items: AsyncIterable[T]) -> None:
        async for item in items:
            self._in_hand[number] = item
            result = await self._make(item)
            self._in_hand[number] = None
            if helper := self._helpers.get(number):
                if not self._counts(result):
                    # Cancelled meanwhile if the second counts, which is delivered then.
                    await asyncio.wait((helper,))
                helper.cancel()
            await self._deliver(result)
            if self._stopped:
                return
            # Nobody counts what a worker keeps while it waits for the next item.
            del result

    def _helping(self) -> int:
        return sum(not helper.done() for helper in self._helpers.values())

    def _helpless(self) -> list[int]:
        """The workers whose item is late, and who are not helped yet."""
        return [
            number
            for number, item in enumerate(self._in_hand)
            if item is not None and number not in self._helpers and self._is_late(item)
        ]

    async def _help(self, number: int) -> None:
        item = self._in_hand[number]
        # It may have been finished since: then this task is cancelled before its first step.
        if item is not None:
            result = await self._make(item)
            if self._counts(result):
                self._workers[number].cancel()
                await self._deliver(result)
