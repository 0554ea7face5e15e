"""
The catalog in the Realtime Database: the same questions, answered by reading `/index`, `/photos`
and `/labels` over the wire.

Index keys are `{rank}-p{id}`, so a range of keys is a page, best first, and needs no index rule.
Answers come unordered (https://firebase.google.com/docs/database/rest/retrieve-data): they are
sorted here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any, Protocol, TypeVar

from ingestor.apis.rtdb import Query as Range
from ingestor.catalog.merge import Intersection
from ingestor.catalog.query import (
    BEFORE_ALL,
    CURSOR,
    MOST_CANDIDATES,
    Hit,
    LabelCount,
    Page,
    Place,
    Query,
    asked_key,
    hit_of,
    near_spellings,
    page_of,
)
from ingestor.records import read_photo
from ingestor.records.keys import keyed, rank

T = TypeVar("T")

READS_AT_ONCE = 16
"""Records read side by side: a page of 24 in two round trips, and few connections taken."""
FIRST_PIECE = 500
"""Entries of each list, where several are compared; some 20 kB."""
LARGEST_PIECE = 20_000
"""Pieces double up to here, so that long lists cost few requests; some 700 kB."""
MOST_PROBES = 100
"""Candidates looked up one by one instead of reading the longer lists to their end."""
ABOVE_ALL_TEXT = "\uf8ff"
"""Behind every character of a label; the customary end of a prefix's range."""


class Reads(Protocol):
    """What is needed of a database's client; see `apis.rtdb.Database.read`."""

    async def read(self, path: str, *, query: Range | None = None) -> Any: ...


class DatabaseCatalog:
    """A Catalog over a database's client; opening and closing that is its owner's business."""

    def __init__(self, database: Reads) -> None:
        self._database = database
        self._reads = asyncio.Semaphore(READS_AT_ONCE)

    async def search(self, query: Query) -> Page:
        one = len(query.keys) == 1
        places = await (self._places_of_one(query) if one else self._places_of_several(query))
        if not places:
            return Page(near=await self._near(query.keys))
        hits = await _together(*(self._hit(query, place) for place in places[: query.limit]))
        return page_of(query, places, [hit for hit in hits if hit is not None])

    async def suggest(self, prefix: str, *, limit: int = 10) -> tuple[LabelCount, ...]:
        return tuple((await self._labels_from(asked_key(prefix), most=limit)).values())

    async def _places_of_one(self, query: Query) -> list[Place]:
        """One label: its own keys are the answer's order."""
        return await self._piece(query, 0, after=query.after, most=query.limit + 1)

    async def _places_of_several(self, query: Query) -> list[Place]:
        """Several labels: their lists side by side, in growing pieces, as far as it takes."""
        common = Intersection(len(query.keys))
        places: list[Place] = []
        size = FIRST_PIECE
        while len(places) <= query.limit and (unread := common.unread()):
            await self._read_on(query, common, unread, size=size)
            candidates = common.candidates()
            if candidates is not None and len(candidates) <= MOST_PROBES:
                common.finish(await self._probe(query, candidates))
            places += [place for place in common.ready() if place > query.after]
            size = min(size * 2, LARGEST_PIECE)
        return places[: query.limit + 1]

    async def _read_on(
        self, query: Query, common: Intersection, unread: list[int], *, size: int
    ) -> None:
        pieces = await _together(
            *(
                self._piece(query, number, after=common.read_to(number), most=size)
                for number in unread
            )
        )
        for number, piece in zip(unread, pieces, strict=True):
            pairs = [(place.photo, place.rank) for place in piece]
            common.feed(number, pairs, ended=len(piece) < size)

    async def _piece(self, query: Query, number: int, *, after: Place, most: int) -> list[Place]:
        """At most `most` places of one label's list, behind `after`."""
        entries = await self._read(
            f"index/{query.keys[number]}",
            Range(
                start_at=None if after == BEFORE_ALL else str(after),
                end_at=str(Place(query.worst_rank, ABOVE_ALL_TEXT)),
                # The start is part of the range, whether it is still there or not.
                limit_to_first=most + 1,
            ),
        )
        places = sorted(
            Place(int(match[1]), match[2])
            for key in (entries if isinstance(entries, dict) else ())
            if (match := CURSOR.fullmatch(key))
        )
        return [place for place in places if place > after][:most]

    async def _probe(self, query: Query, photos: Iterable[str]) -> dict[str, list[int]]:
        """The ranks of photos below every label of the query, of those that have them all."""
        probed = list(photos)
        records = await _together(*(self._read(f"photos/p{photo}") for photo in probed))
        ranks: dict[str, list[int]] = {}
        for photo, record in zip(probed, records, strict=True):
            published = read_photo(record, photo_id=photo)
            labels = keyed(published.annotation.labels) if published else {}
            own = [int(rank(labels[key].score)) for key in query.keys if key in labels]
            if len(own) == len(query.keys) and max(own) <= query.worst_rank:
                ranks[photo] = own
        return ranks

    async def _hit(self, query: Query, place: Place) -> Hit | None:
        published = read_photo(await self._read(f"photos/p{place.photo}"), photo_id=place.photo)
        if published is None:
            return None
        return hit_of(
            query,
            place,
            photo=published.photo,
            size=published.size,
            labels=published.annotation.labels,
        )

    async def _near(self, keys: Iterable[str]) -> tuple[str, ...]:
        near: list[str] = []
        for key in keys:
            if await self._read(f"labels/{key}") is None:
                candidates = await self._labels_from(key[:1], most=MOST_CANDIDATES)
                near += near_spellings(key, candidates)
        return tuple(near)

    async def _labels_from(self, prefix: str, *, most: int) -> dict[str, LabelCount]:
        """Labels by key, of the keys that begin with `prefix`, in the order of keys."""
        labels = await self._read(
            "labels",
            Range(
                start_at=prefix or None,
                end_at=prefix + ABOVE_ALL_TEXT,
                limit_to_first=most,
            ),
        )
        return {
            key: LabelCount(name=label["name"], photos=None)
            for key, label in sorted((labels if isinstance(labels, dict) else {}).items())
            # Whole numbers sort before all texts, so a range of texts may bring some along.
            if key.startswith(prefix) and isinstance(label, dict) and "name" in label
        }

    async def _read(self, path: str, query: Range | None = None) -> Any:
        async with self._reads:
            return await self._database.read(path, query=query)


async def _together(*calls: Coroutine[Any, Any, T]) -> list[T]:
    """All of them at once; the first error ends the others, and comes alone."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(call, name="catalog-read") for call in calls]
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from errors
    return [task.result() for task in tasks]
