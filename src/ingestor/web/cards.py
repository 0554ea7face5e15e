"""What is shown of a photo: its picture from the one origin, its credit, its licence, its scores."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, urlsplit

from ingestor.apis.flickr import PICTURE_PATH
from ingestor.catalog.query import MOST_LABELS_OF_A_QUERY, Hit, asked_key
from ingestor.web.asking import Asking
from ingestor.web.licenses import License, license_of

FLICKR_PAGE: Final = re.compile(r"https://www\.flickr\.com/photos/[\w@-]{1,100}/[0-9]{1,20}/?")
WIDTHS: Final = {"_n": 320, "_m": 240, "_z": 640}
"""The longest edge of a size, by the end of its name."""
USUAL: Final = (4, 3)
"""The shape of a picture of which nobody told the size."""
RATIOS: Final = (50, 300)
"""The narrowest and the widest place in the grid, in hundredths of the height."""
RATIO_STEP: Final = 5
MOST_COMPANIONS: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One candidate of a picture; `width` in pixels."""

    url: str
    width: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    hit: Hit
    title: str
    owner: str
    page: str
    license: License
    view: str
    invented: bool
    """By the sandbox: then `page` is nobody's."""
    image: str
    """The largest there is; "" where it must not be shown."""
    sources: tuple[Source, ...]
    width: int
    height: int
    ratio: int
    """Of the place in the grid: width to height in hundredths, in steps that the style sheet has."""

    @property
    def sourceset(self) -> str:
        return ", ".join(f"{source.url} {source.width}w" for source in self.sources)


@dataclass(frozen=True, slots=True, kw_only=True)
class Companion:
    """A label that often comes with what was asked for."""

    name: str
    photos: int
    """Of those on the page."""
    address: str


def card(hit: Hit, *, origin: str, asking: Asking, invented: bool = False) -> Card:
    width, height = (hit.width, hit.height) if hit.width and hit.height else USUAL
    image, thumb = picture(hit.image, origin=origin), picture(hit.thumb, origin=origin)
    sources = [
        Source(url=url, width=_width(url, width, height))
        for url in dict.fromkeys((thumb, image))
        if url
    ]
    page = hit.page if FLICKR_PAGE.fullmatch(hit.page) else flickr_page(hit.photo)
    return Card(
        hit=hit,
        title=hit.title.strip() or "Untitled",
        owner=hit.owner_name.strip() or "someone on Flickr",
        page=page,
        license=license_of(hit.license, page="" if invented else page),
        invented=invented,
        view=asking.address(f"/photo/{quote(hit.photo, safe='')}", after=asking.after),
        image=image or thumb,
        sources=tuple(sorted(sources, key=lambda source: source.width)),
        width=width,
        height=height,
        ratio=_ratio(width, height),
    )


def picture(url: str, *, origin: str) -> str:
    """The address of a picture on the configured origin; "" for what is no picture's address."""
    try:
        path = urlsplit(url).path
    except ValueError:
        return ""
    return origin + path if PICTURE_PATH.fullmatch(path) else ""


def flickr_page(photo: str) -> str:
    """Flickr finds a photo by its id alone."""
    return f"https://www.flickr.com/photos/-/{quote(photo, safe='')}/"


def companions(hits: Sequence[Hit], asking: Asking) -> tuple[Companion, ...]:
    """
    The labels most often seen on these photos, but those that were asked for or are on all; none
    where one more would be too many to ask for.
    """
    labels = (*asking.labels, *asking.unwanted)
    if len(labels) >= MOST_LABELS_OF_A_QUERY:
        return ()
    asked = set(map(asked_key, labels))
    names: dict[str, str] = {}
    counts: Counter[str] = Counter()
    for hit in hits:
        for label in hit.labels:
            key = asked_key(label.name)
            names.setdefault(key, label.name)
            counts[key] += 1
    best = sorted(
        (key for key, photos in counts.items() if key not in asked and 1 < photos < len(hits)),
        key=lambda key: (-counts[key], key),
    )
    return tuple(
        Companion(name=names[key], photos=counts[key], address=asking.refined(names[key]).address())
        for key in best[:MOST_COMPANIONS]
    )


def _ratio(width: int, height: int) -> int:
    least, most = RATIOS
    steps = round(100 * width / height / RATIO_STEP) * RATIO_STEP
    return min(max(steps, least), most)


def _width(url: str, width: int, height: int) -> int:
    """How wide a size is: its longest edge is known by its name, its shape from the photo."""
    suffix = re.search(r"_[a-z]\.", url)
    edge = WIDTHS.get(suffix[0][:-1], 0) if suffix else 0
    return max(1, round(edge * width / max(width, height))) if edge else width
