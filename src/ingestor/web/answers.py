"""What is found for a view: asked once, shown as a page or as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from ingestor.catalog.query import Hit, LabelCount, Page, Query
from ingestor.catalog.words import label_called
from ingestor.errors import SettingsError
from ingestor.web.asking import Asking, alone
from ingestor.web.cards import Card, Companion, card, companions, picture
from ingestor.web.house import House

NOTICE = "This product uses the Flickr API but is not endorsed or certified by SmugMug, Inc."
"""Its API's terms of use ask for these words (https://www.flickr.com/help/terms/api)."""
MOST_NEIGHBOURS = 12
"""A row or two (taste)."""
ALIKE = (3, 2, 1)
"""How many of a photo's best labels others share with it: the most that brings anybody along."""
FEW_NEIGHBOURS = 4
"""With fewer, those that share fewer labels are looked for as well (taste)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """A label with its best picture."""

    name: str
    photos: int | None
    image: str
    address: str
    term: str
    """As it is typed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    name: str
    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    asking: Asking
    total: int | None
    cards: tuple[Card, ...]
    next: str | None
    next_address: str
    near: tuple[Correction, ...]
    often: tuple[Companion, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One photo, and others like it."""

    card: Card
    neighbours: tuple[Card, ...]


async def found(house: House, asking: Asking, *, invented: bool = False) -> Found:
    """`invented`: whether the photos are the sandbox's."""
    asking = await _meant(house, asking)
    shown = partial(card, origin=house.image_origin, asking=asking, invented=invented)
    page = await house.catalog.search(asking.query())
    return Found(
        asking=asking,
        total=page.total,
        cards=tuple(map(shown, page.hits)),
        next=page.next,
        next_address=asking.address(after=page.next) if page.next else "",
        near=_corrections(page, asking),
        often=companions(page.hits, asking),
    )


async def seen(house: House, photo: str, *, asking: Asking, invented: bool = False) -> Seen | None:
    """A photo with its neighbours; None where there is none."""
    hit = await house.catalog.photo(photo)
    if hit is None:
        return None
    shown = partial(card, origin=house.image_origin, asking=asking, invented=invented)
    others = await _neighbours(house, hit, everything=asking.everything)
    return Seen(card=shown(hit), neighbours=tuple(map(shown, others)))


async def suggested(house: House, prefix: str, *, limit: int) -> tuple[Tile, ...]:
    return _tiles(house, await house.catalog.suggest(prefix, limit=limit))


async def popular(house: House, *, limit: int) -> tuple[Tile, ...]:
    return _tiles(house, await house.catalog.popular(limit=limit))


def plain_found(answer: Found) -> dict[str, Any]:
    """The answer as JSON has it."""
    asking = answer.asking
    return {
        "query": {
            "text": asking.text,
            "groups": asking.groups,
            "none_of": asking.unwanted,
            "min_score": asking.min_score,
            "everything": asking.everything,
        },
        "total": answer.total,
        "photos": [plain_card(one) for one in answer.cards],
        "next": answer.next,
        "did_you_mean": [one.name for one in answer.near],
        "often_with": [{"name": one.name, "photos": one.photos} for one in answer.often],
        "notice": NOTICE,
    }


def plain_card(one: Card) -> dict[str, Any]:
    hit = one.hit
    return {
        "photo": hit.photo,
        "score": hit.score,
        "title": hit.title,
        "owner": hit.owner_name,
        "page": one.page,
        "image": one.image,
        "thumb": one.sources[0].url if one.sources else "",
        "width": hit.width,
        "height": hit.height,
        "license": {"id": hit.license, "name": one.license.name, "url": one.license.url},
        "labels": [
            {"name": label.name, "score": label.score, "topicality": label.topicality}
            for label in hit.labels
        ],
        "hidden": hit.hidden,
    }


def plain_seen(one: Seen) -> dict[str, Any]:
    return {
        **plain_card(one.card),
        "neighbours": [plain_card(other) for other in one.neighbours],
        "notice": NOTICE,
    }


def plain_tiles(tiles: Sequence[Tile]) -> list[Mapping[str, Any]]:
    return [
        {"name": one.name, "term": one.term, "photos": one.photos, "image": one.image}
        for one in tiles
    ]


async def _meant(house: House, asking: Asking) -> Asking:
    """Somebody who types a label that holds a word of ours, like "black and white", means it."""
    if len(asking.labels) + len(asking.unwanted) < 2 or not asking.whole:
        return asking
    label = await label_called(house.catalog, asking.whole)
    if label is None:
        return asking
    return replace(asking, groups=((label,),), unwanted=(), whole="")


async def _neighbours(house: House, hit: Hit, *, everything: bool) -> list[Hit]:
    """Photos that share the best labels of this one."""
    others: list[Hit] = []
    for labels in ALIKE:
        names = tuple(label.name for label in hit.labels[:labels])
        if len(names) < labels or len(others) >= FEW_NEIGHBOURS:
            continue
        try:
            query = Query(labels=names, limit=MOST_NEIGHBOURS + 1, everything=everything)
        except SettingsError:
            # A database may hold a label that nobody can ask for, like one of blanks.
            continue
        page = await house.catalog.search(query)
        others = [other for other in page.hits if other.photo != hit.photo][:MOST_NEIGHBOURS]
    return others


def _corrections(page: Page, asking: Asking) -> tuple[Correction, ...]:
    return tuple(
        Correction(name=name, address=asking.corrected(key, label=name).address())
        for key, name in page.near
    )


def _tiles(house: House, labels: Sequence[LabelCount]) -> tuple[Tile, ...]:
    return tuple(
        Tile(
            name=label.name,
            photos=label.photos,
            image=picture(label.thumb, origin=house.image_origin),
            address=alone(label.name).address(),
            term=alone(label.name).text,
        )
        for label in labels
    )
