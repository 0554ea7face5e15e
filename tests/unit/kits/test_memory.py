"""Memory that is reserved before it is used."""

import asyncio

import pytest

from ingestor.kits.memory import STUCK, Memory

# Who waits in vain is told at once, however busy the machine is.
pytestmark = pytest.mark.looptime


async def test_memory_holds_back_what_does_not_fit():
    memory = Memory(100)
    await memory.reserve(60)
    waiting = asyncio.create_task(memory.reserve(50))
    await asyncio.sleep(0)
    held_back = not waiting.done()

    memory.release(60)
    await waiting

    assert held_back
    assert memory.held == 50


async def test_what_is_larger_than_all_memory_waits_to_be_alone():
    memory = Memory(100)
    await memory.reserve(10)
    waiting = asyncio.create_task(memory.reserve(500))
    await asyncio.sleep(0)
    assert not waiting.done()

    memory.release(10)
    await waiting

    assert memory.held == 500


async def test_what_grows_waits_for_room_and_goes_before_what_is_new():
    memory = Memory(100)
    await memory.reserve(90)
    new = asyncio.create_task(memory.reserve(10))
    growing = asyncio.create_task(memory.grow(20))
    await asyncio.sleep(0)
    newer = asyncio.create_task(memory.reserve(5))
    await asyncio.sleep(0)
    assert not growing.done()

    memory.release(20)
    await growing

    assert not newer.done()
    assert memory.held == 100
    memory.release(40)
    await asyncio.gather(new, newer)
    assert memory.held == 65


async def test_items_that_wait_for_each_other_pass_the_limit_one_at_a_time():
    memory = Memory(100)
    await memory.reserve(100)
    grown: list[int] = []

    async def grow(size: int) -> None:
        await memory.grow(size)
        grown.append(memory.held)
        memory.release(size)

    async with asyncio.TaskGroup() as group:
        for _ in range(3):
            group.create_task(grow(20))

    assert grown == [120, 120, 120]


async def test_only_one_of_many_that_are_stuck_passes_the_limit_at_a_time():
    memory = Memory(100)
    await memory.reserve(100)
    growing = [asyncio.create_task(memory.grow(20)) for _ in range(5)]

    await asyncio.sleep(STUCK * 1.5)
    after_one, passed = memory.held, sum(task.done() for task in growing)
    await asyncio.gather(*growing)

    assert (after_one, passed) == (120, 1)
    assert memory.held == 200


async def test_of_those_that_are_stuck_the_first_passes_whoever_looks_first():
    memory = Memory(100)
    await memory.reserve(100)
    first = asyncio.create_task(memory.grow(20))
    await asyncio.sleep(STUCK / 2)
    memory.release(1)  # The first is told when it looks next, and waits anew.
    second = asyncio.create_task(memory.grow(20))

    await asyncio.wait((first, second), return_when=asyncio.FIRST_COMPLETED)

    assert (first.done(), second.done()) == (True, False)
    await second


async def test_nobody_new_goes_before_what_grows_even_where_it_would_fit():
    memory = Memory(100)
    await memory.reserve(90)
    growing = asyncio.create_task(memory.grow(20))
    await asyncio.sleep(0)

    new = asyncio.create_task(memory.reserve(10))
    await asyncio.sleep(0)

    assert not new.done()
    memory.release(20)
    await asyncio.gather(growing, new)


async def test_the_limit_holds_as_long_as_anything_is_given_back(looptime):
    memory = Memory(100)
    await memory.reserve(100)
    growing = asyncio.create_task(memory.grow(20))

    for _ in range(3):
        await asyncio.sleep(STUCK / 2)
        memory.release(1)
    held_back = not growing.done()
    await growing

    assert held_back
    assert looptime == pytest.approx(3 * STUCK, abs=STUCK / 2)


async def test_a_growth_that_nobody_waits_for_any_more_gives_its_bytes_back():
    memory = Memory(100)
    await memory.reserve(100)
    growing = asyncio.create_task(memory.grow(20))
    await asyncio.sleep(0)

    memory.release(50)
    growing.cancel()
    await asyncio.wait((growing,))

    assert growing.cancelled()
    assert memory.held == 50


async def test_a_cancelled_growth_lets_the_next_one_pass():
    memory = Memory(100)
    await memory.reserve(90)
    first, second = (asyncio.create_task(memory.grow(size)) for size in (50, 10))
    await asyncio.sleep(0)

    first.cancel()
    await asyncio.wait_for(second, STUCK / 2)

    assert memory.held == 100


async def test_a_cancelled_reservation_gives_its_bytes_back():
    memory = Memory(100)
    await memory.reserve(100)
    first, second = (asyncio.create_task(memory.reserve(60)) for _ in range(2))
    await asyncio.sleep(0)

    memory.release(100)
    first.cancel()
    await asyncio.wait_for(second, 1)

    assert first.cancelled()
    assert memory.held == 60
