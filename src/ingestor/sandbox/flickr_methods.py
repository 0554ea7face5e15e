"""
What each Flickr method answers, as plain members.

https://www.flickr.com/services/api/ lists them; codes and messages are the documented ones.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from ingestor.sandbox.flickr_rows import Row, page_of, row_of, sizes_of
from ingestor.sandbox.flickr_wire import Failure
from ingestor.sandbox.photos import ScenePhoto
from ingestor.sandbox.world import Group, World

DEFAULT_PER_PAGE: Final = 100
MAX_PER_PAGE: Final = 500
"""More is taken as 500, without a word."""

MOST_DIGITS: Final = 19
"""Of a number that are read: with more it is beyond everything all the same."""

TOTAL_AS_STRING_EVERY: Final = 3
"""Older answers gave `total` as a string; here every third page does."""

GROUP_URL: Final = re.compile(r"https?://(?:www\.)?flickr\.com/groups/([^/?#]+)(?:/pool)?/?")
USER_URL: Final = re.compile(r"https?://(?:www\.)?flickr\.com/(?:photos|people)/([^/?#]+)(?:/.*)?")

LICENSES: Final = {
    4: ("CC BY 2.0", "https://creativecommons.org/licenses/by/2.0/"),
    6: ("CC BY-ND 2.0", "https://creativecommons.org/licenses/by-nd/2.0/"),
    3: ("CC BY-NC-ND 2.0", "https://creativecommons.org/licenses/by-nc-nd/2.0/"),
    2: ("CC BY-NC 2.0", "https://creativecommons.org/licenses/by-nc/2.0/"),
    1: ("CC BY-NC-SA 2.0", "https://creativecommons.org/licenses/by-nc-sa/2.0/"),
    5: ("CC BY-SA 2.0", "https://creativecommons.org/licenses/by-sa/2.0/"),
    7: ("No known copyright restrictions", "https://www.flickr.com/commons/usage/"),
    0: ("All Rights Reserved", "https://www.flickrhelp.com/hc/en-us/articles/10710266545556"),
    8: ("United States Government Work", "http://www.usa.gov/copyright.shtml"),
    9: ("CC0 1.0", "https://creativecommons.org/publicdomain/zero/1.0/"),
    10: ("Public Domain Mark", "https://creativecommons.org/publicdomain/mark/1.0/"),
    11: ("CC BY 4.0", "https://creativecommons.org/licenses/by/4.0/"),
    12: ("CC BY-SA 4.0", "https://creativecommons.org/licenses/by-sa/4.0/"),
    13: ("CC BY-ND 4.0", "https://creativecommons.org/licenses/by-nd/4.0/"),
    14: ("CC BY-NC 4.0", "https://creativecommons.org/licenses/by-nc/4.0/"),
    15: ("CC BY-NC-SA 4.0", "https://creativecommons.org/licenses/by-nc-sa/4.0/"),
    16: ("CC BY-NC-ND 4.0", "https://creativecommons.org/licenses/by-nc-nd/4.0/"),
}
"""As flickr.photos.licenses.getInfo gives them: not in the order of their ids."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A call's arguments, the world that answers, and where pictures are."""

    arguments: Mapping[str, str]
    world: World
    image_url: str

    def required(self, name: str) -> str:
        value = self.arguments.get(name, "")
        if not value:
            raise Failure(code=1, message=f"Required parameter missing: {name}")
        return value


def pool_photos(question: Question) -> Mapping[str, Any]:
    """flickr.groups.pools.getPhotos"""
    group = _group(question)
    if group.private:
        raise Failure(code=2, message="You don't have permission to view this pool")
    asked = _positive(question.arguments.get("page", ""), default=1)
    per_page = min(
        _positive(question.arguments.get("per_page", ""), default=DEFAULT_PER_PAGE), MAX_PER_PAGE
    )
    ids: Sequence[str] = question.world.pools[group.nsid].listed(asked)
    if question.arguments.get("user_id") or question.arguments.get("tags"):
        ids = _filtered(question, ids)
    pages = -(-len(ids) // per_page)
    # A page past the end is the last page again, not an empty one.
    page = max(1, min(asked, pages))
    total: int | str = str(len(ids)) if page % TOTAL_AS_STRING_EVERY == 0 else len(ids)
    return {
        "photos": {
            "page": page,
            "pages": pages,
            "perpage": per_page,
            "total": total,
            "photo": _rows(question, ids[(page - 1) * per_page : page * per_page]),
        }
    }


def group_of_url(question: Question) -> Mapping[str, Any]:
    """flickr.urls.lookupGroup: the group's page or its /pool/."""
    match = GROUP_URL.fullmatch(question.required("url"))
    group = question.world.group_called(match[1]) if match else None
    if group is None:
        raise Failure(code=1, message="Group not found")
    return {"group": {"id": group.nsid, "groupname": {"_content": group.name}}}


def user_of_url(question: Question) -> Mapping[str, Any]:
    """flickr.urls.lookupUser"""
    match = USER_URL.fullmatch(question.required("url"))
    member = question.world.member_called(match[1]) if match else None
    if member is None:
        raise Failure(code=1, message="User not found")
    return {"user": {"id": member.nsid, "username": {"_content": member.name}}}


def group_details(question: Question) -> Mapping[str, Any]:
    """flickr.groups.getInfo"""
    group = _group(question)
    size = len(question.world.pools[group.nsid].now())
    return {
        "group": {
            "id": group.nsid,
            "nsid": group.nsid,
            "path_alias": group.alias,
            "iconserver": "65535",
            "iconfarm": 66,
            "name": {"_content": group.name},
            "description": {"_content": ""},
            "members": {"_content": "160"},
            "pool_count": {"_content": str(size)},
            "privacy": {"_content": "1" if group.private else "3"},
        }
    }


def photo_details(question: Question) -> Mapping[str, Any]:
    """flickr.photos.getInfo"""
    photo = _photo(question)
    return {
        "photo": {
            "id": photo.id,
            "secret": photo.secret,
            "server": photo.server,
            "farm": photo.farm,
            "dateuploaded": str(photo.uploaded),
            "isfavorite": 0,
            "license": photo.license,
            "safety_level": "0",
            "rotation": 0,
            "views": str(photo.views),
            "media": photo.media,
            "owner": {
                "nsid": photo.owner.nsid,
                "username": photo.owner.name,
                "realname": photo.owner.real_name or "",
                "path_alias": photo.owner.path_alias,
            },
            "title": {"_content": photo.title},
            "description": {"_content": ""},
            "visibility": {"ispublic": 1, "isfriend": 0, "isfamily": 0},
            "dates": {"posted": str(photo.uploaded), "taken": photo.taken},
            "urls": {"url": [{"type": "photopage", "_content": page_of(photo)}]},
        }
    }


def photo_sizes(question: Question) -> Mapping[str, Any]:
    """flickr.photos.getSizes"""
    photo = _photo(question)
    return {
        "sizes": {
            "canblog": 0,
            "canprint": 0,
            "candownload": int("o" in photo.sizes),
            "size": sizes_of(photo, image_url=question.image_url),
        }
    }


def licenses(_question: Question) -> Mapping[str, Any]:
    """flickr.photos.licenses.getInfo"""
    return {
        "licenses": {
            "license": [
                {"id": number, "name": name, "url": url} for number, (name, url) in LICENSES.items()
            ]
        }
    }


def echo(question: Question) -> Mapping[str, Any]:
    """flickr.test.echo"""
    return {name: {"_content": value} for name, value in question.arguments.items()}


METHODS: Final[Mapping[str, Callable[[Question], Mapping[str, Any]]]] = {
    "flickr.groups.pools.getPhotos": pool_photos,
    "flickr.groups.getInfo": group_details,
    "flickr.photos.getInfo": photo_details,
    "flickr.photos.getSizes": photo_sizes,
    "flickr.photos.licenses.getInfo": licenses,
    "flickr.test.echo": echo,
    "flickr.urls.lookupGroup": group_of_url,
    "flickr.urls.lookupUser": user_of_url,
}


def _group(question: Question) -> Group:
    group = question.world.groups.get(question.arguments.get("group_id", ""))
    if group is None:
        raise Failure(code=1, message="Group not found")
    return group


def _photo(question: Question) -> ScenePhoto:
    photo_id = question.arguments.get("photo_id", "")
    photo = question.world.photo(photo_id)
    if photo is None or photo.hidden:
        raise Failure(code=1, message=f'Photo "{photo_id}" not found (invalid ID)')
    return photo


def _positive(text: str, *, default: int) -> int:
    """Read a number as Flickr does: nonsense, zero and below mean the default."""
    number = int(text[:MOST_DIGITS]) if text.isascii() and text.isdigit() else 0
    return number if number > 0 else default


def _filtered(question: Question, ids: Sequence[str]) -> Sequence[str]:
    member, tag = question.arguments.get("user_id"), question.arguments.get("tags")
    if member and question.world.member_called(member) is None:
        raise Failure(code=3, message="Unknown user")
    photos = (question.world.photo(photo_id) for photo_id in ids)
    return [
        photo.id
        for photo in photos
        if photo is not None
        and (not member or photo.owner.nsid == member)
        and (not tag or tag in photo.tags.split())
    ]


def _rows(question: Question, ids: Sequence[str]) -> list[Row]:
    """Rows of a page; hidden ones are left out after paging, so a page may be short."""
    extras = dict.fromkeys(question.arguments.get("extras", "").replace(" ", "").split(","))
    rows: list[Row] = []
    for photo in map(question.world.photo, ids):
        if photo is None or photo.hidden:
            continue
        row = row_of(photo, extras=extras, image_url=question.image_url)
        rows += [row, dict(row)] if photo.double and len(rows) + 2 <= len(ids) else [row]
    return rows
