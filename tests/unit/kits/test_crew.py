"""Workers with one item in hand each: everything is delivered once, and nobody holds up the end."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable

import pytest

from ingestor.kits.channel import Channel
from ingestor.kits.crew import LOOK, Crew

pytestmark = pytest.mark.looptime


class Yard:
    """Items take as many seconds as `seconds` says of each try; late is what takes more than one."""

    def __init__(self, seconds: Callable[[int, int], float]) -> None:
        self.clock = asyncio.get_running_loop().time
        self.seconds = seconds
        self.tries = Counter[int]()
        self.called_off = Counter[int]()
        self.begun: dict[int, float] = {}
        self.at_once = self.most_at_once = 0
        self.delivered: list[tuple[int, int]] = []
        self.bad: set[tuple[int, int]] = set()
        """Tries whose result does not count."""

    async def make(self, item: int) -> tuple[int, int]:
        self.tries[item] += 1
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        one = item, self.tries[item]
        self.begun.setdefault(item, self.clock())
        try:
            await asyncio.sleep(self.seconds(*one))
        except asyncio.CancelledError:
            self.called_off[item] += 1
            raise
        finally:
            self.at_once -= 1
        return one

    async def deliver(self, result: tuple[int, int]) -> None:
        await asyncio.sleep(0)
        self.delivered.append(result)

    def crew(self, size: int) -> Crew[int, tuple[int, int]]:
        return Crew(
            size,
            make=self.make,
            deliver=self.deliver,
            is_late=lambda item: self.clock() - self.begun[item] > 1.0,
            counts=lambda result: result not in self.bad,
            name="yard",
        )


def channel(count: int) -> AsyncIterator[int]:
    """For many readers at once, as a channel is."""
    left = iter(range(count))

    class Items:
        def __aiter__(self) -> Items:
            return self

        async def __anext__(self) -> int:
            await asyncio.sleep(0)
            try:
                return next(left)
            except StopIteration:
                raise StopAsyncIteration from None

    return Items()


async def test_everything_is_made_and_delivered_once():
    yard = Yard(lambda item, attempt: 0.5)

    await yard.crew(4).work(channel(10))

    assert sorted(yard.delivered) == [(item, 1) for item in range(10)]
    assert yard.clock() == pytest.approx(1.5, abs=2 * LOOK)


async def test_who_is_late_at_the_end_is_made_once_more_and_the_quicker_counts():
    yard = Yard(lambda item, attempt: 60.0 if (item, attempt) == (3, 1) else 0.5)

    await yard.crew(4).work(channel(10))

    assert sorted(yard.delivered) == [(item, 2 if item == 3 else 1) for item in range(10)]
    assert yard.called_off == {3: 1}
    assert yard.clock() < 3.0


async def test_a_first_that_is_quicker_after_all_counts():
    yard = Yard(lambda item, attempt: 2.0 if attempt == 1 else 60.0)

    await yard.crew(4).work(channel(2))

    assert sorted(yard.delivered) == [(0, 1), (1, 1)]
    assert yard.clock() < 2.0 + 2 * LOOK
    assert yard.called_off == {0: 1, 1: 1}


async def test_a_second_that_does_not_count_leaves_it_to_the_first():
    yard = Yard(lambda item, attempt: 5.0 if (item, attempt) == (0, 1) else 0.5)
    yard.bad = {(0, 2)}

    await yard.crew(2).work(channel(2))

    assert sorted(yard.delivered) == [(0, 1), (1, 1)]
    assert yard.tries[0] == 2


async def test_a_first_that_does_not_count_leaves_it_to_the_second():
    yard = Yard(lambda item, attempt: 3.0 if item == 0 else 0.5)
    yard.bad = {(0, 1)}

    await yard.crew(2).work(channel(2))

    assert sorted(yard.delivered) == [(0, 2), (1, 1)]
    assert yard.clock() < 5.0


async def test_of_two_that_do_not_count_one_is_delivered():
    yard = Yard(lambda item, attempt: 3.0 if item == 0 else 0.5)
    yard.bad = {(0, 1), (0, 2)}

    await yard.crew(2).work(channel(2))

    assert sorted(yard.delivered) == [(0, 1), (1, 1)]


async def test_nothing_is_made_twice_while_something_is_left_to_begin():
    yard = Yard(lambda item, attempt: 4.0 if item == 0 else 0.5)

    await yard.crew(2).work(channel(10))

    assert yard.tries == Counter(range(10))


async def test_no_more_are_made_at_once_than_there_are_workers():
    yard = Yard(lambda item, attempt: 60.0 if item < 3 and attempt == 1 else 0.5)

    await yard.crew(4).work(channel(4))

    assert sorted(yard.delivered) == [(0, 2), (1, 2), (2, 2), (3, 1)]
    assert yard.most_at_once == 4


async def test_stopping_ends_first_and_second_at_once():
    yard = Yard(lambda item, attempt: 60.0 if item == 0 else 0.5)
    crew = yard.crew(2)
    asyncio.get_running_loop().call_later(3.0, crew.stop)

    await crew.work(channel(2))

    assert yard.delivered == [(1, 1)]
    assert yard.called_off == {0: 2}
    assert yard.clock() == pytest.approx(3.0)


async def test_whoever_stops_it_begins_nothing_more():
    yard = Yard(lambda item, attempt: 0.0)
    waiting: Channel[int] = Channel(10)
    async with waiting:
        await waiting.send_all(range(10))

    async def deliver(result: tuple[int, int]) -> None:
        yard.delivered.append(result)
        crew.stop()

    crew = Crew(
        1,
        make=yard.make,
        deliver=deliver,
        is_late=lambda _: False,
        counts=lambda _: True,
        name="yard",
    )
    await crew.work(waiting)

    assert (yard.tries, yard.delivered) == ({0: 1}, [(0, 1)])


async def test_whoever_takes_long_to_be_stopped_gets_no_help():
    yard = Yard(lambda item, attempt: 60.0)

    async def make_and_tidy_up(item: int) -> tuple[int, int]:
        try:
            return await yard.make(item)
        except asyncio.CancelledError:
            # As a connection does that is being made to several addresses.
            await asyncio.sleep(1.0 if item == 0 else 0.0)
            raise

    crew = Crew(
        4,
        make=make_and_tidy_up,
        deliver=yard.deliver,
        is_late=lambda _: True,
        counts=lambda _: True,
        name="yard",
    )
    asyncio.get_running_loop().call_later(3.0, crew.stop)

    await crew.work(channel(10))

    assert yard.tries == Counter(range(4))
    assert yard.clock() == pytest.approx(4.0)


async def test_who_was_stopped_before_begins_nothing():
    yard = Yard(lambda item, attempt: 0.5)
    crew = yard.crew(2)
    crew.stop()

    await crew.work(channel(2))

    assert not yard.tries
