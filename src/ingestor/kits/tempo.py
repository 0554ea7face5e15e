"""
How fast an upstream lets itself be asked that does not say so: nobody knows until it refuses.

Slots alone do not find such a limit: below one request for each slot and round trip any number of
them is too many or too few, and each look for the edge costs many refusals. But not every refusal
means a limit: where asking less does not help, it is weather.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable

UNBOUND = float("inf")
WINDOW = 1.0
"""Seconds over which is counted what was served; the limits of servers are mostly by the second."""
FEW, LONGEST_WINDOW = 20, 10.0
"""A window lasts until so many requests have ended, or so many seconds have passed."""
TOO_MANY, BY_CHANCE = 0.1, 2.0
"""
The share of refusals in a window that hints at a limit (taste), and by how many standard deviations there
have to be more: where 7 % are refused for no reason, every tenth window of ninety has as much as that share,
and one in two thousand so much more.
"""
CHANCE = 4
"""
Refusals in a window that hint at nothing. Where one request in fifty is refused, three of twenty are in every
140th window and five in one of 26,000; and who asks for little would have a limit of that little.
"""
IN_VAIN = 3
"""Windows cut in vain; a limit is met by the first or the second."""
MADE_UP_FOR = 0.2
"""
Of a window cut in vain, by one without a refusal: at a limit it takes five or more to grow back to it.
With one refusal in fifty, which is weather, every third window has one, and a limit that was only
weather from the beginning would be cut down to nothing, for ever.
"""
REMEMBERED = 60.0
"""
Seconds for which the share that was refused in vain is taken for the weather's. Only where it becomes more
meanwhile, now that more is asked, is there a limit after all.
"""
BELOW = 0.95
"""Of what was served when the edge was passed: what is asked for from then on."""
STEEPEST_CUT = 0.5
"""A window may have been a bad one; the next one cuts again."""
SLOWEST = 1.0
"""Requests a second."""
GROWTH, STEEPEST_GROWTH = 0.01, 0.1
"""Of the rate, a window: slowly near the edge, and faster the longer none was met."""
PATIENT_WINDOWS = 5
"""So many windows without a cut double the growth."""
RECOVERY = 1.5
"""Times the rate, a window, after a cut that went too deep, until the edge is near."""
NEAR = 0.8
"""Of the edge that was found."""
FORGET = 0.8
"""What a window with too many refusals leaves of an edge that was found before."""


class Tempo:
    """While it is not `watching`, nothing has to be told to it, and nobody has to wait."""

    def __init__(self, *, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.watching = False
        self.rate = UNBOUND
        """Requests a second."""
        self.weather = False
        """Some were refused in the last window, and that hints at no limit."""
        self._edge = UNBOUND
        self._next = self._since = clock()
        self._served = self._refused = self._uncut = 0
        self._in_vain = 0.0
        self._usual = TOO_MANY
        """The share of refusals that hints at nothing, until `_again`."""
        self._again = clock()
        self._waited = False
        """Somebody did in this window: who asks for less than the rate learns nothing of the edge."""
        self._dark = False
        """Nobody was served in the window before: what is asked for then is no measure of a limit."""
        self._line = asyncio.Lock()

    async def turn(self) -> None:
        """Wait until a request may leave."""
        async with self._line:
            due = self._clock()
            while due < self._next:
                # A refusal may put it off while we wait.
                due, self._waited = self._next, True
                await asyncio.sleep(due - self._clock())
            self._next = max(self._next, self._clock()) + 1 / self.rate

    def served(self) -> None:
        self._served += 1
        self._look()

    def refused(self, *, wait: float = 0.0) -> None:
        """`wait`: seconds that the upstream asked for; nobody has a turn before."""
        now = self._clock()
        if not self.watching:
            self.watching, self._since = True, now
        self._next = max(self._next, now + wait)
        self._refused += 1
        self._look()

    def _look(self) -> None:
        now = self._clock()
        elapsed, asked = now - self._since, self._served + self._refused
        if elapsed < WINDOW or (asked < FEW and elapsed < LONGEST_WINDOW):
            return
        share = self._usual if now < self._again else TOO_MANY
        if self.rate < UNBOUND or self._refused > max(CHANCE, _at_most(share * asked)):
            self._judge(self._served / elapsed)
        self.weather = self.rate == UNBOUND and self._refused > 0
        self.watching = self.rate < UNBOUND or self._next > now or self.weather
        self._dark = not self._served
        self._since, self._served, self._refused, self._waited = now, 0, 0, False

    def _judge(self, served: float) -> None:
        if not self._refused:
            self._in_vain = max(0.0, self._in_vain - MADE_UP_FOR)
            if self._waited:
                self._grow()
        elif self._in_vain < IN_VAIN or not served:
            self._in_vain += served > 0
            self._cut(served)
        else:
            # It refuses however little is asked: that is weather, and no limit.
            self._in_vain = 0.0
            self.rate = self._edge = UNBOUND
            self._usual = max(TOO_MANY, _at_most(self._refused) / (self._refused + self._served))
            self._again = self._clock() + REMEMBERED

    def _cut(self, served: float) -> None:
        self._uncut = 0
        if self.rate == UNBOUND:
            self.rate = max(BELOW * served, SLOWEST)
            return
        if not self._waited:
            served = self.rate  # as far as anybody knows
        if served and not self._dark:
            # Who is refused everything learns nothing of where the edge was.
            found = self._edge if self._edge < UNBOUND else self.rate
            self._edge = max(BELOW * served, FORGET * found)
        self.rate = max(min(self.rate, BELOW * served), STEEPEST_CUT * self.rate, SLOWEST)

    def _grow(self) -> None:
        self._uncut += 1
        if self.rate < NEAR * self._edge:
            self.rate = min(self.rate * RECOVERY, NEAR * self._edge)
        else:
            steps = self._uncut // PATIENT_WINDOWS
            self.rate *= 1 + min(GROWTH * 2**steps, STEEPEST_GROWTH)


def _at_most(expected: float) -> float:
    """What few windows have more of, where they have so many on the average."""
    return expected + BY_CHANCE * math.sqrt(expected)
