"""How a worker is doing, read from what it says of itself; see `engines.pulse`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from ingestor.engines.beats import last_told
from ingestor.engines.pulse import COUNTED
from ingestor.kits.amounts import counted
from ingestor.web.discreet import discreet

STALE: Final = 30.0
"""Seconds without a beat after which a worker counts as gone: it writes one every five."""
OVERDUE: Final = 900.0
"""Seconds behind a turn that was announced, after which its trouble is old."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed:
    """One group as the worker saw it last; times are unix seconds."""

    group: str
    name: str
    looked: float | None
    total: int | None
    complete: bool
    trouble: str
    again: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    at: float
    group: str
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Following:
    started: float
    age: float
    """Seconds since it last said anything."""
    ended: bool
    following: int
    """Groups, of which it has not met all since it started."""
    starting: str | None
    """What it waits for before it follows any, "" where for nothing in particular; None once it does."""
    awaited: str
    """The upstream, or the other machine, that it waits for, with the reason; "" for none."""
    halted: str
    """Why nothing is bought; "" where that is not so."""
    counts: Mapping[str, int]
    groups: Sequence[Followed]
    news: Sequence[News]
    """The newest first."""

    @property
    def alive(self) -> bool:
        return not self.ended and self.age < STALE

    @property
    def in_trouble(self) -> int:
        return sum(bool(group.trouble) for group in self.groups)

    @property
    def verdict(self) -> tuple[str, str]:
        """Of a worker between two runs: one word, and a sentence that says what to do if need be."""
        groups = counted(self.following, "group")
        if not self.alive:
            return "died", "The worker stopped without a word; the same command starts it again."
        if self.halted:
            return "trouble", f"The worker buys nothing: {self.halted}"
        if self.starting:
            return "doubt", f"The worker cannot start yet; it waits for {self.starting}."
        if self.awaited:
            return "doubt", f"The worker waits for {self.awaited}."
        if self.in_trouble:
            return (
                "doubt",
                f"The worker has trouble with {self.in_trouble:,} of {groups}; see below.",
            )
        if self.starting is not None:
            return "fine", "The worker is starting."
        return "fine", f"The worker follows {groups}; nothing is to be bought just now."


def read_following(
    path: Path, *, now: float, names: Mapping[str, str], strangers: bool = False
) -> Following | None:
    """None where none ever worked here, or where its word is that of another version."""
    try:
        told = discreet(last_told(path)) if strangers else last_told(path)
        news = [
            News(at=float(at), group=names.get(group) or str(group), sentence=str(sentence))
            for at, group, sentence in told["news"]
        ]
        return Following(
            started=float(told["started"]),
            age=max(0.0, now - float(told["at"])),
            ended=bool(told["ended"]),
            following=int(told["following"]),
            starting=None if told.get("starting") is None else str(told["starting"]),
            awaited=str(told.get("awaited", "")),
            halted=str(told["halted"]),
            counts={name: int(told["counts"][name]) for name in COUNTED},
            groups=[_followed(one, now=now, names=names) for one in told["groups"]],
            news=news[::-1],
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def plain_following(following: Following) -> dict[str, Any]:
    return {**asdict(following), "alive": following.alive}


def _followed(told: Mapping[str, Any], *, now: float, names: Mapping[str, str]) -> Followed:
    group, again = str(told["group"]), told["again"]
    old = again is not None and float(again) + OVERDUE < now
    return Followed(
        group=group,
        name=names.get(group) or group,
        looked=None if told["looked"] is None else float(told["looked"]),
        total=None if told["total"] is None else int(told["total"]),
        complete=bool(told["complete"]),
        trouble="" if old else str(told["trouble"]),
        again=None if again is None else float(again),
    )
