"""
One schedule from its seed to the verdict: processes live, are killed, and are started again.

The real `ingest` runs with its real journal; after its planned fates the weather calms down, and then
everything must come to an end within a few lives.
"""

from __future__ import annotations

import os
import random
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from unittest.mock import patch

from ingestor.engines import accounts, gauges, heartbeat, run
from ingestor.engines.local import ingest
from ingestor.errors import IngestorError
from ingestor.journal import past
from ingestor.journal.writer import Journal, prepare
from ingestor.kits.lifetime import Lifetime, Stopping
from ingestor.report import Report
from ingestor.sandbox.quotas import Quotas
from ingestor.settings import Settings
from tests.inline import Inline
from tests.simulation.checks import Checker
from tests.simulation.disk import Disk
from tests.simulation.ends import check_end
from tests.simulation.loop import Crash, Loop, last_words_unheard
from tests.simulation.scenario import Fate, Scenario
from tests.simulation.upstreams import Upstreams
from tests.simulation.world import GROUP, World

RESTART = 1.0
"""Seconds until a dead process is started again."""
STORMY_LIVES = 3
"""After the planned fates: as many runs may end early, because an upstream stayed away."""
CALM_LIVES = 2
"""Without faults, ceilings and limits one run must be enough; a second shows that it was the last."""
LONGEST_LIFE = 6 * 3600.0
"""Seconds: stalls of ten minutes in a row, and nothing else, take this long."""
FROZEN = 1500.0
"""Seconds: longer than a lease lasts."""
NEVER = 10 * LONGEST_LIFE
LONGEST_STOP = 10.0
"""Seconds from the signal to the end, at the most: what containers are given."""
DRAIN = 8.0
KEPT = (0, 0, 1, 3, past.KEPT)
"""Runs that are not summed up, by schedule: no schedule has as many as a journal keeps."""
SUMMED_UP_AT_ONCE = 2
RUN_ENDED = "SELECT ended IS NOT NULL FROM runs ORDER BY number DESC LIMIT 1"
SECOND_SIGNAL = 2.0


@dataclass(slots=True)
class Verdict:
    """What became of a schedule."""

    scenario: Scenario
    world: World
    trace: int = 0
    points: list[int] = field(default_factory=list)
    """Of every life."""
    ends: list[str] = field(default_factory=list)
    kills: int = 0
    stops: int = 0
    error: BaseException | None = None

    @property
    def ok(self) -> bool:
        return self.error is None


def live(
    scenario: Scenario,
    *,
    make: Callable[[Scenario], World] = World.of,
    life: type[Life] | None = None,
) -> Verdict:
    """Carry out one schedule, in another world and another kind of life where given; never raises."""
    with in_its_world(scenario, make=make) as world:
        verdict = Verdict(scenario, world)
        with judged(verdict):
            _live_on(verdict, life or Life)
        return verdict


@contextmanager
def judged(verdict: Verdict) -> Iterator[None]:
    """However a schedule ends in the block, that is its verdict: a cancelled run and a kill are none less."""
    try:
        yield
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 - nobody further up would tell which schedule it was
        verdict.error = error


@contextmanager
def in_its_world(
    scenario: Scenario, *, make: Callable[[Scenario], World] = World.of
) -> Iterator[World]:
    """Where everything follows from the scenario's seed."""
    with (
        _one_generator(scenario.seed),
        _watching(scenario.watched),
        _soon_past(scenario.seed),
        last_words_unheard(),
    ):
        yield make(scenario)


def _live_on(verdict: Verdict, life_of: type[Life]) -> None:
    scenario, world = verdict.scenario, verdict.world
    world.ceiling = scenario.max_units
    quotas = Quotas(
        requests_per_minute=scenario.requests_per_minute,
        images_per_minute=scenario.images_per_minute,
        clock=lambda: world.now,
    )
    for number, fate in enumerate(scenario.fates):
        life_of(world, quotas, fate, verdict).run()
        if number == scenario.lost:
            world.lose_journal()
        world.ask_again()
    for _ in range(STORMY_LIVES):
        if _finished(life_of(world, quotas, None, verdict).run()):
            break
    world.calm, world.ceiling = True, None
    for _ in range(CALM_LIVES):
        life = life_of(world, quotas, None, verdict)
        if _finished(life.run()):
            check_end(world, life.checker)
            return
    raise AssertionError(f"not finished in fair weather: {verdict.ends}")


def _finished(report: Report | None) -> bool:
    return report is not None and report.ended == "complete"


class Life:
    """One process, from its start to its end or its death."""

    loop_of: type[Loop] = Loop
    upstreams_of: type[Upstreams] = Upstreams
    checker_of: type[Checker] = Checker

    def __init__(self, world: World, quotas: Quotas, fate: Fate | None, verdict: Verdict) -> None:
        world.life += 1
        self.world = world
        self.fate = fate
        self.verdict = verdict
        self.report: Report | None = None
        self._journal: Journal | None = None
        self._lifetime: Lifetime | None = None
        self._stopped_at = float("inf")
        disk_rng = random.Random(f"{world.scenario.seed} {world.life} disk")
        happens = self._freeze if fate is not None and fate.kind == "freeze" else self._signal
        at_point = None if fate is None or fate.kind == "crash" else (fate.point, happens)
        self.loop = self.loop_of(
            start=world.now + RESTART + world.take_pause(),
            crash_at=fate.point if fate is not None and fate.kind == "crash" else None,
            latency=lambda: (
                0.0005 + disk_rng.random() * (0.2 if disk_rng.random() < 0.05 else 0.004)
            ),
            at_point=at_point,
            tag=fate.tag if fate is not None else "",
        )
        world.jump()
        world.clock = self.loop.time
        self.checker = self.checker_of(world, self.loop)
        self.upstreams = self.upstreams_of(world, self.loop, self.checker, quotas)

    def run(self) -> Report | None:
        with self._whole():
            self.report = self.loop.run(self._main())
        return self.report

    def steps(self) -> Iterator[float]:
        """The same beside another process: yields when its next step is due."""
        with self._whole():
            self.report = yield from self.loop.steps(self._main())

    @contextmanager
    def _whole(self) -> Iterator[None]:
        """What is around a life, however it ends."""
        world, verdict = self.world, self.verdict
        disk = world.disk
        disk.failure_rate = 0.0 if world.calm else world.scenario.disk_fault_rate
        disk.plug(self.loop.point, self.checker.committed)
        killed, end, started = False, "", self.loop.now
        try:
            yield
            end = self.report.ended if self.report else ""
        except Crash:
            killed, end = True, "killed"
            disk.kill()
            verdict.kills += 1
        except (IngestorError, Stopping) as error:
            end = f"{type(error).__name__} {getattr(error, 'reason', '')}".strip()
        finally:
            self._release_lock()
            verdict.points.append(self.loop.points)
            verdict.trace = (verdict.trace * 31 + self.loop.trace) & 0xFFFF_FFFF
        world.note(self.loop.points, f"end of life: {end}")
        verdict.ends.append(end)
        self._check_life(killed=killed, seconds=self.loop.now - started)

    async def _main(self) -> Report | None:
        self._lifetime = self.checker.lifetime = Lifetime(drain=DRAIN)
        if self._stopped_at < float("inf"):
            self._stop()
        return await ingest(
            self.settings(),
            lifetime=self._lifetime,
            open_services=self.upstreams.open,
            wall=lambda: self.world.wall,
            open_journal=self._open_journal,
            new_name=lambda: f"{random.getrandbits(128):032x}",
            most_images=self.world.scenario.most_images,
        )

    def settings(self) -> Settings:
        return settings_of(self.world.scenario, ceiling=self.world.ceiling, calm=self.world.calm)

    def _open_journal(self, path: Path) -> Journal:
        self._journal = Journal(
            path, connect=lambda _path: connect(self.world.disk), thread=Inline()
        )
        return self._journal

    def _release_lock(self) -> None:
        """The system does that when a process dies."""
        lock = self._journal and self._journal._lock
        if lock:
            lock.close()

    def _freeze(self) -> None:
        """The machine sleeps, and believes afterwards that no time has passed, but for its clock."""
        self.world.note(self.loop.points, "frozen")
        self.loop.call_soon(self._sleep)

    def _sleep(self) -> None:
        self.loop.now += FROZEN
        self.checker.woken_at = self.loop.now

    def _signal(self) -> None:
        """SIGTERM, as the loop's own handler delivers it: between two callbacks."""
        self._stopped_at = self.loop.now
        self.verdict.stops += 1
        self.world.note(self.loop.points, "SIGTERM")
        self.loop.call_soon(self._stop)
        if self.fate is not None and self.fate.kind == "cut":
            self.loop.call_later(SECOND_SIGNAL, self._cut)

    def _stop(self) -> None:
        self.checker.may_cut_at = min(self.checker.may_cut_at, self._stopped_at + DRAIN - 0.01)
        if self._lifetime is not None:
            self._lifetime.stop("SIGTERM")

    def _cut(self) -> None:
        self.checker.may_cut_at = self.loop.now
        if self._lifetime is not None:
            self._lifetime.cut()

    def _check_life(self, *, killed: bool, seconds: float) -> None:
        hold, world, report = self.checker.hold, self.world, self.report
        self.checker.life_ended(killed=killed)
        if not killed:
            hold(not self.loop.complaints, f"the loop complains: {self.loop.complaints}")
            hold(seconds <= LONGEST_LIFE, f"a life of {seconds:.0f} s")
            late = self.loop.now - self._stopped_at
            hold(late <= LONGEST_STOP, f"{late:.1f} s from the signal to the end")
        if world.disk.has_tables and world.disk.look(RUN_ENDED) == [(1,)]:
            world.first_life = world.life + 1
        if report is None:
            return
        parts = report.stored + report.skipped + report.dead + report.pending
        hold(report.listed == parts, f"the report says {report.listed} listed, {parts} in all")
        if report.ended == "complete":
            hold(report.pending == 0, f"complete, and {report.pending} pending")
        if self._stopped_at < float("inf") and report.ended != "complete":
            hold(report.exit_code in (143, 3, 1, 2, 4), f"exit code {report.exit_code}")


def connect(disk: Disk) -> Disk:
    prepare(disk)
    return disk


@cache
def _state_directory(_process: int) -> Path:
    shared = Path("/dev/shm")  # noqa: S108 - memory, where there is such a place
    parent = shared if shared.is_dir() else None
    # Taken away with the process: the object lives as long as the cache.
    holder = tempfile.TemporaryDirectory(prefix="ingestor-simulation-", dir=parent)
    _HOLDERS.append(holder)
    return Path(holder.name)


_HOLDERS: list[tempfile.TemporaryDirectory[str]] = []


@cache
def _plain(_process: int) -> Settings:
    return Settings(
        groups=(GROUP,),
        state=_state_directory(os.getpid()),
        drain=DRAIN,
        max_memory=32,
        vision_url="http://127.0.0.1:1",
    )


def settings_of(scenario: Scenario, *, ceiling: int | None, calm: bool) -> Settings:
    return _plain(os.getpid()).model_copy(
        update={
            "patience": scenario.patience,
            "limit": None if calm else scenario.limit,
            "images_per_minute": scenario.images_per_minute,
            "requests_per_minute": scenario.requests_per_minute,
            "max_in_flight": scenario.max_in_flight,
            "max_downloads": scenario.max_downloads,
            "in_doubt": scenario.in_doubt,
            "doubt_share": scenario.doubt_share,
            "max_units": ceiling,
            "max_failures": 1.0,
        }
    )


@contextmanager
def _one_generator(seed: int) -> Iterator[None]:
    """The process's generator (jitter, names) follows from the seed while a schedule runs."""
    before = random.getstate()
    random.seed(f"process {seed}")
    try:
        yield
    finally:
        random.setstate(before)


@contextmanager
def _watching(whole: bool) -> Iterator[None]:
    """
    Without observers, unless `whole`: they would make a third of all points, and at none of them
    can anything break. Garbage and memory are the harness's.
    """
    with ExitStack() as stack:
        stack.enter_context(patch.object(run, "rare_collections", nullcontext))
        stack.enter_context(patch.object(accounts, "peak_memory", int))
        if not whole:
            stack.enter_context(patch.object(gauges, "EVERY", NEVER))
            stack.enter_context(patch.object(heartbeat.Heartbeat, "beating", _unheard))
        yield


@contextmanager
def _soon_past(seed: int) -> Iterator[None]:
    """What came a few lives ago is summed up, piece by piece."""
    kept = random.Random(f"kept {seed}").choice(KEPT)
    with patch.multiple(past, KEPT=kept, AT_ONCE=SUMMED_UP_AT_ONCE):
        yield


@asynccontextmanager
async def _unheard(_heartbeat: heartbeat.Heartbeat) -> AsyncIterator[None]:
    """Nobody is told how the run is doing."""
    yield
