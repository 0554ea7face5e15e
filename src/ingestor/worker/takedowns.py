"""
What left a group is taken out of it, in the database first and under its lease.

A photo is taken down with the last of its groups: of ours, and of other machines'.
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from ingestor import events
from ingestor.catalog.leaving import take_down
from ingestor.engines.adoption import READS_AT_ONCE
from ingestor.engines.leases import Leases, Seen, held_by_others, leased, taken_by_others
from ingestor.engines.local import new_name
from ingestor.journal import results
from ingestor.journal.listing import groups_met
from ingestor.journal.withdrawals import Departure, departures
from ingestor.journal.writer import Journal
from ingestor.kits.lifetime import Lifetime, Stopping, within
from ingestor.kits.together import together
from ingestor.records import MOST_PHOTOS, escape, merged, read_photo, updates_for, withdrawal
from ingestor.records.updates import Paths
from ingestor.services import Group, Services, Update


class Takedowns:
    """Of all groups, over one journal and one set of upstreams."""

    def __init__(
        self,
        journal: Journal,
        services: Services,
        *,
        lifetime: Lifetime,
        listen: events.Listener,
        wall: Callable[[], float],
        seen: Seen,
    ) -> None:
        """`seen`: leases of others that were met before."""
        self._journal = journal
        self._services = services
        self._lifetime = lifetime
        self._listen = listen
        self._wall = wall
        self._seen = seen

    async def take_down(self, group: Group, gone: Sequence[str]) -> None:
        """
        In the database first: what is interrupted here is found missing again. Raises RunStopped where
        the lease is lost meanwhile.
        """
        with within(self._lifetime) as lifetime:
            try:
                await self._under_lease(group, gone, lifetime=lifetime)
            except Stopping:
                if lifetime.error is not None:
                    raise lifetime.error from None
                raise

    async def _under_lease(self, group: Group, gone: Sequence[str], *, lifetime: Lifetime) -> None:
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
                await lifetime.unless_stopping(self._take_down_some(group, some))

    async def _take_down_some(self, group: Group, gone: Sequence[str]) -> None:
        others = await self._groups_of_others()
        leaving = await self._journal.read(
            partial(departures, photos=gone, group=group.id, groups_of_others=others)
        )
        if update := self._services.update:
            await self._take_out_of_database(leaving, group, update=update)
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

    async def _take_out_of_database(
        self, leaving: Sequence[Departure], group: Group, *, update: Update
    ) -> None:
        """Whole, but for those that another machine still has: these leave this one group."""
        records = await self._records(leaving)
        kept = await self._in_groups_of_others(records)
        whole = [one for one in leaving if one.last and one.photo not in kept]
        others = [one.photo for one in leaving if not one.last or one.photo in kept]
        groups = [{f"photos/p{photo}/groups/{escape(group.id)}": None} for photo in others]
        # A group alone is what we have left of it, where we were broken off before we looked again.
        bare = [photo for photo in kept if not _again(photo, records[photo])]
        beside = [*groups, *await self._as_known_here(bare)]
        await self._take(whole, records, update=update, beside=beside)
        # The others may have taken them out of their groups at the same time.
        if spared := [departure for departure in leaving if departure.photo in kept]:
            now = await self._records(spared)
            still = await self._in_groups_of_others(now)
            if alone := [departure for departure in spared if departure.photo not in still]:
                # Of one that is gone by now, what it was filed under is known from before.
                there = {photo: record for photo, record in now.items() if record}
                await self._take(alone, records | there, update=update)

    async def _take(
        self,
        whole: Sequence[Departure],
        records: Mapping[str, Any],
        *,
        update: Update,
        beside: Sequence[Paths] = (),
    ) -> None:
        """Take photos down that nobody else had when their records were read."""
        shared = await self._is_shared()
        take = _as_read if shared else _whole
        await update(merged([*beside, *(take(departure, records) for departure in whole)]))
        if shared:
            await self._put_back(whole, records, update=update)

    async def _put_back(
        self, taken: Sequence[Departure], before: Mapping[str, Any], *, update: Update
    ) -> None:
        """
        Those that another machine has had join a group of its own since we read them: of what it wrote
        meanwhile its group is left. Should it have looked after that, it has found that out itself.
        """
        after = await self._records(taken)
        for photo in await self._in_groups_of_others(after):
            if paths := _again(photo, after[photo]) or _again(photo, before[photo]):
                await update(paths)

    async def _as_known_here(self, photos: Sequence[str]) -> list[Paths]:
        found = await self._journal.read(partial(results.newest_of, photos=photos))
        return [updates_for(one, groups={}) for one in found]

    async def _is_shared(self) -> bool:
        database = self._services.database
        return database is not None and bool(await held_by_others(database, self._journal))

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

    async def _in_groups_of_others(self, records: Mapping[str, Any]) -> set[str]:
        """The photos of these records that are in a group of another machine's."""
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
        return await taken_by_others(database, self._journal)


def _as_read(departure: Departure, records: Mapping[str, Any]) -> Paths:
    """Piece by piece, so that a group stays which was not there when its record was read."""
    paths, node = _whole(departure, records), f"photos/p{departure.photo}"
    del paths[node]
    record = records.get(departure.photo)
    there: Mapping[str, Any] = record if isinstance(record, dict) else {}
    groups = there.get("groups")
    pieces = [key for key in there if key != "groups" or not isinstance(groups, dict)]
    pieces += [f"groups/{key}" for key in groups] if isinstance(groups, dict) else []
    return paths | {f"{node}/{piece}": None for piece in pieces}


def _again(photo: str, record: object) -> Paths:
    """All of a photo but its groups, as a record has it; nothing where that is none."""
    found = read_photo(record, photo_id=photo)
    return updates_for(found, groups={}) if found and found.annotation.model else {}


def _whole(departure: Departure, records: Mapping[str, Any]) -> Paths:
    """With all that the index may have of it: others may have had it annotated anew."""
    theirs = read_photo(records.get(departure.photo), photo_id=departure.photo)
    labels = departure.labels + (theirs.annotation.labels if theirs else ())
    return withdrawal(departure.photo, labels=labels)
