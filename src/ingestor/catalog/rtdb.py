"""
The catalog in the Realtime Database: the same questions, answered by reading `/index`, `/photos`
and `/labels` over the wire.

Index keys are `{rank}-p{id}`, so a range of keys is a page, best first, and needs no index rule.
Answers come unordered (https://firebase.google.com/docs/database/rest/retrieve-data): they are
sorted here.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, Protocol

from ingestor.apis.rtdb import Query as Range
from ingestor.catalog.lists import Places
from ingestor.catalog.query import (
    BEFORE_ALL,
    MOST_CANDIDATES,
    MOST_LABELS,
    PHOTO_ID,
    Hit,
    LabelCount,
    Near,
    Page,
    Place,
    Query,
    asked_key,
    hit_of,
    is_hidden,
    lone_hit,
    near_spellings,
    near_words,
    page_of,
    weakest,
)
from ingestor.kits.together import together
from ingestor.models import Published
from ingestor.records import BEFORE_PHOTOS, BEHIND_PHOTOS, children_of, read_photo
from ingestor.records.keys import RANK_STEPS, keyed, rank

READS_AT_ONCE = 32
"""Records read side by side: a page of 30 in one round trip."""
SAMPLE = 100
"""Photos that tell which labels are popular; some 150 kB."""
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
        answer = Places(
            query,
            piece=partial(self._entries, worst_rank=query.worst_rank),
            probe=partial(self._probe, query),
        )
        places: list[Place] = []
        hits: list[Hit] = []
        while len(hits) <= query.limit and (met := await answer.more()):
            for first in range(0, len(met), query.limit + 1):
                piece = met[first : first + query.limit + 1]
                found = await together(
                    (self._hit(query, place) for place in piece), name="catalog-read"
                )
                for place, hit in zip(piece, found, strict=True):
                    if hit is not None:
                        places.append(place)
                        hits.append(hit)
                if len(hits) > query.limit:
                    break
        if not hits and not query.cursor:
            return Page(near=await self._near(query.keys))
        return page_of(query, places, hits)

    async def suggest(self, prefix: str, *, limit: int = 10) -> tuple[LabelCount, ...]:
        key = asked_key(prefix)
        # The database counts nothing, so the order is that of keys: the very label comes first.
        labels = await self._labels_from(key, most=limit)
        return await self._with_pictures(labels)

    async def popular(self, *, limit: int = 24) -> tuple[LabelCount, ...]:
        """Told from a sample: the database does not count."""
        ours = Range(start_at=BEFORE_PHOTOS, end_at=BEHIND_PHOTOS, limit_to_first=SAMPLE)
        photos = await self._read("photos", ours)
        counts: Counter[str] = Counter()
        names: dict[str, str] = {}
        for record in (photos if isinstance(photos, dict) else {}).values():
            published = read_photo(record, photo_id="")
            own = keyed(published.annotation.labels) if published else {}
            counts.update(own.keys())
            names |= {key: label.name for key, label in own.items()}
        best = sorted(counts, key=lambda key: (-counts[key], key))[:limit]
        return await self._with_pictures(
            {key: LabelCount(name=names[key], photos=None) for key in best}
        )

    async def photo(self, photo_id: str) -> Hit | None:
        if not PHOTO_ID.fullmatch(photo_id):
            return None
        published = await self._published(photo_id)
        # Without a model nobody has annotated it: a membership alone is not a photo yet, or not any more.
        return lone_hit(published) if published and published.annotation.model else None

    async def _with_pictures(self, labels: Mapping[str, LabelCount]) -> tuple[LabelCount, ...]:
        thumbs = await together((self._thumb(key) for key in labels), name="catalog-read")
        return tuple(
            replace(label, thumb=thumb)
            for label, thumb in zip(labels.values(), thumbs, strict=True)
        )

    async def _thumb(self, key: str) -> str:
        """The best picture that may be shown; "" if SafeSearch has hidden the best of all."""
        for place in await self._entries(key, BEFORE_ALL, 1, worst_rank=RANK_STEPS - 1):
            published = await self._published(place.photo)
            if published and not is_hidden(published.annotation.safe):
                return published.photo.thumb
        return ""

    async def _entries(self, key: str, after: Place, most: int, *, worst_rank: int) -> list[Place]:
        """At most `most` places of one label's list, behind `after`."""
        entries = await self._read(
            f"index/{key}",
            Range(
                start_at=None if after == BEFORE_ALL else str(after),
                end_at=str(Place(worst_rank, ABOVE_ALL_TEXT)),
                # The start is part of the range, whether it is still there or not.
                limit_to_first=most + 1,
            ),
        )
        places = sorted(
            place
            for name in (entries if isinstance(entries, dict) else ())
            if (place := Place.read(name))
        )
        return [place for place in places if place > after][:most]

    async def _probe(self, query: Query, photos: Iterable[str]) -> dict[str, list[int]]:
        """The ranks of photos in every group of the query, of those that have them all."""
        probed = list(photos)
        found = await together((self._published(photo) for photo in probed), name="catalog-read")
        ranks: dict[str, list[int]] = {}
        for photo, published in zip(probed, found, strict=True):
            own = _ranks(published)
            of_groups = [weakest([group], own) for group in query.groups]
            if all(worth is not None and worth <= query.worst_rank for worth in of_groups):
                ranks[photo] = [worth for worth in of_groups if worth is not None]
        return ranks

    async def _hit(self, query: Query, place: Place) -> Hit | None:
        """The photo at a place of the answer; None if it turns out to have no place there."""
        published = await self._published(place.photo)
        if published is None or not _may_stand(query, place, published):
            return None
        return hit_of(query, place, published=published)

    async def _near(self, keys: Iterable[str]) -> tuple[Near, ...]:
        near: list[Near] = []
        labels: dict[str, LabelCount] | None = None
        for key in keys:
            if await self._read(f"labels/{key}") is not None:
                continue
            alike = near_spellings(key, await self._labels_from(key[:1], most=MOST_CANDIDATES))
            if not alike and labels is None:
                labels = await self._labels_from("", most=MOST_LABELS)
            near += alike or near_words(key, labels or {})
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
            key: LabelCount(name=name, photos=None)
            for key, label in sorted(children_of(labels))
            # Whole numbers sort before all texts, so a range of texts may bring some along.
            if key.startswith(prefix) and (name := _name(label))
        }

    async def _published(self, photo: str) -> Published | None:
        return read_photo(await self._read(f"photos/p{photo}"), photo_id=photo)

    async def _read(self, path: str, query: Range | None = None) -> Any:
        async with self._reads:
            return await self._database.read(path, query=query)


def _name(label: object) -> str:
    """Of what stands at /labels/{key}; "" where other programs have left something strange."""
    name = label.get("name") if isinstance(label, dict) else ""
    return name if isinstance(name, str) else ""


def _may_stand(query: Query, place: Place, published: Published) -> bool:
    if not query.everything and is_hidden(published.annotation.safe):
        return False
    own = _ranks(published)
    if any(key in own for key in query.unwanted):
        return False
    # Read from the cursor on, a list of several labels shows photos again that came before it.
    return not query.any_of or weakest(query.groups, own) == place.rank


def _ranks(published: Published | None) -> dict[str, int]:
    labels = published.annotation.labels if published else ()
    return {key: int(rank(label.score)) for key, label in keyed(labels).items()}
