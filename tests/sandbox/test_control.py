"""The control site: everything can be looked at and turned, and nonsense gets a sentence."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from ingestor.sandbox import control
from tests.sandbox.google_site import FLICKR_KEY, SEED, Site, a_jpeg, a_picture, a_site


@pytest_asyncio.fixture
async def site() -> AsyncIterator[Site]:
    async with a_site() as site:
        yield site


async def test_it_says_who_it_is(site: Site) -> None:
    assert (await site.control("GET", "/hello")).json == {"seed": SEED}


async def test_the_bill_names_every_photo(site: Site) -> None:
    ids = site.photo_ids(2)
    await site.annotate(*map(a_picture, ids))

    bill = await site.control("GET", "/bill")
    images = await site.control("GET", "/bill/images")

    assert (bill.json["requests"], bill.json["units"], bill.json["images"]) == (1, 2, 2)
    assert images.json == dict.fromkeys(ids, 1)


async def test_calls_are_counted_by_answer(site: Site) -> None:
    await site.annotate(a_jpeg())
    await site.annotate(a_jpeg(), key="wrong")

    calls = (await site.control("GET", "/calls")).json["vision"]

    assert calls["calls"] == 2
    assert calls["answers"] == {"images:annotate 200": 1, "images:annotate 400": 1}
    assert calls["busiest_minute"] == {"requests": 2, "images": 1}


async def test_faults_can_be_set_while_it_runs(site: Site) -> None:
    set_ = await site.control("PUT", "/faults", {"vision.internal": 1.0, "vision.retry-after": 3})
    broken = await site.annotate(a_jpeg())
    cleared = await site.control("DELETE", "/faults")
    whole = await site.annotate(a_jpeg())

    assert set_.json["rates"] == {"vision.internal": 1.0}
    assert set_.json["knobs"]["vision.retry-after"] == 3
    assert (broken.status, whole.status) == (500, 200)
    assert (cleared.json["rates"], cleared.json["counts"]) == ({}, {"vision.internal": 1})


async def test_faults_can_be_queued(site: Site) -> None:
    await site.control("POST", "/faults", {"vision.throttled": 2})

    statuses = [(await site.annotate(a_jpeg())).status for _ in range(3)]

    assert statuses == [429, 429, 200]


async def test_a_wrong_fault_changes_nothing(site: Site) -> None:
    answer = await site.control("PUT", "/faults", {"vision.internal": 1.0, "vision.interna": 1.0})

    assert answer.status == 400
    assert "vision.internal" in answer.json["error"]
    assert site.faults.rates() == {}


async def test_photos_arrive_and_leave(site: Site) -> None:
    nsid = next(iter(site.world.groups))
    before = list(site.world.pools[nsid].listed(1))

    answer = await site.control("POST", "/pool/zoo", {"arrive": 2, "withdraw": before[:3]})

    after = list(site.world.pools[nsid].listed(1))
    assert after == answer.json["arrived"] + before[3:]
    assert answer.json["withdrawn"] == 3


async def test_keys_can_be_switched(site: Site) -> None:
    off = await site.control("POST", "/keys", {"flickr": False})
    on = await site.control("POST", "/keys", {"flickr": True})

    assert off.json == {"flickr": False, "google": True}
    assert on.json == {"flickr": True, "google": True}


async def test_revoked_tokens_are_counted(site: Site) -> None:
    token = site.tokens.issue(["a"], seconds=60)

    answer = await site.control("POST", "/tokens/revoke")

    assert answer.json == {"revoked": 1}
    assert site.tokens.scopes(token) is None


async def test_the_database_can_be_seen(site: Site) -> None:
    site.database.put("sandbox", "/photos/p1/title", value="Dog")

    whole = await site.control("GET", "/database")
    part = await site.control("GET", "/database?path=/photos/p1")

    assert whole.json == {"photos": {"p1": {"title": "Dog"}}}
    assert part.json == {"title": "Dog"}


async def test_reset_is_for_everything_or_for_a_part(site: Site) -> None:
    site.faults.set("vision.late", 0.5)
    await site.control("POST", "/keys", {"flickr": False})
    site.database.put("sandbox", "/a", value=1)
    site.bill.charge([("1", ["LABEL_DETECTION"])])

    await site.control("POST", "/reset", {"only": ["bill"]})
    assert (site.bill.units, site.faults.rates()) == (0, {"vision.late": 0.5})

    await site.control("POST", "/reset")
    assert site.faults.rates() == {}
    assert (await site.control("POST", "/keys")).json["flickr"]
    assert (await site.control("GET", "/database")).json is None


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "text"),
    [
        ("GET", "/nothing", None, 404, "GET /nothing"),
        ("PATCH", "/bill", None, 405, "PATCH /bill"),
        ("PUT", "/faults", [1], 400, "not a JSON object"),
        ("PUT", "/faults", {"vision.late": "often"}, 400, "not a number"),
        ("PUT", "/faults", {"vision.late": 2}, 400, "between 0 and 1"),
        ("POST", "/faults", {"vision.late": -1}, 400, "whole number"),
        ("PUT", "/quota", {"pictures": 1}, 400, "only images, requests"),
        ("PUT", "/quota", {"images": 1.5}, 400, "whole number"),
        ("POST", "/pool/nowhere", {"arrive": 1}, 404, "no group 'nowhere'"),
        ("POST", "/pool/zoo", {"withdraw": [1]}, 400, "as strings"),
        ("POST", "/pool/zoo", {"arrive": 10**9}, 400, "at most"),
        ("POST", "/keys", {"flickr": "off"}, 400, "true or false"),
        ("POST", "/reset", {"only": ["world", "everything"]}, 400, "list out of"),
        ("GET", "/database?path=/a.b", None, 400, ""),
        ("GET", "/database?ns=..", None, 403, "Invalid Firebase database name"),
    ],
)
async def test_nonsense_gets_a_sentence(
    site: Site, method: str, path: str, body: Any, status: int, text: str
) -> None:
    answer = await site.control(method, path, body)

    assert answer.status == status
    assert text in answer.json["error"]


async def test_the_table_in_the_docstring_is_complete(site: Site) -> None:
    assert control.__doc__ is not None
    rows = [line.split("|")[1] for line in control.__doc__.splitlines() if "|" in line]
    told = {
        (verb.strip(), path.split("?")[0])
        for row in rows
        if "/" in row
        for verbs, path in [row.strip().rsplit(" ", 1)]
        for verb in verbs.split(",")
    }

    app = control.application(
        control.Controls(
            hello={},
            world=site.world,
            faults=site.faults,
            calls=site.calls,
            bill=site.bill,
            quotas=site.quotas,
            tokens=site.tokens,
            database=site.database,
            keys={"flickr": FLICKR_KEY},
            disabled_keys=set(),
        )
    )
    there = {
        (route.method, route.resource.canonical)
        for route in app.router.routes()
        if route.resource is not None and route.method != "HEAD"
    }
    assert told == there
