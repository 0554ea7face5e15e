"""
Runs that get a group no further: the next follows ever later, for a page may be of no use for good.

Pure. Times are the loop's. What else is to be done has its run at once, which looks there as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from ingestor.kits.intervals import Interval

FIRST_PAUSE: Final = 600.0
"""
Seconds until the next run, doubled with each more in a row. By default a group is looked at every fifteen
minutes: what came empty for once is listed at the next look.
"""

Holes = Sequence[Interval]
"""Stretches of dates added of which not every photo was listed."""


@dataclass(frozen=True, slots=True)
class _Try:
    holes: Holes
    pause: float
    until: float


class InVain:
    """Of all groups; `longest` is the longest pause, in seconds."""

    def __init__(self, *, longest: float) -> None:
        self._longest = longest
        self._tries: dict[str, _Try] = {}

    def note(self, group: str, holes: Holes, *, now: float) -> None:
        """A run has left these holes as they were."""
        last = self._tries.get(group)
        pause = 2 * last.pause if last and last.holes == holes else FIRST_PAUSE
        pause = min(pause, self._longest)
        self._tries[group] = _Try(holes, pause, now + pause)

    def forget(self, group: str) -> None:
        """It is not followed any more: should it be again, somebody has done something about it."""
        self._tries.pop(group, None)

    def is_early(self, group: str, holes: Holes, *, now: float) -> bool:
        """Whether a run for nothing but these would be in vain, as far as anybody knows."""
        last = self._tries.get(group)
        return bool(holes and last and last.holes == holes and now < last.until)
