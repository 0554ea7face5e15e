"""
What the page reads from: a catalog, a journal, and the one origin of pictures.

The embedded catalog is opened when it is first asked, and again when another file stands in its
place: the page may be started before anything was ingested, and outlives what it shows.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from aiohttp import web

from ingestor.catalog import Catalog
from ingestor.catalog.local import LocalCatalog
from ingestor.catalog.query import Hit, LabelCount, Page, Query
from ingestor.errors import IngestorError, SettingsError
from ingestor.journal.reader import is_there, is_written

FIRST: Final = "Ingest a group first, then come back."


class NothingYet(IngestorError):
    """There is no collection to look at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """All that a view may use."""

    catalog: Catalog
    image_origin: str
    """Scheme, host and port."""
    journal: Path
    live: Path
    """Where a run says how it is doing, once a second; see `engines.heartbeat`."""
    log: Callable[[str], None]
    """Takes a line for whoever looks after the page."""
    sandbox: bool = False
    """Whether one is there to draw the pictures."""
    remote: bool = False
    """Whether the catalog is a database, whatever the journal here holds."""
    state_flag: str = ""
    """What a command needs to be about the same state directory, with a blank before it."""
    strangers: bool = False
    """Whether others may look as well: they need not know where things lie on this machine."""
    names: tuple[str, ...] | None = ()
    """Host names, lower case, that it may be asked by, beside localhost and numbers; None is any."""

    def why_nothing(self, error: NothingYet) -> str:
        """What a visitor is told of it; what a stranger is not, is written down."""
        why = str(error)
        if not self.strangers or why == FIRST:
            return why
        self.log(why)
        return FIRST


HOUSE: web.AppKey[House] = web.AppKey("house", House)


def origin_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


class LazyCatalog:
    """A Catalog over a journal that may not be there yet, or be replaced."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = asyncio.Lock()
        self._stack = AsyncExitStack()
        self._opened: tuple[tuple[int, bool], LocalCatalog] | None = None

    async def search(self, query: Query) -> Page:
        return await (await self._catalog()).search(query)

    async def suggest(self, prefix: str, *, limit: int = 10) -> tuple[LabelCount, ...]:
        return await (await self._catalog()).suggest(prefix, limit=limit)

    async def popular(self, *, limit: int = 24) -> tuple[LabelCount, ...]:
        return await (await self._catalog()).popular(limit=limit)

    async def photo(self, photo_id: str) -> Hit | None:
        return await (await self._catalog()).photo(photo_id)

    async def close(self) -> None:
        self._opened = None
        await self._stack.aclose()

    async def _catalog(self) -> LocalCatalog:
        """Raises NothingYet where there is no journal, JournalError where it cannot be trusted."""
        async with self._lock:
            try:
                file = self._path.stat().st_ino, self._moves()
            except OSError:
                raise _nothing_at(self._path) from None
            if self._opened and self._opened[0] != file:
                await self.close()
            if self._opened is None:
                try:
                    catalog = await self._stack.enter_async_context(LocalCatalog(self._path))
                except SettingsError as error:
                    raise NothingYet(str(error)) from None
                self._opened = (file, catalog)
            return self._opened[1]

    def _moves(self) -> bool:
        """Whether a journal that could only be read as one at rest is being written, elsewhere."""
        return not os.access(self._path.parent, os.W_OK) and is_written(self._path)


def _nothing_at(journal: Path) -> NothingYet:
    try:
        is_there(journal)
    except SettingsError as error:
        return NothingYet(str(error))
    return NothingYet(FIRST)


@asynccontextmanager
async def lazily(path: Path) -> AsyncIterator[LazyCatalog]:
    catalog = LazyCatalog(path)
    try:
        yield catalog
    finally:
        await catalog.close()
