"""
Permits under several limits per minute at once: all dimensions or none, first come first served.

It grants only what exists. Two rules hold for every dimension together:

- *pace*: a bucket fills at the limit's speed (times `rate`, see below) and holds a quarter of a
  second's worth, or two of the largest requests; it starts empty;
- *window*: what was granted within any `WINDOW` seconds never exceeds the limit, so that no sliding
  minute of the upstream's does either; what reached it late counts for as much longer.

A refusal for speed cuts `rate` to 0.7 for everybody, but not below nine tenths of what the upstream
let through within the last window: that much is left for us, whoever else uses the quota. From there it
rises like a connection of TCP's (CUBIC, RFC 9438): slower and slower to a little below what was let
through, then faster and faster. So somebody else's share is seldom asked for, and is soon ours when he
has gone. While it is cut the window is cut with it, because the upstream still counts what was sent
before.
"""

from __future__ import annotations

import asyncio
import itertools
from bisect import bisect_left, bisect_right, insort
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Self

MINUTE = 60.0
WINDOW = 60.5
"""Seconds. Half a second more than a minute, because requests reach the upstream with unequal delays
and it counts on arrival. On a busy machine, or a slow line, one may come later than that: whoever
tells when its answer came (`Quota.answered`) has it counted for longer."""
MARGIN = 0.1
"""Seconds. The quickest answer of all need not have had the shortest way there and back."""
BURST_SECONDS = 0.25
"""What the bucket holds, in seconds of its speed: coarser than the loop's timers, finer than a person."""
CUT = 0.7
"""What CUBIC keeps after a loss (RFC 9438, section 4.6)."""
KEPT = 0.9
"""Of what was let through in the last window: some of what was granted since is still to be refused."""
RISE = 0.09
"""Of the rate after a cut, from there to where it stays for a while: 98 % of what was let through."""
LEVEL_AFTER = 3.0
"""
Minutes from a cut to there. It takes five to all that is left, and then it is refused once; nine until a
half that somebody else has given back is used as well (measured; taste).
"""
LOWEST_RATE = 0.02
"""A quota that is wholly eaten by strangers is still asked now and then."""
_ROUNDING = 1e-9
"""Tokens are sums of floats; a wait for the last billionth of one would never end."""


class QuotaClosed(Exception):
    """No more permits: the run is stopping."""


@dataclass(slots=True)
class Permit:
    """Leave to send one request; times are the loop's."""

    costs: tuple[float, ...]
    granted: float
    number: int
    counts_from: float
    """When it was granted, or left later than that."""


class Quota:
    """
    `limits` are per minute, one for each dimension (say requests and images); `largest` is the most
    that one permit may ask for in each.
    """

    def __init__(
        self,
        limits: Sequence[float],
        *,
        largest: Sequence[float],
        clock: Callable[[], float],
        spent: Iterable[tuple[float, Sequence[float]]] = (),
    ) -> None:
        """`spent`: what an earlier process was granted, as (seconds ago, costs)."""
        if any(most > limit for most, limit in zip(largest, limits, strict=True)):
            raise ValueError("one request may not ask for more than a minute's limit")
        self.limits = tuple(limits)
        self._clock = clock
        self._dimensions = [
            _Dimension(limit, 2 * most) for limit, most in zip(limits, largest, strict=True)
        ]
        self._line: deque[tuple[tuple[float, ...], asyncio.Future[Permit]]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False
        self._filled = clock()
        self._rate = 1.0
        self._rate_at = self._filled
        self._last_cut = float("-inf")
        self._paused_until = float("-inf")
        self.granted = [0.0 for _ in limits]
        self.refused = 0
        self._first: Permit | None = None
        self._last: Permit | None = None
        self._held = [0.0 for _ in limits]
        """In each bucket, when the first permit was granted."""
        self._numbers = itertools.count(1)
        self._quickest = float("inf")
        """Seconds from a grant to its answer, at the least."""
        now = clock()
        for age, costs in spent:
            self._record(now - age, costs)

    @property
    def rate(self) -> float:
        """The share of the limits that is being used, 1.0 unless there were refusals."""
        minutes = (self._clock() - self._rate_at) / MINUTE
        return min(1.0, self._rate * (1 + RISE * (1 + (minutes / LEVEL_AFTER - 1) ** 3)))

    @property
    def used(self) -> float:
        """
        The share of the binding limit that was used between the first grant and the last: of what
        the buckets held when the first came, and what flowed in since. Never above 1.
        """
        if self._first is None or self._last is None or self._first.granted == self._last.granted:
            return 0.0
        minutes = (self._last.granted - self._first.granted) / MINUTE
        return max(
            granted / (held + limit * minutes)
            for granted, held, limit in zip(self.granted, self._held, self.limits, strict=True)
        )

    @property
    def waiting(self) -> int:
        return len(self._line)

    async def acquire(self, *costs: float) -> Permit:
        """Wait for one permit over all dimensions. Raises QuotaClosed when the run stops."""
        if self._closed:
            raise QuotaClosed
        place: asyncio.Future[Permit] = asyncio.get_running_loop().create_future()
        self._line.append((costs, place))
        self._grant()
        try:
            return await place
        except asyncio.CancelledError:
            # A grant that nobody will use stays counted: the upstream may not mind, we need not know.
            self._grant()
            raise

    def may_leave(self, permit: Permit) -> bool:
        """
        Ask right before the request is sent, where that may be long after the grant: from now on it
        counts as if it had been granted now. False where it has left the window, and others may have
        been granted in its place; or where all of us have to wait.
        """
        now = self._clock()
        if now < self._paused_until or now >= permit.counts_from + WINDOW:
            return False
        if now > permit.counts_from + MARGIN:
            for dimension, cost in zip(self._dimensions, permit.costs, strict=True):
                dimension.move(permit, cost, to=now)
            permit.counts_from = now
        return True

    def give_back(self, permit: Permit) -> None:
        """Nothing was sent under it, and nothing will be: whoever waits may have it."""
        for index, (dimension, cost) in enumerate(zip(self._dimensions, permit.costs, strict=True)):
            # A cut has emptied the buckets for good.
            dimension.give_back(permit, cost, filled=permit.granted > self._last_cut)
            self.granted[index] -= cost
        self._grant()

    def answered(self, permit: Permit, *, in_doubt: bool = False) -> None:
        """
        Tell that a permit's request is over; in doubt if it was lost on the way there or back.

        When the upstream counted it nobody knows: after the grant, and before now by what a way
        back takes at the least. The quickest answer of all stands for that, and for the way there.
        """
        now = self._clock()
        took = now - permit.counts_from
        if took < self._quickest and not in_doubt:
            # What was thought to be quick before may have been late as well.
            self._quickest = took
            for dimension in self._dimensions:
                dimension.count_again(self._quickest)
        for dimension, cost in zip(self._dimensions, permit.costs, strict=True):
            dimension.answered(permit, cost, at=now, quickest=self._quickest)

    def refuse(self, permit: Permit, *, retry_after: float | None = None) -> bool:
        """
        Tell that the upstream refused this permit's request for speed; everybody slows down.

        Refusals of requests that were granted before the last cut are its echo and cut nothing.
        Returns whether the rate was cut.
        """
        self.refused += 1
        now = self._clock()
        for dimension, cost in zip(self._dimensions, permit.costs, strict=True):
            dimension.refused.append((permit.counts_from, cost))
        if retry_after is not None:
            self._paused_until = max(self._paused_until, now + retry_after)
        if permit.granted <= self._last_cut:
            return False
        self._rate = max(LOWEST_RATE, self.rate * CUT, min(self.rate, KEPT * self._let_through()))
        self._rate_at = self._last_cut = now
        for dimension in self._dimensions:
            dimension.tokens = 0.0
        return True

    def go_on_from(self, before: Self) -> None:
        """
        Take over what an earlier one of the same limits, which is closed, had learned: what was
        granted of late, the rate that refusals left, and how long the upstream asked to wait.
        """
        self._dimensions = before._dimensions
        self._filled = before._filled
        self._rate, self._rate_at = before._rate, before._rate_at
        self._last_cut, self._paused_until = before._last_cut, before._paused_until
        self._numbers, self._quickest = before._numbers, before._quickest

    def close(self) -> None:
        """Refuse all who wait and all who come."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        while self._line:
            _, place = self._line.popleft()
            if not place.done():
                place.set_exception(QuotaClosed())

    def _grant(self) -> None:
        """Serve the head of the line as long as there is enough; then sleep until there will be."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while self._line:
            costs, place = self._line[0]
            if place.done():
                self._line.popleft()
                continue
            wait = self._seconds_until(costs)
            if wait > 0:
                self._timer = asyncio.get_running_loop().call_later(wait, self._grant)
                return
            self._line.popleft()
            now = self._clock()
            if self._first is None:
                self._held = [dimension.tokens for dimension in self._dimensions]
            number = self._record(now, costs)
            for dimension, cost in zip(self._dimensions, costs, strict=True):
                dimension.tokens -= cost
            for index, cost in enumerate(costs):
                self.granted[index] += cost
            self._last = Permit(costs, now, number, now)
            self._first = self._first or self._last
            place.set_result(self._last)

    def _seconds_until(self, costs: Sequence[float]) -> float:
        self._fill()
        now, rate = self._clock(), self.rate
        return max(
            self._paused_until - now,
            *(
                dimension.seconds_until(cost, now=now, rate=rate)
                for dimension, cost in zip(self._dimensions, costs, strict=True)
            ),
        )

    def _fill(self) -> None:
        now = self._clock()
        elapsed, self._filled = now - self._filled, now
        for dimension in self._dimensions:
            dimension.fill(elapsed * self.rate)

    def _let_through(self) -> float:
        """The share of the binding limit that the upstream did not refuse within the last window."""
        now = self._clock()
        return max(dimension.let_through(now) / dimension.limit for dimension in self._dimensions)

    def _record(self, at: float, costs: Sequence[float]) -> int:
        number = next(self._numbers)
        for dimension, cost in zip(self._dimensions, costs, strict=True):
            dimension.record(Spent(at + WINDOW, number, cost, at))
        return number


class Spent(NamedTuple):
    """A grant in the window, which is sorted by when they leave it."""

    until: float
    number: int
    cost: float
    granted: float
    answered: float = float("-inf")

    def counted(self, quickest: float) -> Spent:
        """Reached the upstream so long before the answer as the quickest of all took, or earlier."""
        late = self.answered - self.granted - quickest
        return self._replace(until=self.granted + max(WINDOW, MINUTE + MARGIN + late))


class _Dimension:
    """One limit: its bucket and what was granted within the last window."""

    def __init__(self, limit: float, smallest_bucket: float) -> None:
        self.limit = limit
        self.tokens = 0.0
        self._smallest_bucket = smallest_bucket
        self._window: list[Spent] = []
        self._in_window = 0.0
        self.refused: deque[tuple[float, float]] = deque()
        """Those of the window that the upstream did not take."""

    def fill(self, seconds: float) -> None:
        speed = self.limit / MINUTE
        capacity = max(self._smallest_bucket, speed * BURST_SECONDS)
        self.tokens = min(capacity, self.tokens + speed * seconds)

    def record(self, spent: Spent) -> None:
        insort(self._window, spent)
        self._in_window += spent.cost

    def give_back(self, permit: Permit, cost: float, *, filled: bool) -> None:
        """`filled`: whether the bucket that it was taken from may have it again."""
        if self._taken_out(permit, cost):
            self._in_window -= cost
            self.tokens += cost if filled else 0.0

    def move(self, permit: Permit, cost: float, *, to: float) -> None:
        """Have a grant stay in the window as long as one of that moment."""
        if spent := self._taken_out(permit, cost):
            insort(self._window, spent._replace(until=to + WINDOW, granted=to))

    def answered(self, permit: Permit, cost: float, *, at: float, quickest: float) -> None:
        """Let a grant leave the window later than it would, if it was late; never earlier."""
        if spent := self._taken_out(permit, cost):
            insort(self._window, spent._replace(answered=at).counted(quickest))

    def _taken_out(self, permit: Permit, cost: float) -> Spent | None:
        spent = Spent(permit.counts_from + WINDOW, permit.number, cost, permit.counts_from)
        place = bisect_left(self._window, spent)
        if self._window[place : place + 1] != [spent]:
            return None
        return self._window.pop(place)

    def count_again(self, quickest: float) -> None:
        self._window = sorted(spent.counted(quickest) for spent in self._window)

    def seconds_until(self, cost: float, *, now: float, rate: float) -> float:
        missing = cost - self.tokens
        pace = missing / (self.limit / MINUTE * rate) if missing > _ROUNDING else 0.0
        return max(pace, self._seconds_until_window(cost, now, max(cost, self.limit * rate)))

    def let_through(self, now: float) -> float:
        self._forget(now)
        return self._in_window - sum(cost for _, cost in self.refused)

    def _forget(self, now: float) -> None:
        if self._window and self._window[0].until <= now:
            gone = bisect_right(self._window, now, key=lambda spent: spent.until)
            self._in_window -= sum(spent.cost for spent in self._window[:gone])
            del self._window[:gone]
        while self.refused and self.refused[0][0] <= now - WINDOW:
            self.refused.popleft()

    def _seconds_until_window(self, cost: float, now: float, most: float) -> float:
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
