"""
A worker for thirty days, in virtual time: pools that grow and shrink, outages, a clock that jumps, a
frozen process, a restart a week. What was bought is held against what arrived, the time until photos
that left are gone is measured, and the process's memory day by day.
"""

from __future__ import annotations

import argparse
import gc
import random
import resource
import sqlite3
import statistics
import sys
import tempfile
import time
from array import array
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from ingestor import events
from ingestor.services import PHOTOS_PER_PAGE
from tests.simulation.months import DAY, HOUR, Life, Outside, Pool, a_photo

STEP: Final = 300.0
"""Seconds between two changes of the pools."""
SETTLED_AFTER: Final = 10
"""Days after which memory must stand still: until then SQLite's page cache fills (64 MB of it)."""
WEEK: Final = 7
MEGABYTE: Final = 1 << 20
GROUP: Final = "{}@N00"


@dataclass(slots=True)
class Month:
    """What happens, and what was seen of it."""

    outside: Outside
    rng: random.Random
    journal: Path
    photos: int
    """In each group when the worker came."""
    ends: float
    per_day: float
    """Photos that arrive in a group, and that leave it, on average."""
    looks: int = 0
    runs: int = 0
    trouble: int = 0
    waiting: dict[str, tuple[float, str]] = field(default_factory=dict)
    """By id, when a photo left, and which group."""
    until_gone: array[float] = field(default_factory=lambda: array("d"))
    until_bought: array[float] = field(default_factory=lambda: array("d"))
    left_unbought: int = 0
    memory: list[float] = field(default_factory=list)
    """Resident megabytes at the end of each day."""

    def listen(self, event: events.Event) -> None:
        match event:
            case events.GroupLooked():
                self.looks += 1
            case events.RunStarted():
                self.runs += 1
            case events.GroupFailed() | events.BuyingHalted():
                self.trouble += 1
            case events.PhotosWithdrawn():
                self._find_gone(event.group)
            case _:
                pass

    def annotated(self, group: str, number: int) -> None:
        if number >= self.photos:
            arrived = self.outside.pools[group].dates[number]
            self.until_bought.append(self.outside.wall() - arrived)

    def _find_gone(self, group: str) -> None:
        """Ask the journal itself, as a reader beside the worker."""
        with closing(sqlite3.connect(f"file:{self.journal}?mode=ro", uri=True)) as db:
            for photo, (left, left_group) in list(self.waiting.items()):
                known = db.execute("SELECT 1 FROM memberships WHERE photo = ?", (photo,)).fetchone()
                if left_group == group and known is None:
                    self.until_gone.append(self.outside.time() - left)
                    del self.waiting[photo]

    def move(self, life: Life) -> None:
        """Photos come and go, now and every few minutes, but for the last hour of all."""
        life.loop.call_later(STEP, self.move, life)
        if self.outside.time() > self.ends - HOUR:
            return
        for group, pool in self.outside.pools.items():
            share = self.per_day * STEP / DAY
            pool.arrive(self._drawn(share), unix=self.outside.wall())
            leaving = self.rng.sample(pool.rows, k=min(self._drawn(share), len(pool.rows)))
            pool.leave(leaving)
            for number in leaving:
                if pool.bought[number]:
                    photo = a_photo(group, number, added=0).id
                    self.waiting[photo] = self.outside.time(), group
                else:
                    self.left_unbought += 1

    def _drawn(self, mean: float) -> int:
        return int(mean) + (self.rng.random() < mean % 1)

    def weigh(self, life: Life) -> None:
        """At the end of a day."""
        gc.collect()
        self.memory.append(resident())
        life.loop.call_later(DAY, self.weigh, life)


def resident() -> float:
    """Megabytes of this process."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize() / MEGABYTE


def slope(values: list[float]) -> float:
    """By how much they grow from one to the next, on average (least squares)."""
    return statistics.linear_regression(range(len(values)), values).slope


def bad_days(rng: random.Random, *, days: int) -> tuple[list[tuple[float, float]], list[float]]:
    """An outage of up to an hour every third day, and as many moments for other mishaps."""
    times = sorted(rng.uniform(0.1, days - 0.5) * DAY for _ in range(days // 3))
    away = [(at, at + rng.uniform(0.2, 1.0) * HOUR) for at in times]
    return away, [rng.uniform(0.1, days - 0.5) * DAY for _ in range(days // 3)]


def mishap(number: int, rng: random.Random) -> tuple[str, float]:
    """In turn: the clock jumps (and stays wrong), the process is frozen."""
    return [
        ("clock", rng.uniform(-HOUR, HOUR)),
        ("frozen", rng.uniform(60.0, HOUR)),
    ][number % 2]


def befall(life: Life, what: tuple[str, float]) -> None:
    kind, seconds = what
    if kind == "clock":
        life.outside.clock_is_wrong_by += seconds
    else:
        life.loop.now += seconds


def campaign(
    *, days: int, groups: int, photos: int, per_day: float, seed: int, state: Path
) -> tuple[Month, Outside]:
    rng = random.Random(seed)
    outside = Outside({GROUP.format(100 + group): Pool(size=photos) for group in range(groups)})
    month = Month(
        outside,
        rng,
        state / "journal.sqlite3",
        photos=photos,
        ends=days * DAY,
        per_day=per_day,
    )
    outside.annotated = month.annotated
    outside.away, moments = bad_days(rng, days=days)
    mishaps = [(at, mishap(number, rng)) for number, at in enumerate(moments)]
    for first in range(0, days, WEEK):
        last = min(first + WEEK, days)
        now = outside.time()
        plan = [
            (at - now, lambda life, what=what: befall(life, what))
            for at, what in mishaps
            if first * DAY <= at < last * DAY
        ]
        life = Life(
            outside=outside,
            state=state,
            listen=month.listen,
            plan=[*plan, (STEP, month.move), (DAY - 1.0, month.weigh)],
        )
        life.run(seconds=last * DAY - now)
    return month, outside


def table(month: Month, outside: Outside, *, days: int, cpu: float, journal: int) -> str:
    arrived = sum(len(pool.dates) for pool in outside.pools.values())
    settled = month.memory[SETTLED_AFTER:]
    growth = f"{slope(settled):+.3f}" if len(settled) > 1 else "-"
    left = [outside.time() - at for at, _group in month.waiting.values()]
    first_calls = sum(-(-len(p.dates) // PHOTOS_PER_PAGE) for p in outside.pools.values())
    rows = {
        "virtual days": days,
        "groups": len(outside.pools),
        "looks": month.looks,
        "runs": month.runs,
        "turns that went wrong": month.trouble,
        "Flickr calls": outside.calls["flickr"],
        "of them a look's, and for listing all photos": f"{month.looks} + {first_calls}",
        "photos that were ever in the pools": arrived,
        "of them gone before they were bought": month.left_unbought,
        "units": outside.units,
        "units for the most bought photo": outside.most_for_one_photo(),
        "photos in the pools and not bought": outside.unbought(),
        "hours until an arrival was bought, p50": f"{_hours(month.until_bought, 0.5):.2f}",
        "                                   p99": f"{_hours(month.until_bought, 0.99):.2f}",
        "photos that left and were taken down": len(month.until_gone),
        "hours until they were gone, p50": f"{_hours(month.until_gone, 0.5):.2f}",
        "                            max": f"{_hours(month.until_gone, 1.0):.2f}",
        "left and not yet gone": len(left),
        "longest of these, hours": f"{max(left, default=0.0) / HOUR:.2f}",
        "resident MB by day": " ".join(f"{value:.0f}" for value in month.memory),
        f"slope after day {SETTLED_AFTER}, MB a day": growth,
        "journal, MB": f"{journal / MEGABYTE:.0f}",
        "CPU seconds": f"{cpu:.0f}",
    }
    return "\n".join(f"{name:<50}{value:>12}" for name, value in rows.items())


def _hours(seconds: array[float], share: float) -> float:
    ordered = sorted(seconds)
    return ordered[max(0, int(share * len(ordered)) - 1)] / HOUR if ordered else 0.0


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/campaign days", description=__doc__)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--groups", type=int, default=3)
    parser.add_argument("--photos", type=int, default=2500, help="in each group at the start")
    parser.add_argument("--per-day", type=float, default=40, help="that come, and that leave")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ingestor-days-") as folder:
        state = Path(folder)
        month, outside = campaign(
            days=given.days,
            groups=given.groups,
            photos=given.photos,
            per_day=given.per_day,
            seed=given.seed,
            state=state,
        )
        journal = (state / "journal.sqlite3").stat().st_size
    cpu = time.process_time()
    sys.stdout.write(table(month, outside, days=given.days, cpu=cpu, journal=journal) + "\n")
    arrived = sum(len(pool.dates) for pool in outside.pools.values())
    exact = outside.units + month.left_unbought == arrived
    return not (exact and outside.most_for_one_photo() == 1 and not outside.unbought())


if __name__ == "__main__":
    sys.exit(main())
