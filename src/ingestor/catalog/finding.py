"""
Answers from the embedded catalog's tables: functions of a connection that only reads.

One label is a range of the index; what several have in common is `common`'s question.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import orjson

from ingestor.catalog.common import common_places
from ingestor.catalog.query import (
    MOST_CANDIDATES,
    Hit,
    LabelCount,
    Page,
    Place,
    Query,
    hit_of,
    near_spellings,
    page_of,
)
from ingestor.journal.listing import photo_from
from ingestor.models import Label, Size

ONE_LABEL = """
    SELECT rank, photo FROM label_index
    WHERE label = ? AND (rank, photo) > (?, ?) AND rank <= ? ORDER BY rank, photo LIMIT ?
"""
PHOTOS = """
    SELECT photos.id, record, image, labels FROM photos
    JOIN annotations ON annotations.photo = photos.id
    WHERE photos.id IN (SELECT value FROM json_each(?)) ORDER BY at, features
"""
LABELS = """
    SELECT key, name, photos FROM labels
    WHERE key >= ? AND key < ? AND photos > 0 ORDER BY key LIMIT ?
"""


def find(db: sqlite3.Connection, query: Query) -> Page:
    with _one_moment(db):
        numbers = _numbers(db, query.keys)
        unknown = [key for key in query.keys if key not in numbers]
        if unknown:
            return Page(near=tuple(_near(db, unknown)))
        places = _places(db, query, list(numbers.values()))
        hits = _hits(db, query, places[: query.limit])
        return page_of(query, places, hits)


def labels_from(db: sqlite3.Connection, prefix: str, *, most: int) -> dict[str, LabelCount]:
    """Labels by key, of the keys that begin with `prefix`, in the order of keys."""
    rows = db.execute(LABELS, (prefix, prefix + "\U0010ffff", most))
    return {key: LabelCount(name=name, photos=photos) for key, name, photos in rows}


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
        (orjson.dumps(keys).decode(),),
    )
    return dict(rows.fetchall())


def _places(db: sqlite3.Connection, query: Query, numbers: Sequence[int]) -> list[Place]:
    """The places of one page and of the photo behind it, if there is one."""
    most = query.limit + 1
    if len(numbers) > 1:
        return common_places(db, numbers, after=query.after, worst_rank=query.worst_rank, most=most)
    rows = db.execute(ONE_LABEL, (*numbers, *query.after, query.worst_rank, most))
    return [Place(*row) for row in rows]


def _hits(db: sqlite3.Connection, query: Query, places: Sequence[Place]) -> list[Hit]:
    rows = db.execute(PHOTOS, (orjson.dumps([place.photo for place in places]).decode(),))
    # Of a photo that was annotated more than once the last row stays: the newest.
    photos = {photo: rest for photo, *rest in rows}
    return [_hit(query, place, *photos[place.photo]) for place in places if place.photo in photos]


def _hit(query: Query, place: Place, record: str, image: str, labels: str) -> Hit:
    url, width, height = orjson.loads(image)
    return hit_of(
        query,
        place,
        photo=photo_from(record),
        size=Size(url=url, width=width, height=height),
        labels=(
            Label(name=name, score=score, topicality=topicality, mid=mid)
            for name, score, topicality, mid in orjson.loads(labels)
        ),
    )


def _near(db: sqlite3.Connection, unknown: Sequence[str]) -> Iterator[str]:
    for key in unknown:
        candidates = labels_from(db, key[:1], most=MOST_CANDIDATES)
        yield from near_spellings(key, candidates)
