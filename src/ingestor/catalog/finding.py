"""
Answers from the embedded catalog's tables: functions of a connection that only reads.

One label is a range of the index; what several have in common is `several`'s question.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import orjson

from ingestor.catalog.bits import HIDDEN, anything_hidden
from ingestor.catalog.entries import entries_sql, list_sql, stretch
from ingestor.catalog.query import (
    MOST_CANDIDATES,
    MOST_LABELS,
    Hit,
    LabelCount,
    Near,
    Page,
    Place,
    Query,
    hit_of,
    lone_hit,
    near_spellings,
    near_words,
    page_of,
)
from ingestor.catalog.several import Wanted, common_places
from ingestor.journal.listing import photo_from
from ingestor.journal.results import NEWEST, read_labels, read_size
from ingestor.journal.rows import json_list
from ingestor.models import Annotation, Published

LOOKED_THROUGH = 8
"""Of a label's best pictures, to find one that may be shown."""

ONE_LABEL = f"{list_sql('rank, photo')} LIMIT :most"
PHOTOS = f"""
    SELECT photos.id, text, image, labels, safe FROM photos
    JOIN records ON records.number = record
    JOIN annotations ON annotations.photo = photos.id
    WHERE photos.id IN (SELECT value FROM json_each(?)) ORDER BY {NEWEST}
"""  # noqa: S608
LABELS = """
    SELECT key, name, photos, number FROM labels
    WHERE key >= ? AND key < ? AND photos > 0 ORDER BY {order} LIMIT ?
"""
BEST_PICTURES = (
    entries_sql("rank, photo, number", "label = :label") + "ORDER BY rank, photo LIMIT :most"
)
CATALOGUED = """
    SELECT text, entries FROM catalogued
    JOIN photos ON photos.id = photo
    JOIN records ON records.number = record
    WHERE catalogued.number = ?
"""
ABOVE_ALL_TEXT = "\U0010ffff"


def find(db: sqlite3.Connection, query: Query) -> Page:
    with _one_moment(db):
        numbers = _numbers(db, (*query.keys, *query.unwanted))
        wanted = _wanted(db, query, numbers)
        page = _page(db, query, wanted) if all(wanted.groups) else Page()
        if page.hits or query.cursor:
            return page
        unknown = [key for key in query.keys if key not in numbers]
        return Page(near=tuple(_near(db, unknown)), total=page.total)


def find_photo(db: sqlite3.Connection, photo: str) -> Hit | None:
    with _one_moment(db):
        published = _published(db, [photo]).get(photo)
        filed = db.execute("SELECT 1 FROM catalogued WHERE photo = ?", (photo,)).fetchone()
    return lone_hit(published) if published and filed else None


def suggestions(db: sqlite3.Connection, prefix: str, *, most: int) -> tuple[LabelCount, ...]:
    """Labels whose keys begin with `prefix`: that very label, then those of most photos."""
    sql = LABELS.format(order="key != ?, photos DESC, key")
    with _one_moment(db):
        rows = db.execute(sql, (prefix, prefix + ABOVE_ALL_TEXT, prefix, most)).fetchall()
        return tuple(
            LabelCount(name=name, photos=photos, thumb=_thumb(db, number))
            for _, name, photos, number in rows
        )


@contextmanager
def _one_moment(db: sqlite3.Connection) -> Iterator[None]:
    """Let several statements read the same state while a run goes on writing."""
    db.execute("BEGIN")
    try:
        yield
    finally:
        db.execute("ROLLBACK")


def _numbers(db: sqlite3.Connection, keys: Sequence[str]) -> dict[str, int]:
    rows = db.execute(
        "SELECT key, number FROM labels WHERE key IN (SELECT value FROM json_each(?)) "
        "AND photos > 0",
        (json_list(keys),),
    )
    return dict(rows.fetchall())


def _wanted(db: sqlite3.Connection, query: Query, numbers: dict[str, int]) -> Wanted:
    """A group of which no label is known stays as an empty one."""
    groups = [tuple(numbers[key] for key in group if key in numbers) for group in query.groups]
    without = [numbers[key] for key in query.unwanted if key in numbers]
    if not query.everything and anything_hidden(db):
        without.append(HIDDEN)
    return Wanted(
        groups=tuple(groups),
        without=tuple(without),
        after=query.after,
        worst_rank=query.worst_rank,
        most=query.limit + 1,
    )


def _page(db: sqlite3.Connection, query: Query, wanted: Wanted) -> Page:
    if len(wanted.labels) == 1 and not wanted.without:
        (label,) = wanted.labels
        rows = db.execute(
            ONE_LABEL, stretch(label, wanted.after, worst=wanted.worst_rank) | {"most": wanted.most}
        )
        places = [Place(*row) for row in rows]
        (total,) = db.execute("SELECT photos FROM labels WHERE number = ?", (label,)).fetchone()
    else:
        places, total = common_places(db, wanted)
    hits = _hits(db, query, places[: query.limit])
    return page_of(query, places, hits, total=None if query.min_score else total)


def _hits(db: sqlite3.Connection, query: Query, places: Sequence[Place]) -> list[Hit]:
    photos = _published(db, [place.photo for place in places])
    return [
        hit_of(query, place, published=photos[place.photo])
        for place in places
        if place.photo in photos
    ]


def _published(db: sqlite3.Connection, photos: Sequence[str]) -> dict[str, Published]:
    rows = db.execute(PHOTOS, (json_list(photos),))
    # Of a photo that was annotated more than once the last row stays: the newest.
    return {photo: _read(row) for photo, *row in rows}


def _read(row: Sequence[Any]) -> Published:
    """Of (record, image, labels, safe): what else is known of an annotation no page shows."""
    record, image, labels, safe = row
    photo = photo_from(record)
    return Published(
        photo=photo,
        size=read_size(image),
        annotation=Annotation(
            photo_id=photo.id,
            labels=read_labels(labels),
            safe=None if safe is None else orjson.loads(safe),
            model="",
            sha256="",
            features="",
        ),
    )


def _near(db: sqlite3.Connection, unknown: Sequence[str]) -> Iterator[Near]:
    labels: dict[str, LabelCount] | None = None
    for key in unknown:
        alike = near_spellings(key, _labels_from(db, key[:1], most=MOST_CANDIDATES))
        if not alike and labels is None:
            # Reading them takes most of the time: once for all that are unknown.
            labels = _labels_from(db, "", most=MOST_LABELS)
        yield from alike or near_words(key, labels or {})


def _labels_from(db: sqlite3.Connection, prefix: str, *, most: int) -> dict[str, LabelCount]:
    """Labels by key, of the keys that begin with `prefix`, in the order of keys."""
    rows = db.execute(LABELS.format(order="key"), (prefix, prefix + ABOVE_ALL_TEXT, most))
    return {key: LabelCount(name=name, photos=photos) for key, name, photos, _ in rows}


def _thumb(db: sqlite3.Connection, label: int) -> str:
    for _, _, number in db.execute(BEST_PICTURES, {"label": label, "most": LOOKED_THROUGH}):
        for record, entries in db.execute(CATALOGUED, (number,)):
            if HIDDEN not in dict(orjson.loads(entries)):
                return photo_from(record).thumb
    return ""
