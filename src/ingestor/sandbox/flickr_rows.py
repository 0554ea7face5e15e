"""
One photo as a row of a listing: what is always there, and what each `extras` adds.

Types differ from row to row as they do in recorded answers: sizes are numbers here and strings
there, even within one row.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Any, Final

from ingestor.sandbox.photos import ORIGINAL, SUFFIXES, ScenePhoto

Row = dict[str, Any]
Add = Callable[[ScenePhoto], Mapping[str, Any]]

SIZE_LABELS: Final = {
    "sq": "Square",
    "q": "Large Square",
    "t": "Thumbnail",
    "s": "Small",
    "n": "Small 320",
    "w": "Small 400",
    "m": "Medium",
    "z": "Medium 640",
    "c": "Medium 800",
    "l": "Large",
    "h": "Large 1600",
    "k": "Large 2048",
    "o": "Original",
}

MIXED_EVERY: Final = 7
STRINGS_EVERY: Final = 3
"""Which rows have their sizes as strings, and which have them mixed, by photo id; taste."""


def row_of(photo: ScenePhoto, *, extras: Collection[str], image_url: str) -> Row:
    """A row of a pool listing. Only what was asked for comes along; unknown extras do nothing."""
    row: Row = {
        "id": photo.id,
        "owner": photo.owner.nsid,
        "secret": photo.secret,
        "server": photo.server,
        "farm": photo.farm,
        "title": photo.title,
        "ispublic": 1,
        "isfriend": 0,
        "isfamily": 0,
        "ownername": photo.owner.name,
        "dateadded": str(photo.added),
    }
    if photo.pictureless:
        del row["secret"], row["server"]
    for extra in extras:
        if extra in EXTRAS:
            row.update(EXTRAS[extra](photo))
        elif extra.removeprefix("url_") in SUFFIXES and extra.startswith("url_"):
            row.update(_size(photo, extra.removeprefix("url_"), image_url=image_url))
    return row


def sizes_of(photo: ScenePhoto, *, image_url: str) -> list[Row]:
    """What photos.getSizes lists, smallest first."""
    rows = []
    for size, label in SIZE_LABELS.items():
        if size in photo.sizes:
            width, height = photo.dimensions(size)
            rows.append(
                {
                    "label": label,
                    "width": width,
                    "height": height,
                    "source": image_url + photo.path(size),
                    "url": f"{page_of(photo)}sizes/{size}/",
                    "media": photo.media,
                }
            )
    return rows


def page_of(photo: ScenePhoto) -> str:
    who = photo.owner.path_alias or photo.owner.nsid
    return f"https://www.flickr.com/photos/{who}/{photo.id}/"


def typed(number: int, photo: ScenePhoto, *, mixed_turn: bool = False) -> int | str:
    """A size as this row happens to type it."""
    turn = int(photo.id)
    if turn % MIXED_EVERY == 0:
        return str(number) if mixed_turn else number
    return str(number) if turn % STRINGS_EVERY == 0 else number


def _size(photo: ScenePhoto, size: str, *, image_url: str) -> Row:
    """The triple of a size; nothing at all where the size does not exist."""
    if size not in photo.sizes:
        return {}
    width, height = photo.dimensions(size)
    return {
        f"url_{size}": image_url + photo.path(size),
        f"height_{size}": typed(height, photo),
        f"width_{size}": typed(width, photo, mixed_turn=True),
    }


def _taken(photo: ScenePhoto) -> Row:
    unknown = int(photo.id) % MIXED_EVERY == 0
    return {
        "datetaken": photo.taken,
        "datetakengranularity": "0",
        "datetakenunknown": 1 if unknown else "0",
    }


def _original(photo: ScenePhoto) -> Row:
    if ORIGINAL not in photo.sizes:
        return {}
    return {"originalsecret": photo.original_secret, "originalformat": "jpg"}


def _original_dimensions(photo: ScenePhoto) -> Row:
    if ORIGINAL not in photo.sizes:
        return {}
    return {"o_width": str(photo.width), "o_height": str(photo.height)}


def _path_alias(photo: ScenePhoto) -> Row:
    absent = None if int(photo.id) % 2 else ""
    return {"pathalias": photo.owner.path_alias or absent}


def _real_name(photo: ScenePhoto) -> Row:
    return {"realname": photo.owner.real_name} if photo.owner.real_name else {}


EXTRAS: Final[Mapping[str, Add]] = {
    "license": lambda photo: {"license": photo.license},
    "date_upload": lambda photo: {"dateupload": str(photo.uploaded)},
    "date_taken": _taken,
    "owner_name": lambda photo: {"ownername": photo.owner.name},
    "icon_server": lambda _: {"iconserver": "65535", "iconfarm": 66},
    "last_update": lambda photo: {"lastupdate": str(photo.uploaded + 86_400)},
    "description": lambda photo: {
        "description": {"_content": f"<i>{photo.scene.species}</i>, {photo.scene.place}"}
    },
    "tags": lambda photo: {"tags": photo.tags},
    "machine_tags": lambda _: {"machine_tags": ""},
    "media": lambda photo: {"media": photo.media, "media_status": "ready"},
    "path_alias": _path_alias,
    "original_format": _original,
    "o_dims": _original_dimensions,
    "geo": lambda _: {"latitude": 0, "longitude": 0, "accuracy": 0, "context": 0},
    "views": lambda photo: {"views": str(photo.views)},
    "realname": _real_name,
    "safety_level": lambda _: {"safety_level": "0"},
    "content_type": lambda _: {"content_type": "0"},
    "count_faves": lambda photo: {"count_faves": str(photo.views // 50)},
    "count_comments": lambda photo: {"count_comments": str(photo.views // 400)},
    "count_views": lambda photo: {"count_views": str(photo.views)},
    "rotation": lambda _: {"rotation": 0},
    "can_download": lambda photo: {"can_download": int(ORIGINAL in photo.sizes)},
}
