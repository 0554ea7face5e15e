"""The minimum rate: an answer that trickles, or does not begin, is given up, however long its deadline is."""

from __future__ import annotations

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
