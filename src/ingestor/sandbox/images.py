"""
The picture CDN: `/{server}/{id}_{secret}[_size].jpg`, and every way in which it goes wrong.

The usual answer is two writes of prepared bytes: headers with the photo's mark, then the shared
drawing. That is what lets one core serve more pictures than any quota lets through.
"""

import hashlib
import re
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Final

from aiohttp import web

from ingestor.sandbox.calls import Calls, Clock, counted
from ingestor.sandbox.faults import Faults
from ingestor.sandbox.image_faults import PLACEHOLDER_URL, misbehave
from ingestor.sandbox.latency import Latency
from ingestor.sandbox.marks import START_OF_IMAGE, mark_of, marked
from ingestor.sandbox.photos import (
    CORRUPT,
    GONE,
    ID_STEP,
    PLACEHOLDER,
    REMOVED,
    SUFFIXES,
    TRUNCATED,
    ScenePhoto,
)
from ingestor.sandbox.pictures import Pictures
from ingestor.sandbox.wire import Raw, head
from ingestor.sandbox.world import World

UPSTREAM: Final = "image"

FAULTS: Final = {
    "image.not-found": "404 with an empty body",
    "image.gone": "410 with an empty body",
    "image.placeholder": "302 to the `photo unavailable` picture",
    "image.placeholder-served": "200 with the `photo unavailable` picture itself",
    "image.redirect-near": "302 to the same picture on this host",
    "image.redirect-loop": "302 to itself, for ever",
    "image.redirect-private": "302 to a metadata address",
    "image.html": "an HTML page with 200 and `image/jpeg`",
    "image.cut-short": "fewer bytes than Content-Length says, then the end",
    "image.truncated": "half a JPEG with a matching length",
    "image.empty": "200 and no byte",
    "image.one-byte": "200 and a single byte",
    "image.huge": "a JPEG of 32 MB",
    "image.endless": "a body in chunks that never end",
    "image.gzip-bomb": "a gzip body of 100 MB zeros",
    "image.drip": "a byte at a time",
    "image.stall": "headers, then silence",
    "image.reset": "RST in the middle of the body",
    "image.half-closed": "FIN in the middle of a chunk",
    "image.garbage": "a status line that is none",
    "image.long-header": "a header of 100 KB",
    "image.extra-bytes": "bytes after the end of the body",
    "image.stale-connection": "the connection closes without an answer",
    "image.throttled": "429 without a hint",
    "image.throttled-hint": "429 with Retry-After",
    "image.unavailable": "503 with Retry-After",
    "image.error": "500 with an HTML page",
    "image.swapped": "another photo's picture",
    "image.foreign-format": "a GIF where a JPEG is due",
}

KNOBS: Final = {
    "image.limit-per-second": 0.0,
    "image.retry-after": 2.0,
    "image.drip-seconds": 0.05,
}
"""A limit of 0 is none; the CDN never tells where its limit lies. Seconds otherwise."""

NAME: Final = re.compile(r"(\d{1,20})_([0-9a-f]{8,16})((?:_[a-z0-9]{1,2})??)(?:_d)?\.(jpg|png|gif)")
SIZE_OF: Final = {suffix: size for size, suffix in SUFFIXES.items()}

LENGTH_SHARE: Final = 8
"""One answer in so many tells its length; the others come in chunks, as seen."""

LAST_CHUNK: Final = b"\r\n0\r\n\r\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cdn:
    """What a view may use."""

    world: World
    pictures: Pictures
    faults: Faults
    latency: Latency
    calls: Calls
    clock: Clock
    recent: deque[float] = field(default_factory=deque)


CDN: Final = web.AppKey("cdn", Cdn)


def application(cdn: Cdn) -> web.Application:
    app = web.Application(middlewares=[counted(cdn.calls, UPSTREAM)])
    app[CDN] = cdn
    app.router.add_get("/{server}/{name}", serve)
    app.router.add_get("/{rest:.*}", nothing_here)
    return app


async def serve(request: web.Request) -> web.StreamResponse:
    cdn = request.app[CDN]
    await cdn.latency.pause(UPSTREAM)
    if over_limit(cdn):
        return refusal("429 Too Many Requests")
    found = photo_at(cdn.world, request.path)
    if found is None:
        return missing("404 Not Found")
    photo, size = found
    fault = cdn.faults.first(FAULTS, photo.id)
    if fault is not None:
        shown = neighbour(cdn.world, photo) if fault == "image.swapped" else photo
        picture = await cdn.pictures.picture(shown)
        return await misbehave(fault, request, picture=picture, faults=cdn.faults)
    if answer := CONDITION_ANSWERS.get(photo.condition):
        return await answer(cdn, photo)
    if size == "z":
        drawing = cdn.pictures.at_hand(photo.scene) or await cdn.pictures.drawing(photo.scene)
    else:
        drawing = await cdn.pictures.variant(photo.scene, size=photo.dimensions(size))
    return there(photo, drawing, size=size)


async def nothing_here(_request: web.Request) -> web.StreamResponse:
    return missing("404 Not Found")


def photo_at(world: World, path: str) -> tuple[ScenePhoto, str] | None:
    """The photo and size that a path names; None where server, secret or size is wrong."""
    server, _, name = path[1:].partition("/")
    match = NAME.fullmatch(name)
    photo = world.photo(match[1]) if match else None
    if match is None or photo is None or photo.server != server:
        return None
    size = SIZE_OF.get(match[3], "")
    secret = photo.original_secret if size == "o" else photo.secret
    if secret != match[2] or not (size == "m" or size in photo.sizes):
        return None
    return photo, size


def neighbour(world: World, photo: ScenePhoto) -> ScenePhoto:
    """The photo that came before this one, or after the very first."""
    number = int(photo.id)
    return world.photo(str(number - ID_STEP)) or world.photo(str(number + ID_STEP)) or photo


def there(photo: ScenePhoto, drawing: bytes, *, size: str) -> Raw:
    """The picture, marked as this photo's own, mostly in chunks."""
    start = START_OF_IMAGE + mark_of(photo.bytes_of)
    rest = memoryview(drawing)[2:]
    width, height = photo.dimensions(size)
    uploaded = formatdate(photo.uploaded, usegmt=True)
    common = (
        "HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\n"
        f'ETag: "{photo.secret}{photo.bytes_of}"\r\nLast-Modified: {uploaded}\r\n'
        f"imagewidth: {width}\r\nimageheight: {height}\r\n{COMMON_HEADERS}"
    )
    if int(photo.id) % LENGTH_SHARE == 0:
        length = len(start) + len(rest)
        return Raw(f"{common}Content-Length: {length}\r\n\r\n".encode() + start, rest)
    chunk = b"%x\r\n%b\r\n%x\r\n" % (len(start), start, len(rest))
    return Raw(common.encode() + b"Transfer-Encoding: chunked\r\n\r\n" + chunk, rest, LAST_CHUNK)


COMMON_HEADERS: Final = (
    "Cache-Control: public,max-age=31536000\r\nServer: Jubilee\r\n"
    "access-control-allow-origin: *\r\nX-Cache: Miss from cloudfront\r\n"
    "Via: 1.1 sandbox.cloudfront.net (CloudFront)\r\n"
)


def over_limit(cdn: Cdn) -> bool:
    """Count this request against the hidden limit; refused ones do not count."""
    limit = cdn.faults.knob("image.limit-per-second")
    if limit <= 0:
        return False
    now = cdn.clock()
    while cdn.recent and cdn.recent[0] <= now - 1:
        cdn.recent.popleft()
    if len(cdn.recent) >= limit:
        return True
    cdn.recent.append(now)
    return False


def refusal(status: str) -> Raw:
    body = f"<html><body><h1>{status}</h1></body></html>\n".encode()
    headers = {"Content-Type": "text/html", "Content-Length": str(len(body))}
    return Raw(head(status, headers), body, status=int(status[:3]))


def missing(status: str) -> Raw:
    """How the CDN says that there is nothing: no body, and an HTML type."""
    headers = {
        "Content-Type": "text/html",
        "Content-Length": "0",
        "X-Cache": "Error from cloudfront",
        "Server": "Jubilee",
    }
    return Raw(head(status, headers), status=int(status[:3]))


async def _gone(_cdn: Cdn, _photo: ScenePhoto) -> Raw:
    return missing("404 Not Found")


async def _removed(_cdn: Cdn, _photo: ScenePhoto) -> Raw:
    return missing("410 Gone")


async def _placeholder(_cdn: Cdn, _photo: ScenePhoto) -> Raw:
    headers = {"Location": PLACEHOLDER_URL, "Content-Length": "0", "Content-Type": "text/html"}
    return Raw(head("302 Found", headers), status=302)


async def _corrupt(cdn: Cdn, photo: ScenePhoto) -> Raw:
    """Bytes that were a picture once: no marker is left where it should be."""
    noise = hashlib.shake_256(photo.id.encode()).digest(8192)
    return _plain(noise + (await cdn.pictures.drawing(photo.scene))[8192:])


async def _truncated(cdn: Cdn, photo: ScenePhoto) -> Raw:
    picture = marked(await cdn.pictures.drawing(photo.scene), photo.bytes_of)
    return _plain(picture[: len(picture) // 2])


def _plain(body: bytes) -> Raw:
    headers = {"Content-Type": "image/jpeg", "Content-Length": str(len(body))}
    return Raw(head("200 OK", headers), body)


CONDITION_ANSWERS: Final[dict[str, Callable[[Cdn, ScenePhoto], Awaitable[Raw]]]] = {
    GONE: _gone,
    REMOVED: _removed,
    PLACEHOLDER: _placeholder,
    CORRUPT: _corrupt,
    TRUNCATED: _truncated,
}
