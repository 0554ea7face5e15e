"""
Our own files: read and compressed once, each under an address that changes with them.

Browsers keep a file for a year without asking; who asks all the same is told by its tag that
nothing changed.
"""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from aiohttp import ETag, web

YEAR: Final = "public, max-age=31536000, immutable"
SHORT: Final = "public, max-age=86400"
"""For addresses that stay the same when a file changes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    kind: str
    plain: bytes
    small: bytes
    """The same, gzipped."""
    tag: str


class Assets:
    """The files of one folder, by name: what is not in it is not there."""

    def __init__(self, folder: Path) -> None:
        self._files = {path.name: _read(path) for path in sorted(folder.iterdir())}
        tags = "".join(file.tag for file in self._files.values())
        self._version = hashlib.sha256(tags.encode()).hexdigest()[:10]

    def address(self, name: str) -> str:
        if name not in self._files:
            raise KeyError(name)
        return f"/static/{self._version}/{name}"

    def answer(self, request: web.Request, name: str, *, cache: str = YEAR) -> web.Response:
        """Raises HTTPNotFound for a name that is none of ours."""
        file = self._files.get(name)
        if file is None:
            raise web.HTTPNotFound
        headers = {"Cache-Control": cache, "Vary": "Accept-Encoding"}
        if any(tag.value == file.tag for tag in request.if_none_match or ()):
            response = web.Response(status=304, headers=headers)
        elif "gzip" in request.headers.get("Accept-Encoding", ""):
            headers["Content-Encoding"] = "gzip"
            response = web.Response(body=file.small, content_type=file.kind, headers=headers)
        else:
            response = web.Response(body=file.plain, content_type=file.kind, headers=headers)
        # Weak: it stands for the file, whichever way it is written.
        response.etag = ETag(value=file.tag, is_weak=True)
        return response


def _read(path: Path) -> Asset:
    plain = path.read_bytes()
    kind, _ = mimetypes.guess_type(path.name)
    return Asset(
        kind=kind or "application/octet-stream",
        plain=plain,
        small=gzip.compress(plain, mtime=0),
        tag=hashlib.sha256(plain).hexdigest()[:16],
    )


ASSETS: Final = web.AppKey("assets", Assets)
