"""
`python holding.py FILE`: a run whose paid calls are never answered, and what it holds meanwhile.

FILE holds settings as JSON. Once every picture is under way, and nothing moves any more, the bytes of
memory that this process holds go to stdout.
"""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path

import orjson

from ingestor import events
from ingestor.bench.client import resident, runner_for, settings_in
from ingestor.engines import local
from ingestor.kits.lifetime import Lifetime
from ingestor.settings import Settings

LOOK = 0.5
IDLE = 0.05
"""Seconds between two looks, and of CPU within them that still count as rest."""


async def run(settings: Settings) -> int:
    came = 0

    def listen(event: events.Event) -> None:
        nonlocal came
        came += isinstance(event, events.ImageDownloaded)

    async with asyncio.TaskGroup() as group:
        running = group.create_task(
            local.ingest(settings, listen=listen, lifetime=Lifetime(drain=0.0)), name="run"
        )
        used = time.process_time()
        while came < (settings.limit or 0) or time.process_time() - used > IDLE:
            used = time.process_time()
            await asyncio.sleep(LOOK)
        held = resident()
        running.cancel()
    return held


if __name__ == "__main__":
    asked = orjson.loads(Path(sys.argv[1]).read_bytes())
    with runner_for(asked) as runner:
        sys.stdout.write(str(runner.run(run(settings_in(asked)))))
