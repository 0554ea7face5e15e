"""Full batches at once, a short one at the end or after a while."""

import asyncio
from typing import Any

import pytest

from ingestor.kits.batching import batches
from ingestor.kits.channel import Channel


async def packed(items: list[int], **rules: Any) -> list[list[int]]:
    channel: Channel[int] = Channel(len(items) + 1)
    async with channel:
        for item in items:
            await channel.send(item)
    limits: dict[str, Any] = {"most": 4, "heaviest": 100, "linger": 1.0, **rules}
    return [batch async for batch in batches(channel, weigh=lambda item: item, **limits)]


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        pytest.param([], [], id="nothing makes no batch"),
        pytest.param([1, 1, 1, 1], [[1, 1, 1, 1]], id="a full batch leaves once"),
        pytest.param([1] * 5, [[1] * 4, [1]], id="the end sends what there is"),
        pytest.param([60, 50, 10], [[60], [50, 10]], id="weight closes a batch before count does"),
        pytest.param(
            [60, 50, 1, 1, 1, 1], [[60], [50, 1, 1, 1], [1]], id="what is left over counts as well"
        ),
        pytest.param([60, 40, 1], [[60, 40], [1]], id="the limit itself still fits"),
        pytest.param([200, 1], [[200], [1]], id="what is too heavy travels alone"),
    ],
)
async def test_a_batch_closes_by_count_by_weight_or_at_the_end(items, expected):
    assert await packed(items) == expected


@pytest.mark.looptime
async def test_a_short_batch_leaves_after_the_linger_time(looptime):
    channel: Channel[int] = Channel(4)
    packing = batches(channel, most=4, heaviest=9, weigh=lambda _: 1, linger=2.0)
    await channel.send(1)

    first = await anext(packing)

    assert (first, looptime) == ([1], 2)


@pytest.mark.looptime
async def test_what_weight_closes_does_not_linger(looptime):
    channel: Channel[int] = Channel(4)
    packing = batches(channel, most=4, heaviest=9, weigh=lambda _: 5, linger=2.0)
    await channel.send_all([1, 2])

    first = await anext(packing)

    assert (first, looptime) == ([1], 0)


@pytest.mark.looptime
async def test_the_linger_time_counts_from_the_first_item():
    channel: Channel[int] = Channel(4)
    packing = batches(channel, most=4, heaviest=9, weigh=lambda _: 1, linger=2.0)

    async def feed() -> None:
        for number in range(2):
            await channel.send(number)
            await asyncio.sleep(1.5)

    async with asyncio.TaskGroup() as group:
        group.create_task(feed())
        first = await anext(packing)
        left_at = asyncio.get_running_loop().time()

    assert first == [0, 1]
    assert left_at == 2
