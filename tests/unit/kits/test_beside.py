"""Work beside a block: as long as the block, and no secret from it."""

import asyncio

import pytest

from ingestor.kits.beside import beside

pytestmark = pytest.mark.looptime


async def tick(ticks: list[float]) -> None:
    while True:
        ticks.append(asyncio.get_running_loop().time())
        await asyncio.sleep(1)


async def test_work_goes_on_as_long_as_the_block():
    ticks: list[float] = []

    async with beside(tick(ticks), name="tick"):
        await asyncio.sleep(2.5)
    await asyncio.sleep(5)

    assert ticks == [0, 1, 2]


async def test_what_the_block_raises_leaves_as_it_is():
    with pytest.raises(ValueError, match="ours"):
        async with beside(tick([]), name="tick"):
            raise ValueError("ours")


async def test_a_bug_of_the_work_is_heard_of_at_the_end():
    async def stumble() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        async with beside(stumble(), name="stumble"):
            await asyncio.sleep(1)

    assert asyncio.get_running_loop().time() == 1


async def test_who_is_cancelled_while_the_work_ends_hears_of_it():
    async def end_slowly() -> None:
        try:
            await asyncio.sleep(100)
        finally:
            await asyncio.sleep(2)

    async def block() -> None:
        async with beside(end_slowly(), name="slow"):
            await asyncio.sleep(1)

    task = asyncio.create_task(block(), name="block")
    await asyncio.sleep(2)
    task.cancel()
    await asyncio.wait((task,))

    assert task.cancelled()
