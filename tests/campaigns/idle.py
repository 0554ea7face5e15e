"""
What a worker costs that has nothing to do: rounds over twenty groups in which nothing arrives. Calls
are counted by the sandbox, CPU and memory by the system, of the real process.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from ingestor.sandbox.options import Options
from ingestor.sandbox.pools import FixedPool, Pool
from ingestor.sandbox.server import Sandbox
from ingestor.sandbox.world import Group, World, first_id_of
from tests.campaigns.arena import holds
from tests.integration.console import START, UNLIMITED, environment, free_ports

SEED: Final = 7
PATIENCE: Final = 600.0
GLANCE: Final = 0.1
TICKS: Final = os.sysconf("SC_CLK_TCK")
LOOK: Final = re.compile(rb'"group_looked"')


def crowded(groups: int, *, photos: int) -> World:
    """So many groups of one size."""
    made = [
        Group(nsid=f"{2000001 + slot}@N20", alias=f"group{slot}", name=f"Group {slot}")
        for slot in range(groups)
    ]
    pools: dict[str, Pool] = {
        group.nsid: FixedPool(first_id_of(SEED, slot=slot), size=photos)
        for slot, group in enumerate(made)
    }
    return World(SEED, groups=made, pools=pools)


class Process:
    """The worker, seen by the system."""

    def __init__(self, pid: int, said: Path) -> None:
        self._proc = Path(f"/proc/{pid}")
        self._said = said

    def looks(self) -> int:
        return len(LOOK.findall(self._said.read_bytes()))

    def cpu(self) -> float:
        """Seconds so far."""
        fields = (self._proc / "stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def resident(self) -> float:
        """Megabytes."""
        pages = (self._proc / "statm").read_text(encoding="ascii").split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE") / (1 << 20)


async def until(true: Callable[[], bool], process: asyncio.subprocess.Process) -> None:
    deadline = time.monotonic() + PATIENCE
    while not true():
        holds(process.returncode is None, "it ended by itself:", process.returncode)
        holds(time.monotonic() < deadline, "nothing happens")
        await asyncio.sleep(GLANCE)


async def campaign(*, groups: int, photos: int, rounds: int, every: int) -> str:
    world = crowded(groups, photos=photos)
    options = Options(port=0, seed=SEED, fast=True, sheets=(2_000, 2_000), images_per_minute=0)
    with tempfile.TemporaryDirectory(prefix="ingestor-idle-") as name:
        folder, port = Path(name), free_ports()
        said = folder / "said"
        words = (*UNLIMITED, "worker", "--every", f"{every}s", "--state", str(folder / "state"))
        named = [word for group in world.groups for word in ("--group", group)]
        async with Sandbox(options, world=world) as sandbox:
            with said.open("wb") as errors:
                process = await asyncio.create_subprocess_exec(
                    *(*START, *words, *named, "--eyes", f"127.0.0.1:{port}"),
                    env=environment(**sandbox.addresses.settings()),
                    stderr=errors,
                )
            watched = Process(process.pid, said)
            try:
                figures = await _watched(
                    watched, process, sandbox, groups=groups, photos=photos, rounds=rounds
                )
            finally:
                process.send_signal(signal.SIGTERM)
                await asyncio.wait_for(process.wait(), PATIENCE)
    figures |= {"seconds between two looks at a group": str(every)}
    return "\n".join(f"{name:<50}{value:>10}" for name, value in figures.items())


async def _watched(
    watched: Process,
    process: asyncio.subprocess.Process,
    sandbox: Sandbox,
    *,
    groups: int,
    photos: int,
    rounds: int,
) -> dict[str, str]:
    """Let it buy everything, and settle for a round; then look at what the rounds cost."""
    await until(lambda: sandbox.bill.units >= groups * photos, process)
    settled = watched.looks() + 2 * groups
    await until(lambda: watched.looks() >= settled, process)
    sandbox.calls.clear()
    looks, cpu, memory, started = watched.looks(), watched.cpu(), watched.resident(), time.time()
    await until(lambda: watched.looks() >= looks + rounds * groups, process)
    calls = {name: sandbox.calls.total(name) for name in ("flickr", "image", "vision", "database")}
    made = (watched.looks() - looks) / groups
    spent = watched.cpu() - cpu
    return {
        "groups": str(groups),
        "photos in each": str(photos),
        "rounds": f"{made:.1f}",
        "Flickr calls a round": f"{calls['flickr'] / made:.1f}",
        "other calls, in all": str(calls["image"] + calls["vision"] + calls["database"]),
        "CPU ms a round": f"{1000 * spent / made:.0f}",
        "CPU, share of a core meanwhile": f"{100 * spent / (time.time() - started):.2f} %",
        "resident MB before, after": f"{memory:.0f}, {watched.resident():.0f}",
        "units": str(sandbox.bill.units),
    }


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/campaign idle", description=__doc__)
    parser.add_argument("--groups", type=int, default=20)
    parser.add_argument("--photos", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--every", type=int, default=30, help="seconds")
    given = parser.parse_args()
    told = campaign(
        groups=given.groups, photos=given.photos, rounds=given.rounds, every=given.every
    )
    sys.stdout.write(asyncio.run(told) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
