"""
Answers from the embedded catalog's tables: functions of a connection that only reads.

One label is a range of the index. Several are answered from the rarest: its photos are walked best
first, what else they are filed under is looked up, and the walk ends as soon as nothing further
down can be better than what was found, so that nothing is ever sorted that is not shown.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from heapq import heappop, heappush

import orjson

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

BEFORE_ALL = Place(-1, "")

ONE_LABEL = """
    SELECT rank, photo FROM label_index
    WHERE label = ? AND (rank, photo) > (?, ?) AND rank <= ? ORDER BY rank, photo LIMIT ?
"""
RAREST_LABEL = """
    SELECT rank, index_.photo, entries
    FROM label_index AS index_ CROSS JOIN catalogued ON catalogued.photo = index_.photo
    WHERE label = ? AND rank <= ? {others} ORDER BY rank, index_.photo
"""
ANOTHER_LABEL = " AND instr(entries, ?) > 0"
"""Entries are [[number,rank],...]: `[12,` stands there only if label 12 does."""

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
        numbers = _numbers_by_rarity(db, query.keys)
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


def _numbers_by_rarity(db: sqlite3.Connection, keys: Sequence[str]) -> dict[str, int]:
    rows = db.execute(
        "SELECT key, number FROM labels WHERE key IN (SELECT value FROM json_each(?)) "
        "AND photos > 0 ORDER BY photos",
        (orjson.dumps(keys).decode(),),
    )
    return dict(rows.fetchall())


def _places(db: sqlite3.Connection, query: Query, numbers: Sequence[int]) -> list[Place]:
    """The places of one page and of the photo behind it, if there is one."""
    most = query.limit + 1
    if len(numbers) == 1:
        after = query.after or BEFORE_ALL
        rows = db.execute(ONE_LABEL, (*numbers, *after, query.worst_rank, most))
        return [Place(*row) for row in rows]
    places = _common(db, query, numbers)
    return [place for place, _ in zip(places, range(most), strict=False)]


def _common(db: sqlite3.Connection, query: Query, numbers: Sequence[int]) -> Iterator[Place]:
    """Photos under every one of the labels, the rarest label first, in the order of the answer."""
    rarest, *others = numbers
    rows = db.execute(
        RAREST_LABEL.format(others=ANOTHER_LABEL * len(others)),
        (rarest, query.worst_rank, *(f"[{number}," for number in others)),
    )
    after = query.after or BEFORE_ALL
    found: list[Place] = []
    for rank, photo, entries in rows:
        # A photo's place is that of its weakest label: none to come is before this one.
        while found and found[0] < (rank, photo):
            yield heappop(found)
        ranks = dict(orjson.loads(entries))
        place = Place(max(ranks[number] for number in numbers), photo)
        if place > after and place.rank <= query.worst_rank:
            heappush(found, place)
    while found:
        yield heappop(found)


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
