"""
`python -m ingestor.bench.counted FILE`: one run, in a process of its own, which counts what it costs.

FILE holds settings as JSON, and what to count; see `counts`. One line of JSON goes to stdout.
"""

from __future__ import annotations

import cProfile
import resource
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import orjson

from ingestor import events
from ingestor.bench.client import runner_for, settings_in
from ingestor.engines import local
from ingestor.journal.writer import Journal
from ingestor.kits.lifetime import Lifetime
from ingestor.report import Report
from ingestor.settings import Settings

ONE_FOR_ALL = sys.version_info >= (3, 12)
"""Whether a profile counts what every thread does; then there can be one only."""


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


async def run(settings: Settings, thread: ThreadPoolExecutor, *, listen: events.Listener) -> Report:
    return await local.ingest(
        settings,
        listen=listen,
        lifetime=Lifetime(drain=settings.drain),
        open_journal=lambda path: Journal(path, thread=thread),
    )


def calls_in(profile: cProfile.Profile) -> int:
    # Not `create_stats`, which keeps one of all functions that share a place: every dataclass's own.
    profile.disable()
    return sum(entry.callcount for entry in profile.getstats())


def main(file: str) -> None:
    asked: dict[str, Any] = orjson.loads(Path(file).read_bytes())
    faults = Faults(asked["filled"])
    counting = asked["count"] == "calls"
    ours, journals = cProfile.Profile(), cProfile.Profile()
    # Each of the two threads that work has one of its own, where a profile sees one thread.
    apart = counting and not ONE_FOR_ALL
    thread = ThreadPoolExecutor(1, initializer=journals.enable if apart else lambda: None)
    with (
        runner_for(asked) as runner,
        ours if counting else nullcontext(),
    ):
        report = runner.run(run(settings_in(asked), thread, listen=faults.listen))
    pictures = report.calls["images"]
    said = {
        "stored": report.stored,
        "faults": faults.a_photo(),
        "calls": calls_in(ours) + calls_in(journals) if counting else 0,
        "connections": pictures["requests"] - pictures["reused_connections"],
    }
    sys.stdout.write(orjson.dumps(said).decode())


if __name__ == "__main__":
    main(sys.argv[1])
