"""
Groups that are followed, through all that months bring, in one schedule: workers, runs and reconciles take
turns, and between them an older journal or database is put back, or one of them is lost. Photos are given
other pictures, the disk is full for a while, an earlier version had the journal, a group is not followed.

In the end everybody is left in peace for a while; then pools, journal, catalog and database agree.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final, Literal
from unittest.mock import patch

from ingestor.engines import following, local, reconcile
from ingestor.journal.schema import VERSION
from ingestor.journal.writer import Journal
from ingestor.kits.lifetime import Lifetime
from ingestor.report import Reconciled
from ingestor.sandbox.quotas import Quotas
from ingestor.settings import Settings
from ingestor.worker import Worker, looking, turns
from tests.simulation.audit import Auditor
from tests.simulation.gatherings import GROUPS, Copies, Crowd, Gatherings, Refusal
from tests.simulation.lives import DRAIN, Life, Verdict, in_its_world, judged
from tests.simulation.olden import age
from tests.simulation.room import Kept
from tests.simulation.scenario import Fate, Scenario
from tests.simulation.steps import WHATS, Mishap, Step, What, a_step, with_more
from tests.simulation.world import FEATURES, FEW

EVERY: Final = 300.0
"""Seconds between two looks of a worker."""
RECHECK: Final = 900.0
PEACE: Final = 2 * 3600.0
"""Seconds in which a lease of the dead ends, and every page is read again often enough."""
ANEW: Final = 0.25
"""The share of schedules in which runs have everything annotated in another way."""
BUDGETED: Final = 0.15
"""The share of schedules with a ceiling by the day."""
BEFORE_MIDNIGHT: Final = 34_000.0
"""Seconds by which the clock is ahead then: a new day begins within the first lives."""
REPLACING: Final = 0.3
"""The share of schedules in which photos are given other pictures."""
ASKED: Final = 1500.0
"""Seconds for those who are tried again in peace."""
FULL_AT_LAST: Final = (1.5, 1200.0)
"""When the disk is full in the last life, too, and for how long: for a moment there is something to buy."""
TARGET: Final = "https://demo.firebaseio.com"
USUAL: Final[dict[str, Any]] = {
    "most_images": 16,
    "max_units": None,
    "limit": None,
    "lost": None,
    "jumps": False,
    "fresh_file": False,
    "watched": False,
}
LEAST_PAGE: Final = 3
LEAST_IMAGES: Final = 24
"""A minute: there has to be room for one request."""


def keep_up(seed: int) -> Verdict:
    """Carry out one schedule of groups that are followed; never raises."""
    rng = random.Random(f"upkeep {seed}")
    scenario = scenario_of(seed)
    per_day = rng.randint(1, scenario.photos) if rng.random() < BUDGETED else None
    whats = WHATS + (("run anew", "run anew") if rng.random() < ANEW else ())
    steps = [
        a_step(rng, whats, database=scenario.database, budget=per_day is not None)
        for _ in range(rng.choice((1, 2, 3, 4, 5)))
    ]
    hands = random.Random(f"hands {seed}")
    steps = [with_more(step, hands) for step in steps]
    fates = tuple(step.fate for step in steps if step.fate)
    scenario = scenario_of(seed, fates=fates)
    with in_its_world(scenario, make=Gatherings.of) as world, in_small(scenario, rng):
        assert isinstance(world, Gatherings)
        verdict = Verdict(scenario, world)
        if per_day is not None:
            world.per_day, world.offset = per_day, BEFORE_MIDNIGHT
        world.hands = hands if hands.random() < REPLACING else None
        with judged(verdict):
            Upkeep(world, verdict).through(steps, rng)
        return verdict


def scenario_of(seed: int, **given: Any) -> Scenario:
    drawn = Scenario.of(seed, **{"fates": (), **USUAL, **given})
    enough = {
        "images_per_minute": max(drawn.images_per_minute, LEAST_IMAGES),
        "per_page": max(drawn.per_page, LEAST_PAGE),
    }
    return Scenario.of(seed, **{"fates": (), **USUAL, **given, **enough})


class Upkeep:
    """One schedule of one machine."""

    @property
    def lives(self) -> Mapping[str, type[Keeper]]:
        return LIVES

    def __init__(self, world: Gatherings, verdict: Verdict, quotas: Quotas | None = None) -> None:
        self._world = world
        self._verdict = verdict
        scenario = world.scenario
        self._quotas = quotas or Quotas(
            requests_per_minute=scenario.requests_per_minute,
            images_per_minute=scenario.images_per_minute,
            clock=lambda: world.now,
        )

    def through(self, steps: list[Step], rng: random.Random) -> None:
        copies = self._world.keep_copies()
        for step in steps:
            self.befall(step.mishap, copies)
            if rng.random() < 0.4 or step.mishap:
                copies = self._world.keep_copies()
            self.prepare(step)
            self._world.groups = step.groups
            self._live(step.what, step.fate, step.seconds)
        self.come_to_rest()
        self._world.groups = GROUPS
        if self._world.astray and self._world.scenario.database:
            self._live("reconcile", None, PEACE)
        if self._world.former:
            # At first somebody may be asked for where he was; then he is known to be gone from there.
            self._world.ask_again()
            self._live("worker", None, ASKED)
            self._world.ask_again()
        if any(step.filled for step in steps):
            # The same worker has to go on when there is room again.
            self._fill(FULL_AT_LAST)
        last = self._live("worker", None, PEACE)
        last.checker.end()
        if self._world.foreign:
            # They have had turns since, and are known to be ours.
            self._live("reconcile", None, PEACE)
        if self._world.scenario.database:
            found = self._live("check", None, PEACE).found
            last.checker.hold(found and found.agree, f"to be reconciled: {found}")

    def come_to_rest(self) -> None:
        world = self._world
        world.calm, world.per_day = True, None
        world.forget_former_addresses()
        self._fill(None)

    def befall(self, mishap: Mishap, copies: Copies) -> None:
        match mishap:
            case "journal lost":
                self._world.lose_journal()
            case "journal put back":
                self._world.put_back_journal(copies)
            case "database put back":
                self._world.put_back_database(copies)
            case "database emptied":
                self._world.be_given({})
            case "database damaged":
                self._world.damage_database()
            case "asked again":
                self._world.ask_again()

    def prepare(self, step: Step) -> None:
        """What the next life is to meet."""
        self._refuse(step.refused)
        self._fill(step.filled)
        self._age(step.version)

    def _refuse(self, refused: tuple[str, float, float] | None) -> None:
        if refused is None:
            return
        upstream, after, seconds = refused
        begins = self._world.now + after
        self._world.refusing = Refusal(upstream=upstream, begins=begins, ends=begins + seconds)

    def _fill(self, filled: tuple[float, float] | None) -> None:
        world = self._world
        begins = world.now + filled[0] if filled else 0.0
        ends = begins + filled[1] if filled else 0.0
        world.disk.is_full = lambda: begins <= world.now < ends

    def _age(self, version: int) -> None:
        if version < VERSION and self._world.disk.has_tables:
            self._world.note(0, f"the journal is of version {version}")
            age(self._world.disk, version=version)

    def _live(self, what: What | Literal["check"], fate: Fate | None, seconds: float) -> Keeper:
        life = self.born(what, fate, seconds)
        life.run()
        return life

    def born(self, what: What | Literal["check"], fate: Fate | None, seconds: float) -> Keeper:
        world = self._world
        world.anew = what == "run anew"
        if what == "reconcile":
            world.foreign = world.groups_of_others()
        world.features = FEW if world.anew else FEATURES
        life = self.lives[what](world, self._quotas, fate, self._verdict)
        life.seconds = seconds
        world.note(0, f"a {what} begins")
        return life


class Keeper(Life):
    """One run over all groups."""

    world: Gatherings
    upstreams_of = Crowd
    checker_of = Auditor
    checker: Auditor
    seconds: float
    found: Reconciled | None = None

    def settings(self) -> Settings:
        own = {
            "groups": self.world.groups,
            "every": EVERY,
            "recheck": RECHECK,
            "database_url": TARGET,
            "max_units_per_day": self.world.per_day,
            "max_labels": self.world.features.max_labels,
            "reannotate": self.world.anew,
        }
        return super().settings().model_copy(update=own)

    def _open_journal(self, path: Path) -> Journal:
        journal = super()._open_journal(path)
        journal._reserve = Kept(self.world.disk)
        return journal

    def _sleep(self) -> None:
        super()._sleep()
        if self._is_told:
            # Who sleeps through a signal has it when he wakes up.
            self._stopped_at = max(self._stopped_at, self.loop.now)

    @property
    def _is_told(self) -> bool:
        return self._stopped_at < float("inf")


class Following(Keeper):
    """A worker, until its time is over or its fate comes."""

    async def _main(self) -> None:
        settings = self.settings()
        lifetime = self._begin()
        self.loop.call_later(self.seconds, self._call_it_a_day)
        async with (
            lifetime.opening(self._open_journal(settings.journal_path)) as journal,
            lifetime.opening(
                self.upstreams.open(settings, lifetime=lifetime, listen=self._listen)
            ) as services,
        ):
            await Worker(
                settings,
                journal,
                services,
                lifetime=lifetime,
                listen=self._listen,
                wall=lambda: self.world.wall,
            ).work()
        lifetime.close()

    def _listen(self, event: object) -> None:
        if type(event).__name__ in ("GroupFailed", "BuyingHalted", "PhotosWithdrawn"):
            self.world.note(self.loop.points, str(event))

    def _begin(self) -> Lifetime:
        self._lifetime = self.checker.lifetime = Lifetime(drain=DRAIN)
        if self._is_told:
            self._stop()
        return self._lifetime

    def _call_it_a_day(self) -> None:
        if not self._is_told:
            self._signal()


class Reconciling(Following):
    """Journal against database."""

    check = False

    async def _main(self) -> None:
        RECONCILING.set(self)
        self.found = await reconcile.reconcile(
            self.settings(),
            check=self.check,
            lifetime=self._begin(),
            wall=lambda: self.world.wall,
        )
        self.world.note(self.loop.points, str(self.found))
        self.world.holed = self.world.holed and self.check

    def open_journal(self, path: Path) -> Journal:
        return self._open_journal(path)

    def open_database(self, settings: Settings, **given: Any) -> Any:
        return _OfServices(self.upstreams.open(settings, **given))


class Checking(Reconciling):
    check = True


RECONCILING: Final[ContextVar[Reconciling]] = ContextVar("reconciling")
"""Whose task this is: there may be another machine's beside it."""
LIVES: Final[dict[str, type[Keeper]]] = {
    "run": Keeper,
    "run anew": Keeper,
    "worker": Following,
    "reconcile": Reconciling,
    "check": Checking,
}


class _OfServices:
    """Their database, while they are open."""

    def __init__(self, services: Any) -> None:
        self._services = services

    async def __aenter__(self) -> Any:
        return (await self._services.__aenter__()).database

    async def __aexit__(self, *raised: Any) -> Any:
        return await self._services.__aexit__(*raised)


@contextmanager
def in_small(scenario: Scenario, rng: random.Random) -> Iterator[None]:
    """Pages of a few photos for the worker, too, and names that follow from the seed."""
    names = SimpleNamespace(uuid4=lambda: SimpleNamespace(hex=f"{rng.getrandbits(128):032x}"))
    with ExitStack() as stack:
        for module in (following, looking, turns):
            stack.enter_context(patch.object(module, "PHOTOS_PER_PAGE", scenario.per_page))
        stack.enter_context(patch.object(local, "uuid", names))
        theirs: dict[str, Any] = {
            "Journal": lambda path: RECONCILING.get().open_journal(path),
            "open_database": lambda *a, **given: RECONCILING.get().open_database(*a, **given),
        }
        stack.enter_context(patch.multiple(reconcile, **theirs))
        yield
