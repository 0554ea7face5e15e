"""What bound a run is what was seen most; where nothing was seen, nothing is blamed."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from ingestor.engines.gauges import ADVICE, REFUSED, SILENT, Gauges
from ingestor.journal.ledger import Units
from ingestor.kits.channel import Channel
from ingestor.kits.memory import Memory
from ingestor.kits.pacing import Adaptive
from ingestor.kits.quota import Quota
from ingestor.pipeline import Channels
from tests.builders import a_photo


@pytest.mark.parametrize(
    ("seen", "bought", "name"),
    [
        pytest.param({"images": 3, "vision-quota": 9}, 48, "vision-quota", id="most often"),
        pytest.param({}, 5, "nothing", id="over at once"),
        pytest.param({"images": 3}, 0, "nothing-to-do", id="nothing bought"),
    ],
)
@pytest.mark.looptime
async def test_what_bound_is_what_was_seen_most(seen: dict[str, int], bought: int, name: str):
    watched = Counter(seen)
    parts = gauges(watched, held=watched, clock=asyncio.get_running_loop().time)
    for _ in range(2):
        await parts.quota.acquire(1.0)

    verdict = parts.verdict(Units(certain=bought))

    assert (verdict.name, verdict.advice) == (name, ADVICE[name])


@pytest.mark.looptime
async def test_the_first_request_of_all_waits_and_blames_no_quota() -> None:
    """The bucket is empty at first; one request alone cannot be made faster by a larger quota."""
    parts = gauges(Counter({"vision-quota": 2}), clock=asyncio.get_running_loop().time)

    await parts.quota.acquire(1.0)

    assert parts.verdict(Units(certain=1)).name == "nothing"


@pytest.mark.parametrize("name", ["images", "vision"])
@pytest.mark.parametrize(("held", "raised"), [(9, True), (1, False)])
def test_a_setting_is_to_be_raised_where_it_was_the_ceiling_that_held(
    name: str, held: int, raised: bool
) -> None:
    parts = gauges(Counter({name: 10}), held=Counter({name: held}))

    assert ("raise --max" in parts.verdict(Units(certain=1)).advice) is raised


@pytest.mark.parametrize("name", ["images", "vision"])
@pytest.mark.parametrize(("start", "raised"), [(8, True), (4, False)])
def test_a_running_run_is_advised_by_the_limit_in_force(
    name: str, start: int, raised: bool
) -> None:
    parts = gauges(Counter(), slots=Adaptive(start=start, ceiling=8))

    assert ("raise --max" in parts.advice(name, answered=True)) is raised


def test_who_never_answered_is_not_slow() -> None:
    parts = gauges(Counter(vision=3), held=Counter(vision=3))

    assert parts.verdict(Units(possible=16)).advice == SILENT
    assert parts.advice("vision", answered=False) == SILENT


@pytest.mark.looptime
async def test_a_quota_binds_nobody_whom_vision_never_answered() -> None:
    """A larger one would have lost as much, and faster."""
    watched = Counter({"vision-quota": 9})
    parts = gauges(watched, held=watched, clock=asyncio.get_running_loop().time)
    for _ in range(2):
        await parts.quota.acquire(1.0)

    verdict = parts.verdict(Units(possible=40))

    assert (verdict.name, verdict.advice) == ("vision", SILENT)


@pytest.mark.looptime
async def test_who_was_refused_for_speed_is_not_told_to_go_faster() -> None:
    """The quota that was set is more than there is: the run stays far below it."""
    watched = Counter({"vision-quota": 9})
    parts = gauges(watched, held=watched, clock=asyncio.get_running_loop().time)
    for _ in range(3):
        permit = await parts.quota.acquire(1.0)
        parts.quota.refuse(permit)

    verdict = parts.verdict(Units(certain=40))

    assert (verdict.name, verdict.advice) == ("vision-quota", REFUSED)
    assert parts.advice("vision-quota", answered=True) == REFUSED


@pytest.mark.looptime
async def test_a_quota_that_is_used_up_binds_as_it_should_though_something_was_refused() -> None:
    watched = Counter({"vision-quota": 9})
    parts = gauges(watched, held=watched, clock=asyncio.get_running_loop().time)
    permits = [await parts.quota.acquire(1.0) for _ in range(300)]
    parts.quota.refuse(permits[-1])

    assert parts.verdict(Units(certain=40)).advice == ADVICE["vision-quota"]


@pytest.mark.looptime
async def test_who_was_not_refused_has_a_quota_as_large_as_was_said_however_little_is_used() -> (
    None
):
    watched = Counter({"vision-quota": 9})
    parts = gauges(watched, held=watched, clock=asyncio.get_running_loop().time)
    for _ in range(2):
        await parts.quota.acquire(1.0)
        await asyncio.sleep(600)

    assert parts.verdict(Units(certain=40)).advice == ADVICE["vision-quota"]


async def crowded(channel: Channel[Any]) -> None:
    await channel.send_all([None] * channel.capacity)


async def test_what_binds_is_the_last_place_where_things_pile_up() -> None:
    parts = gauges(Counter())
    waiting: list[asyncio.Task[Any]] = []
    told = [parts.binding()]

    async def pile_up(pile: Coroutine[Any, Any, Any], *, waits: bool) -> None:
        task = asyncio.create_task(pile, name="pile")
        await (asyncio.sleep(0) if waits else task)
        waiting.append(task)
        told.append(parts.binding())

    await pile_up(parts.downloads.enter(), waits=False)
    await pile_up(crowded(parts.channels.photos), waits=False)
    parts.downloads.too_much(0)
    told.append(parts.binding())
    await parts.memory.reserve(1)
    await pile_up(parts.memory.reserve(1), waits=True)
    await pile_up(crowded(parts.channels.images), waits=False)
    await pile_up(parts.quota.acquire(1.0), waits=True)
    await pile_up(crowded(parts.channels.published), waits=False)
    for task in waiting:
        task.cancel()

    assert told == [
        "flickr",
        None,
        "images",
        "images-throttled",
        "memory",
        "vision",
        "vision-quota",
        "database",
    ]


async def test_nobody_waits_for_a_listing_that_is_over() -> None:
    """What is left then are the last updates; a run of what earlier ones left has listed nothing."""
    parts = gauges(Counter())

    parts.channels.photos.close()

    assert parts.binding() is None


@pytest.mark.parametrize(("share", "name"), [(0.5, "images"), (0.95, "cpu")])
@pytest.mark.looptime
async def test_a_process_that_has_no_more_to_give_binds_by_itself(share: float, name: str) -> None:
    parts = gauges(Counter())
    time = asyncio.get_running_loop().time
    parts.cpu = lambda: share * time()
    await parts.channels.photos.send(a_photo())

    async with parts.watching():
        await asyncio.sleep(1.0)

    assert parts.verdict(Units(certain=1)).name == name


@pytest.mark.parametrize(("lists_on", "name"), [(False, "nothing"), (True, "flickr")])
@pytest.mark.looptime
async def test_a_run_that_begins_is_not_bound_by_its_first_page(lists_on: bool, name: str) -> None:
    """For it everything has to wait; for the pages behind nothing need."""
    parts = gauges(Counter())
    photos = parts.channels.photos

    async with parts.watching():
        await asyncio.sleep(5.0)
        await parts.downloads.enter()
        await asyncio.sleep(1.0)
        parts.downloads.leave()
        if not lists_on:
            photos.close()
        await asyncio.sleep(1.0)

    assert parts.verdict(Units(certain=1)).name == name


def gauges(
    seen: Counter[str],
    *,
    held: Counter[str] | None = None,
    slots: Adaptive | None = None,
    clock: Callable[[], float] = lambda: 0.0,
) -> Gauges:
    few = slots or Adaptive(start=1, ceiling=1)
    quota = Quota([60.0], largest=[1.0], clock=clock)
    return Gauges(Channels.opened(), Memory(1), few, few, quota, seen, held or Counter())
