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

from ingestor.engines import local
from ingestor.journal.writer import Journal
from ingestor.kits.lifetime import Lifetime
from ingestor.settings import Settings


async def run(settings: Settings, thread: ThreadPoolExecutor) -> int:
    report = await local.ingest(
        settings,
        lifetime=Lifetime(drain=settings.drain),
        open_journal=lambda path: Journal(path, thread=thread),
    )
    return report.stored


def calls_in(profile: cProfile.Profile) -> int:
    profile.create_stats()
    return sum(entry[1] for entry in profile.stats.values())


def main(text: str) -> None:
    asked = json.loads(text)
    settings = Settings.read(
        groups=("zoo",),
        limit=asked["photos"],
        state=Path(asked["state"]),
        images_per_minute=100_000_000,
        requests_per_minute=100_000_000,
        **asked["addresses"],
    )
    counting = asked["count"] == "calls"
    ours, journals = cProfile.Profile(), cProfile.Profile()
    # A profile sees one thread: each of the two that work has one of its own.
    thread = ThreadPoolExecutor(1, initializer=journals.enable if counting else lambda: None)
    with ours if counting else nullcontext():
        stored = asyncio.run(run(settings, thread))
    faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    calls = calls_in(ours) + calls_in(journals) if counting else 0
    sys.stdout.write(json.dumps({"stored": stored, "faults": faults, "calls": calls}))


if __name__ == "__main__":
    main(sys.argv[1])
