"""
A circuit breaker: while an upstream serves nobody, one asks at a time, and not often.

Some failures in a row, without a success between them, open it. Then whoever comes waits for his turn;
the pause before a turn doubles with every one that fails, and the first success lets all of them go.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Self

IN_A_ROW = 4
"""Failures that open it: at one in ten by chance, every ten-thousandth call would (taste)."""
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0
"""Seconds before a turn; whoever recovers is noticed within the longest."""
MOST_DOUBLINGS = 10
"""The longest pause applies before, and numbers stay small."""


class Exhausted(Exception):
    """Nobody was served for as long as patience lasts, or longer than that is to be waited first."""

    def __init__(self, wish: float) -> None:
        self.wish = wish
        """Seconds for which the upstream wants to be left alone, or 0."""


class Breaker:
    """`patience`: seconds without a success; `rest` sleeps, and raises when it is woken for the end."""

    def __init__(
        self,
        *,
        clock: Callable[[], float],
        rest: Callable[[float], Awaitable[None]],
        patience: float,
    ) -> None:
        self._clock = clock
        self._rest = rest
        self._patience = patience
        self._failures = 0
        self._since: float | None = None
        """When the first of them was seen; None where it was another breaker that saw it."""
        self._turns = 0
        """Of these failures, those of whoever asked alone."""
        self._served_since = float("-inf")
        """When the latest of the calls that succeeded was begun."""
        self._not_before = float("-inf")
        self._alone = asyncio.Lock()

    @property
    def open(self) -> bool:
        return self._failures >= IN_A_ROW

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Ask within the block. Raises Exhausted instead, or whatever `rest` raises."""
        await self.leave_alone()
        if self.open:
            async with self._alone:
                if self.open:
                    pause = FIRST_PAUSE * 2.0 ** min(self._turns, MOST_DOUBLINGS)
                    await self._rest_until(self._clock() + min(pause, LONGEST_PAUSE))
                    yield
                    return
        yield

    async def leave_alone(self) -> None:
        """For as long as the upstream asked everybody to. Raises as `turn` does."""
        await self._rest_until(self._not_before)

    def succeeded(self, *, begun: float) -> None:
        """`begun`: when it was asked, by the clock."""
        self._served_since = max(self._served_since, begun)
        self._failures = self._turns = 0
        self._since = None

    def failed(self, *, begun: float, wish: float = 0.0) -> None:
        """`wish`: for how many seconds the upstream wants to be left alone, by everybody."""
        now = self._clock()
        self._not_before = max(self._not_before, now + wish)
        if begun < self._served_since:
            # It failed late, perhaps at its deadline: since it was asked others were served.
            return
        if self._since is None:
            self._since = now
        self._failures += 1
        self._turns += self._alone.locked()

    def go_on_from(self, before: Self) -> None:
        """
        Take over what an earlier one for the same upstream has met, but its patience: that begins anew
        with the first failure.
        """
        self._failures, self._not_before = before._failures, before._not_before

    async def _rest_until(self, due: float) -> None:
        while (now := self._clock()) < (due := max(due, self._not_before)):
            since = now if self._since is None else self._since
            if due - since > self._patience:
                raise Exhausted(max(0.0, self._not_before - now))
            await self._rest(due - now)
