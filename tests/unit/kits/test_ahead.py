"""One call begun ahead: taken once, and called off where nobody wants it any more."""

import asyncio
import gc

import pytest

from ingestor.kits.ahead import Ahead

pytestmark = pytest.mark.looptime


class Calls:
    """What was asked for, and how it went."""

    def __init__(self) -> None:
        self.begun: list[int] = []
        self.called_off: list[int] = []

    async def double(self, number: int) -> int:
        self.begun.append(number)
        try:
            await asyncio.sleep(1.0)
        except asyncio.CancelledError:
            self.called_off.append(number)
            raise
        if number < 0:
            raise ValueError("negative")
        return 2 * number


async def test_what_was_begun_goes_on_meanwhile_and_is_asked_for_once():
    calls, clock = Calls(), asyncio.get_running_loop().time
    async with Ahead(calls.double, name="ahead") as ahead:
        first = await ahead.take(1)
        ahead.begin(2)
        await asyncio.sleep(1.0)
        second = await ahead.take(2)

    assert (first, second, clock()) == (2, 4, 2.0)
    assert calls.begun == [1, 2]


async def test_what_nobody_takes_is_called_off_at_the_end():
    calls = Calls()
    async with Ahead(calls.double, name="ahead") as ahead:
        ahead.begin(2)
        await asyncio.sleep(0.5)

    assert calls.called_off == [2]
    assert asyncio.get_running_loop().time() == 0.5


async def test_what_failed_is_raised_where_it_is_taken_and_nowhere_else():
    calls, complaints = Calls(), []
    asyncio.get_running_loop().set_exception_handler(
        lambda _, complaint: complaints.append(complaint)
    )
    async with Ahead(calls.double, name="ahead") as ahead:
        ahead.begin(-1)
        await asyncio.sleep(2.0)
        with pytest.raises(ValueError, match="negative"):
            await ahead.take(-1)
        ahead.begin(-2)
        await asyncio.sleep(2.0)
    # What nobody has asked a task for, it tells when it is collected.
    gc.collect()

    assert not complaints


async def test_whoever_waits_and_is_cancelled_takes_the_call_along():
    calls = Calls()

    async def wait() -> None:
        async with Ahead(calls.double, name="ahead") as ahead:
            ahead.begin(3)
            await ahead.take(3)

    waiting = asyncio.create_task(wait(), name="wait")
    await asyncio.sleep(0.5)
    waiting.cancel()
    await asyncio.wait((waiting,))

    assert waiting.cancelled()
    assert calls.called_off == [3]


async def test_another_call_than_the_one_begun_is_refused():
    calls = Calls()
    async with Ahead(calls.double, name="ahead") as ahead:
        ahead.begin(4)
        with pytest.raises(RuntimeError, match="under way"):
            ahead.begin(5)
        with pytest.raises(RuntimeError, match="under way"):
            await ahead.take(5)
    assert calls.begun == []
