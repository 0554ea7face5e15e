"""
What befalls one machine that follows groups, life by life: mishaps before it, and what it is and meets.

Whatever a seed says of a step is drawn here; `upkeep` has it happen.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from typing import Final, Literal

from ingestor.journal.schema import VERSION
from tests.simulation.gatherings import GROUPS
from tests.simulation.olden import OLDEST
from tests.simulation.scenario import Fate, Kind, a_fate

What = Literal["worker", "run", "run anew", "reconcile"]
Mishap = Literal[
    "",
    "asked again",
    "journal lost",
    "journal put back",
    "database put back",
    "database emptied",
    "database damaged",
]
KINDS: Final[tuple[Kind, ...]] = ("crash", "crash", "crash", "stop", "cut", "freeze")
SECONDS: Final = (300.0, 1500.0, 4000.0)
"""What a worker is given before it is stopped."""
WHATS: Final[tuple[What, ...]] = ("worker", "worker", "worker", "run")
REFUSED: Final = 0.15
"""The share of lives in which an upstream refuses us for a while."""
FILLED: Final = 0.15
"""The share of lives in which the disk is full for a while."""
AGED: Final = 0.15
"""The share of lives that begin with a journal of an earlier version."""
ALONE: Final = 0.2
"""The share of lives that follow one of the groups only."""


@dataclass(frozen=True, slots=True)
class Step:
    """One life of a process, and what happened before it."""

    mishap: Mishap
    what: What
    fate: Fate | None
    seconds: float
    refused: tuple[str, float, float] | None
    """By which upstream, after how many seconds of this life, and for how many."""
    filled: tuple[float, float] | None = None
    """After how many seconds of this life the disk is full, and for how many."""
    version: int = VERSION
    """Of the program that had the journal before."""
    groups: tuple[str, ...] = GROUPS
    """That are followed."""


def a_step(rng: random.Random, whats: tuple[What, ...], *, database: bool, budget: bool) -> Step:
    fate = a_fate(rng, rng.choice(KINDS)) if rng.random() < 0.6 else None
    mishaps: tuple[Mishap, ...] = ("", "", "", "journal put back", "asked again")
    if database:
        mishaps += ("journal lost", "database put back", "database emptied", "database damaged")
        whats += ("reconcile", "reconcile")
    mishap = rng.choice(mishaps)
    if budget and "journal" in mishap:
        # What a day has cost is in the journal, and nowhere else.
        mishap = ""
    upstream = rng.choice(("vision", "vision", "flickr", "database"))
    refused = (upstream, rng.choice((0.0, 60.0, 600.0)) * rng.random(), rng.choice(SECONDS))
    return Step(
        mishap,
        rng.choice(whats),
        fate,
        rng.choice(SECONDS),
        refused if rng.random() < REFUSED else None,
    )


def with_more(step: Step, rng: random.Random) -> Step:
    filled = rng.choice((0.0, 60.0, 600.0)) * rng.random(), rng.choice(SECONDS)
    version = rng.randint(OLDEST, VERSION)
    alone = step.what in ("worker", "run") and rng.random() < ALONE
    return replace(
        step,
        filled=filled if rng.random() < FILLED else None,
        version=version if rng.random() < AGED else VERSION,
        groups=(rng.choice(GROUPS),) if alone else GROUPS,
    )
