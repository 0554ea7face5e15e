"""
The embedded catalog, opened when it is first asked, and again when another file stands in its place: the page
may be started before anything was ingested, and outlives what it shows.

A backup that is copied over the journal stays the same file to look at. What SQLite keeps beside an open
one tells the two apart, and has to be let go of: all connections of a process share it.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Final, NamedTuple

from ingestor.catalog.local import LocalCatalog
from ingestor.catalog.query import Hit, LabelCount, Page, Query
from ingestor.errors import IngestorError, SettingsError
from ingestor.journal.reader import is_there

FIRST: Final = "Ingest a group first, then come back."
SMALLEST_COMPANION: Final = 32 * 1024
"""Bytes (https://sqlite.org/walformat.html). Of one that had no room on a full disk some are left there."""


class NothingYet(IngestorError):
    """There is no collection to look at."""


class _File(NamedTuple):
    """What tells a journal from another one in its place."""

    number: int
    companion: int
    """The number of the file that is beside a journal while it is open; 0 where there is none."""
    sealed: bool
    """Whether nothing can be written beside it."""
    written: int
    """When, in nanoseconds: what is read as one at rest, as a sealed one or on a full disk, has changed then."""


class LazyCatalog:
    """A Catalog over a journal that may not be there yet, or be replaced."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = asyncio.Lock()
        self._stack = AsyncExitStack()
        self._opened: tuple[_File, LocalCatalog] | None = None

    async def search(self, query: Query) -> Page:
        return await (await self._catalog()).search(query)

    async def suggest(self, prefix: str, *, limit: int = 10) -> tuple[LabelCount, ...]:
        return await (await self._catalog()).suggest(prefix, limit=limit)

    async def popular(self, *, limit: int = 24) -> tuple[LabelCount, ...]:
        return await (await self._catalog()).popular(limit=limit)

    async def photo(self, photo_id: str) -> Hit | None:
        return await (await self._catalog()).photo(photo_id)

    async def let_go(self) -> None:
        async with self._lock:
            if self._opened and not self._stands(self._opened[0]):
                await self.close()

    async def close(self) -> None:
        self._opened = None
        await self._stack.aclose()

    async def _catalog(self) -> LocalCatalog:
        """Raises NothingYet where there is no journal, JournalError where it cannot be trusted."""
        await self.let_go()
        async with self._lock:
            if self._opened is None:
                self._opened = await self._open()
            return self._opened[1]

    async def _open(self) -> tuple[_File, LocalCatalog]:
        try:
            before = self._file()
        except OSError:
            raise _nothing_at(self._path) from None
        try:
            catalog = await self._stack.enter_async_context(LocalCatalog(self._path))
        except SettingsError as error:
            raise NothingYet(str(error)) from None
        # It may be opening it that puts the other file there.
        return before._replace(companion=_number(_beside(self._path))), catalog

    def _stands(self, opened: _File) -> bool:
        try:
            # Without the other file what is known of this one is of before, and shared with another look.
            return opened == self._file() and (opened.companion > 0 or opened.sealed)
        except OSError:
            return False

    def _file(self) -> _File:
        """Raises OSError where there is none."""
        found = self._path.stat()
        return _File(
            number=found.st_ino,
            companion=_number(_beside(self._path)),
            sealed=not os.access(self._path.parent, os.W_OK),
            written=found.st_mtime_ns,
        )


def _beside(journal: Path) -> Path:
    return journal.with_name(f"{journal.name}-shm")


def _number(path: Path) -> int:
    try:
        found = path.stat()
    except OSError:
        return 0
    return found.st_ino if found.st_size >= SMALLEST_COMPANION else 0


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
