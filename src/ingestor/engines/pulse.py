"""
How a worker is doing, in one small file of the state directory, beside that of the run it may be at.

A worker rests for most of its time. Who looks at it then wants to know that it lives, what it
follows, when it last looked, and what went wrong since.
"""

from __future__ import annotations

import os
from collections import Counter, deque
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, Final

from ingestor import events
from ingestor.engines.beats import beating

FILE: Final = "worker.json"
EVERY: Final = 5.0
"""Seconds between beats."""
MOST_GROUPS: Final = 200
"""Told of; a page with more of them is not looked at (taste)."""
MOST_NEWS: Final = 20
"""As many as a page shows without becoming a log; the whole story is in the log (taste)."""
LONGEST_MESSAGE: Final = 300
"""Characters; a sentence of ours and what it quotes mostly fit (taste)."""
COUNTED: Final = ("looks", "runs", "failures", "taken_down")
"""Since the worker started: turns that went well and that did not, runs, and photos taken down."""


class Pulse:
    """`take` is fed with every event of a worker; `beating` writes while in the block."""

    def __init__(
        self, state: Path, *, wall: Callable[[], float], awaited: Callable[[], str]
    ) -> None:
        """`awaited` tells for whom the worker waits, with the reason; "" for nobody."""
        self._path = state / FILE
        self._wall = wall
        self._awaited = awaited
        self._started = wall()
        self._counts: Counter[str] = Counter()
        self._groups: dict[str, dict[str, Any]] = {}
        self._following = 0
        self._met = False
        """Whether it has met its first group."""
        self._halted = ""
        self._news: deque[tuple[float, str, str]] = deque(maxlen=MOST_NEWS)

    def take(self, event: events.Event) -> None:
        match event:
            case events.GroupLooked():
                self._counts["looks"] += 1
                self._told_of(
                    event.group, looked=event.unix, total=event.total, complete=event.complete
                )
            case events.GroupFailed():
                self._counts["failures"] += 1
                again = None if event.seconds is None else self._wall() + event.seconds
                message = event.message[:LONGEST_MESSAGE]
                self._told_of(event.group, trouble=message, again=again)
                self._tell(event.group, message)
            case events.GroupDropped():
                self._groups.pop(event.group, None)
            case events.PhotosWithdrawn():
                self._counts["taken_down"] += event.taken_down
                self._tell(event.group, f"{event.photos:,} left, {event.taken_down:,} taken down")
            case events.WatchlistChanged():
                self._following, self._met = event.groups, True
                self._tell_of_list(event)
            case events.RunFinished():
                self._counts["runs"] += 1
                if event.reason != "complete":
                    self._tell("", f"run {event.run} ended: {event.reason}")
            case _:
                self._buying(event)

    def _tell_of_list(self, event: events.WatchlistChanged) -> None:
        if event.message:
            self._tell("", event.message[:LONGEST_MESSAGE])
        if refused := ", ".join(event.refused)[:LONGEST_MESSAGE]:
            self._tell("", f"the list of groups names none here: {refused}")

    def _buying(self, event: events.Event) -> None:
        match event:
            case events.BuyingHalted():
                self._halted = event.message[:LONGEST_MESSAGE]
                self._tell("", f"nothing is bought: {self._halted}")
            case events.BuyingResumed():
                self._halted = ""
                self._tell("", "buying again")

    @property
    def counts(self) -> dict[str, int]:
        return {name: self._counts[name] for name in COUNTED}

    def beating(self) -> AbstractAsyncContextManager[None]:
        return beating(self._path, self._told, every=EVERY, name="pulse")

    def _told_of(self, group: str, **news: Any) -> None:
        """A look that went well leaves no trouble behind."""
        before = self._groups.pop(group, {"looked": None, "total": None, "complete": False})
        self._groups[group] = {**before, "trouble": "", "again": None, **news}
        while len(self._groups) > MOST_GROUPS:
            del self._groups[next(iter(self._groups))]

    def _tell(self, group: str, sentence: str) -> None:
        self._news.append((self._wall(), group, sentence))

    def _told(self, *, ended: bool) -> Mapping[str, Any]:
        awaited = self._awaited()[:LONGEST_MESSAGE]
        return {
            "pid": os.getpid(),
            "started": self._started,
            "at": self._wall(),
            "ended": ended,
            "following": self._following,
            "starting": None if self._met else awaited,
            "awaited": awaited,
            "halted": self._halted,
            "counts": self.counts,
            "groups": [{"group": group, **told} for group, told in self._groups.items()],
            "news": list(self._news),
        }
