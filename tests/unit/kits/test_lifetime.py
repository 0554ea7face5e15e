"""Stop at the front door, drain, then cut."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest

from ingestor.kits.lifetime import Lifetime, Stopping, signals


async def test_the_first_reason_is_kept():
    lifetime = Lifetime(drain=1.0)

    lifetime.stop("max-units")
    lifetime.stop("SIGTERM")
    lifetime.close()

    assert lifetime.reason == "max-units"


@pytest.mark.looptime
async def test_the_cut_follows_when_the_grace_period_is_over(looptime):
    lifetime = Lifetime(drain=8.0)
    cut = asyncio.Event()

    with lifetime.at_cut(cut.set):
        lifetime.stop("SIGTERM")
        await cut.wait()

    assert looptime == 8


@pytest.mark.looptime
async def test_what_stops_by_itself_is_in_no_hurry_until_a_signal_comes():
    lifetime = Lifetime(drain=8.0)
    cut: list[float] = []
    started = lifetime.clock()

    with lifetime.at_cut(lambda: cut.append(lifetime.clock() - started)):
        lifetime.stop("max-units", RuntimeError("a ceiling"))
        await asyncio.sleep(100)
        lifetime.stop("SIGTERM")
        await asyncio.sleep(20)

    assert cut == [pytest.approx(108)]
    assert lifetime.reason == "max-units"


@pytest.mark.looptime
async def test_stopping_ends_a_rest_at_once(looptime):
    lifetime = Lifetime(drain=8.0)
    resting = asyncio.create_task(lifetime.rest(3600))
    await asyncio.sleep(1)

    lifetime.stop("SIGINT")

    with pytest.raises(Stopping):
        await resting
    lifetime.close()
    assert looptime == 1


async def test_who_comes_late_is_told_at_once():
    lifetime = Lifetime(drain=1.0)
    lifetime.stop("SIGINT")
    told: list[str] = []

    with lifetime.at_stop(lambda: told.append("stop")):
        pass
    lifetime.close()

    assert told == ["stop"]


async def signalled(number: signal.Signals) -> None:
    """Send ourselves a signal, and wait until the loop has heard it."""
    loop = asyncio.get_running_loop()
    heard = asyncio.Event()
    # Signals come through the loop's pipe in the order in which they were sent.
    loop.add_signal_handler(signal.SIGUSR1, heard.set)
    try:
        for each in (number, signal.SIGUSR1):
            os.kill(os.getpid(), each)
        await heard.wait()
    finally:
        loop.remove_signal_handler(signal.SIGUSR1)


async def test_a_second_signal_cuts():
    lifetime = Lifetime(drain=60.0)

    with signals(lifetime):
        await signalled(signal.SIGTERM)
        after_one = (lifetime.reason, lifetime.cut_short)
        await signalled(signal.SIGTERM)
    lifetime.close()

    assert after_one == ("SIGTERM", False)
    assert lifetime.cut_short


async def test_a_terminal_that_closes_stops_without_a_hurry():
    lifetime = Lifetime(drain=60.0)

    with signals(lifetime):
        await signalled(signal.SIGHUP)
        await signalled(signal.SIGHUP)
    lifetime.close()

    assert (lifetime.reason, lifetime.cut_short) == ("SIGHUP", False)


async def test_under_nohup_a_terminal_may_close():
    lifetime = Lifetime(drain=60.0)
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with signals(lifetime):
            await signalled(signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)

    assert not lifetime.stopping


class Door:
    """Opens when it is let; notes what becomes of it."""

    def __init__(self) -> None:
        self.may_open = asyncio.Event()
        self.opened = 0
        self.closed = 0

    @asynccontextmanager
    async def __call__(self) -> AsyncIterator[str]:
        await self.may_open.wait()
        self.opened += 1
        try:
            yield "open"
        finally:
            self.closed += 1


async def test_what_is_open_stays_open_until_the_end_of_the_block():
    lifetime, door = Lifetime(drain=1.0), Door()
    door.may_open.set()

    async with lifetime.opening(door()) as said:
        lifetime.stop("SIGTERM")
        await asyncio.sleep(0)
        assert (said, door.closed) == ("open", 0)
    lifetime.close()

    assert (door.opened, door.closed) == (1, 1)


async def test_what_is_not_open_when_stopping_begins_is_not_waited_for():
    lifetime, door = Lifetime(drain=1.0), Door()

    async def go_in() -> None:
        async with lifetime.opening(door()):
            pytest.fail("nobody may come in any more")

    going_in = asyncio.create_task(go_in())
    await asyncio.sleep(0)
    lifetime.stop("SIGTERM")

    with pytest.raises(Stopping):
        await going_in
    lifetime.close()
    assert (door.opened, door.closed) == (0, 0)


async def test_nothing_is_opened_that_is_to_stop_already():
    lifetime, door = Lifetime(drain=1.0), Door()
    door.may_open.set()
    lifetime.stop("SIGTERM")
    lifetime.close()

    with pytest.raises(Stopping):
        async with lifetime.opening(door()):
            pytest.fail("nobody may come in any more")

    assert door.opened == 0


class Stubborn(Door):
    """Opens all the same when it is told not to."""

    @asynccontextmanager
    async def __call__(self) -> AsyncIterator[str]:
        with suppress(asyncio.CancelledError):
            await self.may_open.wait()
        yield "open"


async def test_what_opens_all_the_same_leaves_nobody_cancelled():
    lifetime, door = Lifetime(drain=1.0), Stubborn()

    async def go_in() -> int:
        async with lifetime.opening(door()):
            return asyncio.current_task().cancelling()  # type: ignore[union-attr]

    going_in = asyncio.create_task(go_in())
    await asyncio.sleep(0)
    lifetime.stop("SIGTERM")
    lifetime.close()

    assert await going_in == 0


async def test_who_is_cancelled_while_it_opens_is_not_told_of_a_stop():
    lifetime, door = Lifetime(drain=1.0), Door()
    going_in = asyncio.create_task(lifetime.opening(door()).__aenter__())
    await asyncio.sleep(0)

    going_in.cancel()
    lifetime.stop("SIGTERM")
    lifetime.close()
    await asyncio.wait((going_in,))

    assert going_in.cancelled()
