"""
A catalog that remembers its popular labels for a while.

The database does not count, so telling them takes some fifty reads; every visitor of the front page
asks for them, and they hardly change.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Final

from ingestor.catalog import Catalog
from ingestor.catalog.query import Hit, LabelCount, Page, Query

FRESH: Final = 60.0
"""Seconds (taste)."""


class RememberingCatalog:
    """Another catalog; visitors who come at once wait for one answer."""

    def __init__(self, catalog: Catalog, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._catalog = catalog
        self._clock = clock
        self._popular: dict[int, tuple[float, tuple[LabelCount, ...]]] = {}
        self._asking = asyncio.Lock()

    async def search(self, query: Query) -> Page:
        return await self._catalog.search(query)

    async def suggest(self, prefix: str, *, limit: int = 10) -> tuple[LabelCount, ...]:
        return await self._catalog.suggest(prefix, limit=limit)

    async def popular(self, *, limit: int = 24) -> tuple[LabelCount, ...]:
        async with self._asking:
            until, labels = self._popular.get(limit, (0.0, ()))
            # Nothing is not worth remembering: the first pictures may come any moment.
            if not labels or self._clock() >= until:
                labels = await self._catalog.popular(limit=limit)
                self._popular[limit] = self._clock() + FRESH, labels
            return labels

    async def photo(self, photo_id: str) -> Hit | None:
        return await self._catalog.photo(photo_id)
