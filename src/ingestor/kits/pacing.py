"""
Concurrency that finds its own limit: additive increase, multiplicative decrease.

One more at a time after each window of successes, a cut to 0.7 when the upstream shows that it is too
much. And where it is this machine that has too much to do, more at once gets nothing done sooner: then
`most` goes down, as far as the start.
"""

from __future__ import annotations

import asyncio
from collections import deque

CUT = 0.7
"""
What is left of a limit; CUBIC's (RFC 9438) rather than the half of older TCPs, for the way back up is by
one slot at a time.
"""


class Adaptive:
    """Slots for work in flight; `limit` moves between 1 and `most`, which is `ceiling` at the most."""

    def __init__(self, *, start: int, ceiling: int) -> None:
        self.ceiling = ceiling
        self.most = float(ceiling)
        self._start = float(min(start, ceiling))
        self.limit = self._start
        self.in_flight = 0
        self.cuts = 0
        self._epoch = 0
        self._line: deque[asyncio.Future[None]] = deque()

    async def enter(self) -> int:
        """Wait for a slot; whoever enters leaves. Returns the epoch to hand back to `too_much`."""
        if not self._line and self.in_flight < int(self.limit):
            self.in_flight += 1
            return self._epoch
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._line.append(place)
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled():
                self.leave()
            raise
        return self._epoch

    def leave(self) -> None:
        self.in_flight -= 1
        self._serve()

    def set_limit(self, limit: int) -> None:
        """For whoever knows the need and does not have to search for it."""
        self.limit = float(max(1, min(limit, self.ceiling)))
        self._serve()

    def succeeded(self) -> None:
        """Grow by one slot per `limit` successes: about one per round trip of a full window."""
        self.limit = min(self.most, self.limit + 1 / self.limit)
        self._serve()

    def strained(self) -> None:
        """This machine does not keep up with what is in flight."""
        self.most = max(self._start, min(self.most, self.limit) * CUT)
        self.limit = min(self.limit, self.most)

    def relieved(self) -> None:
        """It keeps up."""
        self.most = min(float(self.ceiling), self.most + 1)

    def too_much(self, epoch: int) -> None:
        """Cut once for all the work that was started under the same limit."""
        if epoch != self._epoch:
            return
        self._epoch += 1
        self.cuts += 1
        self.limit = max(1.0, self.limit * CUT)

    def _serve(self) -> None:
        while self._line and self.in_flight < int(self.limit):
            place = self._line.popleft()
            if not place.done():
                self.in_flight += 1
                place.set_result(None)
