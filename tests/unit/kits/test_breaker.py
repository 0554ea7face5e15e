"""While nobody is served one asks at a time, less and less often, and the first success frees all."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest

from ingestor.kits.breaker import IN_A_ROW, LONGEST_PAUSE, Breaker, Exhausted
from ingestor.kits.lifetime import Lifetime, Stopping

pytestmark = pytest.mark.looptime

PATIENCE = 120.0


class Upstream:
    """Answers after a second, well from `recovers` on."""

    def __init__(self, *, recovers: float = float("inf"), wish: float = 0.0) -> None:
        self.clock = asyncio.get_running_loop().time
        self.lifetime = Lifetime(drain=8.0)
        self.breaker = Breaker(clock=self.clock, rest=self.lifetime.rest, patience=PATIENCE)
        self.recovers = recovers
        self.wish = wish
        self.asked: list[float] = []

    async def ask(self) -> bool:
        async with self.breaker.turn():
            begun = self.clock()
            self.asked.append(begun)
            await asyncio.sleep(1.0)
            served = self.clock() >= self.recovers
            if served:
                self.breaker.succeeded(begun=begun)
            else:
                self.breaker.failed(begun=begun, wish=self.wish)
            return served

    async def insist(self) -> None:
        while not await self.ask():
            pass

    async def all_insist(self, number: int = 20) -> list[BaseException | None]:
        return await asyncio.gather(*(self.insist() for _ in range(number)), return_exceptions=True)


async def test_some_failures_between_successes_hold_up_nobody():
    upstream = Upstream()
    for _ in range(5):
        for _failure in range(IN_A_ROW - 1):
            upstream.breaker.failed(begun=0.0)
        upstream.breaker.succeeded(begun=0.0)

    async with upstream.breaker.turn():
        assert upstream.clock() == 0
    assert not upstream.breaker.open


async def test_who_fails_late_says_nothing_where_others_were_served_meanwhile():
    upstream = Upstream()
    await asyncio.sleep(600.0)
    upstream.breaker.succeeded(begun=599.0)

    for begun in range(2 * IN_A_ROW):
        upstream.breaker.failed(begun=float(begun))

    assert not upstream.breaker.open


async def test_while_nobody_is_served_one_asks_at_a_time_and_less_and_less_often():
    upstream = Upstream(recovers=60.0)
    await asyncio.gather(*(upstream.ask() for _ in range(IN_A_ROW)))
    del upstream.asked[:]

    await upstream.all_insist()

    alone = [at for at in upstream.asked if at < upstream.recovers]
    pauses = [later - earlier for earlier, later in pairwise(alone)]
    assert len(alone) == len(set(alone)) <= 7
    assert pauses == sorted(pauses)


async def test_the_first_success_lets_all_of_them_go():
    upstream = Upstream(recovers=60.0)

    ends = await upstream.all_insist()

    assert ends == [None] * 20
    assert upstream.clock() < 60 + LONGEST_PAUSE + 3


async def test_who_serves_nobody_for_as_long_as_we_are_patient_exhausts_it():
    upstream = Upstream()

    ends = await upstream.all_insist()

    assert all(isinstance(end, Exhausted) for end in ends)
    assert PATIENCE - LONGEST_PAUSE <= upstream.clock() <= PATIENCE + 1


async def test_a_wish_to_be_left_alone_is_everybodys():
    upstream = Upstream(recovers=2.0, wish=40.0)
    await upstream.ask()

    await upstream.all_insist()

    assert upstream.asked[1] == pytest.approx(1 + 40.0)


async def test_a_failure_that_wishes_nothing_does_not_shorten_what_another_wished():
    upstream = Upstream()
    upstream.breaker.failed(begun=0.0, wish=40.0)
    upstream.breaker.failed(begun=0.0)

    await upstream.breaker.leave_alone()

    assert upstream.clock() == pytest.approx(40.0)


async def test_a_wish_that_passes_our_patience_is_not_waited_for():
    upstream = Upstream(wish=300.0)
    await upstream.ask()

    with pytest.raises(Exhausted) as exhausted:
        await upstream.ask()

    assert exhausted.value.wish == pytest.approx(300.0)
    assert upstream.clock() == 1.0


async def test_patience_begins_anew_with_the_first_failure_after_a_success():
    upstream = Upstream()
    upstream.breaker.failed(begun=0.0)
    upstream.breaker.succeeded(begun=1.0)
    await asyncio.sleep(10 * PATIENCE)

    await upstream.all_insist()

    assert upstream.clock() >= 11 * PATIENCE - LONGEST_PAUSE


async def test_whoever_waits_is_woken_by_the_end_of_the_run():
    upstream = Upstream()
    asyncio.get_running_loop().call_later(20.0, upstream.lifetime.stop, "SIGTERM")

    ends = await upstream.all_insist()

    upstream.lifetime.close()
    assert all(isinstance(end, Stopping) for end in ends)
    assert upstream.clock() < 22


async def test_what_one_has_met_is_not_forgotten_by_the_next():
    first, second = Upstream(recovers=600.0), Upstream(recovers=600.0)
    await asyncio.gather(*(first.ask() for _ in range(IN_A_ROW)))

    second.breaker.go_on_from(first.breaker)
    await asyncio.gather(*(second.ask() for _ in range(IN_A_ROW)))

    assert first.breaker.open
    assert len(set(second.asked)) == IN_A_ROW


async def test_failures_of_one_and_the_next_are_in_a_row():
    first, second = Upstream(), Upstream()
    for _ in range(IN_A_ROW - 1):
        first.breaker.failed(begun=0.0)

    second.breaker.go_on_from(first.breaker)
    second.breaker.failed(begun=0.0)

    assert second.breaker.open


async def test_the_next_leaves_alone_for_as_long_as_the_first_was_asked_to():
    first, second = Upstream(), Upstream(recovers=0.0)
    first.breaker.failed(begun=0.0, wish=40.0)

    second.breaker.go_on_from(first.breaker)
    await second.ask()

    assert second.asked == [pytest.approx(40.0)]


async def test_the_next_is_as_patient_as_the_first_was():
    first, second = Upstream(), Upstream()
    await first.all_insist()
    await asyncio.sleep(10 * PATIENCE)

    second.breaker.go_on_from(first.breaker)
    begun = second.clock()
    await second.all_insist()

    assert len(second.asked) > IN_A_ROW
    assert PATIENCE - LONGEST_PAUSE <= second.clock() - begun <= PATIENCE + LONGEST_PAUSE
