"""
One quota, several real processes: each is given its part, and the sandbox's sliding windows judge them.

Scenes, each against a sandbox of its own that counts as Google does, in real time:

- `one`: a process alone, told to stop half way and started again: the window holds across both;
- `four`: four processes with a quarter each;
- `stranger`: somebody else uses up half of the quota, and the process is not told.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from ingestor.kits.dimension import WINDOW
from ingestor.sandbox.options import Options
from ingestor.sandbox.server import Sandbox

SCENES = ("one", "four", "stranger")
STRANGER = 0.5
LEAST_USED = {"one": 0.90, "four": 0.95, "stranger": 0.90}
"""Of what there was. A restart costs seconds of its own; the rest of a stranger's has to be found."""
MOST_REFUSED = {"one": 0.0, "four": 0.0, "stranger": 0.01}
MINUTES = {"one": 4.0, "four": 4.0, "stranger": 10.0}
"""What a stranger leaves is found at the cost of three refusals; after that it is one in some six minutes."""
LONGEST_RUN = 1800.0
"""Seconds; what takes longer hangs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What the sandbox counted while the processes were at it."""

    scene: str
    seconds: float
    images: int
    refused: int
    requests: int
    busiest: int
    """Images that it let through in the busiest sliding minute."""
    left: float
    """The part of the quota that was there to be used."""
    limit: int

    @property
    def used(self) -> float:
        """Of what was left, from the first purchase to the last: a window and what came after it."""
        return self.images / (self.left * self.limit * self.seconds / 60.0)

    @property
    def promises_kept(self) -> bool:
        return (
            self.refused <= MOST_REFUSED[self.scene] * self.requests
            and self.busiest <= self.limit
            and self.used >= LEAST_USED[self.scene]
        )

    def line(self) -> str:
        return (
            f"{self.scene:<9} {self.images:>6} images in {self.seconds:>5.0f} s: "
            f"{self.used:.1%} of what was there, {self.refused} of {self.requests} refused, "
            f"{self.busiest} of {self.limit} in the busiest minute"
        )


async def scene(name: str, *, limit: int, minutes: float) -> Seen:
    """Play one scene for about so many minutes."""
    left = 1 - STRANGER if name == "stranger" else 1.0
    photos = round(limit * left * minutes)
    options = Options(
        port=0,
        photos=photos,
        sheets=(150_000, 150_000),
        images_per_minute=limit,
        requests_per_minute=limit,
        rates={"vision.stranger": STRANGER} if name == "stranger" else {},
    )
    async with Sandbox(options) as sandbox:
        with tempfile.TemporaryDirectory(prefix="ingestor-pace-") as folder:
            watching = asyncio.create_task(first_and_last(sandbox), name="watch")
            await PLAYS[name](sandbox, Path(folder), limit, photos)
            watching.cancel()
            began, ended = await watching
        calls = sandbox.calls.summary()["vision"]
        answers = calls["answers"]
        assert isinstance(answers, dict)
        refused = sum(times for answer, times in answers.items() if answer.endswith(" 429"))
        return Seen(
            scene=name,
            seconds=ended - began,
            images=sandbox.bill.units,
            refused=refused,
            requests=sandbox.calls.total("vision"),
            busiest=sandbox.quotas.images.busiest,
            left=left,
            limit=limit,
        )


async def first_and_last(sandbox: Sandbox) -> tuple[float, float]:
    """When the first unit was charged and when the last; until cancelled."""
    began = ended = 0.0
    units = 0
    try:
        while True:
            await asyncio.sleep(0.05)
            if sandbox.bill.units > units:
                units, ended = sandbox.bill.units, time.monotonic()
                began = began or ended
    except asyncio.CancelledError:
        return began, ended


async def one(sandbox: Sandbox, folder: Path, limit: int, photos: int) -> None:
    first = await started(sandbox, folder / "state", limit=limit, photos=photos)
    while sandbox.bill.units < photos / 2:  # noqa: ASYNC110 - a bill rings no bell
        await asyncio.sleep(0.05)
    first.send_signal(signal.SIGTERM)
    await finished(first, codes=(143,))
    await finished(await started(sandbox, folder / "state", limit=limit, photos=photos))


async def four(sandbox: Sandbox, folder: Path, limit: int, photos: int) -> None:
    """Each has a database of its own, and so a lease: what they share is the quota alone."""
    processes = [
        await started(
            sandbox,
            folder / f"state-{number}",
            limit=limit // 4,
            photos=photos // 4,
            namespace=f"part-{number}",
        )
        for number in range(4)
    ]
    await asyncio.gather(*map(finished, processes))


async def stranger(sandbox: Sandbox, folder: Path, limit: int, photos: int) -> None:
    await finished(await started(sandbox, folder / "state", limit=limit, photos=photos))


PLAYS = {"one": one, "four": four, "stranger": stranger}


async def started(
    sandbox: Sandbox, state: Path, *, limit: int, photos: int, namespace: str = "sandbox"
) -> asyncio.subprocess.Process:
    addresses = sandbox.addresses.settings()
    addresses["FIREBASE_DATABASE_URL"] = addresses["FIREBASE_DATABASE_URL"].replace(
        "ns=sandbox", f"ns={namespace}"
    )
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "ingestor", "--group", "zoo", "--limit", str(photos)),
        *("--state", str(state), "--report", "json", "--log-level", "error"),
        *("--images-per-minute", str(limit), "--requests-per-minute", str(limit)),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        env=os.environ | addresses,
    )


async def finished(
    process: asyncio.subprocess.Process, *, codes: Sequence[int] = (0,)
) -> Mapping[str, Any]:
    """Wait for a process's end; returns its report."""
    async with asyncio.timeout(LONGEST_RUN):
        out, _ = await process.communicate()
    if process.returncode not in codes:
        raise RuntimeError(f"a process left with {process.returncode}: {out[-2000:].decode()}")
    report: Mapping[str, Any] = orjson.loads(out)
    return report


async def campaign(scenes: Sequence[str], *, limit: int, minutes: float | None) -> list[Seen]:
    """One after the other: together they would have to share the machine as well."""
    seen = []
    for name in scenes:
        seen.append(await scene(name, limit=limit, minutes=minutes or MINUTES[name]))
        sys.stdout.write(seen[-1].line() + "\n")
        sys.stdout.flush()
    return seen


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/campaign pace", description=__doc__)
    parser.add_argument("--scenes", nargs="+", choices=SCENES, default=list(SCENES))
    parser.add_argument("--limit", type=int, default=1800, help="images, and requests, a minute")
    parser.add_argument(
        "--minutes",
        type=float,
        help=f"each, four or ten if not given; the first window is {WINDOW:.0f} s",
    )
    asked = parser.parse_args()
    seen = asyncio.run(campaign(asked.scenes, limit=asked.limit, minutes=asked.minutes))
    broken = [one.scene for one in seen if not one.promises_kept]
    sys.stdout.write(f"broken: {', '.join(broken) or 'none'}\n")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
