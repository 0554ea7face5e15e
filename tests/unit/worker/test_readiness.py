"""A worker that is not ready says why."""

from __future__ import annotations

import asyncio

import pytest

from ingestor import events
from ingestor.kits.lifetime import Lifetime
from ingestor.worker import Readiness

pytestmark = pytest.mark.looptime

WATCHING = events.WatchlistChanged(groups=2, refused=())
LOOKED = events.GroupLooked(group="1@N00", total=5, complete=True, unix=0.0, seconds=0.1)
RETRYING = events.RetryScheduled(upstream="flickr", reason="connect", attempt=9, seconds=30.0)
REFUSED = events.BuyingHalted(reason="billing", message="Billing is off.", seconds=900.0)
SPENT = events.BuyingHalted(reason="max-units-per-day", message="All spent.", seconds=900.0)
HOUR = 3600.0


def told(*said: events.Event, lifetime: Lifetime | None = None) -> Readiness:
    readiness = Readiness(every=900.0, lifetime=lifetime or Lifetime(drain=8.0))
    for event in said:
        readiness.listen(event)
    return readiness


@pytest.mark.parametrize(
    ("said", "why_not"),
    [
        pytest.param((), "it is starting", id="starting"),
        pytest.param((RETRYING,), "it is starting: flickr (connect)", id="starting in an outage"),
        pytest.param((WATCHING,), "", id="ready"),
        pytest.param((WATCHING, REFUSED), "nothing is bought: Billing is off.", id="refused"),
        pytest.param((WATCHING, SPENT), "", id="within its budget"),
        pytest.param(
            (WATCHING, REFUSED, events.BuyingResumed(reason="billing")), "", id="taken again"
        ),
        pytest.param((WATCHING, REFUSED, SPENT), "", id="taken again, up to its budget"),
    ],
)
async def test_what_was_told_decides(said: tuple[events.Event, ...], why_not: str):
    assert told(*said).why_not() == why_not


async def test_a_network_that_is_gone_is_noticed_and_named_and_forgotten():
    readiness = told(WATCHING, LOOKED, RETRYING)

    await asyncio.sleep(HOUR)
    gone = readiness.why_not()
    readiness.listen(LOOKED)

    assert gone == "no group could be followed for 60 minutes: flickr (connect)"
    assert readiness.why_not() == ""


async def test_a_turn_that_is_long_because_the_quota_is_small_is_as_it_should_be():
    readiness = told(WATCHING)

    for _ in range(60):
        await asyncio.sleep(60.0)
        readiness.listen(events.UpdateStored(photos=10, size=20_000, seconds=0.1))

    assert readiness.why_not() == ""


async def test_nobody_waits_for_groups_that_are_not_there():
    readiness = told(events.WatchlistChanged(groups=0, refused=()))

    await asyncio.sleep(HOUR)

    assert readiness.why_not() == ""


async def test_who_stops_says_so():
    lifetime = Lifetime(drain=8.0)
    lifetime.stop("SIGTERM")

    assert told(WATCHING, lifetime=lifetime).why_not() == "it is stopping"
    lifetime.close()
