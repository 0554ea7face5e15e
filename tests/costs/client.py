"""One run in a process of its own, which counts what it costs; see test_costs."""

from __future__ import annotations

import asyncio
import cProfile
import json
import resource
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path

from ingestor import events
from ingestor.engines import local
from ingestor.journal.writer import Journal
from ingestor.kits.lifetime import Lifetime
from ingestor.settings import Settings

MEMORY = 48
"""Megabytes for images: full after some hundred of them, and from then on every buffer is an old one."""


class Faults:
    """How many there were when the `first` photo had been bought, and when the last had."""

    def __init__(self, first: int) -> None:
        self._first = first
        self._bought = 0
        self._seen: list[tuple[int, int]] = []

    def listen(self, event: events.Event) -> None:
        if isinstance(event, events.BatchSettled):
            self._bought += event.annotated
            if self._bought >= self._first:
                faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
                self._seen.append((self._bought, faults))

    def a_photo(self) -> float:
        (start, few), (end, many) = self._seen[0], self._seen[-1]
        return (many - few) / (end - start)


async def run(settings: Settings, thread: ThreadPoolExecutor, *, listen: events.Listener) -> int:
    report = await local.ingest(
        settings,
        listen=listen,
        lifetime=Lifetime(drain=settings.drain),
        open_journal=lambda path: Journal(path, thread=thread),
    )
    return report.stored


def calls_in(profile: cProfile.Profile) -> int:
    # Not `create_stats`, which keeps one of all functions that share a place: every dataclass's own.
    profile.disable()
    return sum(entry.callcount for entry in profile.getstats())


def main(text: str) -> None:
    asked = json.loads(text)
    settings = Settings.read(
        groups=("zoo",),
        limit=asked["photos"],
        max_memory=MEMORY,
        state=Path(asked["state"]),
        images_per_minute=100_000_000,
        requests_per_minute=100_000_000,
        **asked["addresses"],
    )
    faults = Faults(asked["filled"])
    counting = asked["count"] == "calls"
    ours, journals = cProfile.Profile(), cProfile.Profile()
    # A profile sees one thread: each of the two that work has one of its own.
    thread = ThreadPoolExecutor(1, initializer=journals.enable if counting else lambda: None)
    with ours if counting else nullcontext():
        stored = asyncio.run(run(settings, thread, listen=faults.listen))
    calls = calls_in(ours) + calls_in(journals) if counting else 0
    sys.stdout.write(json.dumps({"stored": stored, "faults": faults.a_photo(), "calls": calls}))


if __name__ == "__main__":
    main(sys.argv[1])
