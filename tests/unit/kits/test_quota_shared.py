"""A quota that a stranger eats from: the rate finds what is left, and is refused seldom."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable

import pytest

from ingestor.kits.dimension import WINDOW
from ingestor.kits.quota import Quota
from ingestor.sandbox.quotas import Quotas

LIMIT = 1800
BATCH = 16
MINUTES = 20
THERE, BACK = 0.2, 0.8
"""Seconds to the upstream's count, and from there to the answer."""
HALVED_AT = 120.0
"""When somebody at Google makes the quota half of what it was."""


class Spender:
    """Asks for all it can get, as a run does, and counts what it got."""

    def __init__(
        self,
        upstream: Quotas,
        quota: Quota,
        *,
        stranger: float,
        there: Callable[[], float] = lambda: THERE,
    ) -> None:
        self.upstream = upstream
        self.quota = quota
        self.stranger = stranger
        self.there = there
        self.places = asyncio.Semaphore(64)
        self.clock = asyncio.get_running_loop().time
        self.end = 0.0
        self.let_through = self.refused = 0

    async def spend(self, seconds: float) -> None:
        """Those who still wait at the end come too late to be counted as let through."""
        self.end = self.clock() + seconds
        async with asyncio.TaskGroup() as group:
            while self.clock() < self.end:
                await self.places.acquire()
                group.create_task(self.call(), name="call")
                await asyncio.sleep(0)

    async def call(self) -> None:
        permit = await self.quota.acquire(1, BATCH)
        await asyncio.sleep(self.there())
        if self.upstream.admit(BATCH, stranger=self.stranger):
            self.refused += 1
            self.quota.refuse(permit)
        else:
            self.let_through += self.clock() <= self.end
            await asyncio.sleep(BACK)
            self.quota.answered(permit)
        self.places.release()


def spenders(processes: int, *, stranger: float) -> list[Spender]:
    clock = asyncio.get_running_loop().time
    upstream = Quotas(requests_per_minute=LIMIT, images_per_minute=LIMIT, clock=clock)
    share = LIMIT // processes
    return [
        Spender(
            upstream,
            Quota((share, share), largest=(1, BATCH), clock=clock),
            stranger=stranger,
        )
        for _ in range(processes)
    ]


def change_upstream(spender: Spender, limit: int) -> None:
    spender.upstream.change(requests=limit, images=limit)


@pytest.mark.looptime
@pytest.mark.parametrize(
    ("stranger", "refusals"),
    [
        pytest.param(0.25, 0.01, id="a quarter"),
        pytest.param(0.5, 0.01, id="half"),
        # To come down to a quarter takes five of them, and afterwards it is one in two hundred.
        pytest.param(0.75, 0.02, id="three quarters"),
    ],
)
async def test_what_a_stranger_leaves_is_found_and_used(stranger: float, refusals: float) -> None:
    (spender,) = spenders(1, stranger=stranger)

    await spender.spend(MINUTES * 60)

    left = MINUTES * LIMIT * (1 - stranger)
    assert spender.let_through * BATCH >= 0.9 * left
    assert spender.refused <= refusals * spender.let_through


@pytest.mark.looptime
@pytest.mark.parametrize("processes", [1, 4])
async def test_processes_that_share_a_quota_are_never_refused(processes: int) -> None:
    several = spenders(processes, stranger=0.0)

    async with asyncio.TaskGroup() as group:
        for spender in several:
            group.create_task(spender.spend(5 * 60), name="spender")

    bought = sum(spender.let_through for spender in several) * BATCH
    assert bought >= 0.96 * 5 * LIMIT
    assert sum(spender.refused for spender in several) == 0


@pytest.mark.looptime
async def test_requests_that_are_late_at_the_upstream_are_not_refused_there() -> None:
    dice = random.Random(7)
    (spender,) = spenders(1, stranger=0.0)
    spender.there = lambda: dice.choice((0.1, 0.1, 0.1, 0.4, 2.5))

    await spender.spend(10 * 60)

    assert spender.refused == 0
    assert spender.let_through * BATCH >= 0.94 * 10 * LIMIT


@pytest.mark.looptime
async def test_requests_of_a_slow_beginning_are_known_to_have_been_late() -> None:
    clock = asyncio.get_running_loop().time
    (spender,) = spenders(1, stranger=0.0)
    spender.there = lambda: 2.5 if clock() < 10 else 0.1

    await spender.spend(3 * 60)

    assert spender.refused == 0


@pytest.mark.looptime
async def test_a_quota_that_is_halved_while_it_is_used_is_found_and_used() -> None:
    (spender,) = spenders(1, stranger=0.0)
    asyncio.get_running_loop().call_at(HALVED_AT, change_upstream, spender, LIMIT // 2)

    await spender.spend(HALVED_AT + MINUTES * 60)

    assert spender.let_through * BATCH >= 0.9 * (HALVED_AT / 60 + MINUTES / 2) * LIMIT
    assert spender.refused <= 0.01 * spender.let_through


@pytest.mark.looptime
async def test_a_quota_that_is_what_it_was_again_is_used_again() -> None:
    (spender,) = spenders(1, stranger=0.0)
    loop = asyncio.get_running_loop()
    loop.call_at(HALVED_AT, change_upstream, spender, LIMIT // 2)
    loop.call_at(2 * HALVED_AT, change_upstream, spender, LIMIT)
    await spender.spend(HALVED_AT + MINUTES * 60)
    before = spender.let_through

    await spender.spend(60.0)

    assert (spender.let_through - before) * BATCH >= 0.95 * LIMIT


@pytest.mark.looptime
@pytest.mark.parametrize("minutes", [1, 30])
async def test_a_quota_that_was_eaten_whole_is_used_again_soon_after(minutes: int) -> None:
    (spender,) = spenders(1, stranger=0.0)
    loop, begins, ends = asyncio.get_running_loop(), HALVED_AT, HALVED_AT + minutes * 60
    loop.call_at(begins, setattr, spender, "stranger", 1.0)
    loop.call_at(ends, setattr, spender, "stranger", 0.0)
    before: list[int] = []
    loop.call_at(ends + 2 * 60, lambda: before.append(spender.let_through))

    await spender.spend(ends + 12 * 60)

    assert (spender.let_through - before[0]) * BATCH >= 0.8 * 10 * LIMIT


@pytest.mark.looptime
async def test_a_process_that_follows_a_dead_one_is_not_refused() -> None:
    (spender,) = spenders(1, stranger=0.0)
    await spender.spend(40.0)
    died = asyncio.get_running_loop().time()
    journaled = [(died - at, costs) for at, costs in granted(spender.quota)]

    heir = Spender(
        spender.upstream,
        Quota(
            (LIMIT, LIMIT),
            largest=(1, BATCH),
            clock=asyncio.get_running_loop().time,
            spent=journaled,
        ),
        stranger=0.0,
    )
    await heir.spend(120.0)

    assert heir.refused == 0


def granted(quota: Quota) -> list[tuple[float, tuple[float, float]]]:
    """What a journal would say of a process: when it was granted how much."""
    requests, images = (dimension._window for dimension in quota._dimensions)
    return [
        (one.until - WINDOW, (one.cost, many.cost))
        for one, many in zip(requests, images, strict=True)
    ]


async def a_dark_quota() -> Quota:
    """All that was asked for of late was refused."""
    quota = Quota((LIMIT, LIMIT), largest=(1, BATCH), clock=asyncio.get_running_loop().time)
    for _ in range(6):
        quota.refuse(await quota.acquire(1, BATCH))
    return quota


@pytest.mark.looptime
async def test_what_was_asked_for_before_the_last_refusal_regains_nothing() -> None:
    quota = await a_dark_quota()
    before = await quota.acquire(1, BATCH)
    quota.refuse(await quota.acquire(1, BATCH))

    dark = quota.rate
    quota.answered(before)

    assert quota.rate == dark


@pytest.mark.looptime
@pytest.mark.parametrize("runs", [1, 2], ids=["in one run", "and the next one"])
async def test_the_first_answer_after_the_dark_doubles_the_rate(runs: int) -> None:
    clock = asyncio.get_running_loop().time
    quota = await a_dark_quota()
    if runs == 2:
        quota.close()
        earlier, quota = quota, Quota(quota.limits, largest=(1, BATCH), clock=clock)
        quota.go_on_from(earlier)
    permit = await quota.acquire(1, BATCH)

    dark = quota.rate
    quota.answered(permit)

    assert quota.rate == pytest.approx(2 * dark, rel=0.1)


@pytest.mark.looptime
async def test_who_is_refused_on_the_way_back_asks_for_no_more_than_he_had() -> None:
    quota = await a_dark_quota()
    quota.answered(await quota.acquire(1, BATCH))
    quota.refuse(await quota.acquire(1, BATCH))
    permit = await quota.acquire(1, BATCH)

    left = quota.rate
    quota.answered(permit)

    assert quota.rate == left
