"""How Flickr's API says things: formats, failures with HTTP 200, keys and the hourly limit."""

from __future__ import annotations

import gzip
from collections.abc import AsyncIterator
from typing import Any
from xml.etree import ElementTree as ET

import orjson
import pytest
import pytest_asyncio

from tests.sandbox.flickr_site import KEY, POOL, Site, a_site

OTHER_KEY = "c" * 32


@pytest_asyncio.fixture
async def site() -> AsyncIterator[Site]:
    async with a_site() as site:
        yield site


async def test_get_and_post_are_answered_alike(site: Site) -> None:
    form = {
        "method": POOL,
        "api_key": KEY,
        "group_id": site.group("zoo").nsid,
        "format": "json",
        "nojsoncallback": "1",
    }

    got = await site.get(site.api, params=form)
    async with site.session.post(site.api, data=form) as response:
        posted = await response.read()

    assert posted == got.body


@pytest.mark.parametrize(
    ("arguments", "start", "kind"),
    [
        pytest.param({}, b'{"photos":{"page":1', "application/json", id="bare JSON"),
        pytest.param({"nojsoncallback": None}, b"jsonFlickrApi({", "text/javascript", id="JSONP"),
        pytest.param(
            {"nojsoncallback": None, "jsoncallback": "mine"}, b"mine({", "text/javascript", id="own"
        ),
        pytest.param({"format": None}, b"<?xml", "text/xml", id="XML unless asked otherwise"),
        pytest.param({"format": "rest"}, b"<?xml", "text/xml", id="XML"),
    ],
)
async def test_the_format_is_the_one_asked_for(
    site: Site, arguments: dict[str, Any], start: bytes, kind: str
) -> None:
    answer = await site.call(POOL, group_id=site.group("zoo").nsid, **arguments)

    assert answer.status == 200
    assert answer.body.startswith(start)
    assert answer.headers["Content-Type"].startswith(kind)


async def test_xml_and_json_say_the_same(site: Site) -> None:
    asked = {"group_id": site.group("zoo").nsid, "per_page": 7, "extras": "url_z,license"}

    rows = (await site.call(POOL, **asked)).json["photos"]["photo"]
    document = ET.fromstring((await site.call(POOL, format=None, **asked)).body)  # noqa: S314

    assert document.attrib == {"stat": "ok"}
    assert [photo.attrib for photo in document.iter("photo")] == [
        {name: str(value) for name, value in row.items()} for row in rows
    ]


async def test_slashes_in_json_are_escaped(site: Site) -> None:
    answer = await site.call(POOL, group_id=site.group("zoo").nsid, extras="url_z")

    assert b"http:\\/\\/127.0.0.1" in answer.body
    assert b"/" not in answer.body.replace(b"\\/", b"")


async def test_a_client_that_accepts_gzip_gets_it(site: Site) -> None:
    plain = await site.call("flickr.photos.licenses.getInfo")

    site.session.headers["Accept-Encoding"] = "gzip, deflate"
    packed = await site.call("flickr.photos.licenses.getInfo")

    assert "Content-Encoding" not in plain.headers
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.body) == plain.body


MESSAGES = {
    1: "Group not found",
    2: "You don't have permission to view this pool",
    3: "Unknown user",
    100: "Invalid API Key (Key has invalid format)",
    111: 'Format "php" not found',
    112: 'Method "{}" not found',
}
"""As they were recorded and are documented."""


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        pytest.param({"api_key": None}, 100, id="no key"),
        pytest.param({"api_key": "abc"}, 100, id="a short key"),
        pytest.param({"api_key": "z" * 32}, 100, id="a key of other letters"),
        pytest.param({"method": None}, 112, id="no method"),
        pytest.param({"method": "flickr.photos.shred"}, 112, id="an unknown method"),
        pytest.param({"format": "php"}, 111, id="an unknown format"),
        pytest.param({"group_id": "1@N00"}, 1, id="an unknown group"),
        pytest.param({"group_id": None}, 1, id="no group"),
        pytest.param({"group_id": "secret"}, 1, id="an alias is no id"),
        pytest.param({"group_id": "1000005@N24"}, 2, id="a private pool"),
        pytest.param({"user_id": "1@N00"}, 3, id="an unknown member"),
    ],
)
async def test_failures_come_with_http_200_and_a_code(
    site: Site, arguments: dict[str, Any], code: int
) -> None:
    zoo = {"method": POOL, "group_id": site.group("zoo").nsid}

    answer = await site.call(**(zoo | arguments))

    if arguments.get("format"):
        error = ET.fromstring(answer.body).find("err")  # noqa: S314
        assert error is not None
        assert error.attrib == {"code": str(code), "msg": MESSAGES[code]}
    else:
        message = MESSAGES[code].format(arguments.get("method") or "unknown")
        assert answer.json == {"stat": "fail", "code": code, "message": message}
    assert answer.status == 200


async def test_an_announced_key_is_good_until_it_is_disabled(site: Site) -> None:
    before = await site.call("flickr.test.echo")

    site.disabled.add(KEY)
    after = await site.call("flickr.test.echo")

    assert before.json["stat"] == "ok"
    assert after.json["code"] == 100


async def test_a_key_has_so_many_calls_an_hour_and_then_gets_a_page(site: Site) -> None:
    site.faults.set("flickr.calls-per-hour", 3)

    statuses = [(await site.call("flickr.test.echo")).status for _ in range(4)]
    refused = await site.call("flickr.test.echo")

    assert statuses == [200, 200, 200, 429]
    # As it was seen, to the byte.
    assert refused.body == (
        b"<html><body><h1>429 Too Many Requests</h1>\n"
        b"You have sent too many requests in a given amount of time.\n</body></html>\n"
    )
    assert "Retry-After" not in refused.headers


def test_a_key_has_as_many_calls_as_with_flickr_unless_it_is_told_otherwise(site: Site) -> None:
    assert site.faults.knob("flickr.calls-per-hour") == 3600


async def test_another_key_and_another_hour_are_not_held_to_it(site: Site) -> None:
    site.faults.set("flickr.calls-per-hour", 1)
    await site.call("flickr.test.echo")

    other = await site.call("flickr.test.echo", api_key=OTHER_KEY)
    site.clock.seconds += 3600
    later = await site.call("flickr.test.echo")

    assert (other.status, later.status) == (200, 200)


async def test_echo_says_what_it_was_told(site: Site) -> None:
    answer = await site.call("flickr.test.echo", extra="ü / é")

    assert answer.json["extra"] == {"_content": "ü / é"}


async def test_calls_are_counted_by_method(site: Site) -> None:
    await site.page("zoo")
    await site.call("flickr.photos.shred")

    assert site.calls.count("flickr", method="groups.pools.getPhotos", status=200) == 1
    assert site.calls.count("flickr", method="unknown", status=200) == 1
    assert orjson.dumps(site.calls.summary())
