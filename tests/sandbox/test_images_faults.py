"""The picture CDN on a bad day, byte by byte: every fault does what its sentence says."""

from __future__ import annotations

import gzip
from collections.abc import AsyncIterator, Callable

import pytest
import pytest_asyncio

from ingestor.sandbox.image_faults import MISDEEDS
from ingestor.sandbox.images import FAULTS
from ingestor.sandbox.marks import photo_id_in
from tests.sandbox.flickr_site import Site, a_site

Judge = Callable[[bytes, bytes, bytes], bool]
"""Of status line and headers, of the body, and of the picture that was due."""


@pytest_asyncio.fixture
async def site() -> AsyncIterator[Site]:
    async with a_site() as site:
        yield site


def says(status: int, *, has: bytes = b"", body: bytes | None = b"") -> Judge:
    start = b"HTTP/1.1 %d " % status
    return lambda h, b, _: h.startswith(start) and has in h and body in (None, b)


def length_of(head: bytes) -> int:
    return int(head.split(b"Content-Length: ")[1].split(b"\r\n")[0])


JUDGES: dict[str, Judge] = {
    "image.not-found": says(404),
    "image.gone": says(410),
    "image.placeholder": says(302, has=b"photo_unavailable"),
    "image.placeholder-served": lambda h, b, _: b" 200 " in h and b.startswith(b"GIF89a"),
    "image.redirect-near": says(302, has=b"_z.jpg?hop=1\r\n"),
    "image.redirect-loop": says(302, has=b"_z.jpg\r\n"),
    "image.redirect-private": says(302, has=b"Location: http://169.254.169.254/"),
    "image.html": lambda h, b, _: b"image/jpeg" in h and b.startswith(b"<!DOCTYPE html>"),
    "image.cut-short": lambda h, b, due: length_of(h) == len(due) > len(b) > 0,
    "image.truncated": lambda h, b, due: length_of(h) == len(b) < len(due),
    "image.empty": says(200),
    "image.one-byte": says(200, body=b"\xff"),
    "image.huge": lambda h, _b, _due: length_of(h) > 20 * 2**20,
    "image.endless": lambda h, b, _: b"chunked" in h and len(b) > 1_000_000,
    "image.gzip-bomb": lambda h, b, _: (
        b"Content-Encoding: gzip" in h and len(gzip.decompress(b)) > 50 * len(b)
    ),
    "image.drip": lambda h, b, due: length_of(h) == len(due) and b == due,
    "image.reset": lambda h, b, due: length_of(h) == len(due) > len(b) and b.endswith(b"<reset>"),
    "image.half-closed": lambda h, b, due: b"chunked" in h and 0 < len(b) < len(due),
    "image.garbage": lambda h, _b, _due: h.startswith(b"ICY 200"),
    "image.long-header": lambda h, b, due: len(h) > 100_000 and b == due,
    "image.extra-bytes": lambda h, b, due: length_of(h) == len(due) < len(b),
    "image.stale-connection": lambda h, b, _: h + b == b"",
    "image.throttled": says(429),
    "image.throttled-hint": says(429, has=b"Retry-After: 2\r\n"),
    "image.unavailable": says(503, has=b"Retry-After: 2\r\n"),
    "image.error": says(500, has=b"text/html", body=None),
    "image.swapped": lambda _, b, due: photo_id_in(b) not in (None, photo_id_in(due)),
    "image.foreign-format": lambda _, b, _due: b.startswith(b"GIF89a"),
}


def test_every_fault_is_told_and_tried() -> None:
    assert set(FAULTS) == set(MISDEEDS) == {*JUDGES, "image.stall"}


@pytest.mark.parametrize("fault", JUDGES)
async def test_a_fault_does_what_its_sentence_says(site: Site, fault: str) -> None:
    photo = site.photos("zoo")[0]
    due = await site.pictures.picture(photo)
    site.faults.set("image.drip-seconds", 0)
    site.faults.queue(fault)

    head, end, body = (await site.raw(photo.path("z"))).partition(b"\r\n\r\n")

    assert JUDGES[fault](head + end[:2], body, due)
    assert site.faults.counts() == {fault: 1}


async def test_a_stall_says_its_headers_and_then_nothing(site: Site) -> None:
    site.faults.queue("image.stall")

    heard = await site.raw(site.photos("zoo")[0].path("z"), most=20)

    assert heard.startswith(b"HTTP/1.1 200 OK")


async def test_after_a_fault_the_picture_is_there(site: Site) -> None:
    photo = site.photos("zoo")[0]
    site.faults.queue("image.not-found")

    statuses = [(await site.picture(photo)).status for _ in range(2)]

    assert statuses == [404, 200]


async def test_a_near_redirect_leads_to_the_picture(site: Site) -> None:
    photo = site.photos("zoo")[0]
    site.faults.set("image.redirect-near", 1)

    location = (await site.picture(photo)).headers["Location"]
    answer = await site.get(site.cdn + location)

    assert answer.body == await site.pictures.picture(photo)


async def test_the_same_seed_strikes_the_same_pictures_in_any_order() -> None:
    async def struck(*, backwards: bool) -> dict[str, int]:
        async with a_site() as site:
            site.faults.set("image.not-found", 0.3)
            photos = site.photos("zoo")[:40]
            if backwards:
                photos.reverse()
            return {photo.id: (await site.picture(photo)).status for photo in photos}

    forwards = await struck(backwards=False)

    assert await struck(backwards=True) == forwards
    assert set(forwards.values()) == {200, 404}
