"""Concurrency that finds its own limit."""

import asyncio

import pytest

from ingestor.kits.pacing import CUT, Adaptive

# Who waits in vain is told at once, however busy the machine is.
pytestmark = pytest.mark.looptime


async def test_no_more_work_than_slots_is_in_flight():
    slots = Adaptive(start=2, ceiling=8)
    most = 0

    async def work() -> None:
        nonlocal most
        await slots.enter()
        most = max(most, slots.in_flight)
        await asyncio.sleep(0)
        slots.leave()

    async with asyncio.TaskGroup() as group:
        for _ in range(10):
            group.create_task(work())

    assert most == 2
    assert slots.in_flight == 0


async def test_success_grows_one_slot_per_window():
    slots = Adaptive(start=4, ceiling=64)

    for _ in range(5):
        slots.succeeded()

    assert 5 <= slots.limit < 5.2


async def test_the_ceiling_holds():
    slots = Adaptive(start=4, ceiling=5)

    for _ in range(100):
        slots.succeeded()

    assert slots.limit == 5


async def test_a_burst_of_refusals_cuts_once():
    slots = Adaptive(start=10, ceiling=64)

    first, second = await slots.enter(), await slots.enter()
    slots.too_much(first)
    slots.too_much(second)

    assert slots.limit == pytest.approx(7)
    assert slots.cuts == 1


async def test_a_cancelled_wait_gives_its_slot_to_the_next():
    slots = Adaptive(start=1, ceiling=1)
    await slots.enter()
    first, second = (asyncio.create_task(slots.enter()) for _ in range(2))
    await asyncio.sleep(0)

    slots.leave()
    first.cancel()
    await asyncio.wait_for(second, 1)

    assert slots.in_flight == 1


async def test_a_machine_that_does_not_keep_up_has_fewer_at_once_and_never_fewer_than_at_the_start():
    slots = Adaptive(start=8, ceiling=64)
    for _ in range(3000):
        slots.succeeded()
    assert slots.limit == 64

    slots.strained()
    assert int(slots.limit) == int(64 * CUT)
    for _ in range(20):
        slots.strained()
        slots.succeeded()

    assert slots.limit == 8


async def test_a_machine_that_keeps_up_again_has_as_many_as_ever():
    slots = Adaptive(start=8, ceiling=64)
    for _ in range(20):
        slots.strained()

    for _ in range(64):
        slots.relieved()
        for _ in range(64):
            slots.succeeded()

    assert slots.limit == 64
