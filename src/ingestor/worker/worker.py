"""The long-running process: whose turn it is gets it, until told to stop. A bad turn is not a bad worker."""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Callable
from typing import Final

from ingestor import events
from ingestor.errors import Denied, IngestorError, RunStopped, SettingsError, cause_of, reason_of
from ingestor.journal.listing import groups_met
from ingestor.journal.writer import Journal
from ingestor.kits.lifetime import Lifetime, Stopping
from ingestor.purchases import pricing
from ingestor.services import Group, Services
from ingestor.settings import Settings
from ingestor.worker.halt import BOUGHT, Halt
from ingestor.worker.rota import FOREVER, Rota
from ingestor.worker.suspects import Suspects
from ingestor.worker.troubles import IMAGES_REFUSED, Trouble, trouble_of
from ingestor.worker.turns import Turns
from ingestor.worker.watchlist import Watchlist

PROBE_EVERY: Final = 900.0
"""Seconds between two tries to buy while buying is refused."""
WATCH_EVERY: Final = 15.0
"""Seconds between two looks at the file of groups."""
DAY: Final = 86_400.0
NAMED_FOR: Final = DAY
"""Seconds after which a group is asked for its name again: who owns one may give it another."""


class Worker:
    """One per process and journal."""

    def __init__(
        self,
        settings: Settings,
        journal: Journal,
        services: Services,
        *,
        lifetime: Lifetime,
        listen: events.Listener = events.ignore,
        wall: Callable[[], float] = time.time,
        dice: Callable[[], float] = random.random,
    ) -> None:
        self.turns = Turns(settings, journal, services, lifetime=lifetime, listen=listen, wall=wall)
        self.halt = Halt(clock=lifetime.clock, wall=wall, listen=listen)
        self.rota = Rota(every=settings.every, dice=dice)
        self._prober = ""
        """The group whose turn was the last to be refused."""
        self._suspects = Suspects()
        self._settings = settings
        self._journal = journal
        self._services = services
        self._lifetime = lifetime
        self._clock = lifetime.clock
        self._listen = listen
        self._wall = wall
        self._watchlist = Watchlist(settings.groups, settings.groups_file)
        self._found: dict[str, Group] = {}
        self._named_at: dict[str, float] = {}
        """When each was last asked for its name."""
        self._unfound: set[str] = set()
        """Names of groups that trouble was told of before their ids were known."""
        self._told: tuple[object, ...] = ()

    @property
    def following(self) -> frozenset[str]:
        """The ids of the groups that it has found."""
        return frozenset(group.id for group in self._found.values())

    async def names(self) -> tuple[str, ...]:
        """The groups as they were given. Raises SettingsError where that is no list of groups."""
        names = await self._watchlist.groups()
        if not names and self._watchlist.refused:
            raise SettingsError(f"--groups-file: {self._watchlist.refused[0][:80]!r} is no group.")
        if not names and self._settings.groups_file is None:
            raise SettingsError("Which groups? Give --group, or --groups-file.")
        return names

    async def work(self) -> None:
        """Until the lifetime stops. Raises SettingsError or Denied at the start, JournalError later."""
        try:
            await self._lifetime.unless_stopping(self._arrive())
            while True:
                await self._lifetime.unless_stopping(self._watch())
                name = self.rota.take(now=self._clock())
                if name is None:
                    wait = self.rota.wait(now=self._clock())
                    await self._lifetime.rest(min(wait, WATCH_EVERY))
                else:
                    await self._serve(name)
        except Stopping:
            return

    async def _arrive(self) -> None:
        """
        What is wrong at the start is said at once: nobody watches a worker for long. It is no mistake
        that some of many groups are not there, or that one has gone which was followed before; nor is
        weather. Those are met again, and told, at each group's turn.
        """
        names = await self.names()
        followed = await self._journal.read(groups_met)
        with contextlib.suppress(RunStopped):
            await self._services.check_store()
            lost = [error for name in names if (error := await self._arrive_at(name))]
            if lost and not self._found and not followed:
                raise lost[0]

    async def _arrive_at(self, name: str) -> Denied | None:
        """Where there is no such group, that is what is returned."""
        try:
            await self._meet(name)
        except Denied as error:
            if trouble_of(error) is not Trouble.LOST:
                raise
            return error
        return None

    async def _watch(self) -> None:
        """Follow what the settings and the file say now."""
        try:
            names = await self._watchlist.groups()
        except SettingsError as error:
            self._tell(len(self.rota.groups), (), str(error))
            return
        for name in self.rota.keep(names, now=self._clock()):
            self._listen(events.GroupDropped(group=self._told_as(name)))
            self._forget(name)
        self._tell(names, self._watchlist.refused, "")

    def _forget(self, name: str) -> None:
        """It is not followed any more."""
        if found := self._found.pop(name, None):
            self.turns.forget(found.id)
            del self._named_at[name]
        self._unfound.discard(name)
        self._suspects.forget(name)

    def _tell(self, names: object, refused: tuple[str, ...], message: str) -> None:
        if (now := (names, refused, message)) != self._told:
            self._told = now
            self._listen(
                events.WatchlistChanged(
                    groups=len(self.rota.groups), refused=refused, message=message
                )
            )

    async def _serve(self, name: str) -> None:
        began = self._wall()
        try:
            group = await self._lifetime.unless_stopping(self._find(name))
            turn = await self.turns.take(group, buying=self._may_buy(name))
        except IngestorError as error:
            self._trouble(name, error, began=began)
            return
        if turn.error is not None:
            self._trouble(name, turn.error, began=began)
            return
        self.halt.went_well(turn.went_well)
        if turn.went_well == BOUGHT:
            self._suspects.bought(name)
        self._done(name, more=turn.more)

    def _may_buy(self, name: str) -> bool:
        if self.halt.may_buy():
            return True
        refuses = self.halt.reason == IMAGES_REFUSED
        return refuses and self._suspects.may_witness(name, now=self._clock())

    async def _find(self, name: str) -> Group:
        if name not in self._found:
            group = await self._meet(name)
            if name in self._unfound and name != group.id:
                self._listen(events.GroupDropped(group=name))
        elif self._clock() - self._named_at[name] >= NAMED_FOR:
            # By its id: should its address lead elsewhere by now, that is another group. And without an
            # answer it is followed by the name that it had.
            self._named_at[name] = self._clock()
            with contextlib.suppress(IngestorError):
                self._found[name] = await self._services.lookup(self._found[name].id)
        return self._found[name]

    async def _meet(self, name: str) -> Group:
        self._found[name] = await self._services.lookup(name)
        self._named_at[name] = self._clock()
        return self._found[name]

    def _trouble(self, name: str, error: BaseException, *, began: float) -> None:
        """`began`: when the turn did, unix seconds."""
        now, trouble = self._clock(), trouble_of(error)
        match trouble:
            case Trouble.FATAL:
                raise error
            case Trouble.IMAGES if not self._suspects.refused(name, now=now):
                self._failed(name, error, self.rota.failed(name, now=now))
            case Trouble.HALT | Trouble.IMAGES:
                self.halt.refused(error, seconds=PROBE_EVERY)
                self._prober = name
                self._done(name)
            case Trouble.PURSE:
                self.halt.spent(error, seconds=self._left_of_day(began))
                self._done(name)
            case Trouble.LOST:
                self._failed(name, error, self.rota.lost(name, now=now))
            case Trouble.WEATHER:
                self._failed(name, error, self.rota.failed(name, now=now))

    def _left_of_day(self, began: float) -> float:
        """A ceiling is that of the day in which a run begins; none is left where midnight has passed since."""
        now = self._wall()
        return max(0.0, pricing.day_start(min(began, now)) + DAY - now)

    def _done(self, name: str, *, more: bool = False) -> None:
        """Who was refused tries again as soon as that may be, and no later."""
        wait = self.halt.wait() if name == self._prober else 0.0
        self.rota.done(name, now=self._clock(), more=more, within=wait or FOREVER)

    def _failed(self, name: str, error: BaseException, seconds: float | None) -> None:
        if name not in self._found:
            self._unfound.add(name)
        self._listen(
            events.GroupFailed(
                group=self._told_as(name),
                reason=reason_of(error),
                message=cause_of(error),
                seconds=seconds,
            )
        )

    def _told_as(self, name: str) -> str:
        """A group's id; its name as long as it was not found."""
        found = self._found.get(name)
        return found.id if found else name
