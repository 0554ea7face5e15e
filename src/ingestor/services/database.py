"""The database, asked politely: the same questions, with retries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ingestor.apis.rtdb import Conflict, Database, Query
from ingestor.errors import AnswerLost, Rejected
from ingestor.services.politely import Politely


class PoliteDatabase:
    """What the database is asked, each with retries; see `apis.rtdb.Database`."""

    def __init__(self, database: Database, politely: Politely) -> None:
        self._database = database
        self._politely = politely

    async def check(self) -> None:
        """One small read: raises where the address, the credentials or the region are wrong."""
        # Who rejects a read for its size knows us: address, region and credentials are right.
        await self.keys("")

    async def update(self, paths: Mapping[str, Any]) -> None:
        await self._politely("database", lambda: self._database.update(paths))

    async def read(self, path: str, *, query: Query | None = None) -> Any:
        return await self._politely(
            "database", lambda: self._database.read(path, query=query), limited=False
        )

    async def keys(self, path: str) -> list[str] | None:
        """The children's names, however many; None where they are too many for one answer."""

        async def ask() -> list[str] | None:
            try:
                found = await self._database.read(path, shallow=True)
                # A value that somebody has put there has no children.
                return list(found) if isinstance(found, dict) else []
            except AnswerLost as error:
                if error.reason == "too-large":
                    return None
                raise

        try:
            return await self._politely("database", ask, limited=False)
        except Rejected:
            return None

    async def read_with_etag(self, path: str) -> tuple[Any, str]:
        return await self._politely("database", lambda: self._database.read_with_etag(path))

    async def write_if(self, path: str, value: Any, *, etag: str) -> Conflict | None:
        """Repeated when its answer is lost: a conflict may then be with what we wrote ourselves."""
        return await self._politely(
            "database", lambda: self._database.write_if(path, value, etag=etag)
        )
