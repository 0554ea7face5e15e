"""
SIGTERM at random moments: out within ten seconds, nothing paid and unsaved, and the same command
goes on. In some runs Vision hangs: then it is out when the drain is over, or at a second signal.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from tests.campaigns.arena import BATCH, PATIENCE, Arena, Moment, arena, autopsy, holds
from tests.campaigns.forks import Started
from tests.campaigns.kill import check_money

SIZES = (64, 96)
"""Photos of a run."""
MOST_SECONDS = 10.0
"""What containers are given."""
AT_THE_END = 0.1
"""The share of runs that are told when their report is out."""
LEAVING = 0.4
"""Seconds in which an interpreter takes itself apart."""
AT_ONCE = 3.0
"""Seconds after a second signal: the courtesy to the database is half of it."""
DRAINED = 128 + signal.SIGTERM
HANGING = 0.2
"""The share of runs in which Vision hangs."""
TOLD_TWICE = 0.8
"""The share of those in which a second signal is sent; the others take the whole drain."""


@dataclass(kw_only=True)
class Tally:
    signals: int = 0
    drained: int = 0
    too_early: int = 0
    """Ended by the signal itself: before the first loop ran, or after the last."""
    at_the_end: int = 0
    """Signals that came when the report was out, whatever the exit code."""
    fresh: int = 0
    """Of processes that were started as `python -m ingestor`; the others are forks of one."""
    waited_out: int = 0
    second: int = 0
    slowest: float = 0.0
    slowest_after_second: float = 0.0
    bought: int = 0
    """Images charged when the process was gone."""
    in_doubt: int = 0
    """Images whose answer had not come when the process left, as its report said."""
    unsaved: int = 0
    """Images that were answered for, or that no report counts."""
    failed: list[str] = field(default_factory=list)

    def table(self, seconds: float) -> str:
        rows = {
            "SIGTERMs": self.signals,
            "exit 143, drained": self.drained,
            "outside of the run, exit by the signal itself": self.too_early,
            "when the report was out": self.at_the_end,
            "to processes started afresh": self.fresh,
            "told once while Vision hung": self.waited_out,
            "told twice while Vision hung": self.second,
            "slowest exit, seconds": f"{self.slowest:.2f}",
            "slowest exit after a second signal, seconds": f"{self.slowest_after_second:.2f}",
            "images paid for at the exit, in all": self.bought,
            "of them unsaved": self.unsaved,
            "in doubt because Vision hung, counted as such": self.in_doubt,
            "violations": len(self.failed),
            "seconds": f"{seconds:.0f}",
        }
        return "\n".join(f"{name:<50}{value:>8}" for name, value in rows.items())


async def told_at_the_end(arena: Arena, seed: int, tally: Tally, *, photos: int) -> None:
    """The run is over, the process is not: whatever it answers, all is stored. Raises Broken."""
    state = arena.state()
    run = await arena.run(state, photos, fresh=True)
    moment = Moment(seconds=random.Random(seed).uniform(0.0, LEAVING), said=True)
    if not await moment.come(arena, run):
        return
    code = await told(run, tally, twice_after=None)
    tally.signals += 1
    tally.at_the_end += 1
    holds(code in (0, DRAINED, -signal.SIGTERM), "exit code", code, run.err.read_text()[-2000:])
    arena.check_stored(photos, orjson.loads(run.out.read_bytes()))
    check_money(arena, autopsy(state), Counter(), [])


async def told_to_stop(
    arena: Arena, seed: int, tally: Tally, *, sizes: Sequence[int], fresh: bool
) -> None:
    """One seed. Raises Broken."""
    dice = random.Random(seed)
    photos = dice.choice(sizes)
    hangs = dice.random() < HANGING
    arena.forget()
    if dice.random() < AT_THE_END:
        await told_at_the_end(arena, seed, tally, photos=photos)
        return
    state = arena.state()
    if hangs:
        arena.sandbox.faults.set("vision.stall", 1.0)
    else:
        arena.sandbox.faults.set("vision.late", 1.0)
        arena.sandbox.faults.set("vision.late-seconds", dice.choice((0.0, 0.05, 0.4)))
    run = await arena.run(state, photos, fresh=fresh)
    if not await Moment.drawn(dice, fresh=fresh).come(arena, run):
        return
    twice = hangs and dice.random() < TOLD_TWICE
    code = await told(run, tally, twice_after=dice.uniform(0, 0.3) if twice else None)
    if code == 0:
        return
    tally.signals += 1
    tally.fresh += fresh
    tally.bought += arena.charges().total()
    found = autopsy(state)
    holds(found.healthy, "the journal is damaged")
    bound = Counter(found.open)
    if code == -signal.SIGTERM:
        tally.too_early += 1
        holds(not found.open, "ended by the signal itself while buying")
    else:
        holds(code == DRAINED, "exit code", code, run.err.read_text()[-2000:])
        tally.drained += 1
        check_report(run, found.open)
    tally.waited_out += hangs and not twice
    unsaved = arena.charges().keys() - found.durable - bound.keys()
    tally.unsaved += len(unsaved)
    holds(not unsaved, "paid and unsaved:", unsaved)
    holds(hangs or not found.open, "in doubt although Vision answered:", found.open)
    tally.in_doubt += bound.total()
    arena.sandbox.faults.clear()
    before = arena.charges()
    arena.check_stored(photos, await arena.finish(state, photos))
    check_money(arena, autopsy(state), bound, [(found, before)])


async def told(run: Started, tally: Tally, *, twice_after: float | None) -> int:
    """Signal once or twice, and wait for the end; returns the exit code."""
    clock = asyncio.get_running_loop().time
    started = again = clock()
    run.signal(signal.SIGTERM)
    if twice_after is not None:
        await asyncio.wait((run.ended,), timeout=twice_after)
        again = clock()
        run.signal(signal.SIGTERM)
    code = await run.code(patience=PATIENCE)
    took = clock() - started
    holds(took <= MOST_SECONDS, "exit took", took)
    tally.slowest = max(tally.slowest, took)
    if twice_after is not None:
        tally.second += 1
        holds(clock() - again <= AT_ONCE, "exit after the second signal took", clock() - again)
        tally.slowest_after_second = max(tally.slowest_after_second, clock() - again)
    return code


def check_report(run: Started, still_open: tuple[str, ...]) -> None:
    """What was said last is true."""
    said = run.out.read_bytes()
    if not said:
        # It was told before it had begun, so there is nothing to report.
        holds(not still_open, "no report, and a purchase is open")
        return
    report: Mapping[str, Any] = orjson.loads(said)
    ends = ("stored", "skipped", "dead", "pending")
    holds(report["listed"] == sum(report[end] for end in ends), "accounts", report)
    doubt = report["units"]["in_doubt"]
    holds(doubt == len(still_open), "in doubt:", doubt, "open:", len(still_open))
    holds(len(still_open) <= 4 * BATCH, "in flight:", len(still_open))


async def campaign(
    *,
    signals: int,
    seed: int,
    drawings: Path | None = None,
    fresh: int = 0,
    sizes: Sequence[int] = SIZES,
    once: bool = False,
) -> Tally:
    tally = Tally()
    first = seed
    async with arena(drawings, learn=max(sizes)) as here:
        while tally.signals < signals and not (once and seed > first):
            afresh = tally.fresh < fresh
            try:
                await told_to_stop(here, seed, tally, sizes=sizes, fresh=afresh)
            except (AssertionError, TimeoutError) as error:
                tally.failed.append(f"seed {seed}: {error!r}")
                again = f"scripts/campaign term --replay {seed}{' --fresh 1' if afresh else ''}"
                sys.stderr.write(f"{tally.failed[-1]}\n  {again}\n")
            seed += 1
    return tally


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/campaign term", description=__doc__)
    parser.add_argument("--signals", type=int, default=200)
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
            signals=given.signals,
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
