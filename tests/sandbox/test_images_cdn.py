"""The picture CDN when nothing is wrong with it, and what is wrong with pictures for good."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from PIL import Image

from ingestor.sandbox.marks import photo_id_in
from ingestor.sandbox.photos import ScenePhoto
from tests.sandbox.flickr_site import Site, a_site


@pytest_asyncio.fixture
async def site() -> AsyncIterator[Site]:
    async with a_site() as site:
        yield site


async def test_a_picture_is_a_jpeg_marked_as_its_photos_own(site: Site) -> None:
    photo = site.photos("zoo")[0]

    answer = await site.picture(photo)

    assert answer.status == 200
    assert answer.body == await site.pictures.picture(photo)
    assert photo_id_in(answer.body) == photo.id
    with Image.open(io.BytesIO(answer.body)) as image:
        assert (image.format, image.size) == ("JPEG", photo.scene.size)


async def test_headers_are_those_of_the_cdn(site: Site) -> None:
    photo = site.photos("zoo")[0]

    answer = await site.picture(photo)

    width, height = photo.dimensions("z")
    headers = {name.lower(): value for name, value in answer.headers.items()}
    assert headers["content-type"] == "image/jpeg"
    assert headers["cache-control"] == "public,max-age=31536000"
    assert headers["server"] == "Jubilee"
    assert headers["access-control-allow-origin"] == "*"
    assert (headers["imagewidth"], headers["imageheight"]) == (str(width), str(height))
    assert {"etag", "last-modified"} < set(headers)


async def test_who_asks_for_headers_alone_is_given_no_picture(site: Site) -> None:
    photos = site.photos("zoo")[:16]

    for photo in photos:
        async with site.session.head(site.cdn + photo.path("z")) as answer:
            assert (answer.status, await answer.read()) == (200, b"")

        # On the same connection: what is left there would be taken for the next answer.
        assert (await site.picture(photo)).body == await site.pictures.picture(photo)


async def test_most_answers_do_not_tell_their_length(site: Site) -> None:
    answers = [await site.picture(photo) for photo in site.photos("zoo")[:64]]

    told = [answer for answer in answers if "Content-Length" in answer.headers]
    chunked = [a for a in answers if a.headers.get("Transfer-Encoding") == "chunked"]
    assert len(told) == 8
    assert len(chunked) == 56
    assert all(int(answer.headers["Content-Length"]) == len(answer.body) for answer in told)


async def test_no_two_photos_share_their_bytes(site: Site) -> None:
    bodies = [(await site.picture(photo)).body for photo in site.photos("zoo")[:200]]

    assert len(set(bodies)) == 200


async def test_a_photo_posted_again_shares_its_bytes(site: Site) -> None:
    photos = {photo.id: photo for photo in site.photos("safari") if photo.condition == "there"}
    pairs = [
        (p, photos[p.bytes_of]) for p in photos.values() if p.bytes_of in photos.keys() - {p.id}
    ]

    again, first = pairs[0]

    assert (await site.picture(again)).body == (await site.picture(first)).body
    assert len(pairs) > 50


def wrong_secret(photo: ScenePhoto) -> str:
    return photo.path("z").replace(photo.secret, "0" * 10)


def wrong_server(photo: ScenePhoto) -> str:
    return photo.path("z").replace(f"/{photo.server}/", "/1/")


@pytest.mark.parametrize(
    "path_of",
    [
        pytest.param(wrong_secret, id="wrong secret"),
        pytest.param(wrong_server, id="wrong server"),
        pytest.param(lambda photo: photo.path("z").replace("_z", "_9z"), id="no such size"),
        pytest.param(lambda _: "/65535/1_0123456789_z.jpg", id="no such photo"),
        pytest.param(lambda _: "/favicon.ico", id="no picture at all"),
        pytest.param(lambda photo: photo.path("z") + "/deeper", id="deeper"),
    ],
)
async def test_what_is_not_there_has_no_body_and_an_html_type(site: Site, path_of: object) -> None:
    assert callable(path_of)

    answer = await site.get(site.cdn + path_of(site.photos("zoo")[0]))

    assert (answer.status, answer.body) == (404, b"")
    assert answer.headers["Content-Type"] == "text/html"
    assert answer.headers["X-Cache"] == "Error from cloudfront"


async def test_every_size_of_a_photo_has_the_size_its_row_tells(site: Site) -> None:
    photo = max(site.photos("zoo")[:60], key=lambda photo: photo.width * ("o" in photo.sizes))

    for size in photo.sizes - {"o", "k", "h"}:
        answer = await site.picture(photo, size=size)
        with Image.open(io.BytesIO(answer.body)) as image:
            assert image.size == photo.dimensions(size), size


async def test_a_size_larger_than_the_upload_does_not_exist(site: Site) -> None:
    small = next(photo for photo in site.photos("zoo") if "l" not in photo.sizes)

    assert (await site.picture(small, size="l")).status == 404


async def test_the_original_has_a_secret_of_its_own(site: Site) -> None:
    photo = next(photo for photo in site.photos("zoo") if "o" in photo.sizes)

    guessed = await site.get(
        site.cdn + photo.path("o").replace(photo.original_secret, photo.secret)
    )

    assert (await site.picture(photo, size="o")).status == 200
    assert guessed.status == 404


@pytest.mark.parametrize(
    ("condition", "status"),
    [("gone", 404), ("removed", 410), ("placeholder", 302)],
)
async def test_pictures_that_are_gone_say_so_every_time(
    site: Site, condition: str, status: int
) -> None:
    photo = next(photo for photo in site.photos("safari") if photo.condition == condition)

    answers = [await site.picture(photo) for _ in range(2)]

    assert [(answer.status, answer.body) for answer in answers] == [(status, b"")] * 2


async def test_a_placeholder_is_on_another_host(site: Site) -> None:
    photo = next(photo for photo in site.photos("safari") if photo.condition == "placeholder")

    location = (await site.picture(photo)).headers["Location"]

    assert location.startswith("https://s.yimg.com/")
    assert "photo_unavailable" in location


async def test_corrupt_and_truncated_pictures_arrive_whole_and_are_none(site: Site) -> None:
    corrupt = next(photo for photo in site.photos("safari") if photo.condition == "corrupt")
    truncated = next(photo for photo in site.photos("safari") if photo.condition == "truncated")

    noise, half = await site.picture(corrupt), await site.picture(truncated)

    assert (noise.status, half.status) == (200, 200)
    assert not noise.body.startswith(b"\xff\xd8\xff")
    assert half.body.startswith(b"\xff\xd8\xff")
    assert not half.body.endswith(b"\xff\xd9")


async def test_a_hidden_limit_per_second_refuses_without_a_hint(site: Site) -> None:
    site.faults.set("image.limit-per-second", 2)
    photo = site.photos("zoo")[0]

    statuses = [(await site.picture(photo)).status for _ in range(3)]
    site.clock.seconds += 1
    later = await site.picture(photo)

    assert statuses == [200, 200, 429]
    assert later.status == 200


async def test_many_at_once_wait_for_one_drawing(site: Site) -> None:
    photo = site.photos("zoo")[0]

    answers = await asyncio.gather(*(site.picture(photo) for _ in range(20)))

    assert {answer.status for answer in answers} == {200}
    assert site.drawn == [photo.scene]
