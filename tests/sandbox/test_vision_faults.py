"""Vision on a bad day: what arrives, and what it costs nevertheless."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import orjson
import pytest
import pytest_asyncio

from ingestor.sandbox.vision.faults import FAULTS, IMAGES, LATE, LOST, REFUSALS, UPLOAD
from tests.sandbox.google_site import Answer, Site, a_picture, a_site

MOST_TURNS = 100_000


@pytest_asyncio.fixture
async def site() -> AsyncIterator[Site]:
    async with a_site() as site:
        yield site


async def ask(site: Site, *, images: int = 3) -> Answer:
    return await site.annotate(*map(a_picture, site.photo_ids(images)))


async def until(is_so: Callable[[], object]) -> None:
    """Let the loop turn until something is the case on the server's side."""
    for _turn in range(MOST_TURNS):
        if is_so():
            return
        await asyncio.sleep(0)
    pytest.fail("it never came to pass")


def parses(answer: Answer) -> bool:
    try:
        answer.json  # noqa: B018
    except orjson.JSONDecodeError:
        return False
    return True


@pytest.mark.parametrize(
    ("fault", "status", "name"),
    [
        ("vision.throttled", 429, "RESOURCE_EXHAUSTED"),
        ("vision.throttled-hint", 429, "RESOURCE_EXHAUSTED"),
        ("vision.daily-quota", 429, "RESOURCE_EXHAUSTED"),
        ("vision.unavailable", 503, "UNAVAILABLE"),
        ("vision.key-disabled", 400, "INVALID_ARGUMENT"),
        ("vision.bad-request", 400, "INVALID_ARGUMENT"),
    ],
)
async def test_a_refusal_costs_nothing(site: Site, fault: str, status: int, name: str) -> None:
    site.faults.queue(fault)

    refused, granted = await ask(site), await ask(site)

    assert (refused.status, refused.error["status"]) == (status, name)
    assert granted.status == 200
    assert (site.bill.requests, site.bill.possible) == (1, 0)


async def test_a_throttle_may_say_how_long(site: Site) -> None:
    site.faults.set("vision.retry-after", 2.5)
    site.faults.queue("vision.throttled-hint")

    answer = await ask(site)

    assert answer.detail("RetryInfo")["retryDelay"] == "2.5s"
    assert answer.headers["Retry-After"] == "3"


async def test_a_daily_quota_says_so(site: Site) -> None:
    site.faults.queue("vision.daily-quota")

    answer = await ask(site)

    assert "per day" in answer.error["message"]


@pytest.mark.parametrize(
    ("fault", "status", "name"),
    [
        ("vision.unavailable-billed", 503, "UNAVAILABLE"),
        ("vision.internal", 500, "INTERNAL"),
        ("vision.deadline", 504, "DEADLINE_EXCEEDED"),
    ],
)
async def test_an_error_after_the_work_is_billed(
    site: Site, fault: str, status: int, name: str
) -> None:
    site.faults.queue(fault)

    answer = await ask(site)

    assert (answer.status, answer.error["status"]) == (status, name)
    assert (site.bill.units, site.bill.possible) == (3, 3)


@pytest.mark.parametrize(
    ("fault", "status", "text"),
    [
        ("vision.bad-gateway", 502, b"That\xe2\x80\x99s an error"),
        ("vision.too-large", 413, b"413 Request Entity Too Large"),
        ("vision.html", 200, b"<!DOCTYPE html>"),
    ],
)
async def test_the_front_end_speaks_html(site: Site, fault: str, status: int, text: bytes) -> None:
    site.faults.queue(fault)

    answer = await ask(site)

    assert answer.status == status
    assert text in answer.body
    assert answer.headers["Content-Type"].startswith("text/html")


@pytest.mark.parametrize(
    ("fault", "is_so"),
    [
        ("vision.truncated", lambda answer: not parses(answer)),
        ("vision.garbage", lambda answer: not parses(answer)),
        ("vision.no-body", lambda answer: answer.body == b""),
        ("vision.synthetic-400", lambda answer: answer.status == 400 and answer.responses),
        ("vision.wrong-types", lambda answer: isinstance(answer.responses, dict)),
        ("vision.no-responses", lambda answer: answer.json == {}),
        ("vision.empty-responses", lambda answer: answer.responses == []),
        ("vision.short", lambda answer: len(answer.responses) == 2),
        ("vision.long", lambda answer: len(answer.responses) == 4),
    ],
)
async def test_an_unusable_answer_is_billed_and_lost(
    site: Site, fault: str, is_so: Callable[[Answer], Any]
) -> None:
    site.faults.queue(fault)

    answer = await ask(site)

    assert is_so(answer)
    assert (site.bill.units, site.bill.possible) == (3, 3)


@pytest.mark.parametrize(
    ("fault", "error", "billed"),
    [
        ("vision.hang-up", aiohttp.ClientOSError, 0),
        ("vision.reset", aiohttp.ClientOSError, 3),
        ("vision.disconnect", aiohttp.ServerDisconnectedError, 3),
        ("vision.cut-short", aiohttp.ClientPayloadError, 3),
    ],
)
async def test_a_broken_connection_is_billed_once_the_work_is_done(
    site: Site, fault: str, error: type[Exception], billed: int
) -> None:
    site.faults.queue(fault)

    with pytest.raises(error):
        await ask(site)

    assert (site.bill.units, site.bill.possible) == (billed, billed)


@pytest.mark.parametrize("fault", ["vision.stall", "vision.late"])
async def test_whoever_does_not_wait_loses_a_paid_answer(site: Site, fault: str) -> None:
    site.faults.set(fault, 1.0)
    asking = asyncio.create_task(ask(site), name="impatient client")
    await until(lambda: site.bill.units)

    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    await until(lambda: site.calls.count("vision"))

    assert (site.bill.units, site.bill.possible) == (3, 3)


async def test_a_late_answer_is_the_right_one(site: Site) -> None:
    on_time = await ask(site)
    site.faults.set("vision.late-seconds", 0.01)
    site.faults.queue("vision.late")

    late = await ask(site)

    assert late.body == on_time.body
    assert site.bill.possible == 0


async def test_a_slow_reader_still_answers(site: Site) -> None:
    site.faults.set("vision.read-bytes-per-second", 10**9)
    site.faults.queue("vision.slow-read")

    assert (await ask(site)).status == 200
    assert site.faults.counts() == {"vision.slow-read": 1}


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ("vision.image-bad", 3),
        ("vision.image-internal", 13),
        ("vision.image-unavailable", 14),
        ("vision.image-deadline", 4),
        ("vision.image-exhausted", 8),
    ],
)
async def test_one_image_fails_among_good_ones(site: Site, fault: str, code: int) -> None:
    site.faults.queue(fault)

    answer = await ask(site)

    assert answer.responses[0].keys() == {"error"}
    assert answer.responses[0]["error"]["code"] == code
    assert all(entry["labelAnnotations"] for entry in answer.responses[1:])
    assert (site.bill.units, site.bill.possible, site.bill.failed) == (3, 0, 1)


async def test_an_error_may_stand_beside_annotations(site: Site) -> None:
    site.faults.queue("vision.image-partial")

    answer = await ask(site)

    assert answer.responses[0].keys() == {"error", "labelAnnotations"}


@pytest.mark.parametrize(
    ("fault", "is_so"),
    [
        ("vision.image-null", lambda entry: entry is None),
        ("vision.image-blank", lambda entry: entry == {}),
        ("vision.labels-scalar", lambda entry: entry["labelAnnotations"] == 7),
        ("vision.many-labels", lambda entry: len(entry["labelAnnotations"]) == 500),
    ],
)
async def test_an_entry_has_another_shape(
    site: Site, fault: str, is_so: Callable[[Any], bool]
) -> None:
    site.faults.queue(fault)

    answer = await ask(site)

    assert is_so(answer.responses[0])


@pytest.mark.parametrize(
    ("fault", "is_so"),
    [
        ("vision.score-nan", math.isnan),
        ("vision.score-huge", lambda score: score == 10**300),
        ("vision.score-negative", lambda score: score < 0),
        ("vision.score-bool", lambda score: score is True),
        ("vision.score-text", lambda score: score == "0.95"),
    ],
)
async def test_a_score_is_no_score(site: Site, fault: str, is_so: Callable[[Any], bool]) -> None:
    site.faults.queue(fault)

    answer = await ask(site)

    assert is_so(json.loads(answer.body)["responses"][0]["labelAnnotations"][0]["score"])


async def test_odd_labels_are_odd_in_every_way(site: Site) -> None:
    site.faults.queue("vision.odd-labels")

    answer = await ask(site)

    labels = [label["description"] for label in answer.responses[0]["labelAnnotations"]]
    assert "" in labels
    assert max(len(label.encode()) for label in labels) > 10_000
    assert set("./$#[]%\x01\x7f") <= set("".join(labels))
    assert any(not label.isascii() for label in labels)


async def test_a_double_label_has_two_scores(site: Site) -> None:
    site.faults.queue("vision.double-label")

    answer = await ask(site)

    first, *_, last = answer.responses[0]["labelAnnotations"]
    assert first["description"] == last["description"]
    assert first["score"] > last["score"]


async def test_poison_spoils_every_batch_it_is_in_and_no_other(site: Site) -> None:
    ids = site.photo_ids(16)
    site.faults.set("vision.poison-images", 0.1)

    alone = [(await site.annotate(a_picture(photo_id))).status for photo_id in ids]
    again = [(await site.annotate(a_picture(photo_id))).status for photo_id in ids]
    good = [photo_id for photo_id, status in zip(ids, alone, strict=True) if status == 200]
    together = await site.annotate(*map(a_picture, ids))
    without = await site.annotate(*map(a_picture, good))

    assert alone == again
    assert {200, 400} == set(alone)
    assert (together.status, without.status) == (400, 200)


async def test_the_same_requests_meet_the_same_faults(site: Site) -> None:
    rates = {"vision.throttled": 0.3, "vision.internal": 0.3, "vision.image-internal": 0.2}

    async def day(place: Site) -> list[bytes]:
        for name, rate in rates.items():
            place.faults.set(name, rate)
        ids = place.photo_ids(20)
        return [(await place.annotate(a_picture(photo_id))).body for photo_id in ids]

    async with a_site() as twin:
        assert await day(site) == await day(twin)
    assert site.faults.counts().keys() == rates.keys()


def test_every_fault_says_what_happens() -> None:
    assert {**UPLOAD, **REFUSALS, **LOST, **LATE, **IMAGES} == FAULTS
    assert all(name.startswith("vision.") for name in FAULTS)
    assert all(FAULTS.values())


async def test_hang_ups_are_counted_as_calls_without_a_status(site: Site) -> None:
    site.faults.queue("vision.reset")
    with pytest.raises(aiohttp.ClientOSError):
        await ask(site)

    assert site.calls.count("vision", status=0) == 1


async def test_an_upload_that_stops_in_the_middle_is_not_billed(site: Site) -> None:
    host, port = site.urls["vision"].removeprefix("http://").split(":")
    _reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"POST /v1/images:annotate HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n{")
    await writer.drain()

    writer.close()
    await until(lambda: site.calls.total("vision"))

    assert site.bill.units == 0
    assert (await ask(site)).status == 200
