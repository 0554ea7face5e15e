"""The database on a bad day: what it answers, and what it has done nevertheless."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest

from ingestor.sandbox.faults import Faults
from ingestor.sandbox.rtdb.misbehaviour import (
    AFTER_WRITES,
    BEFORE,
    FAULTS,
    KNOBS,
    REFUSALS,
    Throttle,
)
from ingestor.sandbox.rtdb.refusals import Refused
from tests.sandbox.rtdb_site import OWNER, serving, until

SILENT = {name for name in FAULTS if "stall" in name}
STATUSES = {
    **{name: status for name, (status, _) in REFUSALS.items()},
    "database.bad-gateway": 502,
    "database.redirect": 307,
}
RESETS = {"database.reset", "database.reset-after-apply"}


@pytest.mark.parametrize("fault", sorted({*BEFORE} - SILENT - RESETS))
async def test_what_is_refused_is_not_applied(fault: str) -> None:
    async with serving() as site:
        site.faults.queue(fault)
        refused = await site.ask("PUT", "/a.json", 1)
        after_refusal = site.database.value()
        taken = await site.ask("PUT", "/a.json", 1)

    assert refused.status == STATUSES[fault]
    assert after_refusal is None
    assert (taken.status, site.database.value()) == (200, {"a": 1})


@pytest.mark.parametrize(
    ("asked", "stranger"), [("127.0.0.1", "[::1]"), ("[::1]", "127.0.0.1")], ids=["IPv4", "IPv6"]
)
async def test_a_redirect_leads_to_a_stranger_whom_every_system_has(
    asked: str, stranger: str
) -> None:
    async with serving() as site:
        site.faults.queue("database.redirect")
        reply = await site.ask("GET", "/a.json", headers={**OWNER, "Host": f"{asked}:9000"})

    assert reply.headers["Location"] == f"http://{stranger}:9000/a.json"


@pytest.mark.parametrize("fault", sorted({*AFTER_WRITES} - SILENT - RESETS))
async def test_what_looks_refused_may_be_applied(fault: str) -> None:
    async with serving() as site:
        site.faults.queue(fault)
        reply = await site.ask("PUT", "/a.json", 1)

    assert reply.body != b"1"
    assert reply.status == (500 if "error" in fault else 200)
    assert site.database.value() == {"a": 1}


@pytest.mark.parametrize(
    ("fault", "kept"),
    [
        pytest.param("database.reset", None, id="before"),
        pytest.param("database.reset-after-apply", {"a": 1}, id="after"),
    ],
)
async def test_a_reset_tells_nothing(fault: str, kept: object) -> None:
    async with serving() as site:
        site.faults.queue(fault, times=2)

        # aiohttp's client tries an idempotent request on a reused connection once more.
        with pytest.raises((aiohttp.ClientError, ConnectionError)):
            await site.ask("PUT", "/a.json", 1)

        assert site.database.value() == kept


@pytest.mark.parametrize(
    ("fault", "kept"),
    [
        pytest.param("database.stall", None, id="before"),
        pytest.param("database.stall-after-apply", {"a": 1}, id="after"),
        pytest.param("database.slow-write", None, id="slow before"),
        pytest.param("database.slow-commit", {"a": 1}, id="slow after"),
    ],
)
async def test_a_client_that_waits_too_long_does_not_know(fault: str, kept: object) -> None:
    async with serving(knobs={"database.slow-seconds": 3600}) as site:
        site.faults.queue(fault)
        asking = asyncio.ensure_future(site.ask("PUT", "/a.json", 1))
        await until(lambda: bool(site.faults.counts()))
        asking.cancel()
        await asyncio.wait([asking])

        assert site.database.value() == kept


async def test_a_poisoned_id_spoils_every_update_that_names_it() -> None:
    ids = [f"p{54483125961 + number}" for number in range(200)]
    async with serving(refused_key=0.1) as site:
        statuses = {
            name: [
                (await site.ask("PATCH", "/.json", {path: 1, "x": 1})).status
                for path in (f"photos/{name}", f"index/dog/0012345-{name}", f"photos/{name}/t")
            ]
            for name in ids
        }

    refused = [name for name, seen in statuses.items() if seen[0] == 400]
    assert 5 <= len(refused) <= 40
    assert all(seen[0] == seen[1] for seen in statuses.values())
    assert site.database.value(path=f"/photos/{refused[0]}") == {"t": 1}


async def test_a_test_can_name_the_key_that_is_refused() -> None:
    async with serving() as site:
        site.database.refused_keys.add("p13")
        reply = await site.ask("PATCH", "/.json", {"photos/p12": 1, "index/dog/001-p13": 1})
        other = await site.ask("PATCH", "/.json", {"photos/p12": 1})

    assert (reply.status, other.status) == (400, 200)
    assert "valid key names" in reply.error


async def test_a_database_of_another_region_says_where_it_lives() -> None:
    async with serving(other_region=1) as site:
        reply = await site.ask("GET", "/a.json", params={"ns": "demo"})

    assert reply.status == 404
    assert reply.json["correctUrl"] == "https://demo.europe-west1.firebasedatabase.app"
    assert reply.json["correctUrl"] in reply.error


@pytest.mark.parametrize(
    ("knobs", "size"),
    [
        pytest.param({"database.writes-per-second": 3.0}, 1, id="writes"),
        pytest.param({"database.megabytes-per-minute": 3.0}, 2**20, id="bytes"),
    ],
)
def test_writes_beyond_the_limit_are_throttled(knobs: dict[str, float], size: int) -> None:
    now = [0.0]
    faults = Faults(7, known=FAULTS, knobs={**KNOBS, **knobs})
    throttle = Throttle(faults, clock=lambda: now[0])

    for _ in range(3):
        throttle.admit(size)
    with pytest.raises(Refused) as caught:
        throttle.admit(size)
    now[0] += 60
    throttle.admit(size)

    assert caught.value.status == 429


async def test_limits_hold_over_http() -> None:
    async with serving(knobs={"database.megabytes-per-minute": 0.001}) as site:
        statuses = [(await site.ask("PUT", "/a.json", "x" * 900)).status for _ in range(2)]

    assert statuses == [200, 429]


def test_every_fault_says_what_happens() -> None:
    assert {*BEFORE, *AFTER_WRITES} <= set(FAULTS)
    assert all(name.startswith("database.") for name in (*FAULTS, *KNOBS))
    assert all(FAULTS.values())
