"""
Two machines, each with its own journal, and one database: of two who want to buy, one may.

The second process is carried forward whenever the first one's clock has passed its next step, so
both see one world in one order. Either may be killed, told to stop, or sleep for longer than its lease.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path

from ingestor.sandbox.quotas import Quotas
from ingestor.settings import Settings
from tests.simulation.disk import formatted
from tests.simulation.ends import check_states
from tests.simulation.lives import STORMY_LIVES, Life, Verdict, in_its_world, judged
from tests.simulation.loop import Loop
from tests.simulation.scenario import Fate, Kind, Scenario
from tests.simulation.world import World

ALONE = {
    "database": True,
    "max_units": None,
    "limit": None,
    "lost": None,
    "jumps": False,
    "moving": False,
    "fresh_file": False,
    "disk_fault_rate": 0.0,
    "watched": False,
}
"""What is looked at is who buys; the rest is other schedules' business."""
KINDS: tuple[Kind, ...] = ("crash", "crash", "stop", "freeze", "freeze")
APART = (0.0, 0.0, -25.0, 25.0)
"""Seconds by which the second machine's clock is ahead: half a minute is allowed."""
LONGEST_WAIT = 1300.0
"""Seconds: what a lease of a dead machine lasts, and what clocks may differ by."""


def compete(seed: int) -> Verdict:
    """Carry out one schedule of two machines; never raises."""
    rng = random.Random(f"rivals {seed}")
    scenario = Scenario.of(seed, fates=_fates(rng), **ALONE)
    with in_its_world(scenario) as world:
        verdict = Verdict(scenario, world)
        with judged(verdict):
            _compete(world, verdict, rng)
        return verdict


def _fates(rng: random.Random) -> tuple[Fate, ...]:
    number = rng.choice((0, 1, 2))
    return tuple(Fate(rng.choice(KINDS), rng.randint(1, 400)) for _ in range(number))


def _compete(world: World, verdict: Verdict, rng: random.Random) -> None:
    scenario = world.scenario
    theirs = replace(
        world,
        scenario=replace(scenario, fates=_fates(rng)),
        machine="b",
        disk=formatted(1),
        states={},
        rng=random.Random(f"b {scenario.seed}"),
        offset=random.Random(f"clocks {scenario.seed}").choice(APART),
    )
    quotas = Quotas(
        requests_per_minute=scenario.requests_per_minute,
        images_per_minute=scenario.images_per_minute,
        clock=lambda: asyncio.get_running_loop().time(),
    )
    rival = Rival(theirs, quotas, verdict, start=rng.uniform(0, 60))
    try:
        for fate in (*scenario.fates, *[None] * STORMY_LIVES):
            Beside(world, quotas, fate, verdict, rival=rival).run()
        rival.carry_on(float("inf"))
    finally:
        rival.end()
    world.calm = theirs.calm = True
    for one, life in ((world, Life), (theirs, Elsewhere)):
        one.pause = LONGEST_WAIT
        one.clock = max(world.clock, theirs.clock, key=lambda clock: clock())
        last = life(one, quotas, None, verdict)
        report = last.run()
        last.checker.hold(report and report.ended == "complete", f"{verdict.ends}")
        check_states(one, last.checker)


class Elsewhere(Life):
    """A process on the second machine."""

    def settings(self) -> Settings:
        ours = super().settings()
        return ours.model_copy(update={"state": Path(ours.state) / "elsewhere", "wait": True})


class Rival:
    """The second machine: its lives one after the other, each a moment after the last."""

    def __init__(
        self,
        world: World,
        quotas: Quotas,
        verdict: Verdict,
        *,
        start: float,
    ) -> None:
        self.world = world
        world.pause = start
        self._lives = self._all(quotas, verdict)
        self._due: float | None = 0.0

    def carry_on(self, until: float) -> None:
        """Do what is due until then."""
        while self._due is not None and self._due <= until:
            self._due = next(self._lives, None)

    def end(self) -> None:
        """Whatever it was doing."""
        self._lives.close()

    def _all(self, quotas: Quotas, verdict: Verdict) -> Generator[float, None, None]:
        for fate in (*self.world.scenario.fates, None):
            yield self.world.now + self.world.pause
            yield from Elsewhere(self.world, quotas, fate, verdict).steps()


class BesideLoop(Loop):
    """Lets the rival do first what is due before its own next step."""

    rival: Rival

    def _run_once(self) -> None:
        self.rival.carry_on(self.due)
        super()._run_once()


class Beside(Life):
    """A process on the first machine, while there is another one."""

    loop: BesideLoop
    loop_of = BesideLoop

    def __init__(self, *given: object, rival: Rival) -> None:
        super().__init__(*given)  # type: ignore[arg-type]
        self.loop.rival = rival
