"""Images in: what is bought, and what a stop leaves for the next run."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from ingestor.apis.vision import annotate_request
from ingestor.kits.channel import Channel
from ingestor.kits.lifetime import Lifetime
from ingestor.kits.memory import Memory
from ingestor.kits.pacing import Adaptive
from ingestor.models import Failure, Image, Published
from ingestor.services import BYTES_PER_REQUEST, IMAGES_PER_REQUEST, weigh_image
from ingestor.stages.annotate import Buy, annotate
from ingestor.transport import Parts
from tests.builders import FEATURES, a_published, an_image

pytestmark = pytest.mark.looptime

MOST_OF_VISION, HEAVIEST_OF_VISION = 16, 10_000_000
"""Images, and bytes of JSON: what Vision takes in one request."""


async def annotated(images: Sequence[Image], buy: Buy, **given: Any) -> None:
    """Send the images through the stage, one at a time unless it is said otherwise."""
    waiting: Channel[Image] = Channel(len(images))
    await waiting.send_all(images)
    waiting.close()
    usual: dict[str, Any] = {
        "published": Channel(len(images)),
        "most": 1,
        "heaviest": 1,
        "weigh": lambda _: 1,
        "text_beside": lambda _: 0,
        "slots": Adaptive(start=1, ceiling=1),
        "memory": Memory(1000),
        "lifetime": Lifetime(drain=8.0),
    }
    async with asyncio.timeout(60):
        await annotate(waiting, buy=buy, **(usual | given))


async def test_the_text_of_a_call_under_way_is_held_beside_its_images():
    memory = Memory(1000)
    held: list[int] = []

    async def buy(batch: Sequence[Image]) -> Sequence[Published | Failure]:
        held.append(memory.held)
        return []

    await memory.reserve(7)
    await annotated([an_image("100", reserved=7)], buy, memory=memory, text_beside=lambda _: 50)

    assert (held, memory.held) == ([57], 0)


async def test_a_batch_that_waited_for_a_place_is_not_bought_after_the_cut():
    lifetime, memory = Lifetime(drain=8.0), Memory(1000)
    bought: list[str] = []

    async def buy(batch: Sequence[Image]) -> Sequence[Published | Failure]:
        bought.extend(image.photo.id for image in batch)
        await asyncio.Event().wait()
        raise AssertionError

    await memory.reserve(2 * 7)
    asyncio.get_running_loop().call_later(1, lifetime.cut)
    images = [an_image(number, reserved=7) for number in ("100", "101")]
    await annotated(images, buy, lifetime=lifetime, memory=memory)

    assert (bought, memory.held) == (["100"], 0)


async def test_a_place_is_given_back_by_every_batch_that_waited_for_it_past_the_stop():
    lifetime, memory = Lifetime(drain=8.0), Memory(1000)

    async def buy(batch: Sequence[Image]) -> Sequence[Published | Failure]:
        lifetime.stop("SIGTERM")
        await asyncio.sleep(1)
        return []

    await memory.reserve(3 * 7)
    images = [an_image(number, reserved=7) for number in ("100", "101", "102")]
    await annotated(images, buy, lifetime=lifetime, memory=memory)

    assert memory.held == 0


async def test_what_was_bought_in_vain_does_not_reach_the_store():
    published: Channel[Published] = Channel(2)

    async def buy(batch: Sequence[Image]) -> Sequence[Published | Failure]:
        return [
            Failure(photo_id="100", stage="annotate", reason="vision-refused"),
            a_published("101"),
        ]

    await annotated(
        [an_image("100"), an_image("101")], buy, published=published, most=2, heaviest=2
    )

    assert [one.photo.id async for one in published] == ["101"]


async def test_a_request_has_at_most_sixteen_images_and_ten_megabytes():
    sent: list[tuple[int, int]] = []

    async def buy(batch: Sequence[Image]) -> Sequence[Published | Failure]:
        body = annotate_request(batch, FEATURES, url="https://vision.example", headers={}).body
        assert isinstance(body, Parts)
        sent.append((len(batch), body.length))
        return []

    contents = [b"\xff\xd8\xff"] * 40 + [b"\xff\xd8\xff" + bytes(1_700_000)] * 20
    images = [an_image(str(at), content=content) for at, content in enumerate(contents)]
    await annotated(
        images, buy, most=IMAGES_PER_REQUEST, heaviest=BYTES_PER_REQUEST, weigh=weigh_image
    )

    assert sum(count for count, _ in sent) == 60
    assert max(count for count, _ in sent) == MOST_OF_VISION
    assert 8_000_000 < max(length for _, length in sent) < HEAVIEST_OF_VISION


async def test_a_store_that_takes_nothing_stops_the_buying():
    bought: list[str] = []

    async def buy(batch: Sequence[Image]) -> Sequence[Published | Failure]:
        bought.extend(image.photo.id for image in batch)
        return [a_published(image.photo.id) for image in batch]

    images = [an_image(str(number)) for number in range(100, 110)]
    with pytest.raises(TimeoutError):
        await annotated(images, buy, published=Channel(2), slots=Adaptive(start=3, ceiling=3))

    assert len(bought) == 2 + 3, "two wait in the channel, and one in each place"
