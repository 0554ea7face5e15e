"""
SIGKILL at random moments, until the run completes all the same: nothing lost, nothing known bought
again, and never more bought twice than was in flight.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.campaigns.arena import (
    BATCH,
    IN_FLIGHT,
    PATIENCE,
    Arena,
    Autopsy,
    Moment,
    arena,
    autopsy,
    holds,
)

SIZES = (48, 64, 96)
"""Photos of a run: three to six full batches."""
SAYS_SO_EVERY = 50
MOST_KILLS = 6
"""Of one run; after them it may complete."""


@dataclass(kw_only=True)
class Tally:
    runs: int = 0
    kills: int = 0
    fresh: int = 0
    """Of processes that were started as `python -m ingestor`; the others are forks of one."""
    while_buying: int = 0
    """Kills that left a purchase open."""
    in_flight: int = 0
    """Images in those purchases: the bound on what may be bought twice."""
    bought_twice: int = 0
    most_for_one_run: int = 0
    failed: list[str] = field(default_factory=list)

    def table(self, seconds: float) -> str:
        rows = {
            "runs until complete": self.runs,
            "kills": self.kills,
            "of them of processes started afresh": self.fresh,
            "of them while buying": self.while_buying,
            "images in flight at a kill, in all (the bound)": self.in_flight,
            "images bought twice, in all": self.bought_twice,
            "images bought twice per kill": f"{self.bought_twice / max(1, self.kills):.2f}",
            "most of them in one run": self.most_for_one_run,
            "violations": len(self.failed),
            "seconds": f"{seconds:.0f}",
        }
        return "\n".join(f"{name:<50}{value:>8}" for name, value in rows.items())


async def killed_until_complete(
    arena: Arena, seed: int, tally: Tally, *, sizes: Sequence[int], fresh: bool
) -> None:
    """One seed: up to six kills, then the end. Raises Broken."""
    dice = random.Random(seed)
    photos = dice.choice(sizes)
    arena.forget()
    state = arena.state()
    # What was charged and not yet answered is what a kill loses.
    arena.sandbox.faults.set("vision.late", 1.0)
    arena.sandbox.faults.set("vision.late-seconds", dice.choice((0.0, 0.01, 0.05)))
    bound: Counter[str] = Counter()
    known: list[tuple[Autopsy, Counter[str]]] = []
    for _kill in range(dice.randint(1, MOST_KILLS)):
        run = await arena.run(state, photos, fresh=fresh)
        if not await Moment.drawn(dice, fresh=fresh).come(arena, run):
            break
        run.signal(signal.SIGKILL)
        await run.code(patience=PATIENCE)
        found = autopsy(state)
        holds(found.healthy, "the journal is damaged")
        holds(len(found.open) <= IN_FLIGHT * BATCH, "in flight:", len(found.open))
        bound.update(found.open)
        known.append((found, arena.charges()))
        tally.kills += 1
        tally.fresh += fresh
        tally.while_buying += bool(found.open)
    report = await arena.finish(state, photos)
    arena.check_stored(photos, report)
    check_money(arena, autopsy(state), bound, known)
    twice = arena.charges().total() - photos
    tally.runs += 1
    tally.in_flight += bound.total()
    tally.bought_twice += twice
    tally.most_for_one_run = max(tally.most_for_one_run, twice)


def check_money(
    arena: Arena,
    end: Autopsy,
    bound: Counter[str],
    known: Sequence[tuple[Autopsy, Counter[str]]],
) -> None:
    """The vendor's bill against the journal, image by image."""
    charges = arena.charges()
    for photo, times in charges.items():
        holds(times <= 1 + bound[photo], photo, "charged", times, "times, in flight", bound[photo])
    for found, before in known:
        again = [photo for photo in found.durable if charges[photo] != before[photo]]
        holds(not again, "charged again although the result was durable:", again)
    holds(end.healthy, "the journal is damaged")
    holds(not end.open, "open purchases are left:", end.open)
    holds(set(end.states) == {"stored"}, "states", dict(end.states))
    billed = arena.sandbox.bill.units
    holds(end.certain <= billed <= end.at_most, "billed", billed, "journal", end)


async def campaign(
    *,
    kills: int,
    seed: int,
    drawings: Path | None = None,
    fresh: int = 0,
    sizes: Sequence[int] = SIZES,
    once: bool = False,
) -> Tally:
    """The first `fresh` kills strike processes that were started for them."""
    tally = Tally()
    async with arena(drawings, learn=max(sizes)) as here:
        while tally.kills < kills and not (once and tally.runs + len(tally.failed)):
            afresh = tally.fresh < fresh
            try:
                await killed_until_complete(here, seed, tally, sizes=sizes, fresh=afresh)
            except (AssertionError, TimeoutError) as error:
                tally.failed.append(f"seed {seed}: {error!r}")
                again = f"scripts/campaign kill --replay {seed}{' --fresh 1' if afresh else ''}"
                sys.stderr.write(f"{tally.failed[-1]}\n  {again}\n")
            seed += 1
            if tally.runs % SAYS_SO_EVERY == 0:
                sys.stderr.write(f"{tally.kills} kills, {len(tally.failed)} violations\n")
    return tally


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/campaign kill", description=__doc__)
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--fresh", type=int, default=0, help="so many of processes started afresh")
    parser.add_argument("--seed", type=int, default=1, help="the first one")
    parser.add_argument("--replay", type=int, metavar="SEED", help="this one, once")
    parser.add_argument(
        "--drawings", type=Path, help="draw the pictures, and keep them here between campaigns"
    )
    given = parser.parse_args()
    started = time.monotonic()
    tally = asyncio.run(
        campaign(
            kills=given.kills,
            fresh=given.fresh,
            seed=given.seed if given.replay is None else given.replay,
            drawings=given.drawings,
            once=given.replay is not None,
        )
    )
    sys.stdout.write(tally.table(time.monotonic() - started) + "\n")
    return bool(tally.failed)


if __name__ == "__main__":
    sys.exit(main())
