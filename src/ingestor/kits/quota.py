"""
Permits under several limits per minute at once: all dimensions or none, first come first served.

It grants only what exists in every dimension: what has flowed into its bucket, at the limit's speed
times `rate`, and what its window leaves (see `dimension`).

A refusal for speed cuts `rate` to 0.7 for everybody, but not below nine tenths of what the upstream
let through within the last window: that much is left for us, whoever else uses the quota. From there it
rises like a connection of TCP's (CUBIC, RFC 9438): slower and slower to a little below what was let
through, then faster and faster. So somebody else's share is seldom asked for, and is soon ours when he
has gone. While it is cut the window is cut with it, because the upstream still counts what was sent
before.

Where all are refused for a while nothing is learned of anybody's share: with each answer after that the
rate is doubled, up to what the first cut had left, unless there is another refusal (TCP's slow start).
"""

from __future__ import annotations

import asyncio
import itertools
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Self

from ingestor.kits.dimension import MARGIN, MINUTE, WINDOW, Dimension, Spent

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
DEEP = 0.5
"""Of what the first cut had left: it takes two more, without an answer between, to get below."""
HARDLY_ANY = 0.2
"""
Of the limit, let through within the last window: whoever eats more than the rest is not told from a server
that refuses everybody for most of a minute. With a fifth left that costs some refusals (taste).
"""
LOWEST_RATE = 0.02
"""A quota that is wholly eaten by strangers is still asked now and then."""


class QuotaClosed(Exception):
    """No more permits: the run is stopping."""


@dataclass(slots=True)
class Permit:
    """Leave to send one request; times are the loop's."""

    granted: float
    spent: Sequence[Spent]
    """What it took, by dimension, as the windows have it until its answer."""

    @property
    def counts_from(self) -> float:
        return self.spent[0].counts_from


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
            Dimension(limit, 2 * most) for limit, most in zip(limits, largest, strict=True)
        ]
        self._line: deque[tuple[tuple[float, ...], asyncio.Future[Permit]]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False
        self._filled = clock()
        self._rate = 1.0
        self._rate_at = self._filled
        self._last_cut = float("-inf")
        self._goal = 0.0
        """The rate that the first of several cuts had left, until it is regained or given up."""
        self._served = True
        """Something that was granted since the last cut."""
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
        now, counts_from = self._clock(), permit.counts_from
        if now < self._paused_until or now >= counts_from + WINDOW:
            return False
        if now > counts_from + MARGIN:
            permit.spent = [
                dimension.move(spent, to=now)
                for dimension, spent in zip(self._dimensions, permit.spent, strict=True)
            ]
        return True

    def give_back(self, permit: Permit) -> None:
        """Nothing was sent under it, and nothing will be: whoever waits may have it."""
        for index, (dimension, spent) in enumerate(
            zip(self._dimensions, permit.spent, strict=True)
        ):
            # A cut has emptied the buckets for good.
            dimension.give_back(spent, filled=permit.granted > self._last_cut)
            self.granted[index] -= spent.cost
        self._grant()

    def answered(self, permit: Permit, *, in_doubt: bool = False) -> None:
        """
        Tell that a permit's request is over; in doubt if it was lost on the way there or back, or
        what came back says nothing about how quick answers can be.

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
        for dimension, spent in zip(self._dimensions, permit.spent, strict=True):
            dimension.answered(spent, at=now, quickest=self._quickest)
        if not in_doubt and permit.granted > self._last_cut:
            self._regain()

    def refuse(self, permit: Permit, *, retry_after: float | None = None) -> bool:
        """
        Tell that the upstream refused this permit's request for speed; everybody slows down.

        Refusals of requests that were granted before the last cut are its echo and cut nothing.
        Returns whether the rate was cut.
        """
        self.refused += 1
        now = self._clock()
        for dimension, spent in zip(self._dimensions, permit.spent, strict=True):
            dimension.refused.append(spent)
        if retry_after is not None:
            self._paused_until = max(self._paused_until, now + retry_after)
        if permit.granted <= self._last_cut:
            return False
        if self._served:
            # Refused on the way back: it is not to be had.
            self._goal = 0.0 if self._goal else self.rate * CUT
            self._served = False
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
        self._goal, self._served = before._goal, before._served
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
            for index, (dimension, cost) in enumerate(zip(self._dimensions, costs, strict=True)):
                dimension.tokens -= cost
                self.granted[index] += cost
            self._last = Permit(now, self._record(now, costs))
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
        seconds, self._filled = (now - self._filled) * self.rate, now
        for dimension in self._dimensions:
            dimension.fill(seconds)

    def _regain(self) -> None:
        """Something that was asked for since the last cut was not refused."""
        rate = self.rate
        dark = rate < DEEP * self._goal and self._let_through() < HARDLY_ANY
        if not self._served and not dark:
            self._goal = 0.0
        self._served = True
        if rate < self._goal:
            self._fill()
            self._rate, self._rate_at = min(2 * rate, self._goal), self._clock()
            self._grant()
        else:
            self._goal = 0.0

    def _let_through(self) -> float:
        """The share of the binding limit that the upstream did not refuse within the last window."""
        now = self._clock()
        return max(dimension.let_through(now) / dimension.limit for dimension in self._dimensions)

    def _record(self, at: float, costs: Sequence[float]) -> Sequence[Spent]:
        number = next(self._numbers)
        spent = [Spent(at + WINDOW, number, cost, at) for cost in costs]
        for dimension, one in zip(self._dimensions, spent, strict=True):
            dimension.record(one)
        return spent
