"""Whether a worker works as it should, and if not why, from what it tells: a listener of events."""

from __future__ import annotations

from typing import Final

from ingestor import events
from ingestor.kits.lifetime import Lifetime
from ingestor.worker.troubles import CEILINGS

LATE: Final = 600.0
"""Seconds beyond two looks at each group within which some turn should have gone well, or got on (taste)."""


class Readiness:
    """Its `listen` is a Listener; `every` is the time between two looks at a group, in seconds."""

    def __init__(self, *, every: float, lifetime: Lifetime) -> None:
        self._patience = 2 * every + LATE
        self._lifetime = lifetime
        self._groups: int | None = None
        self._well_at = lifetime.clock()
        self._trouble = ""
        self._halted = ""

    def listen(self, event: events.Event) -> None:
        match event:
            case events.WatchlistChanged(groups=groups):
                if not self._groups:
                    self._well_at = self._lifetime.clock()
                self._groups = groups
            case events.GroupLooked() | events.UpdateStored():
                # Where the quota is small, or a backlog long, a turn takes its time.
                self._well_at, self._trouble = self._lifetime.clock(), ""
            case events.GroupFailed(group=group, message=message):
                self._trouble = f"{group}: {message}"
            case events.RetryScheduled(upstream=upstream, reason=reason):
                self._trouble = f"{upstream} ({reason})"
            case events.BuyingHalted(reason=reason, message=message):
                # Who keeps to a budget is as it should be, and is refused no longer.
                self._halted = "" if reason in CEILINGS else message
            case events.BuyingResumed():
                self._halted = ""
            case _:
                pass

    def why_not(self) -> str:
        """A sentence, or ""."""
        if self._lifetime.stopping:
            return "it is stopping"
        why = f": {self._trouble}" if self._trouble else ""
        if self._groups is None:
            return f"it is starting{why}"
        if self._halted:
            return f"nothing is bought: {self._halted}"
        late = self._lifetime.clock() - self._well_at
        if self._groups and late > self._patience:
            return f"no group could be followed for {late / 60:.0f} minutes{why}"
        return ""
