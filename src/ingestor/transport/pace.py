"""The minimum rate: an answer that trickles, or does not begin, is given up, however long its deadline is."""

from __future__ import annotations

import asyncio
from collections import deque

WINDOW_SECONDS = 5.0
"""The rate is judged over this long, so that one lost packet does not end a download."""
LOOKS = 5
"""How often within a window; the window slides in steps of a fifth. Taste."""
SILENT_WINDOWS = 3
"""
So long an answer may take to begin: a server has to look for what it sends, and one that hangs holds a
worker, one of 64. Taste.
"""


class Rate:
    """Judges a count that only grows, by what came in the last window; look `LOOKS` times in each."""

    __slots__ = ("_counts", "_needed")

    def __init__(self, *, needed: float) -> None:
        """`needed`: how much must come within every window."""
        self._needed = needed
        self._counts: deque[int] = deque(maxlen=LOOKS + 1)

    def too_low(self, count: int) -> bool:
        self._counts.append(count)
        return len(self._counts) > LOOKS and count - self._counts[0] < self._needed

    def forget(self) -> None:
        """Begin a new window: until now it was our own doing."""
        self._counts.clear()


class Pace:
    """
    Counts what arrives, and lets the exchange's clock run out when it is too little.

    A timer of its own looks at the count a few times per window; nothing is done per chunk.
    """

    __slots__ = (
        "_clock",
        "_loop",
        "_rate",
        "_step",
        "_timer",
        "paused",
        "received",
        "tripped",
    )

    def __init__(self, clock: asyncio.Timeout, *, slowest: float, window: float) -> None:
        self._clock = clock
        self._rate = Rate(needed=slowest * window) if slowest > 0 else None
        self._step = window / LOOKS
        self._timer: asyncio.TimerHandle | None = None
        self.received = 0
        self.paused = False
        """Set while we, not the sender, hold up the answer."""
        self.tripped = False

    def start(self) -> None:
        if self._rate is not None:
            self._loop = asyncio.get_running_loop()
            self._rate.too_low(self.received)
            self._timer = self._loop.call_later(self._step, self._look, self._rate)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _look(self, rate: Rate) -> None:
        if self.paused:
            rate.forget()
        if rate.too_low(self.received):
            self.tripped = True
            self._clock.reschedule(self._loop.time())
            return
        self._timer = self._loop.call_later(self._step, self._look, rate)
