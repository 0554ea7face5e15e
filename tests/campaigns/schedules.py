"""
Whole runs on a virtual clock, by the thousand: faults, kills at every point, planted mistakes.

`random` takes seeds as they come; `every` kills one run at each of its points, `pairs` kills it there
and its recovery at each point of its own; `rivals` has two machines on one database; `upkeep` follows
groups that share photos through lost journals and restored databases; `neighbours` has two machines do that,
each with groups of its own; `mutants` plants design errors and
counts the seeds that notice; `profile` counts what two faults in a hundred make a long run buy twice. Every
failing schedule is printed with the command that shows it again.
"""

from __future__ import annotations

import argparse
import gc
import os
import sys
import time
import zlib
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from itertools import islice
from typing import Final, Literal

from tests.campaigns.workers import carry_out_all
from tests.simulation.lives import Verdict, live
from tests.simulation.mutants import MUTANTS, NOTICED, innermost, planted
from tests.simulation.neglects import NEGLECTS
from tests.simulation.neighbours import live_together
from tests.simulation.quarrels import QUARRELS
from tests.simulation.reference import RATE, reference
from tests.simulation.rivals import compete
from tests.simulation.scenario import Fate, Kind, Scenario
from tests.simulation.timeline import timeline
from tests.simulation.trespasses import TRESPASSES
from tests.simulation.upkeep import keep_up

MODES: Final = ("random", "every", "pairs", "rivals", "upkeep", "neighbours", "mutants", "profile")
CHUNK: Final = 100
"""Schedules of one process. It is forked for them and ends with them, which takes the memory of the
dead for nothing: to look for it would take a tenth of the time."""
REPEATED: Final = 100
"""One schedule in so many is carried out twice, and must leave the same trace."""
MOST_TOLD: Final = 5
MOST_TWICE: Final = 0.001
"""Of the images of a profile."""

Order = tuple[int, tuple[Fate, ...] | None, str | None]
"""(seed, fates in place of its own, mutant)."""
Work = Callable[[tuple[list[Order], str]], "Tally"]
"""Of one process: these orders, in this mode."""
CALM_AND_SMALL: Final = {
    "photos": 5,
    "per_page": 5,
    "images_per_minute": 600,
    "requests_per_minute": 240,
    "fault_rate": 0.0,
    "stall_rate": 0.0,
    "disk_fault_rate": 0.0,
    "outage": None,
    "vision_seconds": 0.4,
    "max_units": None,
    "limit": None,
    "moving": False,
}
"""For pairs: what is left is the run itself, and a few pictures with something wrong with them."""


@dataclass(slots=True)
class Tally:
    """What a campaign saw."""

    schedules: int = 0
    lives: int = 0
    points: int = 0
    kills: int = 0
    stops: int = 0
    charged: int = 0
    duplicates: int = 0
    in_flight_at_kills: int = 0
    doubtful: int = 0
    repeated: int = 0
    failed: list[tuple[Order, str]] = field(default_factory=list)

    def add(self, order: Order, verdict: Verdict) -> None:
        world = verdict.world
        self.schedules += 1
        self.lives += len(verdict.ends)
        self.points += sum(verdict.points)
        self.kills += verdict.kills
        self.stops += verdict.stops
        self.charged += sum(len(call.photos) for call in world.calls if call.charged)
        self.duplicates += world.duplicates
        self.in_flight_at_kills += world.crashed_images
        self.doubtful += world.doubtful_images
        if verdict.error is not None:
            error = innermost(verdict.error)
            self.failed.append((order, f"{type(error).__name__}: {error}"))

    def merge(self, other: Tally) -> None:
        for name in self.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))

    def table(self, *, mode: str, given: argparse.Namespace, seconds: float) -> str:
        rows = {
            "schedules": f"{self.schedules} ({self.schedules / seconds:.0f} a second)",
            "lives of the process": str(self.lives),
            "points passed": str(self.points),
            "kills": str(self.kills),
            "stops by signal": str(self.stops),
            "images charged": str(self.charged),
            "of them charged before": f"{self.duplicates}, bound "
            f"{self.in_flight_at_kills} in flight at kills + {self.doubtful} doubtful",
            "carried out twice, same trace": str(self.repeated),
            "violations": str(len(self.failed)),
        }
        lines = [
            f"{mode}: {_python()}, seeds from {given.seed}, {given.jobs} processes, {seconds:.0f} s"
        ]
        lines += [f"  {name:32s} {value}" for name, value in rows.items()]
        for order, error in self.failed[:MOST_TOLD]:
            lines += [f"  FAILED {error}", f"    {_command(order, mode)}"]
        return "\n".join(lines)


def scenario(order: Order, *, small: bool) -> Scenario:
    seed, fates, _ = order
    given = {} if fates is None else {"fates": fates, "fresh_file": seed % 2 == 0}
    return Scenario.of(seed, **(CALM_AND_SMALL if small else {}), **given)


def one(order: Order, mode: str) -> Verdict:
    """Carry out one schedule."""
    if mode == "rivals" or order[2] in TRESPASSES:
        return compete(order[0])
    if mode == "upkeep" or order[2] in NEGLECTS:
        return keep_up(order[0])
    if mode == "neighbours" or order[2] in QUARRELS:
        return live_together(order[0])
    return live(scenario(order, small=mode == "pairs"))


def carry_out(task: tuple[list[Order], str]) -> Tally:
    """One process's share."""
    orders, mode = task
    tally = Tally()
    for order in orders:
        with planted(order[2]):
            verdict = one(order, mode)
            if zlib.crc32(repr(order).encode()) % REPEATED == 0:
                tally.repeated += 1
                again = one(order, mode)
                if again.trace != verdict.trace:
                    verdict.error = AssertionError("another trace from the same seed")
        tally.add(order, verdict)
    return tally


def campaign(
    orders: Iterable[Order],
    *,
    mode: str,
    jobs: int,
    seconds: float = float("inf"),
    work: Work = carry_out,
) -> Tally:
    tally, started = Tally(), time.monotonic()
    with closing(_parts(chunks(orders), work=work, mode=mode, jobs=jobs)) as parts:
        for part in parts:
            tally.merge(part)
            # One that fails in many places says nothing new after the first thousand.
            if len(tally.failed) > 1000 or time.monotonic() - started > seconds:
                break
    return tally


def _parts(
    some: Iterable[list[Order]], *, work: Work, mode: str, jobs: int
) -> Generator[Tally, None, None]:
    """A share that is lost is carried out once more, each schedule by itself: one of them is why."""
    tasks = ((chunk, mode) for chunk in some)
    lost: list[list[Order]] = []
    for part in carry_out_all(work, tasks, jobs=jobs, begin=_settle_down):
        if isinstance(part, Tally):
            yield part
        elif len(part.task[0]) == 1:
            yield Tally(schedules=1, failed=[(part.task[0][0], f"Lost: {part.why}")])
        else:
            lost += ([order] for order in part.task[0])
    if lost:
        yield from _parts(lost, work=work, mode=mode, jobs=jobs)


def chunks(orders: Iterable[Order]) -> Iterator[list[Order]]:
    rest = iter(orders)
    while chunk := list(islice(rest, CHUNK)):
        yield chunk


def at_random(first: int, number: int) -> Iterator[Order]:
    for seed in range(first, first + number):
        yield seed, None, None


def at_every_point(seeds: Iterable[int], *, kind: Kind, small: bool) -> Iterator[Order]:
    """One schedule for every point of each seed's undisturbed first life."""
    for seed in seeds:
        whole = live(scenario((seed, (), None), small=small))
        for point in range(1, whole.points[0] + 1):
            yield seed, (Fate(kind, point),), None


def at_every_pair(seed: int) -> Iterator[Order]:
    """For every point of the first life, every point of the life that recovers from it."""
    whole = live(scenario((seed, (), None), small=True))
    for first in range(1, whole.points[0] + 1):
        recovered = live(scenario((seed, (Fate("crash", first),), None), small=True))
        for second in range(1, recovered.points[1] + 1):
            yield seed, (Fate("crash", first), Fate("crash", second)), None


def hunt(given: argparse.Namespace) -> int:
    """Which seed notices each mistake first, and how many of the first `density` do."""
    names = given.mutant or list(MUTANTS)
    sys.stdout.write(f"mutants: {_python()}, seeds from {given.seed}\n")
    missed = 0
    for name in names:
        hits = _hits(name, given, range(given.density))
        share = f"{len(hits)} of {given.density}"
        if not hits:
            hits = _hits(name, given, range(given.density, given.most))
        broken = [why for _, why in hits if not why.startswith(NOTICED)]
        missed += not hits or bool(broken)
        first = f"seed {hits[0][0]}" if hits else "SURVIVES"
        why = f"DOES NOT RUN: {broken[0]}" if broken else hits[0][1] if hits else ""
        sys.stdout.write(f"  {name:42s} {first:10s} {share:12s} {why.split(' (time')[0][:90]}\n")
        sys.stdout.flush()
    sys.stdout.write(f"{len(names)} mutants, {len(names) - missed} caught\n")
    return missed


def _hits(name: str, given: argparse.Namespace, seeds: range) -> list[tuple[int, str]]:
    """(seed, what was noticed), counted from the first seed of all."""
    orders = ((given.seed + seed, None, name) for seed in seeds)
    failed = campaign(orders, mode="mutants", jobs=given.jobs).failed
    return sorted((order[0] - given.seed, why) for order, why in failed)


def profile(given: argparse.Namespace) -> int:
    """The share of images that were charged twice, with the default and with nothing in doubt bought."""
    most: dict[Literal["retry", "park"], float] = {"retry": MOST_TWICE, "park": 0.0}
    broken = 0
    sys.stdout.write(f"profile: {_python()}, {RATE:.0%} faults, seed {given.seed}\n")
    for in_doubt, allowed in most.items():
        world, report = reference(given.photos, seed=given.seed, in_doubt=in_doubt)
        twice = sum(times - 1 for times in world.charges().values())
        broken += twice > allowed * given.photos
        sys.stdout.write(
            f"  --in-doubt {in_doubt:6s} {report.stored} of {given.photos} photos stored, "
            f"{report.by_reason.get('in-doubt', 0)} parked, {twice} charged twice "
            f"({twice / given.photos:.3%}, {allowed:.1%} allowed), {report.seconds:.0f} s of theirs\n"
        )
    return bool(broken)


def main() -> int:
    given = _arguments()
    if given.replay is not None:
        return _replay(given)
    started = time.monotonic()
    if given.mode == "mutants":
        return bool(hunt(given))
    if given.mode == "profile":
        return profile(given)
    seeds = range(given.seed, given.seed + given.number)
    orders: Iterable[Order]
    if given.mode in ("random", "rivals", "upkeep", "neighbours"):
        orders = at_random(given.seed, given.number)
    elif given.mode == "every":
        orders = at_every_point(seeds, kind=given.kind, small=False)
    else:
        orders = (order for seed in seeds for order in at_every_pair(seed))
    tally = campaign(
        islice(orders, given.most_schedules),
        mode=given.mode,
        jobs=given.jobs,
        seconds=given.most_seconds,
    )
    seconds = time.monotonic() - started
    sys.stdout.write(tally.table(mode=given.mode, given=given, seconds=seconds) + "\n")
    return bool(tally.failed)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/campaign schedules", description=__doc__)
    parser.add_argument("mode", nargs="?", choices=MODES, default="random")
    parser.add_argument("--number", type=int, default=1000, help="seeds")
    parser.add_argument("--seed", type=int, default=0, help="the first one")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--most-schedules", type=int, help="stop after so many")
    parser.add_argument("--most-seconds", type=float, default=float("inf"), help="stop after those")
    parser.add_argument("--kind", choices=("crash", "stop", "cut"), default="crash")
    parser.add_argument("--mutant", action="append", choices=tuple(MUTANTS))
    parser.add_argument("--density", type=int, default=300, help="seeds for every mutant")
    parser.add_argument("--most", type=int, default=1000, help="seeds for one that survives those")
    parser.add_argument("--photos", type=int, default=100_000, help="of a profile")
    parser.add_argument("--replay", type=int, metavar="SEED", help="this one, with its timeline")
    parser.add_argument("--fates", help="as printed: crash:12,stop:3@commit")
    return parser.parse_args()


def _replay(given: argparse.Namespace) -> int:
    fates = None if given.fates is None else tuple(_fates(given.fates))
    mutant = given.mutant[0] if given.mutant else None
    order: Order = (given.replay, fates, mutant)
    with planted(mutant):
        verdict = one(order, given.mode)
    sys.stdout.write(timeline(verdict) + "\n")
    return not verdict.ok


def _fates(text: str) -> Iterator[Fate]:
    kinds: dict[str, Kind] = {"crash": "crash", "stop": "stop", "cut": "cut"}
    for part in filter(None, text.split(",")):
        kind, _, place = part.partition(":")
        point, _, tag = place.partition("@")
        yield Fate(kinds[kind], int(point), tag)


def _command(order: Order, mode: str) -> str:
    seed, fates, mutant = order
    planned = "" if fates is None else ",".join(map(_planned, fates))
    words = ["scripts/campaign", "schedules", mode, "--replay", str(seed)]
    words += [] if fates is None else ["--fates", planned or "''"]
    return " ".join([*words, *(["--mutant", mutant] if mutant else [])])


def _planned(fate: Fate) -> str:
    return f"{fate.kind}:{fate.point}" + (f"@{fate.tag}" if fate.tag else "")


def _settle_down() -> None:
    gc.disable()


def _python() -> str:
    return f"Python {sys.version.split()[0]}"


if __name__ == "__main__":
    sys.exit(main())
