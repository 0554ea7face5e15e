"""A lap: one scenario once, with a sandbox and a journal of its own, and everything that was seen."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import orjson

from ingestor.bench import upstreams
from ingestor.bench.runs import Runs
from ingestor.bench.scenarios import NO_QUOTA, UNBOUND, Scenario

WARM_UP: Final = 200
"""Photos taken before anything is measured: the sandbox draws, both compile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lap:
    """One repetition of one scenario at one size, as the client told it."""

    scenario: str
    photos: int
    round: int
    quota: int
    """Images a minute; 0 where nobody counts."""
    killed: bool
    seconds: float
    """From the first start to the last end: with a kill, both lives and the pause between."""
    samples: list[dict[str, float]] = field(repr=False)
    final: dict[str, Any] = field(repr=False)
    bill: dict[str, Any]


async def lap(
    scenario: Scenario,
    *,
    photos: int,
    number: int,
    quick: bool,
    loop: str = "uvloop",
) -> Lap:
    """
    Run a scenario once, with a sandbox and a journal of its own. Raises BenchFailed.

    `loop` is "uvloop" (where it is installed) or "asyncio".
    """
    quota = scenario.quota(quick=quick)
    clock = asyncio.get_running_loop().time
    with tempfile.TemporaryDirectory(prefix="ingestor-bench-") as text:
        folder = Path(text)
        async with upstreams.sandbox(scenario, photos=photos, quota=quota) as addresses:
            runs = Runs(folder=folder, loop=loop, addresses=addresses)
            if quota == NO_QUOTA and scenario.fast:
                few = min(WARM_UP, photos)
                await runs.warm_up(settings_for(addresses, folder / "warm", few, quota=NO_QUOTA))
                await upstreams.forget_the_warm_up(addresses)
            settings = settings_for(addresses, folder / "state", photos, quota=quota)
            if scenario.max_memory:
                settings["max_memory"] = scenario.max_memory
            samples: list[dict[str, float]] = []
            began = clock()
            if scenario.killed:
                await runs.live_until_killed(settings, told=samples.append)
            pause = clock() - began
            final = await runs.live(
                settings, told=lambda line: samples.append({**line, "at": line["at"] + pause})
            )
            return Lap(
                scenario=scenario.name,
                photos=photos,
                round=number,
                quota=quota,
                killed=scenario.killed,
                seconds=clock() - began,
                samples=samples,
                final=final,
                bill=await upstreams.bill(addresses),
            )


def settings_for(
    addresses: Mapping[str, str], state: Path, photos: int, *, quota: int
) -> dict[str, Any]:
    return {
        "groups": ["zoo"],
        "limit": photos,
        "state": str(state),
        "flickr_url": addresses["flickr_url"],
        "image_url": addresses["image_url"],
        "vision_url": addresses["vision_url"],
        "database_url": addresses["database_url"],
        "flickr_api_key": addresses["flickr_key"],
        "google_api_key": addresses["google_key"],
        "images_per_minute": quota or UNBOUND,
        "requests_per_minute": quota or UNBOUND,
        # A long run that lists no faster than Flickr's default would be held against fast short ones.
        **({} if quota else {"flickr_calls_per_hour": UNBOUND}),
    }


def as_json(laps: list[Lap], *, about: Mapping[str, Any]) -> bytes:
    """Everything that was seen, for whoever wants to look again."""
    return orjson.dumps(
        {"about": dict(about), "laps": [asdict(one) for one in laps]},
        option=orjson.OPT_INDENT_2,
        default=str,
    )
