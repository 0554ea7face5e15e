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
from typing import cast

from ingestor.apis.flickr.addresses import ImageOrigin, PhotoKey
from ingestor.models import Photo, Size

PHOTO_ID = re.compile(r"[0-9]{1,19}")
"""
Ids become keys and parts of paths: digits only, ASCII only. Flickr's have 11 digits; with 19 they fit
64 bits, in which the names of all photos of a database are held.
"""
OWNER = re.compile(r"[0-9A-Za-z_@-]{1,100}")
LICENSE = re.compile(r"[0-9]{1,3}")
NUMBER = re.compile(r"-?[0-9]{1,20}")

LADDER = tuple(
    (f"url_{name}", f"width_{name}", f"height_{name}", suffix)
    for name, suffix in {"z": "_z", "c": "_c", "l": "_b", "m": "", "n": "_n"}.items()
)
"""
Sizes worth labelling, the preferred first: 640, 800, 1024, 500, 320 px; where a row has them, and what
their addresses end with. 640 x 480 is what Vision advises for labels
(https://cloud.google.com/vision/docs/supported-files#image_sizing).
"""
THUMB = "url_n"
"""320 px: what a list of pictures shows."""
TEXTS = ("server", "secret", "owner", "pathalias", "ownername", "license")
LONGEST_TITLE = 1000
"""Characters kept; Flickr's form takes 255, and listings have shown more."""
LONGEST_NAME = 200
LONGEST_DETAIL = 80
LARGEST_NUMBER = 2**53
"""Above it JSON readers, the database among them, lose digits."""


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
    if not isinstance(row, dict):
        return Unusable(photo_id="", reason="bad-row", detail=type(row).__name__)
    id_ = text(row.get("id"))
    if not PHOTO_ID.fullmatch(id_):
        return Unusable(photo_id="", reason="bad-id", detail=repr(row.get("id"))[:LONGEST_DETAIL])
    server, secret, owner, alias, owner_name, license_ = _texts(row)
    key = PhotoKey(id=id_, server=server, secret=secret)
    sizes = _usual_sizes(row, key, images) or _sizes(row, key, images)
    if not sizes:
        listed = [row[url] for url, *_ in LADDER if row.get(url) is not None]
        return Unusable(
            photo_id=id_,
            reason="url-refused" if listed else "no-url",
            detail=str(listed[0])[:LONGEST_DETAIL] if listed else "",
            date_added=number(row.get("dateadded")) or 0,
        )
    uploaded, added = map(number, map(row.get, ("dateupload", "dateadded")))
    return Photo(
        id=id_,
        group=group,
        owner=owner,
        owner_name=owner_name,
        title=text(row.get("title"), most=LONGEST_TITLE),
        page=_page(id_, owner=owner, alias=alias),
        sizes=tuple(sizes.values()),
        thumb=_thumb(sizes, key, images),
        license=license_ if LICENSE.fullmatch(license_) else "",
        uploaded=uploaded or 0,
        date_added=added or 0,
        is_video=row.get("media") == "video",
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


def _texts(row: Mapping[str, object]) -> Iterable[str]:
    """What `text` makes of each of `TEXTS`; nearly always they are that already."""
    said = [value if name in row and (value := row[name]) is not None else "" for name in TEXTS]
    if set(map(type, said)) == {str}:
        texts = cast("list[str]", said)
        if max(map(len, texts)) <= LONGEST_NAME:
            return texts
    return map(text, said)


def _usual_sizes(
    row: Mapping[str, object], key: PhotoKey, images: ImageOrigin
) -> dict[str, Size] | None:
    """
    The listed sizes, if each has the very address that we would build for it, as nearly all have: then
    none has to be taken apart, and a photo has five. None where one is odd.
    """
    stem = images.stem(key)
    if stem is None:
        return None
    sizes = {}
    for name, width, height, suffix in LADDER:
        if name in row:
            url = f"{stem}{suffix}.jpg"
            if row[name] != url:
                return None
            wide, high = row.get(width), row.get(height)
            # Nearly always both are numbers already, and a call for each would show.
            if not (
                type(wide) is int
                and type(high) is int
                and 0 <= wide <= LARGEST_NUMBER
                and 0 <= high <= LARGEST_NUMBER
            ):
                wide, high = number(wide) or 0, number(high) or 0
            sizes[name] = Size(url=url, width=wide, height=high)
    return sizes


def _sizes(row: Mapping[str, object], key: PhotoKey, images: ImageOrigin) -> dict[str, Size]:
    """
    The listed sizes in the ladder's order, by name. One that must not be fetched is passed over; an
    address is built only where none was listed, so that a listing full of strange ones stays refused.
    """
    sizes = {}
    listed = False
    for name, width, height, _suffix in LADDER:
        address = row.get(name)
        if address is not None:
            listed = True
            if url := images.accept(address):
                wide, high = number(row.get(width)), number(row.get(height))
                sizes[name] = Size(url=url, width=wide or 0, height=high or 0)
    if not listed and (built := images.build(key)):
        return {"built": Size(url=built)}
    return sizes


def _thumb(sizes: Mapping[str, Size], key: PhotoKey, images: ImageOrigin) -> str:
    """The smallest that was listed, if it is small, or one that every photo has."""
    if THUMB in sizes:
        return sizes[THUMB].url
    return images.build(key, suffix="_m") or list(sizes.values())[-1].url


def _page(photo_id: str, *, owner: str, alias: str) -> str:
    """The photo's page, which the API's terms want linked; few owners have an alias."""
    # Without a usable owner, Flickr finds the photo by its id all the same.
    name = alias if OWNER.fullmatch(alias) else owner if OWNER.fullmatch(owner) else "-"
    return f"https://www.flickr.com/photos/{name}/{photo_id}/"
