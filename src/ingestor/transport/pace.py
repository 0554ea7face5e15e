"""The minimum rate: an answer that trickles is given up, however long its deadline is."""

from __future__ import annotations

import asyncio
from collections import deque

WINDOW_SECONDS = 5.0
"""The rate is judged over this long, so that one lost packet does not end a download."""
LOOKS = 5
"""How often within a window; the window slides in steps of a fifth. Taste."""


class Pace:
    """
    Counts what arrives, and lets the exchange's clock run out when it is too little.

    A timer of its own looks at the count a few times per window; nothing is done per chunk.
    """

    __slots__ = (
        "_clock",
        "_counts",
        "_loop",
        "_needed",
        "_step",
        "_timer",
        "paused",
        "received",
        "tripped",
    )

    def __init__(self, clock: asyncio.Timeout, *, slowest: float, window: float) -> None:
        self._clock = clock
        self._needed = slowest * window
        self._step = window / LOOKS
        self._counts: deque[int] = deque(maxlen=LOOKS + 1)
        self._timer: asyncio.TimerHandle | None = None
        self.received = 0
        self.paused = False
        """Set while we, not the sender, hold up the answer."""
        self.tripped = False

    def start(self) -> None:
        if self._needed > 0:
            self._loop = asyncio.get_running_loop()
            self._counts.append(self.received)
            self._timer = self._loop.call_later(self._step, self._look)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _look(self) -> None:
        if self.paused:
            self._counts.clear()
        self._counts.append(self.received)
        if len(self._counts) > LOOKS and self._counts[-1] - self._counts[0] < self._needed:
            self.tripped = True
            self._clock.reschedule(self._loop.time())
            return
        self._timer = self._loop.call_later(self._step, self._look)
