"""One group's turn: look, take down what left, and run where there is something to list or to buy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from ingestor import events
from ingestor.engines.following import follow_one
from ingestor.engines.leases import Seen
from ingestor.engines.local import carry_out
from ingestor.engines.run import Run
from ingestor.journal import coverage
from ingestor.journal.writer import Journal
from ingestor.kits.breaker import Breaker
from ingestor.kits.intervals import holes
from ingestor.kits.lifetime import Lifetime, within
from ingestor.kits.quota import Quota
from ingestor.services import PHOTOS_PER_PAGE, Group, Services
from ingestor.settings import Settings
from ingestor.worker.halt import BOUGHT, LOOKED, RAN, Steps
from ingestor.worker.looking import Looking
from ingestor.worker.takedowns import Takedowns
from ingestor.worker.vain import InVain


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """How a turn went."""

    more: bool
    """Whether it got on and did not get done: the next turn may follow at once."""
    error: BaseException | None = None
    """What ended its run."""
    went_well: Steps = LOOKED


class Turns:
    """Of all groups, over one journal and one set of upstreams."""

    def __init__(
        self,
        settings: Settings,
        journal: Journal,
        services: Services,
        *,
        lifetime: Lifetime,
        listen: events.Listener,
        wall: Callable[[], float],
    ) -> None:
        self.run: Run | None = None
        """The one that is going on."""
        self._settings = settings
        self._journal = journal
        self._services = services
        self._lifetime = lifetime
        self._listen = listen
        self._wall = wall
        self._looking = Looking(journal, services.list_page, recheck=settings.recheck, wall=wall)
        self._seen: Seen = {}
        """Leases of others: who gives a turn up need not begin to wait anew at the next one."""
        self._takedowns = Takedowns(
            journal, services, lifetime=lifetime, listen=listen, wall=wall, seen=self._seen
        )
        self._in_vain = InVain(longest=settings.recheck)
        self._quota: Quota | None = None
        """The last run's: refusals slow down the next one, too."""
        self._breaker: Breaker | None = None
        """The last run's: an outage that many groups meet is one, however few photos each has."""
        self._most = max(settings.images_per_minute, PHOTOS_PER_PAGE)
        """Photos in a turn: a minute's quota, so that with many groups behind each waits its turn
        for as many minutes as there are groups."""

    async def take(self, group: Group, *, buying: bool) -> Turn:
        """
        Raises an IngestorError where the group could not be looked at, its lease not be had, or the
        journal is gone; Stopping when the worker stops. Without `buying` only what left is dealt with.
        """
        started = self._lifetime.clock()
        look = await self._lifetime.unless_stopping(self._looking.look(group.id))
        if self._journal.gone:
            # Who has nothing to buy would write for weeks what nobody finds.
            raise self._journal.gone
        if look.gone:
            await self._lifetime.unless_stopping(self._takedowns.take_down(group, look.gone))
        turn = Turn(more=False)
        in_vain = self._in_vain.is_early(group.id, look.holes, now=started)
        if look.work and buying and not in_vain:
            turn = await self._run(group)
        if turn.error is None:
            progress = await self._journal.read(partial(coverage.progress, group=group.id))
            self._listen(
                events.GroupLooked(
                    group=group.id,
                    total=look.total,
                    complete=progress.complete,
                    unix=self._wall(),
                    seconds=self._lifetime.clock() - started,
                )
            )
        return turn

    def forget(self, group: str) -> None:
        """It is not followed any more."""
        self._in_vain.forget(group)

    async def _run(self, group: Group) -> Turn:
        await self._journal.find_room()
        before = await self._journal.read(partial(coverage.progress, group=group.id))
        with within(self._lifetime) as lifetime:
            try:
                report = await carry_out(
                    self._settings,
                    self._journal,
                    self._services,
                    groups={group.id: group.name},
                    lifetime=lifetime,
                    listen=self._listen,
                    wall=self._wall,
                    front_door=partial(follow_one, most=self._most),
                    begun=self._go_on_with,
                    seen=self._seen,
                )
            finally:
                self.run = None
        after = await self._journal.read(partial(coverage.progress, group=group.id))
        further = report.stored > 0 or after != before
        if lifetime.error is None and not further:
            self._in_vain.note(group.id, holes(after.cover), now=self._lifetime.clock())
        return Turn(
            more=not after.complete and further,
            error=lifetime.error,
            went_well=self._steps(bought=report.units.certain > 0),
        )

    def _steps(self, *, bought: bool) -> Steps:
        if bought:
            return BOUGHT
        # Who buys nothing finds room on a full disk as well, and says nothing of it.
        return RAN if self._journal.full is None else LOOKED

    def _go_on_with(self, run: Run) -> None:
        if self._quota is not None:
            run.quota.go_on_from(self._quota)
        if self._breaker is not None:
            run.door.breaker.go_on_from(self._breaker)
        self.run, self._quota, self._breaker = run, run.quota, run.door.breaker
