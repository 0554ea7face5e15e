"""Flickr's API on a bad day: every fault does what its sentence says."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import orjson
import pytest
import pytest_asyncio

from ingestor.sandbox.flickr import FAULTS
from ingestor.sandbox.flickr_weather import INSTEAD, SPOILERS
from tests.sandbox.flickr_site import POOL, Site, a_site
from tests.sandbox.google_site import Answer


@pytest_asyncio.fixture
async def site() -> AsyncIterator[Site]:
    async with a_site() as site:
        yield site


def fails(code: int) -> Callable[[Answer], bool]:
    return lambda a: (a.status, a.json["stat"], a.json["code"]) == (200, "fail", code)


def unreadable(start: bytes) -> Callable[[Answer], bool]:
    def judge(answer: Answer) -> bool:
        with pytest.raises(orjson.JSONDecodeError):
            orjson.loads(answer.body)
        return answer.status == 200 and answer.body.startswith(start)

    return judge


def page_with(status: int) -> Callable[[Answer], bool]:
    return lambda a: a.status == status and a.body.startswith(b"<html>")


ANSWERS: dict[str, Callable[[Answer], bool]] = {
    "flickr.unavailable": fails(105),
    "flickr.write-failed": fails(106),
    "flickr.201": fails(201),
    "flickr.201-comma": unreadable(b'{"stat":"fail","code":201'),
    "flickr.code-0": fails(0),
    "flickr.key-disabled": fails(100),
    "flickr.odd-stat": lambda a: a.json["stat"] == "maybe",
    "flickr.no-stat": lambda a: a.json == {"hello": "world"},
    "flickr.jsonp": unreadable(b"jsonFlickrApi("),
    "flickr.xml": unreadable(b"<?xml"),
    "flickr.html": page_with(200),
    "flickr.malformed": unreadable(b'{"photos"'),
    "flickr.not-a-number": unreadable(b'{"photos"'),
    "flickr.nested": unreadable(b"[" * 1500),
    "flickr.surrogates": unreadable(b'{"photos"'),
    "flickr.huge": lambda a: len(a.body) > 8 * 2**20,
    "flickr.throttled": page_with(429),
    "flickr.throttled-hint": lambda a: a.status == 429 and a.headers["Retry-After"] == "5",
    "flickr.blocked": page_with(403),
    "flickr.error": page_with(500),
    "flickr.bad-gateway": page_with(502),
    "flickr.gateway-timeout": page_with(504),
    "flickr.slow-body": lambda a: len(a.json["photos"]["photo"]) == 100,
}

PAGES: dict[str, Callable[[dict[str, Any]], bool]] = {
    "flickr.arrival": lambda page: len(page["photo"]) == 100,
    "flickr.removal": lambda page: len(page["photo"]) == 100,
    "flickr.double-rows": lambda page: len({r["id"] for r in page["photo"]}) < len(page["photo"]),
    "flickr.odd-totals": lambda page: (page["pages"], page["total"]) == (0, "-1"),
    "flickr.huge-totals": lambda page: page["pages"] > 10**9,
    "flickr.empty-page": lambda page: page["photo"] == [],
    "flickr.no-urls": lambda page: all("url_z" not in r and "secret" in r for r in page["photo"]),
    "flickr.no-secrets": lambda page: not any({"url_z", "secret"} & set(r) for r in page["photo"]),
    "flickr.odd-titles": lambda page: max(len(row["title"]) for row in page["photo"]) > 10_000,
    "flickr.odd-ids": lambda page: page["photo"][0]["id"] == "../../etc/passwd",
    "flickr.foreign-urls": lambda page: "169.254" in page["photo"][0]["url_z"],
}


def test_every_fault_is_told_and_tried() -> None:
    assert set(FAULTS) == {*INSTEAD, *SPOILERS} == {*ANSWERS, *PAGES, "flickr.reset"}


@pytest.mark.parametrize("fault", ANSWERS)
async def test_an_answer_of_another_kind(site: Site, fault: str) -> None:
    site.faults.set("flickr.slow-seconds", 0)
    site.faults.queue(fault)

    struck = await site.call(POOL, group_id=site.group("zoo").nsid)
    after = await site.page("zoo")

    assert ANSWERS[fault](struck)
    assert len(after["photo"]) == 100


@pytest.mark.parametrize("fault", PAGES)
async def test_a_page_that_is_not_what_it_seems(site: Site, fault: str) -> None:
    site.faults.queue(fault)

    struck = await site.page("zoo", extras="url_z")

    assert PAGES[fault](struck)
    assert site.faults.counts() == {fault: 1}


async def test_a_reset_is_no_answer(site: Site) -> None:
    site.faults.set("flickr.reset", 1)

    with pytest.raises(aiohttp.ClientError):
        await site.call("flickr.test.echo")

    assert site.calls.count("flickr", status=0) == site.calls.total("flickr")


@pytest.mark.parametrize(
    ("fault", "moved"),
    [pytest.param("flickr.arrival", 2, id="down"), pytest.param("flickr.removal", -2, id="up")],
)
async def test_the_pool_moves_between_two_pages(site: Site, fault: str, moved: int) -> None:
    undisturbed = [photo.id for photo in site.photos("zoo")]
    site.faults.queue(fault)

    await site.page("zoo")
    second = [row["id"] for row in (await site.page("zoo", page=2))["photo"]]

    assert second == undisturbed[100 - moved : 200 - moved]


async def test_page_faults_leave_other_methods_alone(site: Site) -> None:
    site.faults.set("flickr.empty-page", 1)

    answer = await site.call("flickr.test.echo")

    assert answer.json["stat"] == "ok"
    assert site.faults.counts() == {}
