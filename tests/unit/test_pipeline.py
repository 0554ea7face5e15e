"""The machine as a whole ends, whenever it is stopped and whatever ends a stage."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import Iterator, Sequence
from functools import partial

import pytest

from ingestor import pipeline
from ingestor.errors import RunStopped
from ingestor.kits.channel import Channel
from ingestor.kits.lifetime import Lifetime
from ingestor.kits.memory import Memory
from ingestor.kits.pacing import Adaptive
from ingestor.models import Failure, Image, Photo, Published
from ingestor.pipeline import Channels
from ingestor.stages.annotate import annotate as annotate_stage
from ingestor.stages.download import download as download_stage
from tests.builders import a_photo, a_published, a_size

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

    assert lifetime.reason == "SIGTERM"
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


class Traced(Image, frozen=True, weakref=True):
    """One whose end can be seen."""


@pytest.fixture
def _no_collector() -> Iterator[None]:
    """What goes has to go by itself."""
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("_no_collector")
async def test_no_picture_outlives_its_place_in_the_budget():
    """What a waiting stage still held would be memory that nobody counts."""
    lifetime = Lifetime(drain=8.0)
    seen: list[weakref.ref[Traced]] = []
    left: list[bool] = []

    async def image_of(photo: Photo) -> Image:
        image = Traced(photo=photo, content=b"", sha256="", size=a_size(), reserved=0)
        seen.append(weakref.ref(image))
        return image

    async def buy(batch: Sequence[Image]) -> Sequence[Published | Failure]:
        return [a_published(image.photo.id) for image in batch]

    async def wait_for_more(photos: Channel[Photo]) -> None:
        async with photos:
            await photos.send_all([a_photo(str(number)) for number in range(40)])
            await asyncio.sleep(60)
            left.extend(image() is not None for image in seen)

    async def failed(_: Failure) -> None: ...

    await pipeline.run(
        Channels.opened(),
        discover=wait_for_more,
        download=partial(
            download_stage,
            image_of=image_of,
            is_late=lambda _: False,
            failed=failed,
            workers=3,
            lifetime=lifetime,
        ),
        annotate=partial(
            annotate_stage,
            buy=buy,
            most=16,
            heaviest=1000,
            weigh=lambda _: 1,
            text_beside=lambda _: 0,
            slots=Adaptive(start=4, ceiling=4),
            memory=Memory(1000),
            lifetime=lifetime,
        ),
        store=store,
        lifetime=lifetime,
    )

    assert left == [False] * 40
    lifetime.close()
