"""Upstreams that mean harm: the run stays small, pays for nothing, and goes nowhere it was led."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from pydantic import SecretStr

from ingestor.apis.flickr import Flickr, ImageOrigin
from ingestor.apis.google import Fixed
from ingestor.apis.images import Images
from ingestor.apis.rtdb import Database
from ingestor.apis.vision import Vision
from ingestor.errors import IngestorError
from ingestor.transport import HttpTransport
from tests.builders import FEATURES, a_size, an_image
from tests.campaigns import hostile
from tests.far_end import FarEnd, far_end, response, says

WORST = (
    *("image.gzip-bomb", "image.endless", "image.long-header"),
    *("image.html", "image.truncated", "image.placeholder", "image.redirect-private"),
)


@pytest.mark.campaign
async def test_no_hostile_picture_is_paid_for_and_none_fills_the_memory() -> None:
    known = {**hostile.COUNTED_AS, **hostile.BROKEN_OFF}

    met, failed = await hostile.campaign({fault: known[fault] for fault in WORST})

    assert not failed
    assert len(met) == len(WORST)


A_TOKEN = Fixed({"authorization": "Bearer canary"})


def ask_flickr(transport: HttpTransport, origin: str) -> Coroutine[Any, Any, object]:
    images = ImageOrigin(origin)
    flickr = Flickr(transport, url=f"{origin}/rest/", key=SecretStr("canary"), images=images)
    return flickr.pool_page("1@N00", page=1)


def ask_images(transport: HttpTransport, origin: str) -> Coroutine[Any, Any, object]:
    size = a_size(url=f"{origin}/1/2_3_z.jpg")
    return Images(transport, origin=ImageOrigin(origin)).fetch(size)


def ask_vision(transport: HttpTransport, origin: str) -> Coroutine[Any, Any, object]:
    vision = Vision(transport, url=origin, access=A_TOKEN, features=FEATURES)
    return vision.annotate([an_image()])


def ask_database(transport: HttpTransport, origin: str) -> Coroutine[Any, Any, object]:
    return Database(transport, url=f"{origin}/?ns=demo", access=A_TOKEN).update({"a": 1})


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See", "307 There", "308 There"])
@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:{port}/", "//127.0.0.1:{port}/x", "http://localhost:{port}/x.jpg"]
)
@pytest.mark.parametrize("ask", [ask_flickr, ask_images, ask_vision, ask_database])
async def test_no_redirect_reaches_a_neighbour_who_is_not_an_upstream(
    ask: Callable[[HttpTransport, str], Coroutine[Any, Any, object]], address: str, status: str
) -> None:
    async with far_end(says(response())) as neighbour:
        location = address.format(port=neighbour.origin.rpartition(":")[2])
        redirect = response(status=status, headers=[f"Location: {location}"])
        async with far_end(says(redirect)) as upstream, leading_to(upstream) as transport:
            with pytest.raises(IngestorError):
                await ask(transport, upstream.origin)

    assert upstream.connections == 1
    assert neighbour.connections == 0


async def test_no_address_in_a_listing_reaches_a_neighbour() -> None:
    async with far_end(says(response())) as neighbour, far_end(says(response())) as upstream:
        size = a_size(url=f"{neighbour.origin}/1/2_3_z.jpg")
        async with leading_to(upstream) as transport:
            with pytest.raises(IngestorError):
                await Images(transport, origin=ImageOrigin(upstream.origin)).fetch(size)

    # Of an address from elsewhere, its path may be asked of the one origin that there is.
    assert (upstream.connections, neighbour.connections) == (1, 0)


def leading_to(upstream: FarEnd) -> HttpTransport:
    names = ("flickr", "images", "vision", "database")
    return HttpTransport(origins={name: [upstream.origin] for name in names}, user_agent="tests")
