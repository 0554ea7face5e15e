"""
One dimension of a quota: a limit per minute, kept by a bucket and by a window.

- The bucket sets the *pace*: it fills at the limit's speed and holds a quarter of a second's worth, or
  two of the largest requests; it starts empty.
- The *window* has what was granted within `WINDOW` seconds, and never more than the limit: so no sliding
  minute of the upstream's exceeds it either. What reached the upstream late counts for as much longer.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections import deque
from typing import NamedTuple

MINUTE = 60.0
WINDOW = 60.5
"""Seconds. Half a second more than a minute, because requests reach the upstream with unequal delays
and it counts on arrival. On a busy machine, or a slow line, one may come later than that: whoever
tells when its answer came (`Dimension.answered`) has it counted for longer."""
MARGIN = 0.1
"""Seconds. The quickest answer of all need not have had the shortest way there and back."""
BURST_SECONDS = 0.25
"""What the bucket holds, in seconds of its speed: coarser than the loop's timers, finer than a person."""
_ROUNDING = 1e-9
"""Tokens are sums of floats; a wait for the last billionth of one would never end."""


class Spent(NamedTuple):
    """A grant in the window, which is sorted by when they leave it."""

    until: float
    number: int
    """Tells grants of one moment apart."""
    cost: float
    counts_from: float
    """When it was granted, or left later than that."""
    answered: float = float("-inf")

    def counted(self, quickest: float) -> Spent:
        """Reached the upstream so long before the answer as the quickest of all took, or earlier."""
        late = self.answered - self.counts_from - quickest
        return self._replace(until=self.counts_from + max(WINDOW, MINUTE + MARGIN + late))


class Dimension:
    """Times are those of one clock, in seconds."""

    def __init__(self, limit: float, smallest_bucket: float) -> None:
        self.limit = limit
        self.tokens = 0.0
        self.refused: deque[Spent] = deque()
        """Those of the window that the upstream did not take."""
        self._smallest_bucket = smallest_bucket
        self._window: list[Spent] = []
        self._in_window = 0.0

    def fill(self, seconds: float) -> None:
        speed = self.limit / MINUTE
        capacity = max(self._smallest_bucket, speed * BURST_SECONDS)
        self.tokens = min(capacity, self.tokens + speed * seconds)

    def seconds_until(self, cost: float, *, now: float, rate: float) -> float:
        """How long until there is so much, at that share of the limit."""
        missing = cost - self.tokens
        pace = missing / (self.limit / MINUTE * rate) if missing > _ROUNDING else 0.0
        return max(
            pace, self._seconds_until_window(cost, now=now, most=max(cost, self.limit * rate))
        )

    def record(self, spent: Spent) -> None:
        insort(self._window, spent)
        self._in_window += spent.cost

    def give_back(self, spent: Spent, *, filled: bool) -> None:
        """`filled`: whether the bucket that it was taken from may have it again."""
        if self._take_out(spent):
            self._in_window -= spent.cost
            self.tokens += spent.cost if filled else 0.0

    def move(self, spent: Spent, *, to: float) -> Spent:
        """Have a grant stay in the window as long as one of that moment."""
        moved = spent._replace(until=to + WINDOW, counts_from=to)
        if self._take_out(spent):
            insort(self._window, moved)
        return moved

    def answered(self, spent: Spent, *, at: float, quickest: float) -> None:
        """Let a grant leave the window later than it would, if it was late; never earlier."""
        if self._take_out(spent):
            insort(self._window, spent._replace(answered=at).counted(quickest))

    def count_again(self, quickest: float) -> None:
        """The quickest answer of all was quicker than was thought."""
        self._window = sorted(spent.counted(quickest) for spent in self._window)

    def let_through(self, now: float) -> float:
        """What of the window the upstream did not refuse."""
        self._forget(now)
        return self._in_window - sum(spent.cost for spent in self.refused)

    def _take_out(self, spent: Spent) -> bool:
        """Whether it was there still."""
        place = bisect_left(self._window, spent)
        if self._window[place : place + 1] != [spent]:
            return False
        del self._window[place]
        return True

    def _forget(self, now: float) -> None:
        if self._window and self._window[0].until <= now:
            gone = bisect_right(self._window, now, key=lambda spent: spent.until)
            self._in_window -= sum(spent.cost for spent in self._window[:gone])
            del self._window[:gone]
        while self.refused and self.refused[0].counts_from <= now - WINDOW:
            self.refused.popleft()

    def _seconds_until_window(self, cost: float, *, now: float, most: float) -> float:
        self._forget(now)
        excess = self._in_window + cost - most
        if excess <= 0:
            return 0.0
        for spent in self._window:
            excess -= spent.cost
            if excess <= 0:
                return spent.until - now
        return WINDOW


def seconds_for(total: float, *, limit: float, largest: float) -> float:
    """
    How long `total` takes under one limit, asked for in pieces of `largest`.

    A window holds whole pieces only, and is a little longer than a minute.
    """
    per_window = limit // largest * largest
    windows, rest = divmod(total, per_window)
    return windows * WINDOW + rest / (limit / MINUTE)
