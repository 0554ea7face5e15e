"""Images in: what is bought, and what a stop leaves for the next run."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from ingestor.kits.channel import Channel
from ingestor.kits.lifetime import Lifetime
from ingestor.kits.pacing import Adaptive, Memory
from ingestor.models import Failure, Image, Published
from ingestor.stages.annotate import annotate
from tests.builders import a_published, an_image

pytestmark = pytest.mark.looptime


async def test_a_batch_that_waited_for_a_place_is_not_bought_after_the_cut():
    lifetime = Lifetime(drain=8.0)
    bought: list[str] = []

    async def buy(batch: Sequence[Image]) -> Sequence[Published | Failure]:
        bought.extend(image.photo.id for image in batch)
        await asyncio.Event().wait()
        raise AssertionError

    images: Channel[Image] = Channel(10)
    for number in ("100", "101"):
        await images.send(an_image(number))
    images.close()
    async with asyncio.timeout(60):
        asyncio.get_running_loop().call_later(1, lifetime.cut)
        await annotate(
            images,
            Channel(10),
            buy=buy,
            most=1,
            weigh=lambda _: 1,
            slots=Adaptive(start=1, ceiling=1),
            memory=Memory(1000),
            lifetime=lifetime,
        )

    assert bought == ["100"]


async def test_a_store_that_takes_nothing_stops_the_buying():
    lifetime = Lifetime(drain=8.0)
    bought: list[str] = []

    async def buy(batch: Sequence[Image]) -> Sequence[Published | Failure]:
        bought.extend(image.photo.id for image in batch)
        return [a_published(image.photo.id) for image in batch]

    images: Channel[Image] = Channel(10)
    await images.send_all([an_image(str(number)) for number in range(100, 110)])
    images.close()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(60):
            await annotate(
                images,
                Channel(2),
                buy=buy,
                most=1,
                weigh=lambda _: 1,
                slots=Adaptive(start=3, ceiling=3),
                memory=Memory(1000),
                lifetime=lifetime,
            )

    assert len(bought) == 2 + 3, "two wait in the channel, and one in each place"
