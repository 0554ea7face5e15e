"""
Image servers that mean harm, asked by the real process: it stays small, it ends, it says how many
photos failed of what, and not one of these answers is ever paid for.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson

from tests.campaigns.arena import Arena, arena, holds

PHOTOS: Final = 4
MOST_MEMORY: Final = 200.0
"""Megabytes: what a run takes that meets no harm, 32 for images, and as much again."""
MOST_SECONDS: Final = 60.0
IMPATIENT: Final = {"INGESTOR_PATIENCE": "3"}
"""Seconds that one upstream may fail, so that what is tried again ends soon."""

GONE, STRANGE = "gone", "not-an-image"
COUNTED_AS: Final[Mapping[str, str]] = {
    "image.placeholder": GONE,
    "image.redirect-private": "redirected",
    "image.redirect-loop": "redirected",
    "image.html": STRANGE,
    "image.one-byte": STRANGE,
    "image.empty": "empty",
    "image.truncated": "corrupt",
    "image.gzip-bomb": "encoded",
    "image.huge": "too-large",
    "image.endless": "too-large",
}
"""A picture's own fault, however many of them there are."""
AWAY = "images-unavailable"
BROKEN_OFF: Final[Mapping[str, str]] = dict.fromkeys(
    ("image.cut-short", "image.half-closed", "image.long-header", "image.garbage"), AWAY
)
"""Where not one answer is whole, the server is away: the run stops, and can go on later."""
SLOW: Final[Mapping[str, str]] = dict.fromkeys(("image.drip", "image.stall"), AWAY)
"""Likewise; they take the five seconds over which the rate is judged, and again for each attempt."""


@dataclass(frozen=True, kw_only=True)
class Harmed:
    fault: str
    reason: str
    seconds: float
    memory: float


async def harmed(arena: Arena, fault: str, reason: str) -> Harmed:
    """Every picture is like this. Raises Broken."""
    arena.forget()
    arena.sandbox.faults.set(fault, 1.0)
    run = await arena.run(arena.state(), PHOTOS, "--max-memory", "32", env=IMPATIENT)
    code = await run.code(patience=MOST_SECONDS)
    said = run.out.read_bytes()
    holds(bool(said), fault, "no report, exit code", code, run.err.read_text()[-1000:])
    report: dict[str, Any] = orjson.loads(said)
    holds(arena.sandbox.bill.requests == 0, fault, "was paid for")
    holds(report["units"]["certain"] == report["units"]["possible"] == 0, fault, report["units"])
    holds(report["stored"] == 0 < report["listed"] == PHOTOS, fault, report)
    if reason == AWAY:
        holds((report["ended"], code) == (AWAY, 3), fault, "ended", report)
        holds(report["pending"] == PHOTOS, fault, "pending", report)
    else:
        holds(report["by_reason"] == {reason: PHOTOS}, fault, "counted as", report)
        holds((report["dead"], code) == (PHOTOS, 4), fault, "ended", report)
    holds(report["peak_memory_mb"] <= MOST_MEMORY, fault, "took MB", report["peak_memory_mb"])
    return Harmed(
        fault=fault, reason=reason, seconds=report["seconds"], memory=report["peak_memory_mb"]
    )


async def campaign(
    faults: Mapping[str, str], *, drawings: Path | None = None
) -> tuple[list[Harmed], list[str]]:
    """Returns what was met, and what was broken."""
    met: list[Harmed] = []
    failed: list[str] = []
    async with arena(drawings) as here:
        for fault, reason in faults.items():
            try:
                met.append(await harmed(here, fault, reason))
            except (AssertionError, TimeoutError) as error:
                failed.append(f"{fault}: {error!r}")
    return met, failed


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/campaign hostile", description=__doc__)
    parser.add_argument(
        "--drawings", type=Path, help="draw the pictures, and keep them here between campaigns"
    )
    given = parser.parse_args()
    met, failed = asyncio.run(
        campaign({**COUNTED_AS, **BROKEN_OFF, **SLOW}, drawings=given.drawings)
    )
    for one in met:
        sys.stdout.write(
            f"{one.fault:<28}{one.reason:<20}{one.seconds:>8.1f} s{one.memory:>8.0f} MB\n"
        )
    for failure in failed:
        sys.stdout.write(f"{failure}\n")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
