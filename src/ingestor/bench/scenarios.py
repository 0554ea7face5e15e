"""The scenarios by name. They are frozen: figures of two years can be held against each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

NO_QUOTA: Final = 0
UNBOUND: Final = 100_000_000
"""Images a minute that a client may ask for where nobody counts."""
DEFAULT_QUOTA: Final = 1800
"""Images, and requests, a minute (https://cloud.google.com/vision/quotas)."""

FAULTS: Final = MappingProxyType(
    {
        "image.throttled": 0.05,
        "vision.throttled": 0.05,
        "image.error": 0.02,
        "vision.unavailable": 0.01,
        "vision.internal": 0.01,
        "image.truncated": 0.01,
        "image.drip": 0.002,
    }
)
"""5 % refused for speed, 2 % broken servers, 1 % broken pictures, now and then a trickle."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One way to run; `quick` is how many photos do for a first look."""

    name: str
    about: str
    photos: tuple[int, ...]
    """Photos of each run; more than one where growth is what is looked at."""
    quick: tuple[int, ...]
    fast: bool = True
    """Without the latencies of the real services."""
    images_per_minute: int = NO_QUOTA
    quick_images_per_minute: int = NO_QUOTA
    """A larger quota, so that a quick look sees more of it than its first window."""
    faults: Mapping[str, float] = field(default_factory=dict)
    sheets: str = "150000"
    """Bytes of a picture, or the smallest and the largest: sheets, drawn in no time."""
    killed: bool = False
    """Killed once in the middle, and run again."""

    def sizes(self, *, quick: bool) -> tuple[int, ...]:
        return self.quick if quick else self.photos

    def quota(self, *, quick: bool) -> int:
        return self.quick_images_per_minute if quick else self.images_per_minute


SCENARIOS: Final[Mapping[str, Scenario]] = MappingProxyType(
    {
        scenario.name: scenario
        for scenario in (
            Scenario(
                name="quota",
                about="default quotas, realistic latency: how much of the quota is used",
                photos=(5_400,),
                quick=(1_200,),
                fast=False,
                images_per_minute=DEFAULT_QUOTA,
                quick_images_per_minute=8 * DEFAULT_QUOTA,
            ),
            Scenario(
                name="ceiling",
                about="no quota, no latency: what a photo costs on the CPU",
                photos=(10_000,),
                quick=(3_000,),
            ),
            Scenario(
                name="latency",
                about="no quota, realistic latency: how well waiting is hidden",
                photos=(10_000,),
                quick=(2_500,),
                fast=False,
            ),
            Scenario(
                name="faulty",
                about="5 % 429, 2 % 5xx, 1 % broken pictures, one SIGKILL: nothing is lost",
                photos=(5_000,),
                quick=(1_200,),
                faults=FAULTS,
                killed=True,
            ),
            Scenario(
                name="scale",
                about="1,000, 10,000 and 100,000 photos: time and memory",
                photos=(1_000, 10_000, 100_000),
                quick=(500, 2_500),
            ),
            Scenario(
                name="mixed",
                about="pictures of 5 kB to 20 MB: memory stays within --max-memory",
                photos=(2_000,),
                quick=(400,),
                sheets="5000-20000000",
            ),
        )
    }
)
