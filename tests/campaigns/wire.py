"""
Whole runs over connections, by the thousand: the real HTTP client against the real sandbox.

Faults of the sandbox by seed, connections that are refused, torn and cut at any byte, kills and stops
at any callback. Every failing schedule is printed with the command that shows it again.
"""

from __future__ import annotations

import argparse
import gc
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from tests.campaigns.workers import Lost, carry_out_all
from tests.simulation.lives import Verdict
from tests.simulation.mutants import MUTANTS, planted
from tests.simulation.timeline import timeline
from tests.simulation.wire import live_on_the_wire, scenario_of
from tests.simulation.zoo import ZooWorld

CHUNK: Final = 50
"""Schedules of one process, which ends with them: its memory is taken for nothing then."""
REPEATED: Final = 100
"""One schedule in so many is carried out twice, and must leave the same trace."""
MOST_TOLD: Final = 5


@dataclass(slots=True)
class Tally:
    """What a campaign saw; all numbers are sums."""

    schedules: int = 0
    lives: int = 0
    kills: int = 0
    stops: int = 0
    requests: int = 0
    unconnected: int = 0
    cut: int = 0
    struck: int = 0
    charged: int = 0
    duplicates: int = 0
    in_flight_at_kills: int = 0
    doubtful: int = 0
    repeated: int = 0
    failed: list[tuple[int, str]] = field(default_factory=list)

    def add(self, verdict: Verdict) -> None:
        world = verdict.world
        assert isinstance(world, ZooWorld)
        self.schedules += 1
        self.lives += len(verdict.ends)
        self.kills += verdict.kills
        self.stops += verdict.stops
        self.requests += world.requests
        self.unconnected += world.unconnected
        self.cut += sum(cut.happened for cut in world.cuts)
        self.struck += sum(world.faults.counts().values())
        self.charged += sum(len(call.photos) for call in world.calls if call.charged)
        self.duplicates += world.duplicates
        self.in_flight_at_kills += world.crashed_images
        self.doubtful += world.doubtful_images
        if verdict.error is not None:
            error = f"{type(verdict.error).__name__}: {verdict.error}"
            self.failed.append((verdict.scenario.seed, error))

    def merge(self, other: Tally) -> None:
        for name in self.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))

    def table(self, *, jobs: int, seconds: float) -> str:
        bound = f"{self.in_flight_at_kills} in flight at kills + {self.doubtful} doubtful"
        rows = {
            "schedules": f"{self.schedules} ({self.schedules / seconds * 60:.0f} a minute)",
            "lives of the process": self.lives,
            "kills": self.kills,
            "stops by signal": self.stops,
            "requests": self.requests,
            "connections that were not made": self.unconnected,
            "connections cut": self.cut,
            "faults of the sandbox": self.struck,
            "images charged": self.charged,
            "of them charged before": f"{self.duplicates}, bound {bound}",
            "carried out twice, same trace": self.repeated,
            "violations": len(self.failed),
        }
        lines = [f"wire: Python {sys.version.split()[0]}, {jobs} processes, {seconds:.0f} s"]
        lines += [f"  {name:32s} {value}" for name, value in rows.items()]
        for seed, error in sorted(self.failed)[:MOST_TOLD]:
            lines += [f"  FAILED {error}", f"    scripts/campaign wire --replay {seed}"]
        return "\n".join(lines)


def carry_out(task: tuple[Sequence[int], str | None]) -> Tally:
    """One process's share."""
    seeds, mutant = task
    tally = Tally()
    with planted(mutant):
        for seed in seeds:
            verdict = live_on_the_wire(scenario_of(seed))
            if seed % REPEATED == 0:
                tally.repeated += 1
                again = live_on_the_wire(scenario_of(seed))
                if again.trace != verdict.trace:
                    verdict.error = AssertionError("another trace from the same seed")
            tally.add(verdict)
    return tally


def campaign(seeds: range, *, mutant: str | None, jobs: int) -> Tally:
    tally = Tally()
    shares = [(seeds[at : at + CHUNK], mutant) for at in range(0, len(seeds), CHUNK)]
    for part in carry_out_all(carry_out, shares, jobs=jobs, begin=_settle_down):
        if isinstance(part, Lost):
            tally.failed.append((part.task[0][0], f"Lost, or one after it: {part.why}"))
        else:
            tally.merge(part)
    return tally


def _settle_down() -> None:
    """What is there now stays; what the dead leave is taken by the harness."""
    gc.freeze()
    gc.disable()


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/campaign wire", description=__doc__)
    parser.add_argument("--number", type=int, default=1000, help="seeds")
    parser.add_argument("--seed", type=int, default=0, help="the first one")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--mutant", choices=tuple(MUTANTS), help="with this mistake in the design")
    parser.add_argument("--replay", type=int, metavar="SEED", help="this one, with its timeline")
    given = parser.parse_args()
    if given.replay is not None:
        with planted(given.mutant):
            verdict = live_on_the_wire(scenario_of(given.replay))
        sys.stdout.write(timeline(verdict) + "\n")
        return not verdict.ok
    started = time.monotonic()
    seeds = range(given.seed, given.seed + given.number)
    tally = campaign(seeds, mutant=given.mutant, jobs=given.jobs)
    seconds = time.monotonic() - started
    sys.stdout.write(tally.table(jobs=given.jobs, seconds=seconds) + "\n")
    return bool(tally.failed)


if __name__ == "__main__":
    sys.exit(main())
