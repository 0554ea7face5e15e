"""
What binds a run: where things pile up, looked at four times a second.

Photos travel to the right, so the stage that binds is the rightmost one with a queue before it.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Final

from ingestor.kits.beside import beside
from ingestor.kits.memory import Memory
from ingestor.kits.pacing import Adaptive
from ingestor.kits.quota import Quota
from ingestor.pipeline import Channels
from ingestor.report import Bottleneck

EVERY = 0.25
"""Seconds between looks."""
NEARLY_FULL = 0.9

ADVICE: Final = {
    "vision-quota": "Vision's quota binds, as it should. To go faster have the label quota raised in "
    "the Google Cloud console, then raise --images-per-minute (and --requests-per-minute).",
    "vision": "Vision's latency binds: raise --max-in-flight.",
    "images": "Downloads bind: raise --max-downloads, unless the image server is refusing.",
    "images-throttled": "The image server throttles downloads; the run adapts to what it allows.",
    "memory": "Image memory binds: raise --max-memory.",
    "database": "The database binds: it takes updates more slowly than they are made.",
    "flickr": "Flickr's listing binds; its 3,600 calls an hour allow 500 photos each.",
    "nothing-to-do": "Nothing was bought.",
    "nothing": "It was over before anything could bind.",
}


@dataclass(slots=True)
class Gauges:
    """The parts of one run that can pile up."""

    channels: Channels
    memory: Memory
    downloads: Adaptive
    calls: Adaptive
    quota: Quota
    seen: Counter[str] = field(default_factory=Counter)

    def watching(self) -> AbstractAsyncContextManager[object]:
        """Look now and then while in the block."""
        return beside(self._watch(), name="gauges")

    def binding(self) -> str | None:
        """What binds at this moment, if anything does."""
        channels = self.channels
        if len(channels.published) >= NEARLY_FULL * channels.published.capacity:
            return "database"
        if self.quota.waiting:
            return "vision-quota"
        if self.calls.in_flight >= int(self.calls.limit) and len(channels.images):
            return "vision"
        if self.memory.waiting:
            return "memory"
        if len(channels.photos):
            return "images-throttled" if self.downloads.cuts else "images"
        if self.downloads.in_flight or self.calls.in_flight:
            return None
        return "flickr"

    def verdict(self, *, bought: int) -> Bottleneck:
        """What bound most of the time."""
        name = next((name for name, _times in self.seen.most_common(1)), "nothing")
        if not bought:
            name = "nothing-to-do"
        return Bottleneck(name=name, advice=ADVICE[name])

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(EVERY)
            name = self.binding()
            if name is not None:
                self.seen[name] += 1
