"""How a run is doing, in one small file of the state directory: counts, queues, and what binds."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, Final

from ingestor import events
from ingestor.engines.beats import beating
from ingestor.engines.gauges import Gauges

FILE: Final = "live.json"
EVERY: Final = 1.0
"""Seconds between beats."""
MOST_POINTS: Final = 240
"""Of the curve; when it is full every second point goes, so that it always spans the whole run."""
POINT: Final = ("seconds", "listed", "downloaded", "annotated", "stored", "failed")
"""What a point of the curve holds: counts since the run began."""


class Heartbeat:
    """
    `take` is fed with every event of one run; `beating` writes while in the block. The curve goes by `clock`,
    the loop's: a wall clock that is set would fold it, or press it flat.
    """

    def __init__(
        self,
        state: Path,
        gauges: Gauges,
        *,
        clock: Callable[[], float],
        wall: Callable[[], float],
    ) -> None:
        self._path = state / FILE
        self._gauges = gauges
        self._clock = clock
        self._wall = wall
        self._run = ""
        self._started = wall()
        self._began = clock()
        self._counts: Counter[str] = Counter()
        self._totals: dict[str, int] = {}
        self._pages: dict[str, bool] = {}
        self._throttled: Counter[str] = Counter()
        self._answered = False
        """Whether Vision gave labels when it was last heard."""
        self._groups: tuple[str, ...] = ()
        self._limit: int | None = None
        self._stopping = ""
        self._points: list[tuple[float, ...]] = []
        self._beats = 0
        self._stride = 1

    def take(self, event: events.Event) -> None:
        match event:
            case events.RunStarted():
                self._run, self._groups, self._limit = event.run, event.groups, event.limit
                self._counts["listed"] += event.resumed
            case events.PageListed():
                self._counts["listed"] += event.listed
                self._counts["idle"] += event.known + event.skipped
                self._totals[event.group] = event.total
                self._pages[event.group] = event.page >= event.pages
            case events.UpstreamThrottled():
                self._throttled[event.upstream] += 1
            case events.RunStopping():
                self._stopping = event.reason
            case _:
                self._count(event)

    def _count(self, event: events.Event) -> None:
        match event:
            case events.ImageDownloaded():
                self._counts["downloaded"] += 1
            case events.BatchSettled():
                self._counts["annotated"] += event.annotated
                self._answered |= event.annotated > 0
            case events.AnnotationReused():
                self._counts["annotated"] += 1
            case events.UpdateStored():
                self._counts["stored"] += event.photos
            case events.PhotoFailed():
                self._counts["failed"] += 1
            case events.RetryScheduled():
                self._counts["retries"] += 1
                self._answered &= event.upstream != "vision"

    def beating(self) -> AbstractAsyncContextManager[None]:
        return beating(self._path, self._beat, every=EVERY, name="heartbeat")

    def _beat(self, *, ended: bool) -> Mapping[str, Any]:
        if not ended:
            self._note()
        return self._told(ended=ended)

    def _note(self) -> None:
        if self._beats % self._stride == 0:
            counts = (self._counts[name] for name in POINT[1:])
            self._points.append((round(self._clock() - self._began, 1), *counts))
            if len(self._points) > MOST_POINTS:
                self._points = self._points[::2]
                self._stride *= 2
        self._beats += 1

    def _told(self, *, ended: bool) -> Mapping[str, Any]:
        gauges = self._gauges
        binding = gauges.binding() or ""
        return {
            "run": self._run,
            "pid": os.getpid(),
            "started": self._started,
            "at": self._wall(),
            "ended": ended,
            "stopping": self._stopping,
            "groups": self._groups,
            "expected": self._expected(),
            "counts": {name: self._counts[name] for name in (*POINT[1:], "idle", "retries")},
            "throttled": self._throttled,
            "points": self._points,
            "queues": {
                name: [len(channel), channel.capacity]
                for name, channel in (
                    ("photos", gauges.channels.photos),
                    ("images", gauges.channels.images),
                    ("published", gauges.channels.published),
                )
            },
            "memory": [gauges.memory.held, gauges.memory.limit],
            "downloads": [gauges.downloads.in_flight, int(gauges.downloads.limit)],
            "calls": [gauges.calls.in_flight, int(gauges.calls.limit)],
            "quota": {
                "used": round(gauges.quota.used, 4),
                "limits": gauges.quota.limits,
                "rate": round(gauges.quota.rate, 4),
                "refused": gauges.quota.refused,
            },
            "binding": binding,
            "advice": gauges.advice(binding, answered=self._answered),
        }

    def _expected(self) -> int | None:
        """Photos that this run will meet; None until every group has said how many it has."""
        if self._groups and len(self._pages) == len(self._groups) and all(self._pages.values()):
            return self._counts["listed"]
        if len(self._totals) < len(self._groups) or not self._groups:
            return self._limit
        there = max(sum(self._totals.values()), self._counts["listed"])
        return there if self._limit is None else min(there, self._limit)
