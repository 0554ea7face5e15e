"""
For whom a command waits: an upstream that serves nobody, or another machine that holds a lease.

Told in plain words when it begins, seldom while it lasts, and when it is over. Which are still waited
for is known for a last sentence.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from types import MappingProxyType
from typing import Final

from ingestor import events
from ingestor.kits.amounts import moment, roughly

LONG: Final = 3.0
"""Seconds without an answer: longer than passing trouble takes, shorter than a person's patience (taste)."""
SELDOM: Final = 60.0
"""Seconds between two sentences about the same upstream: it may come and go (taste)."""
STILL: Final = 600.0
"""Seconds between two of them while it stays away: a worker waits for days (taste)."""

ANSWERS: Final = MappingProxyType(
    {
        events.PageListed: ("flickr",),
        events.ImageDownloaded: ("images",),
        events.BatchSettled: ("vision",),
        events.UpdateStored: ("database",),
        # These ask several, and nobody else says that they are back.
        events.RunStarted: ("lease", "flickr", "database"),
        events.GroupLooked: ("lease", "flickr", "database"),
        # Until the next run these are asked for nothing.
        events.RunFinished: ("images", "vision"),
    }
)
"""By the kind of event: whose waits it ends, as far as it can tell."""
PROOFS: Final = MappingProxyType(
    ANSWERS
    | {
        events.RunStarted: ("flickr", "database"),
        events.GroupLooked: ("flickr",),
        events.RunFinished: (),
        events.PhotosWithdrawn: ("database",),
    }
)
"""By the kind of event: who has certainly answered. A look at a group may have asked Flickr alone."""


class Awaiting:
    """`take` is fed with every event; `patience` are the seconds that an upstream may be away."""

    def __init__(self, *, patience: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._patience = patience
        self._clock = clock
        self._awaited: dict[str, str] = {}
        self._told_at: dict[str, float] = {}
        self._away_since: dict[str, float] = {}
        """Of the upstreams whose absence was told, and not yet its end."""

    @property
    def whom(self) -> str:
        """Those who are waited for, with the reason; "" for nobody."""
        return " and ".join(self._awaited.values())

    def take(self, event: events.Event) -> str:
        """Returns a sentence where a wait has begun, or goes on and on, and "" else."""
        # By kind, which costs what passes by next to nothing.
        if type(event) is events.RetryScheduled:
            return self._upstream(event)
        if type(event) is events.LeaseAwaited:
            return self._lease(event)
        if self._awaited:
            for name in ANSWERS.get(type(event), ()):
                self._awaited.pop(name, None)
        return ""

    def back(self, event: events.Event) -> list[events.UpstreamBack]:
        """The upstreams whose absence was told, and is over by this event."""
        if not self._away_since:
            return []
        names = [name for name in PROOFS.get(type(event), ()) if name in self._away_since]
        now = self._clock()
        return [
            events.UpstreamBack(upstream=name, seconds=now - self._away_since.pop(name))
            for name in names
        ]

    def _upstream(self, event: events.RetryScheduled) -> str:
        # Of one that came and went there is something to be told still.
        lasts = event.upstream in self._awaited and event.upstream in self._away_since
        if not lasts and event.silent + event.seconds < LONG:
            return ""
        words = event.message.rstrip(".") or event.reason
        why = self._awaited[event.upstream] = f"{events.UPSTREAMS[event.upstream]} ({words})"
        now = self._clock()
        if now - self._told_at.get(event.upstream, float("-inf")) < (STILL if lasts else SELDOM):
            return ""
        self._told_at[event.upstream] = now
        since = self._away_since.setdefault(event.upstream, now - event.silent)
        if lasts:
            return f"still waits for {why}, for {roughly(now - since)} now."
        return f"waits for {why}; asks again for up to {self._patience:.0f} s."

    def _lease(self, event: events.LeaseAwaited) -> str:
        holder = f"{event.owner}, which works on {event.group}"
        lasts, now = self._awaited.get("lease") == holder, self._clock()
        if lasts and now - self._told_at["lease"] < STILL:
            return ""
        self._awaited["lease"], self._told_at["lease"] = holder, now
        waits = "still waits" if lasts else "waits"
        return f"{waits} for {holder}: until it is done, or {moment(event.until)} if it is gone."
