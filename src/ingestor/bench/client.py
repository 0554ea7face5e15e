"""
`python -m ingestor.bench.client FILE`: one run, in the process that is measured.

FILE holds the settings as JSON. What is seen goes to stdout, a line of JSON each: how far the run is,
four times a second, and at last its report with what it cost. Nothing else runs in here.
"""

from __future__ import annotations

import asyncio
import gc
import resource
import sys
import time
from array import array
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import orjson

from ingestor import events
from ingestor.bench.sampling import Sampler
from ingestor.engines import local
from ingestor.kits.beside import beside
from ingestor.kits.lifetime import Lifetime
from ingestor.kits.loops import fast_loop
from ingestor.settings import Settings

EVERY: Final = 0.25
"""Seconds between two lines."""
LOOK: Final = 0.02
"""Seconds between two looks at the loop's lag."""
PLACES: Final = 5
"""Of a step's seconds: ten microseconds are as good as it gets."""
STEPS: Final = ("downloaded", "annotated", "stored")
WARM: Final = 0.25
"""The share of photos after which the costs of one more are counted: the start is over by then."""


class Watch:
    """What one run shows of itself; a listener."""

    def __init__(self, photos: int, *, say: Callable[[dict[str, Any]], None]) -> None:
        self._photos = photos
        self._say = say
        self.begun = time.perf_counter()
        self.counts: defaultdict[str, int] = defaultdict(int)
        self.seconds: defaultdict[str, array[float]] = defaultdict(lambda: array("d"))
        """Eight bytes each: what is looked at shall not grow by being looked at."""
        self.lags: list[float] = []
        self.warm: dict[str, float] | None = None

    def listen(self, event: events.Event) -> None:
        match event:
            case events.ImageDownloaded():
                self.counts["downloaded"] += 1
                self.seconds["download"].append(event.seconds)
            case events.BatchSettled():
                self.counts["annotated"] += event.annotated
                self.seconds["annotate"].append(event.seconds)
            case events.UpdateStored():
                self.counts["stored"] += event.photos
                self.seconds["store"].append(event.seconds)
                if self.warm is None and self.counts["stored"] >= WARM * self._photos:
                    self.warm = self.spent()
            case events.UpstreamThrottled() | events.RetryScheduled():
                self.counts[type(event).__name__] += 1

    def spent(self) -> dict[str, float]:
        usage = resource.getrusage(resource.RUSAGE_SELF)
        return {
            **{step: self.counts[step] for step in STEPS},
            "wall": time.perf_counter() - self.begun,
            "user": usage.ru_utime,
            "system": usage.ru_stime,
            "faults": usage.ru_minflt,
        }

    def tell(self) -> None:
        recent, self.lags = self.lags, []
        self._say(
            {
                "at": time.perf_counter() - self.begun,
                **self.counts,
                "rss": resident(),
                "lag": max(recent, default=0.0),
            }
        )
        self.seconds["lag"].extend(recent)

    async def tell_now_and_then(self) -> None:
        last = 0.0
        while True:
            before = time.perf_counter()
            await asyncio.sleep(LOOK)
            now = time.perf_counter()
            self.lags.append(max(0.0, now - before - LOOK))
            if now - last >= EVERY:
                last = now
                self.tell()


def main(file: str) -> int:
    """Run what FILE says; the exit code is the run's."""
    asked = orjson.loads(Path(file).read_bytes())
    settings = settings_in(asked)
    with runner_for(asked) as runner:
        return runner.run(_run(settings, split=asked["split"]))


def settings_in(asked: Mapping[str, Any]) -> Settings:
    """Those of a FILE: JSON knows neither paths nor tuples."""
    given = asked["settings"]
    return Settings.read(
        **{**given, "state": Path(given["state"]), "groups": tuple(given["groups"])}
    )


def runner_for(asked: Mapping[str, Any]) -> asyncio.Runner:
    """On the event loop that is asked for, if it is installed."""
    return asyncio.Runner(loop_factory=None if asked["loop"] == "asyncio" else fast_loop())


async def _run(settings: Settings, *, split: bool) -> int:
    watch = Watch(settings.limit or 1, say=_say)
    lifetime = Lifetime(drain=settings.drain)
    with _sampling(split) as sampler:
        async with beside(watch.tell_now_and_then(), name="watch"):
            report = await local.ingest(settings, listen=watch.listen, lifetime=lifetime)
    end = watch.spent()
    watch.tell()
    _say(
        {
            "final": {
                "report": report.as_json(),
                "warm": watch.warm,
                "end": end,
                "seconds": {
                    name: [round(one, PLACES) for one in several]
                    for name, several in watch.seconds.items()
                },
                "split": sampler.shares() if sampler else {},
                "garbage": gc.get_stats(),
                "loop": type(asyncio.get_running_loop()).__module__.partition(".")[0],
            }
        }
    )
    return report.exit_code


def resident() -> int:
    """Bytes of memory that this process holds now; 0 where the system does not tell."""
    try:
        pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
    except OSError:
        return 0
    return int(pages) * resource.getpagesize()


@contextmanager
def _sampling(split: bool) -> Iterator[Sampler | None]:
    if not split:
        yield None
        return
    sampler = Sampler()
    with sampler.running():
        yield sampler


def _say(line: dict[str, Any]) -> None:
    sys.stdout.write(orjson.dumps(line, default=str).decode() + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
