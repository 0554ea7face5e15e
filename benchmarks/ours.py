"""ingestor's own run for `compare`: `python ours.py PORT PHOTOS` prints what it cost as JSON."""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine
from pathlib import Path

from ingestor.engines import local
from ingestor.kits.lifetime import Lifetime
from ingestor.kits.loops import fast_loop
from ingestor.settings import Settings

UNBOUND = 100_000_000


async def run(port: int, photos: int, state: Path) -> int:
    settings = bench_settings(port, photos, state)
    report = await local.ingest(settings, lifetime=Lifetime(drain=settings.drain))
    return report.stored


def bench_settings(port: int, photos: int, state: Path) -> Settings:
    """Everything from the far end on this port; nobody counts."""
    origin = f"http://127.0.0.1:{port}"
    return Settings.read(
        groups=("bench",),
        limit=photos,
        state=state,
        flickr_url=f"{origin}/services/rest/",
        image_url=origin,
        vision_url=origin,
        database_url=f"{origin}/?ns=bench",
        flickr_api_key="canary",
        google_api_key="canary",
        images_per_minute=UNBOUND,
        requests_per_minute=UNBOUND,
    )


def measured(way: Callable[[int, int, Path], Coroutine[None, None, int]]) -> None:
    """Go one way for the PORT and PHOTOS of the command line, and say what it cost."""
    port, photos = int(sys.argv[1]), int(sys.argv[2])
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as state, asyncio.Runner(loop_factory=fast_loop()) as runner:
        done = runner.run(way(port, photos, Path(state)))
    usage = resource.getrusage(resource.RUSAGE_SELF)
    print(
        json.dumps(
            {
                "photos": done,
                "cpu": usage.ru_utime + usage.ru_stime,
                "seconds": time.perf_counter() - began,
                "peak_mb": usage.ru_maxrss / 1024,
            }
        )
    )


if __name__ == "__main__":
    measured(run)
