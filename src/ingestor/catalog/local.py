"""
The embedded catalog: label -> photos by score, in tables of the journal's file.

`shelve` and `remove_photo` are carried out by the journal's writer; `LocalCatalog` reads beside it,
on a connection and a thread of its own.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import count, islice
from operator import itemgetter
from pathlib import Path
from types import TracebackType
from typing import Final, Self, TypeVar

import orjson

from ingestor.catalog.bits import HIDDEN, Members, change_bits
from ingestor.catalog.entries import Entry, file_entries, unfile_entries
from ingestor.catalog.finding import find, find_photo, suggestions
from ingestor.catalog.query import Hit, LabelCount, Page, Query, asked_key, is_hidden
from ingestor.errors import JournalError
from ingestor.journal import pending
from ingestor.journal.dead import forgive, parked_among
from ingestor.journal.listing import take_in
from ingestor.journal.reader import DAMAGE, open_reader
from ingestor.journal.reconciling import follow_groups
from ingestor.journal.results import keep_found, lacking_among, mark_stored
from ingestor.journal.rows import execute_rows, json_list
from ingestor.models import Annotation, Label, Published
from ingestor.records.keys import key_of, ranks

T = TypeVar("T")
Worths = Mapping[int, int]
"""The ranks of a photo by the numbers of its labels."""
NOWHERE: Final = -1
"""Stands for the number of a label that can have none."""


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


def shelve(db: sqlite3.Connection, batch: Sequence[Published]) -> None:
    """Catalog photos and mark them as stored: one that counts as stored can be found."""
    index_photos(db, batch)
    mark_stored(db, [published.photo.id for published in batch])


def adopt(db: sqlite3.Connection, found: Sequence[Published], *, now: float) -> None:
    """Take photos over that a database has, as stored there and found here."""
    take_in(db, [published.photo for published in found])
    keep_found(db, found, now=now)
    forgive(db, [published.photo.id for published in found])
    shelve(db, found)


def take_over(
    db: sqlite3.Connection,
    found: Sequence[Published],
    *,
    come: Sequence[tuple[str, str, int]],
    left: Sequence[tuple[str, str]],
    now: float,
) -> None:
    """Adopt photos, and have them and others in the groups that the database names; see `follow_groups`."""
    adopt(db, found, now=now)
    follow_groups(db, come=come, left=left)


def adopt_lacking(db: sqlite3.Connection, found: Sequence[Published], *, now: float) -> None:
    """
    Take over what the journal lacks. This is not the answer that it waits for: what it gave up in
    doubt stays so, and what is to be annotated keeps its place.
    """
    ids = [published.photo.id for published in found]
    parked, waiting = parked_among(db, ids), pending.among(db, ids)
    lacking = [one for one in lacking_among(db, found) if one.photo.id not in parked]
    if lacking:
        adopt(db, lacking, now=now)
        pending.wait_again(db, waiting)


def index_photos(db: sqlite3.Connection, published: Sequence[Published]) -> None:
    """
    File photos under their labels, in place of whatever they were filed under before.

    Made for some hundreds at a time. A photo that comes twice counts as its last.
    """
    newest = {one.photo.id: one.annotation for one in published}
    before = _catalogued(db, list(newest))
    (last,) = db.execute("SELECT coalesce(max(number), 0) FROM catalogued").fetchone()
    unused = count(last + 1)
    gone, come = _Refiled(), _Refiled()
    filed: list[tuple[int, str, str]] = []
    for photo, new in zip(newest, _filed_under(db, newest.values()), strict=True):
        number, old = before.get(photo) or (next(unused), {})
        if old:  # few photos were filed before
            gone.add(_less(old, new), photo=photo, number=number)
        come.add(_less(new, old) if old else new, photo=photo, number=number)
        filed.append((number, photo, orjson.dumps(list(new.items())).decode()))
    _refile(db, gone=gone, come=come)
    execute_rows(
        db,
        "INSERT INTO catalogued (number, photo, entries) VALUES {rows} "
        "ON CONFLICT (number) DO UPDATE SET entries = excluded.entries",
        filed,
    )


def remove_photo(db: sqlite3.Connection, photo: str) -> None:
    """Take a photo out of the catalog; its labels stay known, with one photo less."""
    for number, old in _catalogued(db, [photo]).values():
        gone = _Refiled()
        gone.add(old, photo=photo, number=number)
        _refile(db, gone=gone, come=_Refiled())
    db.execute("DELETE FROM catalogued WHERE photo = ?", (photo,))


class _Refiled:
    """What comes, or goes: entries of the index, and with them the labels' members."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.members = Members()

    def add(self, worths: Worths, *, photo: str, number: int) -> None:
        self.entries += [
            (label, worth, photo, number) for label, worth in worths.items() if label != HIDDEN
        ]
        self.members.add(number, worths)


def _less(these: Worths, those: Worths) -> Worths:
    """What the one has and the other has not."""
    return dict(these.items() - those.items())


def _filed_under(db: sqlite3.Connection, annotations: Collection[Annotation]) -> Iterator[Worths]:
    """For each annotation what its photo is filed under; of labels that share a number, the better."""
    labels = [label for annotation in annotations for label in annotation.labels]
    numbers = _numbers(db, {label.name: label for label in labels})
    # All at once: a call for the ten of every photo would show.
    ranked = ranks([label.score for label in labels])
    worths = zip([numbers[label.name] for label in labels], ranked, strict=True)
    for annotation in annotations:
        own = list(islice(worths, len(annotation.labels)))
        best = dict(own)
        if len(best) < len(own):
            # Of the same number the last one stays, and the lowest rank is the best.
            best = dict(sorted(own, key=itemgetter(1), reverse=True))
        if NOWHERE in best:
            del best[NOWHERE]
        yield best | {HIDDEN: 0} if is_hidden(annotation.safe) else best


def _numbers(db: sqlite3.Connection, labels: Mapping[str, Label]) -> dict[str, int]:
    """
    Number of every label by its name; new ones get one, and names that differ only in case share
    it. A label is called what it was called last, and keeps its mid. One without a key is NOWHERE.
    """
    keys = {name: key for name in labels if (key := key_of(name))}
    known = {
        key: (number, name, mid)
        for number, key, name, mid in db.execute(
            "SELECT number, key, name, mid FROM labels WHERE key IN (SELECT value FROM json_each(?))",
            (json_list(list(keys.values())),),
        )
    }
    for name, key in keys.items():
        mid = labels[name].mid
        if key not in known or known[key][1:] != (name, mid or known[key][2]):
            number, mid = db.execute(
                "INSERT INTO labels (key, name, mid) VALUES (?, ?, ?) ON CONFLICT (key) "
                "DO UPDATE SET name = excluded.name, mid = iif(excluded.mid = '', mid, excluded.mid) "
                "RETURNING number, mid",
                (key, name, mid),
            ).fetchone()
            known[key] = (number, name, mid)
    return {name: known[keys[name]][0] if name in keys else NOWHERE for name in labels}


def _catalogued(db: sqlite3.Connection, photos: Sequence[str]) -> dict[str, tuple[int, Worths]]:
    rows = db.execute(
        "SELECT photo, number, entries FROM catalogued "
        "WHERE photo IN (SELECT value FROM json_each(?))",
        (json_list(photos),),
    )
    return {photo: (number, dict(orjson.loads(entries))) for photo, number, entries in rows}


def _refile(db: sqlite3.Connection, *, gone: _Refiled, come: _Refiled) -> None:
    # In the table's own order, so that neighbours are written to the same page.
    unfile_entries(db, sorted(gone.entries))
    file_entries(db, sorted(come.entries))
    more = change_bits(db, come=come.members, gone=gone.members)
    execute_rows(
        db,
        "UPDATE labels SET photos = photos + more.column2 FROM (VALUES {rows}) AS more "
        "WHERE number = more.column1",
        [(label, change) for label, change in more.items() if label != HIDDEN],
    )
