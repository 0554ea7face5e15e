"""The picture CDN on a bad day: one small function per fault, looked up by name."""

import gzip
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from ingestor.sandbox.faults import Faults
from ingestor.sandbox.wire import Raw, drip, hang_up, head, pour, stall

JPEG: Final = {"Content-Type": "image/jpeg"}
HTML_PAGE: Final = b"<!DOCTYPE html><html><body><h1>Please verify you are human</h1></body></html>"
TINY_GIF: Final = (
    b"GIF89a\x01\x00\x01\x00\x80\x00\x00\xff\xff\xff\x00\x00\x00!\xf9\x04\x00\x00\x00\x00\x00"
    b",\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"
)
PLACEHOLDER_URL: Final = "https://s.yimg.com/pw/images/en-us/photo_unavailable_l.png"
HUGE_BYTES: Final = 32 * 2**20
"""Above Vision's 20 MB per image."""

ENDLESS_PIECES: Final = 65_536
"""Of 64 KB each: 4 GB, which no client should wait for."""

PIECE: Final = b"\xff" * 65_536
BOMB_BYTES: Final = 100 * 2**20
LONG_HEADER: Final = "x" * 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Misdeed:
    """The request to spoil, the picture to do it with, and the knobs."""

    request: web.Request
    picture: bytes
    faults: Faults

    @property
    def half(self) -> bytes:
        return self.picture[: len(self.picture) // 2]

    @property
    def length(self) -> dict[str, str]:
        """The header that announces the whole picture."""
        return {"Content-Length": str(len(self.picture))}

    async def begin(self, body: bytes = b"") -> None:
        """Send the headers of the whole picture, and so much of it."""
        await self.request.writer.write(head("200 OK", JPEG | self.length) + body)


Badly = Callable[[Misdeed], Awaitable[Raw]]


async def misbehave(
    fault: str, request: web.Request, *, picture: bytes, faults: Faults
) -> web.StreamResponse:
    """Answer a request for a picture as the fault says."""
    return await MISDEEDS[fault](Misdeed(request=request, picture=picture, faults=faults))


def _answer(
    status: str, headers: Mapping[str, str] | None = None, body: bytes = b"", *, close: bool = False
) -> Raw:
    everything = {**JPEG, "Content-Length": str(len(body)), **(headers or {})}
    return Raw(head(status, everything), body, status=int(status[:3]), close=close)


def _fixed(status: str, headers: Mapping[str, str] | None = None, body: bytes = b"") -> Badly:
    async def answer(_: Misdeed) -> Raw:
        return _answer(status, headers, body)

    return answer


async def _redirect_near(misdeed: Misdeed) -> Raw:
    if "hop" in misdeed.request.query:
        return _answer("200 OK", body=misdeed.picture)
    return _answer("302 Found", {"Location": f"{misdeed.request.path}?hop=1"})


async def _redirect_loop(misdeed: Misdeed) -> Raw:
    return _answer("302 Found", {"Location": misdeed.request.path_qs})


async def _cut_short(misdeed: Misdeed) -> Raw:
    return _answer("200 OK", misdeed.length, misdeed.half, close=True)


async def _truncated(misdeed: Misdeed) -> Raw:
    return _answer("200 OK", body=misdeed.half)


async def _huge(misdeed: Misdeed) -> Raw:
    padding = bytes(HUGE_BYTES - len(misdeed.picture))
    return _answer("200 OK", body=misdeed.picture[:-2] + padding + b"\xff\xd9")


async def _endless(misdeed: Misdeed) -> Raw:
    await misdeed.request.writer.write(
        head("200 OK", JPEG | {"Transfer-Encoding": "chunked"})
        + b"%x\r\n%b\r\n" % (len(misdeed.picture), misdeed.picture)
    )
    chunk = b"%x\r\n%b\r\n" % (len(PIECE), PIECE)
    return await pour(misdeed.request, chunk, times=ENDLESS_PIECES)


async def _gzip_bomb(_misdeed: Misdeed) -> Raw:
    bomb = gzip.compress(bytes(BOMB_BYTES), compresslevel=1)
    return _answer("200 OK", {"Content-Encoding": "gzip"}, bomb)


async def _drip(misdeed: Misdeed) -> Raw:
    await misdeed.begin()
    pace = misdeed.faults.knob("image.drip-seconds")
    return await drip(misdeed.request, misdeed.picture, seconds_per_byte=pace)


async def _stall(misdeed: Misdeed) -> Raw:
    await misdeed.begin()
    return await stall()


async def _reset(misdeed: Misdeed) -> Raw:
    await misdeed.begin(misdeed.half)
    return hang_up(misdeed.request)


async def _half_closed(misdeed: Misdeed) -> Raw:
    chunk = b"%x\r\n" % len(misdeed.picture) + misdeed.half
    headers = head("200 OK", JPEG | {"Transfer-Encoding": "chunked"})
    return Raw(headers, chunk, close=True)


async def _garbage(_misdeed: Misdeed) -> Raw:
    return Raw(b"ICY 200 maybe\r\n\x00\x01\x02\r\n\r\n", status=0, close=True)


async def _long_header(misdeed: Misdeed) -> Raw:
    return _answer("200 OK", {"X-Long": LONG_HEADER}, misdeed.picture)


async def _extra_bytes(misdeed: Misdeed) -> Raw:
    return _answer("200 OK", misdeed.length, misdeed.picture + b"and then some", close=True)


async def _stale(misdeed: Misdeed) -> Raw:
    if misdeed.request.transport is not None:
        misdeed.request.transport.close()
    return Raw(status=0, close=True)


def _later(status: str) -> Badly:
    async def answer(misdeed: Misdeed) -> Raw:
        seconds = round(misdeed.faults.knob("image.retry-after"))
        return _answer(status, {"Retry-After": str(seconds)})

    return answer


async def _swapped(misdeed: Misdeed) -> Raw:
    return _answer("200 OK", body=misdeed.picture)


MISDEEDS: Final[Mapping[str, Badly]] = {
    "image.not-found": _fixed("404 Not Found", {"Content-Type": "text/html"}),
    "image.gone": _fixed("410 Gone", {"Content-Type": "text/html"}),
    "image.placeholder": _fixed("302 Found", {"Location": PLACEHOLDER_URL}),
    "image.placeholder-served": _fixed("200 OK", {"Content-Type": "image/gif"}, TINY_GIF),
    "image.redirect-near": _redirect_near,
    "image.redirect-loop": _redirect_loop,
    "image.redirect-private": _fixed(
        "302 Found", {"Location": "http://169.254.169.254/computeMetadata/v1/"}
    ),
    "image.html": _fixed("200 OK", body=HTML_PAGE),
    "image.cut-short": _cut_short,
    "image.truncated": _truncated,
    "image.empty": _fixed("200 OK"),
    "image.one-byte": _fixed("200 OK", body=b"\xff"),
    "image.huge": _huge,
    "image.endless": _endless,
    "image.gzip-bomb": _gzip_bomb,
    "image.drip": _drip,
    "image.stall": _stall,
    "image.reset": _reset,
    "image.half-closed": _half_closed,
    "image.garbage": _garbage,
    "image.long-header": _long_header,
    "image.extra-bytes": _extra_bytes,
    "image.stale-connection": _stale,
    "image.throttled": _fixed("429 Too Many Requests", {"Content-Type": "text/html"}),
    "image.throttled-hint": _later("429 Too Many Requests"),
    "image.unavailable": _later("503 Service Unavailable"),
    "image.error": _fixed("500 Internal Server Error", {"Content-Type": "text/html"}, HTML_PAGE),
    "image.swapped": _swapped,
    "image.foreign-format": _fixed("200 OK", {"Content-Type": "image/gif"}, TINY_GIF),
}
