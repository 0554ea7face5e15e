"""One timer for all connections of an upstream: deadlines, trickles, and rest that lasts too long."""

from __future__ import annotations

import asyncio
from typing import Protocol

EARLY = 0.001
"""Seconds by which a loop's timers may come too early; uvloop counts in milliseconds."""


class Watched(Protocol):
    due: float
    """The loop's time at which somebody must look, at the latest."""

    def look(self, now: float) -> None:
        """Judge yourself; called several times a window, and once you are due."""
        ...

    def close(self) -> None: ...


class Watch:
    """
    Looks at everything it watches every `step` seconds, never sooner again, and at what is due before
    that in between.

    A timer for each request would cost more than all else that a request needs of the loop.
    """

    def __init__(self, *, step: float) -> None:
        self._step = step
        self._loop = asyncio.get_running_loop()
        self._watched: dict[Watched, None] = {}
        """In the order in which they came: of what is late together the first is given up first."""
        self._timer: asyncio.TimerHandle | None = None
        self._next = float("inf")
        self._round = 0.0
        """When everything is looked at again, at the earliest."""

    def add(self, watched: Watched) -> None:
        self._watched[watched] = None
        self.expect(min(watched.due, self._loop.time() + self._step))

    def remove(self, watched: Watched) -> None:
        self._watched.pop(watched, None)

    def expect(self, due: float) -> None:
        """Look then, at the latest."""
        if due < self._next:
            self._stop()
            self._next = due
            self._timer = self._loop.call_at(due, self._look)

    def close(self) -> None:
        """Close everything that is watched."""
        for watched in tuple(self._watched):
            watched.close()
        self._stop()

    def _stop(self) -> None:
        self._next = float("inf")
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        now = self._loop.time()
        self._next = float("inf")
        whole_round = now >= self._round - EARLY
        if whole_round:
            self._round = now + self._step
        for watched in tuple(self._watched):
            if whole_round or now >= watched.due:
                watched.look(now)
        if self._watched:
            earliest = min(watched.due for watched in self._watched)
            self.expect(min(max(earliest, now), self._round))
