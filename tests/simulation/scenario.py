"""
What a seed means: how large the pool is, how bad the weather, when the process is killed.

Everything about a schedule follows from its seed, and whatever is given by name replaces what the
seed would have said.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from typing import Any, Literal

Kind = Literal["crash", "stop", "cut", "freeze"]
TAGS = (
    *("commit", "committed", "vision", "vision answered", "updates", "updates answered"),
    *("flickr answered", "images answered"),
)
KINDS_OF_VISION = 13
"""Of faults that paid calls may have."""


@dataclass(frozen=True, slots=True)
class Fate:
    """What happens to one life of the process, and at which point of it."""

    kind: Kind
    """Killed; told to stop; told to stop, and again a moment later; asleep for longer than a lease."""
    point: int
    tag: str = ""
    """Counts the points that bear it; all of them where there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One schedule."""

    seed: int
    photos: int
    per_page: int
    most_images: int
    max_in_flight: int | None
    max_downloads: int
    images_per_minute: int
    requests_per_minute: int
    fault_rate: float
    kinds: int
    """Which faults there are, as bits: a few of them often find more than all of them seldom."""
    disk_fault_rate: float
    stall_rate: float
    focus: str
    """The upstream that has nearly all of the faults; none: they share them."""
    troubled: float
    """The share of photos with which something is wrong for good."""
    outage: tuple[str, float, float] | None
    """An upstream is away: which, from when, for how many seconds."""
    patience: float
    vision_seconds: float
    """What a paid call takes, on the average."""
    database: bool
    in_doubt: Literal["retry", "park"]
    doubt_share: float
    max_units: int | None
    limit: int | None
    moving: bool
    """Photos come and go while the pool is read."""
    fresh_file: bool
    """The journal's file is made by the run itself, which can be killed while it does."""
    watched: bool
    """Gauges and heartbeat run as well, which see everything and change nothing."""
    fates: tuple[Fate, ...]
    lost: int | None
    """The life after which the journal's disk is lost; the database has what was stored."""
    jumps: bool
    """The wall clock jumps by hours and days."""

    @classmethod
    def of(cls, seed: int, **given: Any) -> Scenario:
        rng = random.Random(seed)
        photos = rng.choice((2, 3, 4, 6, 6, 8, 8, 12, 24))
        rate = rng.choice((0.0, 0.02, 0.1, 0.3, 0.6))
        drawn = cls(
            seed=seed,
            photos=photos,
            per_page=rng.choice((2, 2, 3, 5, 10)),
            most_images=4,
            max_in_flight=rng.choice((1, 2, 2, 3, None)),
            max_downloads=rng.choice((2, 5)),
            images_per_minute=rng.choice((8, 24, 240, 240)),
            requests_per_minute=rng.choice((4, 60, 240)),
            fault_rate=rate,
            kinds=_some(rng),
            disk_fault_rate=rng.choice((0.0, 0.0, 0.0, 0.0, 0.01)),
            stall_rate=rate / 5,
            focus=rng.choice(("", "", "vision", "vision", "vision", "database", "flickr")),
            troubled=rng.choice((0.0, 0.1, 0.1, 0.3)),
            outage=_outage(rng) if rng.random() < 0.2 else None,
            vision_seconds=rng.choice((0.4, 4.0, 12.0)),
            patience=rng.choice((20.0, 20.0, 120.0)),
            database=rng.random() < 0.6,
            in_doubt="park" if rng.random() < 0.35 else "retry",
            doubt_share=rng.choice((0.0, 0.005, 0.2, 1.0)),
            max_units=rng.randint(1, photos) if rng.random() < 0.3 else None,
            limit=rng.randint(1, photos) if rng.random() < 0.1 else None,
            moving=rng.random() < 0.4,
            fresh_file=rng.random() < 0.06,
            watched=rng.random() < 0.05,
            fates=_fates(rng),
            lost=rng.randrange(3) if rng.random() < 0.2 else None,
            jumps=rng.random() < 0.1,
        )
        chosen = replace(replace(drawn, **_of_one_kind(seed)), **given)
        # Without a database there is nobody to ask; a clock that jumps makes leases last for days.
        if chosen.lost is None or not chosen.database or chosen.jumps:
            return replace(chosen, lost=None)
        return chosen if "fates" in given else replace(chosen, fates=_around_loss(chosen))


def _of_one_kind(seed: int) -> dict[str, Any]:
    """Now and then Vision has one fault, and that all day: what is counted is counted to its end."""
    rng = random.Random(f"kind {seed}")
    if rng.random() >= 0.15:
        return {}
    kind = 1 << rng.randrange(KINDS_OF_VISION)
    return {"kinds": kind, "fault_rate": 0.9, "stall_rate": 0.0, "focus": "vision"}


def _some(rng: random.Random) -> int:
    return rng.getrandbits(16) & rng.getrandbits(16) if rng.random() < 0.7 else 0xFFFF


def _fates(rng: random.Random) -> tuple[Fate, ...]:
    kinds: tuple[Kind, ...] = ("crash", "crash", "crash", "stop", "cut")
    number = rng.choice((0, 1, 1, 2, 2, 3))
    return tuple(a_fate(rng, rng.choice(kinds)) for _ in range(number))


def _around_loss(chosen: Scenario) -> tuple[Fate, ...]:
    """Often the journal is lost when much was done, and who lists it all again is killed over that."""
    rng, lost = random.Random(f"loss {chosen.seed}"), chosen.lost or 0
    if rng.random() < 0.3:
        return chosen.fates
    before = chosen.fates[:lost]
    late = Fate("crash", rng.choice((300, 600, 1200)))
    tag, most = rng.choice((("flickr answered", 6), ("reads answered", 20), ("committed", 30)))
    listing = Fate("crash", rng.randint(2, most), tag)
    return *before, *[late] * (lost + 1 - len(before)), listing


def a_fate(rng: random.Random, kind: Kind) -> Fate:
    if rng.random() < 0.5:
        return Fate(kind, int(rng.choice((60, 150, 300, 600)) * rng.random()) + 1)
    # Where something was about to happen, or has just happened, more goes wrong than elsewhere.
    return Fate(kind, int(rng.choice((3, 10, 30)) * rng.random()) + 1, rng.choice(TAGS))


def _outage(rng: random.Random) -> tuple[str, float, float]:
    upstream = rng.choice(("flickr", "images", "vision", "database"))
    return upstream, rng.uniform(0, rng.choice((3, 30))), rng.choice((10.0, 60.0, 300.0))
