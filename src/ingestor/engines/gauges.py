"""
What binds a run: where things pile up, looked at four times a second.

Photos travel to the right, so the stage that binds is the rightmost one with a queue before it.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Final

from ingestor.journal.ledger import Units
from ingestor.kits.beside import beside
from ingestor.kits.memory import Memory
from ingestor.kits.pacing import Adaptive
from ingestor.kits.quota import Quota
from ingestor.pipeline import Channels
from ingestor.report import Bottleneck

EVERY = 0.25
"""Seconds between looks."""
NEARLY_FULL = 0.9
"""Of a channel: whoever sends to it then waits most of the time (taste)."""
BUSY = 0.9
"""Of a core: Python does no more in one process, and something is always waited for."""

ADVICE: Final = {
    "vision-quota": "Vision's quota binds, as it should. To go faster have the label quota raised in "
    "the Google Cloud console, then raise --images-per-minute (and --requests-per-minute).",
    "vision": "Vision's latency binds: raise --max-in-flight.",
    "images": "Downloads bind: raise --max-downloads.",
    "cpu": "This machine's CPU binds: a faster core helps, or several processes, each with its part of "
    "the quota.",
    "images-throttled": "The image server throttles downloads; the run adapts to what it allows.",
    "memory": "Image memory binds: raise --max-memory.",
    "database": "The database binds: it takes updates more slowly than they are made.",
    "flickr": "Flickr's listing binds: each of its --flickr-calls-per-hour lists 500 photos at most.",
    "nothing-to-do": "Nothing was bought.",
    "nothing": "It was over before anything could bind.",
}
BELOW_THE_CEILING: Final = {
    "vision": "Vision's latency binds; how many calls are in flight follows from it by itself.",
    "images": "Downloads bind; how many go on at once is still being raised, step by step.",
}
"""Where a setting allows more than is being used, raising it changes nothing."""
REFUSED: Final = (
    "Vision's quota binds, and refuses for speed: it is less than --images-per-minute and "
    "--requests-per-minute say, or others use it, too. Set them to what the Google Cloud console shows."
)
USED_UP: Final = 0.9
"""Of the quota: less, after refusals, and there is none of that size (taste)."""
SILENT: Final = "Paid calls wait for Vision, which gives no labels."


@dataclass(slots=True)
class Gauges:
    """The parts of one run that can pile up."""

    channels: Channels
    memory: Memory
    downloads: Adaptive
    calls: Adaptive
    quota: Quota
    seen: Counter[str] = field(default_factory=Counter)
    held: Counter[str] = field(default_factory=Counter)
    """Of what was seen, how often it was a ceiling that held it."""
    cpu: Callable[[], float] = time.process_time
    """Seconds that this process has used."""
    busy: bool = False
    """Whether it had no more to give between the last two looks."""

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
            if self.busy:
                return "cpu"
            return "images-throttled" if self.downloads.cuts else "images"
        if self.downloads.in_flight or self.calls.in_flight or channels.photos.ended:
            return None
        return "flickr"

    def advice(self, name: str, *, answered: bool) -> str:
        """What to do about what binds at this moment; `answered`: whether Vision gives labels."""
        return self._advice(name, held=self._holds(name), answered=answered)

    def verdict(self, units: Units) -> Bottleneck:
        """What bound most of the time in a run that bought this much."""
        name = next((name for name, _times in self.seen.most_common(1)), "nothing")
        if not units.at_most:
            name = "nothing-to-do"
        elif name == "vision-quota" and not self.quota.used:
            # The bucket is empty at first, so the only request there was waited, too.
            name = "nothing"
        elif name == "vision-quota" and not units.certain:
            name = "vision"
        held = 2 * self.held[name] >= self.seen[name]
        advice = self._advice(name, held=held, answered=units.certain > 0)
        return Bottleneck(name=name, advice=advice)

    def _advice(self, name: str, *, held: bool, answered: bool) -> str:
        if name == "vision" and not answered:
            return SILENT
        if name == "vision-quota" and self.quota.refused and self.quota.used < USED_UP:
            return REFUSED
        return ADVICE.get(name, "") if held else BELOW_THE_CEILING[name]

    def _holds(self, name: str) -> bool:
        """Whether it is a setting that allows no more."""
        slots = {"vision": self.calls, "images": self.downloads}.get(name)
        return slots is None or int(slots.limit) >= slots.ceiling

    async def _watch(self) -> None:
        clock = asyncio.get_running_loop().time
        used, at, begun = self.cpu(), clock(), False
        while True:
            await asyncio.sleep(EVERY)
            used, at, before, since = self.cpu(), clock(), used, at
            self.busy = used - before >= BUSY * (at - since)
            name = self.binding()
            # Until the first photo comes everything waits for the listing: that is how a run begins.
            begun = begun or name != "flickr"
            if begun and name is not None:
                self.seen[name] += 1
                self.held[name] += self._holds(name)
