"""
Two machines that follow groups of their own and write to one database, through all that befalls either.

Each has a state directory and a list of groups, which may change while it works: a group is handed over
from one to the other. A journal is lost or put back from a backup, and so is the database while nobody
works; clocks differ. In the end both are left in peace, and do what the manual says: `reconcile`.
"""

from __future__ import annotations

import asyncio
import heapq
import random
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Literal
from unittest.mock import patch

from ingestor.kits.lifetime import Lifetime
from ingestor.sandbox.quotas import Quotas
from ingestor.settings import Settings
from ingestor.worker import worker
from tests.inline import nothing_aside
from tests.simulation.bailiff import RESTLESS, Bailiff, Neighbourhood, Street
from tests.simulation.disk import formatted
from tests.simulation.gatherings import GROUPS
from tests.simulation.lives import Verdict, in_its_world, judged
from tests.simulation.rivals import APART
from tests.simulation.scenario import Fate, Scenario
from tests.simulation.steps import SECONDS, WHATS, Step, What, a_step, with_more
from tests.simulation.upkeep import (
    PEACE,
    Checking,
    Following,
    Keeper,
    Reconciling,
    Upkeep,
    in_small,
    scenario_of,
)

STREET: Final = (*GROUPS, "1000002@N21")
"""The groups of both."""
HANDED_OVER: Final = 0.4
"""The share of acts in which a group changes hands."""
QUIET: Final = 0.5
"""The share of schedules in which nothing is handed over, lost or put back: all must agree by itself."""
SLOW: Final = (0.0, 0.0, 3.0, 15.0)
"""Seconds that the database takes for each way, at the most: what both do about a photo falls together."""
OVERLAP: Final = (0.0, 0.0, -900.0, 900.0)
"""Seconds by which the one who gives a group away has it on his list for longer."""
AGAIN: Final = 2400.0
"""Seconds for every page to be read again, and what it lacks to be missed twice."""
SELDOM: Final = 75.0
"""Seconds between two looks at the list of groups."""
MOVING: Final = 0.8
"""The share of schedules in which photos come and go."""
BOTH_DOWN: Final = 0.25
"""The share of acts before which the database is put back or emptied."""
LATE: Final = 400.0
"""Seconds by which a process begins after the other's, at the most."""
LOST: Final = 0.12
"""The share of lives before which the journal is lost."""
Mishap = Literal["", "database put back", "database emptied"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """What both do until they rest, and what happened before it."""

    mishap: Mishap
    steps: tuple[tuple[Step, ...], tuple[Step, ...]]
    """Of each machine."""
    starts: tuple[float, float]
    handed: str
    """A group that changes hands meanwhile."""
    after: float
    overlap: float
    """Seconds from the beginning until it is on the list of the one, and from then to off the other's."""


def live_together(seed: int) -> Verdict:
    """Carry out one schedule of two machines; never raises."""
    rng = random.Random(f"neighbours {seed}")
    quiet = rng.random() < QUIET
    acts = [_an_act(rng, quiet=quiet) for _ in range(rng.choice((1, 1, 2, 2, 3)))]
    fates = tuple(step.fate for act in acts for steps in act.steps for step in steps if step.fate)
    scenario = scenario_of(seed, database=True, moving=rng.random() < MOVING, fates=fates)
    with (
        in_its_world(scenario, make=_street) as world,
        in_small(scenario, rng),
        nothing_aside(),
        patch.object(worker, "WATCH_EVERY", SELDOM),
    ):
        assert isinstance(world, Neighbourhood)
        world.slow = rng.choice(SLOW)
        verdict = Verdict(scenario, world)
        with judged(verdict):
            Neighbours(world, verdict).through(acts, rng)
        return verdict


def _street(scenario: Scenario) -> Neighbourhood:
    """Pools of three groups, before anybody is there."""
    calm = replace(scenario, photos=0)
    world = Neighbourhood.of(calm)
    assert isinstance(world, Neighbourhood)
    world.scenario, world.pools = scenario, {gid: {} for gid in STREET}
    world.moves = RESTLESS
    for _ in range(scenario.photos):
        world.add_photo()
    return world


def _an_act(rng: random.Random, *, quiet: bool) -> Act:
    mishaps: tuple[Mishap, ...] = ("database put back", "database put back", "database emptied")
    act = Act(
        mishap=rng.choice(mishaps) if rng.random() < BOTH_DOWN else "",
        steps=(_some_steps(rng), _some_steps(rng)),
        starts=(rng.random() * LATE, rng.random() * LATE),
        handed=rng.choice(STREET) if rng.random() < HANDED_OVER else "",
        after=rng.random() * rng.choice(SECONDS),
        overlap=rng.choice(OVERLAP),
    )
    return _undisturbed(act) if quiet else act


def _undisturbed(act: Act) -> Act:
    ours, theirs = (
        tuple(
            replace(step, mishap="" if "journal" in step.mishap else step.mishap) for step in some
        )
        for some in act.steps
    )
    return replace(act, mishap="", handed="", steps=(ours, theirs))


def _some_steps(rng: random.Random) -> tuple[Step, ...]:
    whats: tuple[What, ...] = (*WHATS, "reconcile")
    return tuple(_a_step(rng, whats) for _ in range(rng.choice((1, 2, 2, 3))))


def _a_step(rng: random.Random, whats: tuple[What, ...]) -> Step:
    step = with_more(a_step(rng, whats, database=False, budget=False), rng)
    return replace(step, mishap="journal lost") if rng.random() < LOST else step


class Neighbours:
    """One schedule of two machines."""

    def __init__(self, world: Neighbourhood, verdict: Verdict) -> None:
        scenario = world.scenario
        theirs = replace(
            world,
            machine="b",
            slot=1,
            disk=formatted(1),
            states={},
            taken={},
            foreign=set(),
            handovers=[],
            rng=random.Random(f"b {scenario.seed}"),
            offset=random.Random(f"clocks {scenario.seed}").choice(APART),
        )
        theirs.disk.rng = random.Random(f"disk of b {scenario.seed}")
        quotas = Quotas(
            requests_per_minute=scenario.requests_per_minute,
            images_per_minute=scenario.images_per_minute,
            clock=lambda: asyncio.get_running_loop().time(),
        )
        self._machines = [Machine(one, verdict, quotas) for one in (world, theirs)]
        self._worlds = [world, theirs]
        world.everybody.extend(self._worlds)
        self._verdict = verdict

    def through(self, acts: Sequence[Act], rng: random.Random) -> None:
        self._share_out(rng)
        copies = self._worlds[0].keep_copies()
        for act in acts:
            self._befall(act.mishap, copies)
            if rng.random() < 0.5:
                copies = self._worlds[0].keep_copies()
            if act.handed:
                self._hand_over(act)
            self._together([
                one.through_lives(steps, start, rng)
                for one, steps, start in zip(self._machines, act.steps, act.starts, strict=True)
            ])  # fmt: skip
        self._rest(acts)
        ours, theirs = self._worlds
        ours.crashed_images += theirs.crashed_images
        ours.doubtful_images += theirs.doubtful_images

    def _share_out(self, rng: random.Random) -> None:
        third = rng.choice((0, 1))
        for number, world in enumerate(self._worlds):
            world.groups = tuple(
                gid for at, gid in enumerate(STREET) if number == (third if at > 1 else at)
            )

    def _befall(self, mishap: Mishap, copies: Any) -> None:
        world = self._worlds[0]
        if not mishap:
            return
        if mishap == "database put back":
            world.put_back_database(copies)
        else:
            world.be_given({})
        for one in self._worlds:
            one.astray = True
            one.look_anew()

    def _hand_over(self, act: Act) -> None:
        giver, taker = sorted(self._worlds, key=lambda one: act.handed not in one.groups)
        begins = giver.now + act.after
        kept = tuple(gid for gid in giver.groups if gid != act.handed)
        giver.handovers.append((begins + max(0.0, act.overlap), kept))
        taker.handovers.append((begins + max(0.0, -act.overlap), (*taker.groups, act.handed)))
        giver.note(0, f"{act.handed} will be handed over to {taker.machine} at {begins:.0f}")

    def _together(self, lives: Sequence[Generator[float, None, None]]) -> None:
        """Whoever is due first takes the next step."""
        due = [(0.0, number) for number in range(len(lives))]
        try:
            while due:
                _, number = heapq.heappop(due)
                if (when := next(lives[number], None)) is not None:
                    heapq.heappush(due, (when, number))
        finally:
            for one in lives:
                one.close()
        now = max(world.now for world in self._worlds)
        for world in self._worlds:
            world.clock = lambda: now
            world.groups = world.handovers[-1][1] if world.handovers else world.groups
            world.handovers.clear()

    def _rest(self, acts: Sequence[Act]) -> None:
        for one in self._machines:
            one.come_to_rest()
        self._work_in_peace()
        steps = [step for act in acts for steps in act.steps for step in steps]
        if not any(act.mishap or act.handed for act in acts) and not any(
            "journal" in step.mishap for step in steps
        ):
            for one in self._machines:
                one.last.checker.check_followed()
        for _ in range(2):
            for one in self._machines:
                self._together([one.live_on("reconcile")])
            self._work_in_peace(AGAIN)
        for one in self._machines:
            self._together([one.live_on("reconcile")])
        for one in self._machines:
            one.last.checker.end()
            self._together([one.live_on("check")])
            found = one.last.found
            one.last.checker.hold(found and found.agree, f"to be reconciled: {found}")

    def _work_in_peace(self, seconds: float = PEACE) -> None:
        self._together([one.live_on("worker", seconds=seconds) for one in self._machines])


class Machine(Upkeep):
    """One of them."""

    last: Neighbour

    @property
    def lives(self) -> Mapping[str, type[Keeper]]:
        return LIVES

    def __init__(self, world: Neighbourhood, verdict: Verdict, quotas: Quotas) -> None:
        super().__init__(world, verdict, quotas)
        self._here = world

    def through_lives(
        self, steps: Sequence[Step], start: float, rng: random.Random
    ) -> Generator[float, None, None]:
        world = self._here
        copies, world.pause = world.keep_copies(), start
        for step in steps:
            # Whoever comes first is the first whose list is looked at.
            yield world.now + world.pause
            self.befall(step.mishap, copies)
            if rng.random() < 0.4 or step.mishap:
                copies = world.keep_copies()
            self.prepare(step)
            yield from self.live_on(step.what, step.fate, seconds=step.seconds)

    def live_on(
        self, what: What | Literal["check"], fate: Fate | None = None, *, seconds: float = PEACE
    ) -> Generator[float, None, None]:
        world = self._here
        world.groups = world.listed_at(world.now + world.pause)
        if not world.groups and what == "run":
            return
        life = self.born(what, fate, seconds)
        assert isinstance(life, Neighbour)
        self.last = life
        yield from life.steps()


class Neighbour(Keeper):
    """One run over the groups that the list names when it begins."""

    world: Neighbourhood
    upstreams_of = Street
    checker_of = Bailiff
    checker: Bailiff

    def settings(self) -> Settings:
        ours = super().settings()
        return ours.model_copy(update={"state": Path(ours.state) / self.world.machine})


class FollowingNextDoor(Neighbour, Following):
    """A worker, whose list of groups may change."""

    _written = 0

    def settings(self) -> Settings:
        ours = super().settings()
        return ours.model_copy(update={"groups": (), "groups_file": self._file})

    @property
    def _file(self) -> Path:
        return Path(super().settings().state) / "groups.txt"

    def _begin(self) -> Lifetime:
        self._write(self.world.groups)
        for at, groups in self.world.handovers:
            if at > self.loop.now:
                self.loop.call_at(at, self._write, groups)
        return super()._begin()

    def _write(self, groups: Sequence[str]) -> None:
        self.world.groups = tuple(groups)
        # The clock of real files is too coarse to tell two writings apart by it: by the size then.
        self._written += 1
        self._file.parent.mkdir(parents=True, exist_ok=True)
        self._file.write_text("\n".join(groups) + "\n" + "#" * self._written)


class ReconcilingNextDoor(Neighbour, Reconciling):
    pass


class CheckingNextDoor(Neighbour, Checking):
    pass


LIVES: Final[dict[str, type[Keeper]]] = {
    "run": Neighbour,
    "run anew": Neighbour,
    "worker": FollowingNextDoor,
    "reconcile": ReconcilingNextDoor,
    "check": CheckingNextDoor,
}
