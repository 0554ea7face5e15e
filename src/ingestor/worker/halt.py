"""Why nothing is bought for any group, and until when: a ceiling ends by itself, a refusal does not."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from types import MappingProxyType
from typing import Final

from ingestor import events
from ingestor.errors import cause_of, reason_of
from ingestor.worker.rota import FOREVER

Steps = Collection[str]
"""What a turn did, and nothing was wrong with it."""
LOOKED: Final[Steps] = ("look",)
RAN: Final[Steps] = ("look", "run")
BOUGHT: Final[Steps] = ("look", "run", "purchase")

ENDED_BY: Final[Mapping[str, str]] = MappingProxyType(
    {"flickr": "look", "database": "run", "disk-full": "run"}
)
"""
By the upstream that refused, or by the reason where it was none: what shows that it is over. Where it was
Vision or Google's credentials, a purchase does.
"""


class Halt:
    """
    `clock` is the loop's, which stands still while the machine sleeps; `wall` is unix time, by which the day
    of a ceiling ends all the same. What begins and ends is told to `listen`.
    """

    def __init__(
        self, *, clock: Callable[[], float], wall: Callable[[], float], listen: events.Listener
    ) -> None:
        self.reason = ""
        """One word; none while everything may be bought."""
        self._clock = clock
        self._wall = wall
        self._listen = listen
        self._ends = 0.0
        self._told, self._told_until = "", 0.0
        """Every group may meet what refuses us: it is told once in the time until it is tried again."""
        self._day_ends = FOREVER
        """Unix time. Only of a ceiling, which ends by itself."""
        self._ended_by = "purchase"

    def spent(self, error: BaseException, *, seconds: float) -> None:
        """A ceiling is reached, whose day is over after so long."""
        self._day_ends = self._wall() + seconds
        self._begin(error, seconds)

    def refused(self, error: BaseException, *, seconds: float) -> None:
        """Refused by an upstream, or by a full disk, whatever is bought; after so long it is tried again."""
        self._day_ends = FOREVER
        self._ended_by = ENDED_BY.get(getattr(error, "upstream", reason_of(error)), "purchase")
        self._begin(error, seconds)

    def may_buy(self) -> bool:
        over = self._wall() >= self._day_ends
        if self._clock() < self._ends and not over:
            return False
        if self._by_itself:
            self._end()
        return True

    def wait(self) -> float:
        """Seconds until it may be tried to buy; 0 where it may."""
        return max(0.0, self._ends - self._clock())

    def went_well(self, what: Steps) -> None:
        """What refused us takes us again, if it was asked: a look at a group asks only Flickr."""
        if not self._by_itself and self._ended_by in what:
            self._end()

    def _begin(self, error: BaseException, seconds: float) -> None:
        now, message = self._clock(), cause_of(error)
        self.reason, self._ends = reason_of(error), now + seconds
        if message == self._told and now < self._told_until:
            return
        self._told, self._told_until = message, self._ends
        self._listen(events.BuyingHalted(reason=self.reason, message=message, seconds=seconds))

    def _end(self) -> None:
        if self.reason:
            self._listen(events.BuyingResumed(reason=self.reason))
        self.reason, self._ends, self._day_ends = "", 0.0, FOREVER
        self._told = ""

    @property
    def _by_itself(self) -> bool:
        return self._day_ends < FOREVER
