"""The scenarios by name. They are frozen: figures of two years can be held against each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

SEED: Final = 7
"""Of the sandbox: the same photos, faults and delays every time."""
NO_QUOTA: Final = 0
UNBOUND: Final = 100_000_000
"""What a client may ask for where nobody counts: images a minute, or Flickr's calls an hour."""
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


QUICK: Final = ("quota", "ceiling", "faulty")
"""What a first look looks at; under a minute on two cores, with what they are held against."""


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
    """A larger quota, so that a quick look is over in seconds, all of it within the first window."""
    faults: Mapping[str, float] = field(default_factory=dict)
    sheets: str = "150000"
    """Bytes of a picture, or the smallest and the largest: sheets, drawn in no time."""
    killed: bool = False
    """Killed once in the middle, and run again."""
    tls: bool = False
    """Over TLS, on the way to every upstream."""
    nginx: bool = False
    """Pictures from nginx where it is installed: the sandbox then has the paid calls alone to do."""
    max_memory: int = 0
    """Megabytes of pictures that the run may hold; 0: as many as it does by itself."""
    beside: str = ""
    """The scenario that its figures are held against, measured in the same round."""

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
                name="quota-16",
                about="sixteen times the default quotas, realistic latency: 480 photos a second",
                photos=(43_200,),
                quick=(4_800,),
                fast=False,
                images_per_minute=16 * DEFAULT_QUOTA,
                quick_images_per_minute=16 * DEFAULT_QUOTA,
            ),
            Scenario(
                name="ceiling",
                about="no quota, no latency: what a photo costs on the CPU",
                photos=(10_000,),
                quick=(3_000,),
                nginx=True,
            ),
            Scenario(
                name="tls",
                about="the same over TLS: what part of a photo's CPU that is",
                photos=(10_000,),
                quick=(3_000,),
                nginx=True,
                tls=True,
                beside="ceiling",
            ),
            Scenario(
                name="latency",
                about="no quota, realistic latency: how well waiting is hidden",
                photos=(10_000,),
                quick=(2_500,),
                fast=False,
            ),
            Scenario(
                name="clean",
                about="what faulty would be without faults",
                photos=(40_000,),
                quick=(2_000,),
            ),
            Scenario(
                name="faulty",
                about="5 % 429, 2 % 5xx, 1 % broken pictures, one SIGKILL: nothing is lost",
                photos=(40_000,),
                quick=(2_000,),
                faults=FAULTS,
                killed=True,
                beside="clean",
            ),
            Scenario(
                name="scale",
                about="1,000, 10,000 and 100,000 photos with --max-memory 96, which the shortest "
                "fills as well: time and memory",
                photos=(1_000, 10_000, 100_000),
                quick=(1_000, 2_500),
                nginx=True,
                max_memory=96,
            ),
            Scenario(
                name="mixed",
                about="pictures of 1 kB to 20 MB: memory stays within --max-memory",
                photos=(2_000,),
                quick=(400,),
                sheets="1000-20000000",
            ),
        )
    }
)


def with_company(wanted: Sequence[str]) -> tuple[str, ...]:
    """The scenarios asked for, each after the one that it is held against."""
    return tuple(
        dict.fromkeys(name for each in wanted for name in (SCENARIOS[each].beside, each) if name)
    )
