"""
One row of a listing becomes a photo, or a reason why not.

The API's numbers come as texts and as numbers, members are absent where there is nothing to say, and
titles hold whatever people typed; nothing here raises.
(https://www.flickr.com/services/api/flickr.groups.pools.getPhotos.html)
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from ingestor.apis.flickr.addresses import ImageOrigin
from ingestor.models import Photo, Size

PHOTO_ID = re.compile(r"[0-9]{1,19}")
"""
Ids become keys and parts of paths: digits only, ASCII only. Flickr's have 11 digits; with 19 they fit
64 bits, in which the names of all photos of a database are held.
"""
OWNER = re.compile(r"[0-9A-Za-z_@-]{1,100}")
LICENSE = re.compile(r"[0-9]{1,3}")
NUMBER = re.compile(r"-?[0-9]{1,20}")

THUMB = "url_n"
"""320 px: what a list of pictures shows."""
LONGEST_TITLE = 1000
"""Characters kept; Flickr's form takes 255, and listings have shown more."""
LONGEST_NAME = 200
LONGEST_DETAIL = 80
LARGEST_NUMBER = 2**53
"""Above it JSON readers, the database among them, lose digits."""

Count = Annotated[int, Meta(ge=0, le=LARGEST_NUMBER)] | str
"""What becomes a `number`, as nearly all come."""
_Text = Annotated[str, Meta(max_length=LONGEST_NAME)]
_Listed = tuple[str, str | None, Count, Count, str]
"""A size: its name, its address, how wide and high it is, and what such addresses end with."""


class Row(Struct, gc=False):
    """As nearly all rows come: what reads a page's JSON makes them, and judges them on the way."""

    id: Annotated[str, Meta(pattern=rf"\A{PHOTO_ID.pattern}\Z")]
    server: _Text = ""
    secret: _Text = ""
    owner: _Text = ""
    pathalias: _Text | None = None
    ownername: _Text = ""
    title: Annotated[str, Meta(max_length=LONGEST_TITLE)] = ""
    license: _Text = ""
    dateupload: Count = 0
    dateadded: Count = 0
    media: str | None = None
    url_z: str | None = None
    width_z: Count = 0
    height_z: Count = 0
    url_c: str | None = None
    width_c: Count = 0
    height_c: Count = 0
    url_l: str | None = None
    width_l: Count = 0
    height_l: Count = 0
    url_m: str | None = None
    width_m: Count = 0
    height_m: Count = 0
    url_n: str | None = None
    width_n: Count = 0
    height_n: Count = 0

    def ladder(self) -> tuple[_Listed, ...]:
        """
        Sizes worth labelling, the preferred first: 640, 800, 1024, 500, 320 px. 640 x 480 is what Vision
        advises for labels (https://cloud.google.com/vision/docs/supported-files#image_sizing).
        """
        return (
            ("url_z", self.url_z, self.width_z, self.height_z, "_z"),
            ("url_c", self.url_c, self.width_c, self.height_c, "_c"),
            ("url_l", self.url_l, self.width_l, self.height_l, "_b"),
            ("url_m", self.url_m, self.width_m, self.height_m, ""),
            ("url_n", self.url_n, self.width_n, self.height_n, "_n"),
        )


TEXTS = ("server", "secret", "owner", "pathalias", "ownername", "license")
COUNTS = (
    "dateupload",
    "dateadded",
    *(f"{side}_{size}" for side in ("width", "height") for size in "zclmn"),
)
ADDRESSES = tuple(f"url_{size}" for size in "zclmn")
"""Members of a row by what each has to be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unusable:
    """A row of which no photo can be made. `photo_id` is "" where the id itself is the trouble."""

    photo_id: str
    reason: str
    """bad-row, bad-id, no-url or url-refused."""
    detail: str = ""
    date_added: int = 0
    """0 where the row does not say."""


def read_rows(rows: Iterable[object], *, group: str, images: ImageOrigin) -> list[Photo | Unusable]:
    return [read_row(row, group=group, images=images) for row in rows]


def read_row(row: object, *, group: str, images: ImageOrigin) -> Photo | Unusable:
    """Make a photo of one row in the pool of `group`."""
    if not isinstance(row, Row):
        row = _odd_row(row)
        if isinstance(row, Unusable):
            return row
    sizes = _usual_sizes(row, images) or _sizes(row, images)
    if not sizes:
        return _without_a_picture(row)
    return Photo(
        id=row.id,
        group=group,
        owner=row.owner,
        owner_name=row.ownername,
        title=row.title,
        page=_page(row.id, owner=row.owner, alias=row.pathalias or ""),
        sizes=tuple(sizes.values()),
        thumb=_thumb(sizes, row, images),
        license=row.license if LICENSE.fullmatch(row.license) else "",
        uploaded=number(row.dateupload) or 0,
        date_added=number(row.dateadded) or 0,
        is_video=row.media == "video",
    )


def number(value: object) -> int | None:
    """A count or a time that came as 7, "7" or 7.0; None for anything else; never below 0."""
    match value:
        case str() if NUMBER.fullmatch(value):
            counted = int(value)
        case bool():
            return None
        case int() | float():
            counted = int(value)
        case _:
            return None
    if 0 <= counted <= LARGEST_NUMBER:
        return counted
    return 0 if counted < 0 else LARGEST_NUMBER


def text(value: object, *, most: int = LONGEST_NAME) -> str:
    """A text that came as such, wrapped in `_content`, as a number, or not at all."""
    match value:
        case {"_content": content}:
            value = content
    match value:
        case str():
            return value[:most]
        case int() if not isinstance(value, bool):
            return str(value)[:most]
        case _:
            return ""


def _odd_row(row: object) -> Row | Unusable:
    """Judge what is missing or strange, member by member."""
    if not isinstance(row, dict):
        return Unusable(photo_id="", reason="bad-row", detail=type(row).__name__)
    id_ = text(row.get("id"))
    if not PHOTO_ID.fullmatch(id_):
        return Unusable(photo_id="", reason="bad-id", detail=repr(row.get("id"))[:LONGEST_DETAIL])
    judged = {
        "id": id_,
        "title": text(row.get("title"), most=LONGEST_TITLE),
        "media": "video" if row.get("media") == "video" else None,
        **{name: text(row.get(name)) for name in TEXTS},
        **{name: number(row.get(name)) or 0 for name in COUNTS},
        # What is no text is none that may be fetched, and was listed all the same.
        **{name: str(row[name]) for name in ADDRESSES if row.get(name) is not None},
    }
    return msgspec.convert(judged, Row)


def _without_a_picture(row: Row) -> Unusable:
    listed = [url for _, url, *_ in row.ladder() if url is not None]
    return Unusable(
        photo_id=row.id,
        reason="url-refused" if listed else "no-url",
        detail=listed[0][:LONGEST_DETAIL] if listed else "",
        date_added=number(row.dateadded) or 0,
    )


def _usual_sizes(row: Row, images: ImageOrigin) -> dict[str, Size] | None:
    """
    The listed sizes, if each has the very address that we would build for it, as nearly all have: then
    none has to be taken apart, and a photo has five. None where one is odd.
    """
    stem = images.stem(row)
    if stem is None:
        return None
    sizes = {}
    for name, url, width, height, suffix in row.ladder():
        if url is not None:
            if url != f"{stem}{suffix}.jpg":
                return None
            wide = width if type(width) is int else number(width) or 0
            high = height if type(height) is int else number(height) or 0
            sizes[name] = Size(url=url, width=wide, height=high)
    return sizes


def _sizes(row: Row, images: ImageOrigin) -> dict[str, Size]:
    """
    The listed sizes in the ladder's order, by name. One that must not be fetched is passed over; an
    address is built only where none was listed, so that a listing full of strange ones stays refused.
    """
    sizes = {}
    listed = False
    for name, address, width, height, _ in row.ladder():
        if address is not None:
            listed = True
            if url := images.accept(address):
                sizes[name] = Size(url=url, width=number(width) or 0, height=number(height) or 0)
    if not listed and (built := images.build(row)):
        return {"built": Size(url=built)}
    return sizes


def _thumb(sizes: Mapping[str, Size], row: Row, images: ImageOrigin) -> str:
    """The smallest that was listed, if it is small, or one that every photo has."""
    if THUMB in sizes:
        return sizes[THUMB].url
    return images.build(row, suffix="_m") or list(sizes.values())[-1].url


def _page(photo_id: str, *, owner: str, alias: str) -> str:
    """The photo's page, which the API's terms want linked; few owners have an alias."""
    # Without a usable owner, Flickr finds the photo by its id all the same.
    name = alias if OWNER.fullmatch(alias) else owner if OWNER.fullmatch(owner) else "-"
    return f"https://www.flickr.com/photos/{name}/{photo_id}/"
