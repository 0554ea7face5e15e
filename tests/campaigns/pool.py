"""
A worker that follows a pool of 50,000 photos which come and go while it is paged, killed and started
again twenty times: every photo that is there in the end was annotated once, and none that left is
left. Flickr's calls are held against the fewest that could have done.

The kills are SIGKILLs to the real process. The days until everything that left is gone pass in this
process, by a clock of its own.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

from ingestor import events
from ingestor.journal.writer import Journal
from ingestor.kits.lifetime import Lifetime
from ingestor.sandbox.options import Options
from ingestor.sandbox.pools import RestlessPool
from ingestor.sandbox.server import Sandbox
from ingestor.sandbox.world import Group, World, first_id_of
from ingestor.services import PHOTOS_PER_PAGE, open_services
from ingestor.settings import Settings
from ingestor.worker import Worker
from tests.campaigns.arena import BATCH, NAMESPACE, Autopsy, Broken, autopsy, holds
from tests.campaigns.forks import Forks, Started, forks
from tests.integration.console import UNLIMITED
from tests.sandboxes import NO_QUOTAS, way_to

CROWD: Final = Group(nsid="1000001@N20", alias="crowd", name="Come and Go")
SEED: Final = 7
IN_FLIGHT: Final = 8
GLANCE: Final = 0.005
SLOW_GLANCE: Final = 1.0
"""Where a look goes over the whole database."""
PATIENCE: Final = 1800.0
"""Seconds for one life; Flickr's own limit, a call a second, is kept."""
TO_BEGIN: Final = 3
"""Calls of every life: which group that is, its head, and the head once more under the lease."""
LOOK: Final = 900.0
RECHECK: Final = 3600.0
MOST_LOOKS: Final = 60


class Crowd(RestlessPool):
    """Comes and goes until it is told to keep still."""

    still = False

    def listed(self, page: int, /) -> Sequence[str]:
        return self.now() if self.still else super().listed(page)


@dataclass(kw_only=True)
class Tally:
    photos: int
    kills: int = 0
    bound: Counter[str] = field(default_factory=Counter)
    """By photo, how often it was in flight at a kill."""
    left: int = 0
    arrived: int = 0
    crawl_calls: int = 0
    takedown_calls: int = 0
    takedown_looks: int = 0
    units: int = 0
    twice: int = 0
    present: int = 0
    seconds: float = 0.0

    def table(self) -> str:
        pages = -(-self.present // PHOTOS_PER_PAGE)
        rows = {
            "photos when the worker came": self.photos,
            "photos that came while it paged": self.arrived,
            "photos that left while it paged": self.left,
            "kills (SIGKILL)": self.kills,
            "photos in the end, each annotated": self.present,
            "units": self.units,
            "images in flight at a kill, in all (the bound)": self.bound.total(),
            "images bought twice": self.twice,
            "photos published that are not in the pool": 0,
            "Flickr calls until all were annotated": self.crawl_calls,
            f"  the fewest: {pages} pages, {self.kills + 1} lives of {TO_BEGIN}": pages
            + TO_BEGIN * (self.kills + 1),
            "Flickr calls until all that left were gone": self.takedown_calls,
            f"  the fewest: {pages} pages, twice each": 2 * pages,
            "  in looks, 15 minutes apart": self.takedown_looks,
            "seconds": f"{self.seconds:.0f}",
        }
        return "\n".join(f"{name:<50}{value:>8}" for name, value in rows.items())


@dataclass(kw_only=True)
class Scene:
    sandbox: Sandbox
    pool: Crowd
    forks: Forks
    state: Path
    tally: Tally

    async def start(self) -> Started:
        words = (
            *(*UNLIMITED, "--max-in-flight", str(IN_FLIGHT), "worker", "--group", CROWD.nsid),
            *("--every", "1h", "--eyes", "off", "--state", str(self.state)),
        )
        settings = self.sandbox.addresses.settings()
        return await self.forks.start(words, env=settings, folder=self.state.parent / "said")

    def published(self) -> set[str]:
        found = self.sandbox.database.value(NAMESPACE, "/photos")
        return {name.removeprefix("p") for name in found} if isinstance(found, dict) else set()

    def indexed(self) -> set[str]:
        index: Any = self.sandbox.database.value(NAMESPACE, "/index") or {}
        return {name.partition("-p")[2] for ranks in index.values() for name in ranks}

    def so_far(self, *, calls: int, units: int) -> bool:
        """Whether so many are bought; a life that begins beyond that has asked Flickr something."""
        return self.flickr_calls() > calls and self.sandbox.bill.units >= units

    def flickr_calls(self) -> int:
        return self.sandbox.calls.total("flickr")


async def until(true: Callable[[], bool], run: Started, *, glance: float = GLANCE) -> None:
    """Wait for it while a process lives. Raises Broken where it ends or takes too long."""
    deadline = time.monotonic() + PATIENCE
    while not true():
        if run.ended.done() or time.monotonic() > deadline:
            raise Broken(f"It ended, or did nothing: {run.err.read_text()[-2000:]}")
        await asyncio.sleep(glance)


async def crawled(scene: Scene, *, kills: int, dice: random.Random) -> None:
    """Kill it again and again, each time a share further on; then let it get done."""
    bill, tally = scene.sandbox.bill, scene.tally
    known: Autopsy | None = None
    charged: Counter[str] = Counter()
    for kill in range(kills):
        wanted = int(tally.photos * (kill + dice.random()) / kills)
        run = await scene.start()
        await until(partial(scene.so_far, calls=scene.flickr_calls(), units=wanted), run)
        await asyncio.sleep(dice.uniform(0, 0.1))
        run.signal(signal.SIGKILL)
        await run.code(patience=PATIENCE)
        tally.kills += 1
        if known:
            again = [photo for photo in known.durable if bill.images[photo] != charged[photo]]
            holds(not again, "bought again although it was known:", again)
        known, charged = autopsy(scene.state), Counter(bill.images)
        holds(known.healthy, "the journal is damaged")
        holds(len(known.open) <= IN_FLIGHT * BATCH, "in flight:", len(known.open))
        tally.bound.update(known.open)
    scene.pool.still = True
    run = await scene.start()
    await until(lambda: scene.published() >= set(scene.pool.now()), run, glance=SLOW_GLANCE)
    run.signal(signal.SIGTERM)
    code = await run.code(patience=PATIENCE)
    holds(code == 128 + signal.SIGTERM, "exit code", code)
    tally.crawl_calls = scene.flickr_calls()


async def taken_down(scene: Scene) -> None:
    """Let quarters of an hour pass until nothing that left is left."""
    settings = Settings.read(
        groups=(CROWD.nsid,),
        state=scene.state,
        every=0.01,
        recheck=RECHECK,
        **way_to(scene.sandbox),
        **NO_QUOTAS,
    )
    lifetime, present, before = Lifetime(drain=8.0), set(scene.pool.now()), scene.flickr_calls()
    now = time.time()

    def listen(event: events.Event) -> None:
        nonlocal now
        if isinstance(event, events.GroupLooked):
            now += LOOK
            scene.tally.takedown_looks += 1
            if scene.published() == present or scene.tally.takedown_looks == MOST_LOOKS:
                lifetime.stop("SIGTERM")

    async with (
        Journal(settings.journal_path) as journal,
        open_services(settings, lifetime=lifetime, listen=listen) as services,
    ):
        await Worker(
            settings, journal, services, lifetime=lifetime, listen=listen, wall=lambda: now
        ).work()
    lifetime.close()
    scene.tally.takedown_calls = scene.flickr_calls() - before


def judge(scene: Scene) -> None:
    """Every photo that is there was annotated once, and nothing else is shown."""
    tally, bill, present = scene.tally, scene.sandbox.bill, set(scene.pool.now())
    ever = scene.pool.born
    tally.present, tally.units = len(present), bill.units
    tally.arrived, tally.left = ever - tally.photos, ever - len(present)
    tally.twice = bill.units - len(bill.images)
    published = scene.published()
    holds(published == present, "published", len(published), "present", len(present))
    holds(scene.indexed() <= present, "the index shows photos that left")
    for photo, times in bill.images.items():
        holds(times <= 1 + tally.bound[photo], photo, "bought", times, "times")
    holds(not present - bill.images.keys(), "never bought")
    end = autopsy(scene.state)
    holds(end.healthy and not end.open, "the journal is damaged, or purchases are open")
    holds(set(end.states) <= {"stored", "withdrawn"}, "states", dict(end.states))
    holds(end.states["stored"] == len(present), "states", dict(end.states))


async def campaign(*, photos: int, kills: int, seed: int) -> Tally:
    started = time.monotonic()
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)
    pool = Crowd(first_id_of(SEED, slot=0), size=photos, seed=seed)
    world = World(SEED, groups=(CROWD,), pools={CROWD.nsid: pool})
    options = Options(
        port=0,
        seed=SEED,
        fast=True,
        sheets=(2_000, 2_000),
        images_per_minute=0,
        requests_per_minute=0,
    )
    with tempfile.TemporaryDirectory(prefix="ingestor-campaign-") as folder:
        async with Sandbox(options, world=world) as sandbox, forks() as warm:
            scene = Scene(
                sandbox=sandbox,
                pool=pool,
                forks=warm,
                state=Path(folder) / "state",
                tally=Tally(photos=photos),
            )
            # What was charged and not yet answered is what a kill loses.
            sandbox.faults.set("vision.late", 1.0)
            sandbox.faults.set("vision.late-seconds", 0.02)
            await crawled(scene, kills=kills, dice=random.Random(seed))
            await taken_down(scene)
            judge(scene)
    scene.tally.seconds = time.monotonic() - started
    return scene.tally


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/campaign pool", description=__doc__)
    parser.add_argument("--photos", type=int, default=50_000)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    tally = asyncio.run(campaign(photos=given.photos, kills=given.kills, seed=given.seed))
    sys.stdout.write(tally.table() + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
