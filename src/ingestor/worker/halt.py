"""Why nothing is bought for any group, and until when: a ceiling ends by itself, a refusal does not."""

from __future__ import annotations

from collections.abc import Callable

from ingestor import events
from ingestor.errors import reason_of


class Halt:
    """`clock` is the loop's; what begins and ends is told to `listen`."""

    def __init__(self, *, clock: Callable[[], float], listen: events.Listener) -> None:
        self.reason = ""
        """One word; none while everything may be bought."""
        self._clock = clock
        self._listen = listen
        self._ends = 0.0
        self._by_itself = False
        self._refused_by = ""

    def spent(self, error: BaseException, *, seconds: float) -> None:
        """A ceiling is reached, whose day is over after so long."""
        self._by_itself = True
        self._begin(error, seconds)

    def refused(self, error: BaseException, *, seconds: float) -> None:
        """Credentials, billing or rules; after so long it is tried again."""
        self._by_itself, self._refused_by = False, getattr(error, "upstream", "")
        self._begin(error, seconds)

    def may_buy(self) -> bool:
        if self._clock() < self._ends:
            return False
        if self._by_itself:
            self._end()
        return True

    def went_well(self, *, bought: bool) -> None:
        """What refused us takes us again: Vision if something was bought, the others anyway."""
        if not self._by_itself and (bought or self._refused_by != "vision"):
            self._end()

    def _begin(self, error: BaseException, seconds: float) -> None:
        self.reason, self._ends = reason_of(error), self._clock() + seconds
        self._listen(events.BuyingHalted(reason=self.reason, message=str(error), seconds=seconds))

    def _end(self) -> None:
        if self.reason:
            self._listen(events.BuyingResumed(reason=self.reason))
        self.reason, self._ends, self._by_itself = "", 0.0, False
