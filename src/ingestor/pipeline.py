"""
The whole machine on one page: which stage feeds which, through what.

    discover ══ photos ══▶ download ══ images ══▶ annotate ══ published ══▶ store

Backpressure runs from right to left; only "stop" enters at the left. What the stages need of the
outside comes in as functions.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass

from ingestor.errors import IngestorError, reason_of
from ingestor.kits.channel import Channel
from ingestor.kits.lifetime import Lifetime, Stopping
from ingestor.models import Image, Photo, Published

PHOTOS_AHEAD = 1000
"""Two pages: the next one is read while this one is being downloaded."""
IMAGES_AHEAD = 64
"""Images waiting for a batch, four batches; the byte budget is the bound that matters."""
RESULTS_AHEAD = 1000
"""Annotations that wait for the store. When it is slow, buying stops here: what cannot be stored is
not paid for."""

Discover = Callable[[Channel[Photo]], Coroutine[None, None, None]]
Download = Callable[[Channel[Photo], Channel[Image]], Coroutine[None, None, None]]
Annotate = Callable[[Channel[Image], Channel[Published]], Coroutine[None, None, None]]
Store = Callable[[Channel[Published]], Coroutine[None, None, None]]


@dataclass(frozen=True, slots=True)
class Channels:
    """What lies between the stages, for whoever shows how full it is."""

    photos: Channel[Photo]
    images: Channel[Image]
    published: Channel[Published]

    @classmethod
    def opened(cls) -> Channels:
        return cls(Channel(PHOTOS_AHEAD), Channel(IMAGES_AHEAD), Channel(RESULTS_AHEAD))


async def run(
    channels: Channels,
    *,
    discover: Discover,
    download: Download,
    annotate: Annotate,
    store: Store,
    lifetime: Lifetime,
) -> None:
    """
    Start the stages in the order photos travel; return when the last photo has left.

    An error that ends discovery stops the run, and no more: paid calls in flight are awaited.
    """

    async def open_front_door() -> None:
        try:
            await discover(channels.photos)
        except Stopping:
            return
        except IngestorError as error:
            lifetime.stop(reason_of(error), error)

    async with asyncio.TaskGroup() as stages:
        front_door = stages.create_task(open_front_door(), name="discover")
        stages.create_task(download(channels.photos, channels.images), name="download")
        stages.create_task(annotate(channels.images, channels.published), name="annotate")
        stages.create_task(store(channels.published), name="store")
        with lifetime.at_stop(front_door.cancel):
            await asyncio.wait((front_door,))
            # Stopped before its first step, it did not live to own its channel.
            channels.photos.close()
