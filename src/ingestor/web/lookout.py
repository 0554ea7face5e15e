"""
Who looks at the journal for the dashboard: one look is shown to all who ask at about the same time.

A look counts all the photos of a journal, some hundred milliseconds for 200,000 of them (measured), and
whoever reloads the page, or follows it, would cost as much again beside a run that needs the machine.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import web

from ingestor.web.runs import Board

FRESH: Final = 0.5
"""Seconds for which a look is shown to others as well; less than a dashboard's own pause."""
SHARE: Final = 0.2
"""Of the time that looks take at the most, however many ask and however large the journal (taste)."""


class Lookout:
    def __init__(self, look: Callable[[], Awaitable[Board]]) -> None:
        self._look = look
        self._seen: Board | None = None
        self._looking = asyncio.Lock()
        self._due = float("-inf")
        """When one looks again, by the loop's clock."""

    async def board(self) -> Board:
        """Raises what the look raises: that is not remembered."""
        clock = asyncio.get_running_loop().time
        async with self._looking:
            if self._seen is None or clock() >= self._due:
                began = clock()
                self._seen = await self._look()
                ended = clock()
                self._due = ended + max(FRESH, (ended - began) * (1 / SHARE - 1))
            return self._seen


LOOKOUT: Final = web.AppKey("lookout", Lookout)
