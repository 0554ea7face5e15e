"""
Whose turn it is: among the groups that are due, the one that has waited longest since its last turn.

Pure but for the dice. Times are the loop's, so a wall clock that jumps moves no turn.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

JITTER: Final = 0.1
"""Share of a pause by which it varies: groups and machines that start together drift apart."""
FIRST_PAUSE: Final = 60.0
"""Seconds after a first failure; doubled with each more in a row."""
MOST_DOUBLINGS: Final = 30
"""The longest pause applies long before, and floats stay finite."""
LONGEST_PAUSE: Final = 3600.0
"""Seconds; an upstream that was away for a night is noticed within the hour."""
FOREVER: Final = float("inf")
LOST_PAUSE: Final = 86_400.0
"""Seconds until a group that was not found is looked for again."""
MOST_LOSSES: Final = 7
"""Days in a row after which it is given up, until it is named anew or the worker starts again."""


@dataclass(slots=True)
class _Place:
    due: float
    served: int = 0
    failures: int = 0
    losses: int = 0


class Rota:
    """`every` is in seconds; `dice` gives numbers from 0 to 1."""

    def __init__(self, *, every: float, dice: Callable[[], float]) -> None:
        self._every = every
        self._dice = dice
        self._places: dict[str, _Place] = {}
        self._turns = 0

    @property
    def groups(self) -> tuple[str, ...]:
        return tuple(self._places)

    def keep(self, groups: Iterable[str], *, now: float) -> set[str]:
        """Have these groups and no others; new ones are due at once. Returns those that went."""
        wanted = dict.fromkeys(groups)
        dropped = self._places.keys() - wanted.keys()
        for group in dropped:
            del self._places[group]
        for group in wanted:
            self._places.setdefault(group, _Place(now))
        return dropped

    def take(self, *, now: float) -> str | None:
        """The group whose turn begins, if one is due."""
        due = [name for name, place in self._places.items() if place.due <= now]
        if not due:
            return None
        group = min(due, key=lambda name: self._places[name].served)
        self._turns += 1
        self._places[group].served = self._turns
        return group

    def wait(self, *, now: float) -> float:
        """Seconds until somebody is due; infinite where nobody will be."""
        return max(0.0, min((place.due for place in self._places.values()), default=FOREVER) - now)

    def done(self, group: str, *, now: float, more: bool, within: float = FOREVER) -> None:
        """A turn went well; with `more` to do the next one may follow at once, else `within` seconds."""
        if place := self._places.get(group):
            place.failures = place.losses = 0
            place.due = now if more else now + min(self._jittered(self._every), within)

    def failed(self, group: str, *, now: float) -> float:
        """A turn went wrong; returns the pause, in seconds."""
        place = self._places.get(group)
        if place is None:
            return 0.0
        pause = self._jittered(min(FIRST_PAUSE * 2.0**place.failures, LONGEST_PAUSE))
        place.failures = min(place.failures + 1, MOST_DOUBLINGS)
        place.due = now + pause
        return pause

    def lost(self, group: str, *, now: float) -> float | None:
        """The group was not found; returns the pause, or None where it is looked for no more."""
        place = self._places.get(group)
        if place is None:
            return None
        place.losses += 1
        pause = self._jittered(LOST_PAUSE) if place.losses < MOST_LOSSES else None
        place.due = FOREVER if pause is None else now + pause
        return pause

    def _jittered(self, seconds: float) -> float:
        return seconds * (1 + JITTER * (2 * self._dice() - 1))
