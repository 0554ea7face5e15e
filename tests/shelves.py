"""Catalogs for tests, one of each kind, and what each needs before it can be asked."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Protocol

from ingestor.apis.google import EMULATOR_OWNER
from ingestor.apis.rtdb import Database
from ingestor.catalog import Catalog
from ingestor.catalog.entries import file_entries
from ingestor.catalog.indexing import index_photos
from ingestor.catalog.local import LocalCatalog
from ingestor.catalog.rtdb import DatabaseCatalog
from ingestor.journal.results import keep
from ingestor.journal.schema import migrate
from ingestor.journal.writer import connect
from ingestor.models import Label, Published
from ingestor.records import updates_for
from ingestor.transport import HttpTransport
from tests.builders import a_label, a_photo, a_published, an_annotation
from tests.journals import listed
from tests.sandbox.rtdb_site import serving


class Shelf(Protocol):
    """A catalog under test, and the way photos get into it."""

    catalog: Catalog

    async def put(self, *published: Published) -> None: ...


def a_shelved(
    photo_id: str,
    labels: Mapping[str, float] | None = None,
    *,
    safe: Mapping[str, str] | None = None,
    **given: Any,
) -> Published:
    """A photo under labels with scores, titled by its id; `given` is the photo's own."""
    scored = (a_label(name, score) for name, score in (labels or {}).items())
    return a_published(
        photo_id,
        photo=a_photo(photo_id, **{"title": f"Title of {photo_id}", **given}),
        annotation=an_annotation(photo_id, *scored, safe=safe),
    )


@asynccontextmanager
async def local_shelf(folder: Path) -> AsyncIterator[Shelf]:
    path = folder / "journal.sqlite3"
    db = connect(path)
    try:
        migrate(db)
        async with LocalCatalog(path) as catalog:
            yield _Local(catalog, path)
    finally:
        db.close()


@asynccontextmanager
async def database_shelf() -> AsyncIterator[RemoteShelf]:
    async with (
        serving() as site,
        HttpTransport(origins={"database": [site.origin]}, user_agent="tests") as transport,
    ):
        database = Database(transport, url=f"{site.origin}/?ns=tests", access=EMULATOR_OWNER)
        yield RemoteShelf(database)


class _Local:
    def __init__(self, catalog: LocalCatalog, path: Path) -> None:
        self.catalog: Catalog = catalog
        self._path = path

    async def put(self, *published: Published) -> None:
        db = connect(self._path)
        try:
            db.execute("BEGIN")
            listed(db, *(one.photo for one in published))
            for number, one in enumerate(published):
                keep(db, one.annotation, size=one.size, purchase="p", now=float(number))
            index_photos(db, published)
            # Some entries stand in one table of the index, and some in the other.
            file_entries(db, [], most_recent=len(published))
            db.execute("COMMIT")
        finally:
            db.close()


class RemoteShelf:
    def __init__(self, database: Database) -> None:
        self.catalog: Catalog = DatabaseCatalog(database)
        self.database = database
        self._labels: dict[str, Sequence[Label]] = {}

    async def put(self, *published: Published) -> None:
        paths: dict[str, object] = {}
        for one in published:
            before: Iterable[Label] = self._labels.get(one.photo.id, ())
            paths |= updates_for(one, previous_labels=before)
            self._labels[one.photo.id] = one.annotation.labels
        await self.database.update(paths)
