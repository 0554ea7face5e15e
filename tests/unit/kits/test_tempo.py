"""A limit that nobody tells is found and kept to, also when it changes; weather is not taken for one."""

from __future__ import annotations

import asyncio
import random
import sys
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from ingestor.kits.pacing import Adaptive
from ingestor.kits.tempo import (
    BELOW,
    CHANCE,
    IN_VAIN,
    LONGEST_WINDOW,
    PATIENT_WINDOWS,
    REMEMBERED,
    UNBOUND,
    WINDOW,
    Tempo,
)

pytestmark = pytest.mark.looptime

LATENCY = 0.08
"""Seconds, give or take a third: an image server's."""
REST = 0.5
"""Seconds before one asks again, at the most."""
SETTLED = 60.0
WEATHERED = 20
"""Refusals, one at a time."""


@dataclass
class HiddenLimit:
    """Serves so many requests in any second, and refuses what is above without a hint."""

    limit: Callable[[float], float]
    weather: Callable[[float], float] = lambda now: 0.0
    """The share of requests that is refused for no reason."""
    rng: random.Random = field(default_factory=lambda: random.Random(7))
    recent: deque[float] = field(default_factory=deque)
    seen: list[tuple[float, bool]] = field(default_factory=list)

    async def ask(self) -> bool:
        await asyncio.sleep(LATENCY * self.rng.uniform(0.7, 1.3))
        now = asyncio.get_running_loop().time()
        while self.recent and self.recent[0] <= now - 1:
            self.recent.popleft()
        served = len(self.recent) < self.limit(now) and self.rng.random() >= self.weather(now)
        if served:
            self.recent.append(now)
        self.seen.append((now, served))
        return served

    def between(self, start: float, end: float) -> tuple[float, float]:
        """Served a second, and the share that was refused."""
        asked = [served for at, served in self.seen if start <= at < end]
        return sum(asked) / (end - start), 1 - sum(asked) / len(asked)


@dataclass
class HiddenRoom(HiddenLimit):
    """Serves so many at once, and refuses who comes above: at once, or as slowly as it serves."""

    at_once: int = 20
    quick: bool = True
    inside: int = 0

    async def ask(self) -> bool:
        full = self.inside >= self.at_once
        self.inside += not full
        await asyncio.sleep(LATENCY * (0.1 if full and self.quick else self.rng.uniform(0.7, 1.3)))
        self.inside -= not full
        self.seen.append((asyncio.get_running_loop().time(), not full))
        return not full


async def demand(server: HiddenLimit, *, until: float, every: float = 0.0) -> None:
    """Ask for as much as can be had (or `every` so many seconds), as downloads do."""
    clock = asyncio.get_running_loop().time
    slots, tempo = Adaptive(start=8, ceiling=64), Tempo(clock=clock)
    due = clock()

    async def one() -> None:
        epoch = await slots.enter()
        if tempo.watching:
            await tempo.turn()
        if await server.ask():
            slots.succeeded()
            tempo.served()
            slots.leave()
            return
        if not tempo.weather:
            slots.too_much(epoch)
        tempo.refused()
        slots.leave()
        await asyncio.sleep(server.rng.uniform(0, REST))
        await one()

    async def worker() -> None:
        nonlocal due
        while clock() < until:
            if every:
                due += every
                await asyncio.sleep(due - clock())
            await one()

    async with asyncio.TaskGroup() as group:
        for number in range(64):
            group.create_task(worker(), name=f"worker-{number}")


@pytest.mark.parametrize("limit", [12, 30])
async def test_a_hidden_limit_that_changes_is_found_within_a_minute(limit: int) -> None:
    server = HiddenLimit(lambda now: limit * (1.0 if now < 120 else 0.5 if now < 240 else 1.5))

    await demand(server, until=360)

    for start, share in ((0, 1.0), (120, 0.5), (240, 1.5)):
        served, refused = server.between(start + SETTLED, start + 120)
        used = served / (limit * share)
        sys.stderr.write(
            f"a limit of {limit * share:g}/s: {used:.1%} used, {refused:.1%} refused\n"
        )
        assert served >= 0.85 * limit * share
        assert refused <= 0.02


async def test_after_a_time_of_refusing_everything_the_limit_is_found_again() -> None:
    server = HiddenLimit(lambda now: 0 if 60 < now < 64 else 20)

    await demand(server, until=130)

    served, refused = server.between(120, 130)
    assert served >= 0.85 * 20
    assert refused <= 0.02


async def test_refusals_for_no_reason_slow_nobody_down() -> None:
    server = HiddenLimit(lambda now: 1_000_000, weather=lambda now: 0.07)

    await demand(server, until=120, every=1 / 40)

    for start in range(0, 120, 30):
        served, _ = server.between(start, start + 30)
        assert served >= 0.9 * 40


@pytest.mark.parametrize("share", [0.07, 0.3])
async def test_refusals_for_no_reason_leave_as_much_going_on_at_once(share: float) -> None:
    server = HiddenLimit(lambda now: 1_000_000, weather=lambda now: share)

    await demand(server, until=60)

    served, _ = server.between(30, 60)
    possible = 64 / ((LATENCY + share * REST / 2) / (1 - share))
    sys.stderr.write(
        f"{share:.0%} refused for no reason: {served:.0f}/s served, {possible:.0f}/s possible\n"
    )
    assert served >= 0.9 * possible


async def test_a_limit_that_comes_after_the_weather_is_found_within_a_minute() -> None:
    server = HiddenLimit(
        lambda now: 30 if now > 30 else 1_000_000, weather=lambda now: 0.15 if now < 30 else 0.0
    )

    await demand(server, until=120)

    served, refused = server.between(60, 120)
    assert served >= 0.85 * 30
    assert refused <= 0.02


@pytest.mark.parametrize("quick", [True, False])
async def test_a_server_with_room_for_so_many_is_found_as_well(quick: bool) -> None:
    server = HiddenRoom(lambda now: 0, at_once=20, quick=quick)

    await demand(server, until=120)

    served, refused = server.between(SETTLED, 120)
    used = served / (20 / LATENCY)
    sys.stderr.write(f"room for 20 at once: {used:.1%} used, {refused:.1%} refused\n")
    assert served >= 0.8 * 20 / LATENCY
    assert refused <= 0.02


async def test_nobody_has_a_turn_before_the_upstream_wants_it() -> None:
    clock = asyncio.get_running_loop().time
    tempo = Tempo(clock=clock)

    tempo.refused(wait=5.0)
    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(tempo.turn(), name="turn")
        await asyncio.sleep(4.0)
        tempo.refused(wait=5.0)
        await asyncio.sleep(4.0)
        assert not waiting.done()

    assert clock() == pytest.approx(9.0, abs=0.01)


def test_who_was_never_refused_is_not_watched() -> None:
    tempo = Tempo(clock=lambda: 0.0)

    for _ in range(100):
        tempo.served()

    assert not tempo.watching


@dataclass
class Windows:
    """A tempo that is told of whole windows, in which nobody has to wait for a turn."""

    now: float = 0.0
    tempo: Tempo = field(init=False)

    def __post_init__(self) -> None:
        self.tempo = Tempo(clock=lambda: self.now)

    def one(self, *, served: int = 0, refused: int = 0) -> None:
        ends = [self.tempo.refused] * refused + [self.tempo.served] * served
        for end in ends[:-1]:
            end()
        self.now += WINDOW
        ends[-1]()


def test_what_asking_less_does_not_help_against_is_let_alone_for_a_while() -> None:
    windows = Windows()

    for _ in range(2 * IN_VAIN):
        windows.one(served=20, refused=10)
    alone = windows.tempo.weather and windows.tempo.rate == UNBOUND
    windows.now += REMEMBERED
    windows.one(served=20, refused=10)

    assert alone
    assert windows.tempo.rate < UNBOUND


def test_who_asks_more_and_is_refused_more_has_met_a_limit_after_all() -> None:
    windows = Windows()

    for _ in range(IN_VAIN + 1):
        windows.one(served=20, refused=10)
    alone = windows.tempo.rate == UNBOUND
    windows.one(served=20, refused=180)

    assert alone
    assert windows.tempo.rate < UNBOUND


@pytest.mark.parametrize(("refused", "limited"), [(CHANCE - 1, False), (CHANCE + 1, True)])
def test_who_asks_for_little_is_not_held_to_it_for_a_few_refusals(
    refused: int, limited: bool
) -> None:
    windows = Windows()

    windows.one(served=20 - refused, refused=refused)

    assert (windows.tempo.rate < UNBOUND) is limited


def test_a_limit_does_not_last_because_of_the_weather() -> None:
    windows = Windows()
    windows.one(served=20, refused=10)

    for _ in range(WEATHERED):
        windows.one(served=20)
        windows.one(served=20)
        windows.one(served=19, refused=1)

    assert windows.tempo.rate == UNBOUND


def test_a_limit_that_is_met_now_and_then_is_kept_to() -> None:
    windows = Windows()
    windows.one(served=20, refused=10)

    for _ in range(WEATHERED):
        for _ in range(PATIENT_WINDOWS):
            windows.one(served=20)
        windows.one(served=19, refused=1)

    assert windows.tempo.rate < UNBOUND


def test_a_wish_to_wait_is_heard_at_any_time() -> None:
    windows = Windows()
    for _ in range(IN_VAIN + 2):
        windows.one(served=20, refused=10)

    windows.tempo.refused(wait=5.0)

    assert windows.tempo.watching


def test_a_few_requests_tell_nothing_until_they_are_all_there_is() -> None:
    windows = Windows()

    windows.one(served=5, refused=5)
    early = windows.tempo.rate
    windows.now += LONGEST_WINDOW
    windows.tempo.served()

    assert early == UNBOUND
    assert windows.tempo.rate < UNBOUND


def test_a_time_of_refusing_everything_does_not_wash_a_limit_away() -> None:
    windows = Windows()
    windows.one(served=20, refused=10)

    for _ in range(2 * IN_VAIN):
        windows.one(refused=20)

    assert windows.tempo.rate < UNBOUND


def test_who_asks_for_less_than_the_rate_learns_nothing_of_the_limit() -> None:
    windows = Windows()
    windows.one(served=20, refused=10)
    found = windows.tempo.rate

    windows.one(served=20)
    unrefused = windows.tempo.rate
    windows.one(served=10, refused=10)

    assert unrefused == found
    assert windows.tempo.rate == pytest.approx(BELOW * found)
