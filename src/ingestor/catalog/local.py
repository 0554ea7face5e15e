"""
The embedded catalog, label -> photos by score: questions to tables of the journal's file.

It reads beside the journal's writer, who files the photos (`indexing`), on a connection and a thread of
its own.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from ingestor.catalog.finding import find, find_photo, suggestions
from ingestor.catalog.query import Hit, LabelCount, Page, Query, asked_key
from ingestor.errors import JournalError
from ingestor.journal.reader import DAMAGE, open_reader

T = TypeVar("T")


class LocalCatalog:
    """`async with LocalCatalog(path) as catalog`: a Catalog over a journal's file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="catalog")
        self._connection: sqlite3.Connection | None = None

    async def __aenter__(self) -> Self:
        """Raises SettingsError or JournalError where there is nothing to read."""
        try:
            self._connection = await self._in_thread(lambda: open_reader(self._path))
        except BaseException:
            self._thread.shutdown(wait=False)
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            await self._in_thread(self._opened().close)
        finally:
            self._thread.shutdown(wait=False)

    async def search(self, query: Query) -> Page:
        return await self._ask(lambda db: find(db, query))

    async def suggest(self, prefix: str, *, limit: int = 10) -> tuple[LabelCount, ...]:
        return await self._ask(lambda db: suggestions(db, asked_key(prefix), most=limit))

    async def popular(self, *, limit: int = 24) -> tuple[LabelCount, ...]:
        return await self._ask(lambda db: suggestions(db, "", most=limit))

    async def photo(self, photo_id: str) -> Hit | None:
        return await self._ask(lambda db: find_photo(db, photo_id))

    async def _ask(self, look: Callable[[sqlite3.Connection], T]) -> T:
        """Raises JournalError where the file is damaged."""
        try:
            return await self._in_thread(lambda: look(self._opened()))
        except DAMAGE as error:
            raise JournalError(f"{self._path} cannot be read ({error}).") from error

    def _opened(self) -> sqlite3.Connection:
        if self._connection is None:
            raise RuntimeError("the catalog is used inside its `async with`")
        return self._connection

    async def _in_thread(self, call: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, call)
