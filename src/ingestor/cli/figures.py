"""
What a run has done so far, counted from its events: the numbers behind the progress display.

Pure: the time comes in with each event, and nothing is drawn here.
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Final

from ingestor import events
from ingestor.kits.amounts import MINUTE
from ingestor.kits.dimension import WINDOW as QUOTA_WINDOW

WINDOW: Final = 20.0
"""Seconds that a rate looks back. Taste: calm enough to read, quick enough to see a stall."""

ABOUT: Final = 0.95
"""Of the quota's speed; taste."""


@dataclass(slots=True)
class Rate:
    """How many per second, over the last WINDOW seconds (less, when less has passed)."""

    _steps: deque[tuple[float, int]] = field(default_factory=deque)
    _sum: int = 0

    def add(self, count: int, *, now: float) -> None:
        self._steps.append((now, count))
        self._sum += count
        self._forget(now)

    def per_second(self, now: float) -> float:
        """The oldest of several steps opens the time that is looked at; what it brought came before."""
        self._forget(now)
        if not self._steps:
            return 0.0
        opened, opening = self._steps[0]
        # A first second would otherwise show the size of one batch as a speed.
        since = self._sum - opening if len(self._steps) > 1 else self._sum
        return since / max(1.0, now - opened)

    def _forget(self, now: float) -> None:
        while self._steps and self._steps[0][0] <= now - WINDOW:
            self._sum -= self._steps.popleft()[1]


@dataclass(slots=True, kw_only=True)
class Figures:
    """Counts of one run; `take` is fed with every event."""

    limit: int | None = None
    images_per_minute: int
    started: float
    groups: int = 1
    month_units: int = 0
    totals: dict[str, int] = field(default_factory=dict)
    """Photos of each group, as its last page said."""
    listed: int = 0
    known: int = 0
    skipped: int = 0
    listed_all: bool = False
    downloaded: int = 0
    reused: int = 0
    bought: int = 0
    unlabelled: int = 0
    """Images that Vision answered with an error: perhaps billed."""
    in_doubt: int = 0
    stored: int = 0
    left_over: int = 0
    """Photos of earlier runs that were bought and are stored only now."""
    failed: Counter[str] = field(default_factory=Counter)
    failed_at: Counter[str] = field(default_factory=Counter)
    in_flight: dict[str, int] = field(default_factory=dict)
    retries: Counter[str] = field(default_factory=Counter)
    reasons: dict[str, str] = field(default_factory=dict)
    """Why each upstream was last asked again, in one word."""
    throttled: Counter[str] = field(default_factory=Counter)
    stopping: str = ""
    """Why it stops, as the run says it."""
    drain: float = 8.0
    """Seconds that a signal leaves for the answers that were paid for."""
    drained: float = 0.0
    """When these are over; of a run that a signal stopped."""
    over: bool = False
    """Whether the run has ended: then there is no speed to tell, nor time left."""
    pages: dict[str, tuple[int, int]] = field(default_factory=dict)
    listing: Rate = field(default_factory=Rate)
    downloading: Rate = field(default_factory=Rate)
    annotating: Rate = field(default_factory=Rate)
    buying: Rate = field(default_factory=Rate)
    """Of those, what uses the quota."""
    storing: Rate = field(default_factory=Rate)

    def take(self, event: events.Event, *, now: float) -> None:
        match event:
            case events.RunStarted():
                self._start(event)
            case events.PageListed():
                self._page(event, now)
            case events.ImageDownloaded():
                self.downloaded += 1
                self.downloading.add(1, now=now)
            case events.AnnotationReused():
                self.reused += 1
                self.annotating.add(1, now=now)
            case events.UpdateStored(left_over=True):
                self.left_over += event.photos
            case events.UpdateStored():
                self.stored += event.photos
                self.storing.add(event.photos, now=now)
            case events.PhotoFailed():
                self.failed[event.reason] += 1
                self.failed_at[event.stage] += 1
            case _:
                self._take_purchase(event, now)

    def _take_purchase(self, event: events.Event, now: float) -> None:
        match event:
            case events.BatchSent():
                self.in_flight[event.purchase] = event.images
            case events.BatchSettled():
                self.in_flight.pop(event.purchase, None)
                self.bought += event.annotated
                self.unlabelled += event.failed
                self.annotating.add(event.annotated, now=now)
                self.buying.add(event.annotated, now=now)
            case events.PurchaseInDoubt():
                self.in_flight.pop(event.purchase, None)
                self.in_doubt += event.images
            case events.PurchaseUnbilled():
                self.in_flight.pop(event.purchase, None)
            case events.RetryScheduled():
                self.retries[event.upstream] += 1
                self.reasons[event.upstream] = event.reason
            case events.UpstreamThrottled():
                self.throttled[event.upstream] += 1
            case events.RunStopping():
                self.stopping, self.drained = event.reason, now + self.drain
            case events.RunFinished():
                self.over = True
                # Nobody waits for these answers any more.
                self.in_doubt += self.images_in_flight
                self.in_flight.clear()

    def _start(self, event: events.RunStarted) -> None:
        self.limit = event.limit
        self.groups = len(event.groups)
        # An earlier run listed them; they are this one's from here on.
        self.listed += event.resumed
        self.month_units = event.month_units

    def _page(self, event: events.PageListed, now: float) -> None:
        self.totals[event.group] = event.total
        self.pages[event.group] = (event.page, event.pages)
        self.listed += event.listed
        self.known += event.known
        self.skipped += event.skipped
        self.listing.add(event.listed, now=now)
        self.listed_all = len(self.pages) == self.groups and all(
            page >= pages for page, pages in self.pages.values()
        )

    @property
    def expected(self) -> int | None:
        """Photos that this run will list; None until every group has said how many it has."""
        if self.listed_all:
            return self.listed
        if len(self.totals) < self.groups:
            return None if self.limit is None else max(self.limit, self.listed)
        there = max(sum(self.totals.values()), self.listed)
        return there if self.limit is None else min(there, max(self.limit, self.listed))

    @property
    def work(self) -> int | None:
        """Photos that will need work, as far as can be told: the known share is taken to stay."""
        if self.expected is None:
            return None
        idle = self.known + self.skipped + self.failed_at["discover"]
        if self.listed and self.expected > self.listed:
            idle = round(idle * self.expected / self.listed)
        return max(self.expected - idle, self.annotated)

    @property
    def annotated(self) -> int:
        return self.bought + self.reused

    @property
    def units(self) -> int:
        """At the most, as the report counts them."""
        return self.bought + self.unlabelled + self.in_doubt

    @property
    def failures(self) -> int:
        return self.failed.total()

    @property
    def images_in_flight(self) -> int:
        return sum(self.in_flight.values())

    def quota_use(self, now: float) -> float:
        """
        Share of the image quota that is being used. What is sent is never more than the quota; answers
        may come in a bunch.
        """
        return min(1.0, self.buying.per_second(now) * MINUTE / self.images_per_minute)

    def seconds_left(self, now: float) -> float | None:
        """
        At the present speed, or the quota's where it is about that: between two of its windows there is
        a pause, which is no change of speed. None: nothing to go by.
        """
        speed, bought = self.annotating.per_second(now), self.buying.per_second(now)
        allowed = self.images_per_minute / QUOTA_WINDOW
        if bought >= ABOUT * allowed:
            speed += allowed - bought
        if self.work is None or speed <= 0:
            return None
        lost = self.failed_at["download"] + self.failed_at["annotate"]
        return max(0, self.work - self.annotated - lost) / speed
