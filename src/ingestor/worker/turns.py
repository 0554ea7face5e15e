"""One group's turn: look, take down who left, and run where there is something to list or to buy."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from ingestor import events
from ingestor.catalog.leaving import take_down
from ingestor.engines.adoption import READS_AT_ONCE
from ingestor.engines.following import follow_one
from ingestor.engines.leases import Leases, Seen, held_by_others, leased
from ingestor.engines.local import carry_out, new_name
from ingestor.engines.run import Run
from ingestor.journal import coverage, withdrawals
from ingestor.journal.listing import groups_met
from ingestor.journal.withdrawals import Departure
from ingestor.journal.writer import Journal
from ingestor.kits.breaker import Breaker
from ingestor.kits.lifetime import Lifetime, Stopping, within
from ingestor.kits.quota import Quota
from ingestor.kits.together import together
from ingestor.models import Label
from ingestor.records import MOST_PHOTOS, escape, merged, read_photo, withdrawal
from ingestor.services import PHOTOS_PER_PAGE, Group, Services
from ingestor.settings import Settings
from ingestor.worker.halt import BOUGHT, LOOKED, RAN, Steps
from ingestor.worker.looking import Looking


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
        wall: Callable[[], float] = time.time,
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
        self._quota: Quota | None = None
        """The last run's: refusals slow down the next one, too."""
        self._breaker: Breaker | None = None
        """The last run's: an outage that many groups meet is one, however few photos each has."""
        self._most = max(settings.images_per_minute, PHOTOS_PER_PAGE)
        """Photos in a turn: a minute's quota, so that with many groups behind each waits its turn
        for as many minutes as there are groups."""

    async def take(self, group: Group, *, buying: bool) -> Turn:
        """
        Raises an IngestorError where the group could not be looked at, or its lease not be had;
        Stopping when the worker stops. Without `buying` only what left is dealt with.
        """
        started = self._lifetime.clock()
        look = await self._lifetime.unless_stopping(self._looking.look(group.id))
        if look.gone:
            await self._lifetime.unless_stopping(self._withdraw(group, look.gone))
        turn = Turn(more=False)
        if look.work and buying:
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
                    front_door=follow_one(most=self._most),
                    begun=self._go_on_with,
                    seen=self._seen,
                )
            finally:
                self.run = None
        after = await self._journal.read(partial(coverage.progress, group=group.id))
        return Turn(
            more=not after.complete and (report.stored > 0 or after != before),
            error=lifetime.error,
            went_well=BOUGHT if report.units.certain else RAN,
        )

    def _go_on_with(self, run: Run) -> None:
        if self._quota is not None:
            run.quota.go_on_from(self._quota)
        if self._breaker is not None:
            run.door.breaker.go_on_from(self._breaker)
        self.run, self._quota, self._breaker = run, run.quota, run.door.breaker

    async def _withdraw(self, group: Group, gone: Sequence[str]) -> None:
        """
        In the database first: what is interrupted here is found missing again. Raises RunStopped where
        the lease is lost meanwhile.
        """
        with within(self._lifetime) as lifetime:
            try:
                await self._withdraw_all(group, gone, lifetime=lifetime)
            except Stopping:
                if lifetime.error is not None:
                    raise lifetime.error from None
                raise

    async def _withdraw_all(self, group: Group, gone: Sequence[str], *, lifetime: Lifetime) -> None:
        make_leases = partial(
            Leases,
            journal=self._journal,
            owner=f"withdrawal-{new_name()[:6]}@{platform.node()}",
            groups={group.id: group.name},
            wait=False,
            lifetime=lifetime,
            wall=self._wall,
            listen=self._listen,
            seen=self._seen,
        )
        async with leased(self._services.database, make_leases) as leases:
            for first in range(0, len(gone), MOST_PHOTOS):
                some = gone[first : first + MOST_PHOTOS]
                if leases:
                    # We may have been suspended: others would not hear of what we take down then.
                    await lifetime.unless_stopping(leases.ready())
                await lifetime.unless_stopping(self._withdraw_some(group, some))

    async def _withdraw_some(self, group: Group, gone: Sequence[str]) -> None:
        others = await self._groups_of_others()
        leaving = await self._journal.read(
            partial(withdrawals.departures, photos=gone, group=group.id, groups_of_others=others)
        )
        if update := self._services.update:
            there = await self._records(leaving)
            elsewhere = await self._in_others_hands(there)
            await update(
                merged(
                    withdrawal(departure.photo, labels=_filed_under(departure, there))
                    if departure.last and departure.photo not in elsewhere
                    else {f"photos/p{departure.photo}/groups/{escape(group.id)}": None}
                    for departure in leaving
                )
            )
            # The others may have taken them out of their groups at the same time.
            if spared := [one for one in leaving if one.photo in elsewhere]:
                still = await self._in_others_hands(await self._records(spared))
                alone = [one for one in spared if one.photo not in still]
                if goes := [
                    withdrawal(one.photo, labels=_filed_under(one, there)) for one in alone
                ]:
                    await update(merged(goes))
        await self._journal.write(
            partial(
                take_down,
                leaving=leaving,
                group=group.id,
                now=self._wall(),
                groups_of_others=others,
            )
        )
        self._listen(
            events.PhotosWithdrawn(
                group=group.id,
                photos=len(leaving),
                taken_down=sum(departure.last for departure in leaving),
            )
        )

    async def _records(self, leaving: Sequence[Departure]) -> dict[str, Any]:
        """What the database has of photos that leave the last group of ours."""
        database = self._services.database
        if database is None:
            return {}
        found: dict[str, Any] = {}
        last = [departure.photo for departure in leaving if departure.last]
        for first in range(0, len(last), READS_AT_ONCE):
            some = last[first : first + READS_AT_ONCE]
            records = await together(
                (database.read(f"photos/p{photo}") for photo in some), name="records-of-leaving"
            )
            found |= zip(some, records, strict=True)
        return found

    async def _in_others_hands(self, records: Mapping[str, Any]) -> set[str]:
        """Photos that are in a group of another machine's."""
        ours = await self._groups_of_ours()
        return {
            photo
            for photo, record in records.items()
            if isinstance(record, dict)
            and isinstance(groups := record.get("groups"), dict)
            and groups.keys() - ours
        }

    async def _groups_of_ours(self) -> set[str]:
        """Keys of the groups that this journal has listed and nobody else has taken since."""
        listed = await self._journal.read(groups_met)
        return set(map(escape, set(listed).difference(await self._groups_of_others())))

    async def _groups_of_others(self) -> list[str]:
        database = self._services.database
        if database is None:
            return []
        return list(await held_by_others(database, self._journal))


def _filed_under(departure: Departure, records: Mapping[str, Any]) -> tuple[Label, ...]:
    """All that the index may have of it: others may have had it annotated anew."""
    theirs = read_photo(records.get(departure.photo), photo_id=departure.photo)
    return departure.labels + (theirs.annotation.labels if theirs else ())
