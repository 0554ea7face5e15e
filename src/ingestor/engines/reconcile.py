"""
Journal against database, both ways, without paying: what one lacks, the other gives.

Photos are compared side by side in the order of their ids, some hundreds at a time; then the index, which
has a file of its own.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, Protocol

from ingestor import events
from ingestor.apis.rtdb import Query
from ingestor.catalog.arriving import shelve, take_over
from ingestor.catalog.leaving import follow_out, give_up
from ingestor.engines.adoption import PHOTO_KEY, take_letters_back
from ingestor.engines.index import IndexReconciler, Readable
from ingestor.engines.leases import taken_by_others
from ingestor.engines.sides import (
    Apart,
    There,
    equal,
    groups_apart,
    is_newer,
    lone_groups,
    there_of,
)
from ingestor.errors import Rejected
from ingestor.journal.facts import fact, set_fact
from ingestor.journal.listing import groups_met
from ingestor.journal.reconciling import Held, groups_of, held_after, of_others
from ingestor.journal.recovery import keep_to_one_world
from ingestor.journal.writer import Journal
from ingestor.kits.lifetime import Lifetime
from ingestor.models import Label, Photo, Published
from ingestor.records import (
    BEHIND_PHOTOS,
    halves,
    memberships,
    merged,
    plan_updates,
    updates_for,
)
from ingestor.report import Reconciled
from ingestor.services import PoliteDatabase, open_database
from ingestor.settings import Settings
from ingestor.stages.store import refused

SLICE: Final = 500
"""Photos compared together: some 1.5 MB of records."""


class Database(Readable, Protocol):
    """What is needed of the database; see `services.PoliteDatabase`."""

    async def update(self, paths: Mapping[str, Any]) -> None: ...


async def reconcile(
    settings: Settings,
    *,
    check: bool,
    lifetime: Lifetime,
    listen: events.Listener = events.ignore,
    wall: Callable[[], float] = time.time,
) -> Reconciled:
    """
    Compare journal and database, and unless `check` repair both; nothing is bought.

    Raises SettingsError without a database, or where the two belong to different worlds.
    """
    async with (
        lifetime.opening(Journal(settings.journal_path)) as journal,
        lifetime.opening(open_database(settings, lifetime=lifetime, listen=listen)) as database,
    ):
        await journal.write(partial(keep_to_one_world, world=settings.world))
        target = str(settings.database_url)
        reconciler = Reconciler(
            database=database,
            journal=journal,
            check=check,
            wall=wall,
            groups_of_others=await lifetime.unless_stopping(
                _groups_of_others(database, journal, target=target)
            ),
        )
        found = await lifetime.unless_stopping(reconciler.reconcile())
        if not check:
            await journal.write(partial(set_fact, name="target", value=target))
        return found


async def _groups_of_others(
    database: PoliteDatabase, journal: Journal, *, target: str
) -> list[str]:
    """
    Groups that another machine has taken over: what left them since, that machine has taken down. None
    where this journal published to another database: then that is why this one lacks its photos.
    """
    if await journal.read(partial(fact, name="target")) != target:
        return []
    return await taken_by_others(database, journal)


@dataclass(slots=True)
class _Repairs:
    """What makes two slices equal."""

    adopt: list[Published] = field(default_factory=list)
    publish: list[tuple[Published, Sequence[Label]]] = field(default_factory=list)
    """With the labels that they are filed under in the database."""
    shelve: list[Published] = field(default_factory=list)
    """
    What waits to be published, and stands there already: others bought it, too, or who published it ended
    before it noted that.
    """
    join: list[dict[str, Any]] = field(default_factory=list)
    """Memberships that the database lacks, or has of no photo."""
    come: list[tuple[str, str, int]] = field(default_factory=list)
    """Memberships that the journal lacks: (photo, group, date added)."""
    left: list[tuple[str, str]] = field(default_factory=list)
    """Memberships that are in the database no more: (photo, group)."""


@dataclass(slots=True, kw_only=True)
class Reconciler:
    """`check` only looks, and counts what would be done."""

    database: Database
    journal: Journal
    check: bool
    wall: Callable[[], float]
    groups_of_others: Sequence[str] = ()
    """Those that another machine has taken over."""
    slice: int = SLICE
    found: Reconciled = field(default_factory=Reconciled)
    _unequal: set[str] = field(default_factory=set)
    """See `IndexReconciler.unequal`."""
    _followed: set[str] = field(default_factory=set)
    """Groups that are ours: who leaves these is taken out of them here, and nowhere else."""
    _lone: dict[str, set[str]] = field(default_factory=dict)
    """Photos of which the database has nothing but groups of ours."""
    _emptied: bool = False
    """Whether the database has lost all of its photos."""

    async def reconcile(self) -> Reconciled:
        """Raises RunStopped where the database's index cannot be read."""
        self._followed = set(await self.journal.read(groups_met)) - set(self.groups_of_others)
        last = ""
        while True:
            here = await self.journal.read(partial(held_after, photo=last, most=self.slice))
            there, full = await self._there_after(last)
            self._emptied |= not last and not there and not await self._all_taken_down()
            # Both sides are known as far as the one that was read less far.
            ends = [here[-1].published.photo.id] if len(here) == self.slice else []
            ends += [max(there)] if full and there else []
            upto = min(ends, default=None)
            await self._compare(
                {h.published.photo.id: h for h in here if _within(h.published.photo.id, upto)},
                {photo: found for photo, found in there.items() if _within(photo, upto)},
            )
            if upto is None:
                break
            last = upto
        await self._index().reconcile()
        return self.found

    async def _all_taken_down(self) -> bool:
        """Who takes the last photo down leaves nothing in the index, and the lease that it was done under."""
        return await self.database.keys("leases") != [] and await self.database.keys("index") == []

    async def _there_after(self, photo: str) -> tuple[dict[str, There | None], bool]:
        """Records behind a photo, by id, and whether there are more; None: not an annotation."""
        query = Query(start_at=f"p{photo}", end_at=BEHIND_PHOTOS, limit_to_first=self.slice + 1)
        records = await self.database.read("photos", query=query) or {}
        ids = sorted(match[1] for key in records if (match := PHOTO_KEY.fullmatch(key)))
        there = {id_: there_of(records[f"p{id_}"], photo=id_) for id_ in ids if id_ > photo}
        self._lone = {
            photo: self._followed.intersection(lone_groups(records[f"p{photo}"])) for photo in there
        }
        return there, len(records) > self.slice

    async def _compare(self, here: Mapping[str, Held], there: Mapping[str, There | None]) -> None:
        self.found.in_journal += len(here)
        self.found.in_database += sum(record is not None for record in there.values())
        taken_down = await self._follow_out([photo for photo in here if photo not in there])
        here = {photo: held for photo, held in here.items() if photo not in taken_down}
        groups = await self.journal.read(
            partial(groups_of, photos=list(here.keys() | there.keys()))
        )
        repairs = self._differences(here, there, groups)
        if self.check:
            self._unequal |= {found.photo.id for found in repairs.adopt}
            self._unequal |= {published.photo.id for published, _ in repairs.publish}
            self._unequal |= {published.photo.id for published in repairs.shelve}
        else:
            await self._repair(repairs, there, groups)

    async def _repair(
        self,
        repairs: _Repairs,
        there: Mapping[str, There | None],
        groups: Mapping[str, dict[str, int]],
    ) -> None:
        if repairs.join:
            # First: of what is adopted nobody looks again whether the database knows its groups here.
            errors = await self._write(repairs.join)
            self.found.regrouped -= sum(error is not None for error in errors)
        adopted = [found.photo.id for found in repairs.adopt]
        await take_letters_back(adopted, journal=self.journal, update=self.database.update)
        if repairs.adopt or repairs.come or repairs.left or repairs.shelve:
            await self.journal.write(
                partial(
                    take_over,
                    found=repairs.adopt,
                    come=repairs.come,
                    left=repairs.left,
                    shelved=repairs.shelve,
                    now=self.wall(),
                )
            )
        for photo in await self._publish(repairs.publish, groups):
            if there.get(photo) is None:
                self.found.published -= 1
            else:
                self.found.relabelled -= 1

    def _differences(
        self,
        here: Mapping[str, Held],
        there: Mapping[str, There | None],
        groups: Mapping[str, dict[str, int]],
    ) -> _Repairs:
        repairs = _Repairs()
        for photo in here.keys() | there.keys():
            ours, theirs = here.get(photo), there.get(photo)
            apart = self._groups_apart(ours, theirs, groups.get(photo, {}))
            repairs.come += [(photo, gid, added) for gid, added in apart.more.items()]
            repairs.left += [(photo, gid) for gid in apart.left]
            if ours is None:
                if theirs is not None:
                    self.found.adopted += 1
                    self._take(theirs, apart, repairs)
                elif lone := self._lone.get(photo):
                    # Who told of it was killed before it took that back.
                    self.found.regrouped += 1
                    repairs.join.append(dict.fromkeys(memberships((photo, gid, 0) for gid in lone)))
            elif theirs is None:
                self.found.published += 1
                repairs.publish.append((ours.published, ()))
            elif not equal(ours.published, theirs.published):
                self.found.relabelled += 1
                if is_newer(theirs, ours, now=self.wall()):
                    self._take(theirs, apart, repairs)
                else:
                    repairs.publish.append((ours.published, theirs.published.annotation.labels))
            else:
                self._agreed(ours, apart, repairs)
        return repairs

    def _take(self, theirs: There, apart: Apart, repairs: _Repairs) -> None:
        """The journal takes an annotation over, and tells in which groups of ours its photo waited for one."""
        repairs.adopt.append(theirs.published)
        self._tell(theirs.published.photo.id, apart, repairs)

    def _agreed(self, ours: Held, apart: Apart, repairs: _Repairs) -> None:
        """What is left to do for a photo of which both have the same annotation."""
        if ours.unpublished:
            repairs.shelve.append(ours.published)
        self._tell(ours.published.photo.id, apart, repairs)
        if not apart.lacking and not self._followed.isdisjoint(apart.more):
            self.found.regrouped += 1

    def _tell(self, photo: str, apart: Apart, repairs: _Repairs) -> None:
        """The database is to know in which groups of ours a photo is."""
        if apart.lacking:
            self.found.regrouped += 1
            repairs.join.append(memberships((photo, gid, at) for gid, at in apart.lacking.items()))

    def _groups_apart(
        self, ours: Held | None, theirs: There | None, groups: Mapping[str, int]
    ) -> Apart:
        if theirs is not None:
            return groups_apart(groups, theirs.groups, followed=self._followed)
        named = self._named(ours.published.photo, groups) if ours else groups
        return groups_apart(groups, named, followed=self._followed)

    async def _follow_out(self, lacking: Sequence[str]) -> set[str]:
        """
        Withdraw those photos that the database lacks and that are none of ours, and tell which: whose
        they are has taken them down, or can bring them back.
        """
        if self._emptied or not lacking:
            return set()
        photos = await self.journal.read(
            partial(of_others, photos=lacking, groups_of_others=self.groups_of_others)
        )
        self.found.withdrawn += len(photos)
        if self.check:
            self._unequal |= photos
        elif photos:
            await self.journal.write(partial(follow_out, photos=sorted(photos)))
        return photos

    def _named(self, photo: Photo, groups: Mapping[str, int]) -> dict[str, int]:
        """
        The groups that a photo is published with: those of ours, and the one that its record names. Nobody
        would tell us that it has left a group of others; but where it is in none of ours, that is the one.
        """
        ours = {gid: added for gid, added in groups.items() if gid in self._followed}
        if not photo.group or (ours and photo.group in self.groups_of_others):
            return ours
        return {photo.group: photo.date_added, **ours}

    async def _publish(
        self,
        photos: Sequence[tuple[Published, Sequence[Label]]],
        groups: Mapping[str, dict[str, int]],
    ) -> set[str]:
        """Returns those that the database refused: they are dead letters from now on."""
        updates = [
            self._paths(published, before, groups=groups.get(published.photo.id, {}))
            for published, before in photos
        ]
        errors = [error for batch in plan_updates(updates) for error in await self._write(batch)]
        outcomes = [(one, error) for (one, _), error in zip(photos, errors, strict=True)]
        taken = [published for published, error in outcomes if error is None]
        failures = [refused(published, error) for published, error in outcomes if error]
        await self.journal.write(partial(shelve, batch=taken))
        if failures:
            await self.journal.write(partial(give_up, failures=failures, now=self.wall()))
        photo_ids = {failure.photo_id for failure in failures}
        self._unequal |= photo_ids
        return photo_ids

    def _paths(
        self, published: Published, before: Sequence[Label], *, groups: Mapping[str, int]
    ) -> dict[str, Any]:
        photo = published.photo
        named = self._named(photo, groups)
        # A backup may have been made while it was dead.
        letter = {f"dead/p{photo.id}": None}
        return updates_for(published, previous_labels=before, groups=named) | letter

    def _index(self) -> IndexReconciler:
        return IndexReconciler(
            database=self.database,
            journal=self.journal,
            check=self.check,
            write=self._write,
            unequal=self._unequal,
            found=self.found,
        )

    async def _write(self, some: Sequence[dict[str, Any]]) -> list[Rejected | None]:
        """Write one update, or its halves where it is refused; tells of each what was said against it."""
        try:
            await self.database.update(merged(some))
        except Rejected as error:
            if len(some) == 1:
                self.found.refused += 1
                return [error]
            return [said for half in halves(some) for said in await self._write(half)]
        return [None] * len(some)


def _within(photo: str, upto: str | None) -> bool:
    return upto is None or photo <= upto
