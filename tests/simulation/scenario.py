"""
What a seed means: how large the pool is, how bad the weather, when the process is killed.

Everything about a schedule follows from its seed, and whatever is given by name replaces what the
seed would have said.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from typing import Any, Literal

Kind = Literal["crash", "stop", "cut"]


@dataclass(frozen=True, slots=True)
class Fate:
    """What happens to one life of the process, and at which point of it."""

    kind: Kind
    """Killed; told to stop; told to stop, and again a moment later."""
    point: int


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
    disk_fault_rate: float
    stall_rate: float
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

    @classmethod
    def of(cls, seed: int, **given: Any) -> Scenario:
        rng = random.Random(seed)
        photos = rng.choice((3, 4, 5, 6, 6, 8, 8, 12, 16, 30))
        rate = rng.choice((0.0, 0.02, 0.05, 0.15, 0.15, 0.3))
        drawn = cls(
            seed=seed,
            photos=photos,
            per_page=rng.choice((2, 5, 10)),
            most_images=4,
            max_in_flight=rng.choice((1, 2, 2, 3, None)),
            max_downloads=5,
            images_per_minute=rng.choice((24, 60, 240, 240, 600)),
            requests_per_minute=rng.choice((10, 60, 240)),
            fault_rate=rate,
            disk_fault_rate=rng.choice((0.0, 0.0, 0.0, 0.0, 0.004)),
            stall_rate=rate / 5,
            outage=_outage(rng) if rng.random() < 0.15 else None,
            vision_seconds=rng.choice((0.4, 0.4, 4.0)),
            patience=rng.choice((20.0, 120.0)),
            database=rng.random() < 0.7,
            in_doubt="park" if rng.random() < 0.25 else "retry",
            doubt_share=rng.choice((0.0, 0.005, 0.2, 1.0)),
            max_units=rng.randint(1, photos) if rng.random() < 0.2 else None,
            limit=rng.randint(1, photos) if rng.random() < 0.1 else None,
            moving=rng.random() < 0.4,
            fresh_file=rng.random() < 0.06,
            watched=rng.random() < 0.05,
            fates=_fates(rng),
        )
        return replace(drawn, **given)


def _fates(rng: random.Random) -> tuple[Fate, ...]:
    kinds: tuple[Kind, ...] = ("crash", "crash", "crash", "crash", "stop", "cut")
    number = rng.choice((0, 1, 1, 2, 2, 3))
    return tuple(
        Fate(rng.choice(kinds), int(rng.choice((60, 200, 400, 900)) * rng.random()) + 1)
        for _ in range(number)
    )


def _outage(rng: random.Random) -> tuple[str, float, float]:
    upstream = rng.choice(("flickr", "images", "vision", "database"))
    return upstream, rng.uniform(0, rng.choice((3, 30))), rng.choice((10.0, 60.0, 300.0))
