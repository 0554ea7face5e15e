"""The machine as a whole ends, whenever it is stopped and whatever ends a stage."""

from __future__ import annotations

import asyncio

import pytest

from ingestor import pipeline
from ingestor.errors import RunStopped
from ingestor.kits.channel import Channel
from ingestor.kits.lifetime import Lifetime
from ingestor.models import Image, Photo, Published
from ingestor.pipeline import Channels

pytestmark = pytest.mark.looptime


async def nothing_more(photos: Channel[Photo]) -> None:
    async with photos:
        pass


async def flickr_stays_away(photos: Channel[Photo]) -> None:
    async with photos:
        await asyncio.sleep(1)
        raise RunStopped("Flickr did not answer.", reason="flickr-unavailable")


async def pass_nothing_on(photos: Channel[Photo], images: Channel[Image]) -> None:
    async with images:
        async for _ in photos:
            pass


async def annotate(images: Channel[Image], published: Channel[Published]) -> None:
    async with published:
        async for _ in images:
            pass


async def store(published: Channel[Published]) -> None:
    async for _ in published:
        pass


async def test_a_stop_before_the_first_step_ends_the_machine():
    lifetime = Lifetime(drain=8.0)
    lifetime.stop("SIGTERM")

    async with asyncio.timeout(60):
        await pipeline.run(
            Channels.opened(),
            discover=nothing_more,
            download=pass_nothing_on,
            annotate=annotate,
            store=store,
            lifetime=lifetime,
        )

    lifetime.close()


async def test_paid_calls_in_flight_are_awaited_when_the_listing_fails():
    lifetime = Lifetime(drain=8.0)
    answered: list[str] = []

    async def buy_slowly(images: Channel[Image], published: Channel[Published]) -> None:
        async with published:
            await asyncio.sleep(5)
            answered.append("a paid answer")

    await pipeline.run(
        Channels.opened(),
        discover=flickr_stays_away,
        download=pass_nothing_on,
        annotate=buy_slowly,
        store=store,
        lifetime=lifetime,
    )

    assert answered == ["a paid answer"]
    assert lifetime.reason == "flickr-unavailable"
    lifetime.close()
