"""
ingestor's download leg for `compare`: `python downloads.py PORT PHOTOS` prints what it cost as JSON.

The run's own discovery and downloads, with every check, the hash, the caps and the memory budget; at
their end nothing is bought or stored.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from ours import bench_settings, measured

from ingestor import events
from ingestor.engines.run import FIRST_DOWNLOADS
from ingestor.kits.allocator import keep_usual_blocks
from ingestor.kits.channel import Channel
from ingestor.kits.lifetime import Lifetime
from ingestor.kits.memory import Memory
from ingestor.kits.pacing import Adaptive
from ingestor.models import Failure, Image, Photo
from ingestor.pipeline import Channels
from ingestor.services import ListedPage, open_services
from ingestor.settings import Settings
from ingestor.stages.discover import discover
from ingestor.stages.download import Downloader, download


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A page of which every photo is wanted."""

    fresh: Sequence[Photo]

    @property
    def new_to_run(self) -> int:
        return len(self.fresh)


async def run(settings: Settings) -> int:
    """How many pictures came."""
    keep_usual_blocks()
    lifetime = Lifetime(drain=settings.drain)
    memory = Memory(settings.image_memory)
    channels = Channels.opened()

    async def sight(group: str, _number: int, page: ListedPage, room: int | None) -> Seen:
        photos, _unusable = page.photos_and_failures(group)
        return Seen(fresh=photos[:room])

    async with open_services(settings, lifetime=lifetime, listen=events.ignore) as services:
        downloader = Downloader(
            fetch=services.fetch,
            slots=Adaptive(start=FIRST_DOWNLOADS, ceiling=settings.max_downloads),
            memory=memory,
            lifetime=lifetime,
            patience=settings.patience,
            clock=asyncio.get_running_loop().time,
            listen=events.ignore,
        )
        async with asyncio.TaskGroup() as stages:
            stages.create_task(
                discover(
                    channels.photos,
                    groups=settings.groups,
                    limit=settings.limit,
                    list_page=services.list_page,
                    sight=sight,
                    take_pending=none_pending,
                    stopping=lambda: lifetime.stopping,
                ),
                name="discover",
            )
            stages.create_task(
                download(
                    channels.photos,
                    channels.images,
                    image_of=downloader.image_of,
                    is_late=downloader.is_late,
                    failed=failed,
                    workers=settings.max_downloads,
                    lifetime=lifetime,
                ),
                name="download",
            )
            return await count(channels.images, memory)


async def count(images: Channel[Image], memory: Memory) -> int:
    came = 0
    async for image in images:
        came += 1
        memory.release(image.reserved)
    return came


async def none_pending(_most: int, /, *, listed: bool) -> Sequence[Photo]:  # noqa: ARG001
    return ()


async def failed(failure: Failure) -> None:
    raise RuntimeError(f"{failure.photo_id}: {failure.reason}")


if __name__ == "__main__":
    measured(lambda port, photos, state: run(bench_settings(port, photos, state)))
