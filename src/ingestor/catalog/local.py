"""
The embedded catalog: label -> photos by score, in tables of the journal's file.

`shelve` and `remove_photo` are carried out by the journal's writer; `LocalCatalog` reads beside it, on a connection and a thread of its own.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import orjson

from ingestor.catalog.finding import find, labels_from
from ingestor.catalog.query import LabelCount, Page, Query, asked_key
from ingestor.journal.listing import take_in
from ingestor.journal.reader import open_reader
from ingestor.journal.results import keep_found, mark_stored
from ingestor.models import Label, Published
from ingestor.records.keys import key_of, rank

T = TypeVar("T")
Entry = tuple[int, int]
"""A label's number and the photo's rank below it."""


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
        return await self._in_thread(lambda: find(self._opened(), query))

    async def suggest(self, prefix: str, *, limit: int = 10) -> tuple[LabelCount, ...]:
        labels = await self._in_thread(
            lambda: labels_from(self._opened(), asked_key(prefix), most=limit)
        )
        return tuple(labels.values())

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
    for published in found:
        take_in(db, published.photo)
        keep_found(db, published, now=now)
    shelve(db, found)


def index_photos(db: sqlite3.Connection, published: Sequence[Published]) -> None:
    """
    File photos under their labels, in place of whatever they were filed under before.

    Made for some hundreds at a time. A photo that comes twice counts as its last.
    """
    labels = {photo.photo.id: photo.annotation.labels for photo in published}
    numbers = _numbers(db, {label.name: label for own in labels.values() for label in own})
    before = _catalogued(db, list(labels))
    gone: list[tuple[int, int, str]] = []
    come: list[tuple[int, int, str, float]] = []
    filed: list[tuple[str, str]] = []
    for photo, own in labels.items():
        scores = _best_scores(own, numbers)
        new = {(number, int(rank(score))): score for number, score in scores.items()}
        old = before.get(photo, set())
        gone += [(*entry, photo) for entry in old - new.keys()]
        come += [(*entry, photo, score) for entry, score in new.items() if entry not in old]
        filed.append((photo, orjson.dumps(list(new)).decode()))
    _unfile(db, gone)
    _file(db, come)
    db.executemany("INSERT OR REPLACE INTO catalogued (photo, entries) VALUES (?, ?)", filed)


def remove_photo(db: sqlite3.Connection, photo: str) -> None:
    """Take a photo out of the catalog; its labels stay known, with one photo less."""
    old = _catalogued(db, [photo]).get(photo, set())
    _unfile(db, [(number, worth, photo) for number, worth in old])
    db.execute("DELETE FROM catalogued WHERE photo = ?", (photo,))


def _best_scores(labels: Iterable[Label], numbers: Mapping[str, int]) -> dict[int, float]:
    """Score by label number; of two that share one, the better."""
    best: dict[int, float] = {}
    for label in labels:
        number = numbers.get(label.name)
        if number is not None and label.score > best.get(number, -1.0):
            best[number] = label.score
    return best


def _numbers(db: sqlite3.Connection, labels: Mapping[str, Label]) -> dict[str, int]:
    """
    Number of every label by its name; new ones get one, and names that differ only in case share
    it. A label is called what it was called last, and keeps its mid. One without a key has no
    number.
    """
    keys = {name: key for name in labels if (key := key_of(name))}
    known = {
        key: (number, name, mid)
        for number, key, name, mid in db.execute(
            "SELECT number, key, name, mid FROM labels WHERE key IN (SELECT value FROM json_each(?))",
            (orjson.dumps(list(keys.values())).decode(),),
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
    return {name: known[key][0] for name, key in keys.items()}


def _catalogued(db: sqlite3.Connection, photos: Sequence[str]) -> dict[str, set[Entry]]:
    rows = db.execute(
        "SELECT photo, entries FROM catalogued WHERE photo IN (SELECT value FROM json_each(?))",
        (orjson.dumps(photos).decode(),),
    )
    return {
        photo: {(number, worth) for number, worth in orjson.loads(entries)}
        for photo, entries in rows
    }


def _file(db: sqlite3.Connection, rows: list[tuple[int, int, str, float]]) -> None:
    # In the table's own order, so that neighbours are written to the same page.
    rows.sort()
    db.executemany(
        "INSERT OR REPLACE INTO label_index (label, rank, photo, score) VALUES (?, ?, ?, ?)", rows
    )
    _count(db, Counter(number for number, *_ in rows))


def _unfile(db: sqlite3.Connection, rows: list[tuple[int, int, str]]) -> None:
    rows.sort()
    db.executemany("DELETE FROM label_index WHERE label = ? AND rank = ? AND photo = ?", rows)
    fewer = Counter(number for number, *_ in rows)
    _count(db, {number: -photos for number, photos in fewer.items()})


def _count(db: sqlite3.Connection, more: Mapping[int, int]) -> None:
    db.executemany(
        "UPDATE labels SET photos = photos + ? WHERE number = ?",
        [(photos, number) for number, photos in more.items()],
    )
