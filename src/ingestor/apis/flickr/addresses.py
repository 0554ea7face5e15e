"""
Where pictures may come from: one origin, and paths of one shape.

An address in a listing is somebody else's text. What we fetch is never that text: it is our origin
followed by a path that was checked to the last character.
(https://www.flickr.com/services/api/misc.urls.html)
"""

from __future__ import annotations

import re
from typing import Protocol
from urllib.parse import urlsplit

PICTURE_PATH = re.compile(
    r"/[0-9]{1,10}/[0-9]{1,20}_[0-9a-zA-Z]{1,40}(_[0-9a-z]{1,3})?(_d)?\.(jpe?g|png|gif)"
)
SERVER = re.compile(r"[0-9]{1,10}")
SECRET = re.compile(r"[0-9a-zA-Z]{1,40}")

LIVE = "https://live.staticflickr.com"
FARM = re.compile(r"https?://farm[0-9]{1,3}\.static\.?flickr\.com")
"""How Flickr's pictures were addressed before; the same paths answer on the origin of today."""


class ImageOrigin:
    """The one place that may be asked for pictures: scheme, host and port."""

    __slots__ = ("_farms", "_plain", "url")

    def __init__(self, url: str) -> None:
        self.url = _origin(url)
        self._farms = self.url == LIVE
        self._plain = re.compile(re.escape(self.url) + PICTURE_PATH.pattern)

    def accept(self, url: object) -> str | None:
        """Rewrite a listed address onto this origin; None where it must not be fetched."""
        match url:
            case str() if self._plain.fullmatch(url):
                return url  # as listings of today have it; taking it apart would change nothing
            case str():
                return self._rewritten(url)
            case _:
                return None

    def _rewritten(self, url: str) -> str | None:
        try:
            origin, path = _origin(url), urlsplit(url).path
        except ValueError:
            return None
        known = origin == self.url or (self._farms and FARM.fullmatch(origin))
        # A query ("?zz=1" in old listings) never changes the picture, and is left out.
        return self.url + path if known and PICTURE_PATH.fullmatch(path) else None

    def moved(self, url: str) -> str | None:
        """The same path on this origin, of an address that was accepted under another one."""
        try:
            path = urlsplit(url).path
        except ValueError:
            return None
        return self.url + path if PICTURE_PATH.fullmatch(path) else None

    def build(self, row: PhotoKey, *, suffix: str = "") -> str | None:
        """
        Make the address of a size up to 1024 px, which all share the row's secret.

        No suffix is 500 px, `_n` 320, `_m` 240, `_z` 640, `_c` 800 and `_b` 1024.
        """
        stem = self.stem(row)
        return None if stem is None else f"{stem}{suffix}.jpg"

    def stem(self, row: PhotoKey) -> str | None:
        """What the addresses of all these sizes begin with; None where the row does not say it."""
        if not (SERVER.fullmatch(row.server) and SECRET.fullmatch(row.secret)):
            return None
        return f"{self.url}/{row.server}/{row.id}_{row.secret}"


class PhotoKey(Protocol):
    """What addresses are made of; texts as listed."""

    @property
    def id(self) -> str: ...
    @property
    def server(self) -> str: ...
    @property
    def secret(self) -> str: ...


def _origin(url: str) -> str:
    """Scheme, host and port as they stand; user names stay in, and so match nothing."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".lower()
