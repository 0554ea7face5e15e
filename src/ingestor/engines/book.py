"""
What a run writes down about photos: in the journal first, then in the database, then that it is there.

Everything written to the database may be written twice; what a stop keeps from being written is in
the journal, and the next run writes it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from ingestor import events
from ingestor.catalog.arriving import shelve
from ingestor.engines.adoption import Adoption
from ingestor.journal import coverage, dead, listing, pending, results
from ingestor.journal.writer import Journal
from ingestor.kits.intervals import Interval
from ingestor.models import Failure, FeatureSet, Label, Photo, Published
from ingestor.records import (
    MOST_PHOTOS,
    SERVER_TIME,
    add_updates,
    escape,
    memberships,
    weigh_record,
)
from ingestor.report import Report
from ingestor.services import ListedPage, Update
from ingestor.stages.store import publish

PHOTOS_A_TURN = 50
"""Made into paths at once: 2 ms (measured)."""


class Book:
    """One run's; its methods are what the stages take as functions."""

    def __init__(
        self,
        *,
        journal: Journal,
        update: Update | None,
        features: FeatureSet,
        reannotate: bool,
        run: int,
        groups: Mapping[str, str],
        clock: Callable[[], float],
        wall: Callable[[], float],
        listen: events.Listener,
        adoption: Adoption | None = None,
    ) -> None:
        """
        `groups` are names by id; without `update` the embedded catalog is the store, and without
        `adoption` nobody else is asked what is known.
        """
        self._journal = journal
        self._update = update
        self._features = features
        self._reannotate = reannotate
        self._run = run
        self._groups = groups
        self._totals: dict[str, int] = {}
        self._clock = clock
        self._wall = wall
        self._listen = listen
        self._adoption = adoption
        self.gap = False
        """Whether a page that should have had photos came without any: some were not listed."""

    async def sight(
        self,
        group: str,
        number: int,
        page: ListedPage,
        *,
        room: int | None,
        stretch: Interval | None = None,
    ) -> listing.Sighting:
        """Write a page down before anything is done about it, and what is covered with it."""
        photos, unusable = page.photos_and_failures(group)
        self._totals[group] = page.total
        self.gap |= page.total > 0 and not page.rows
        brought_back = False
        if self._adoption:
            ids = [photo.id for photo in photos]
            brought_back = await self._adoption.adopt(ids, group=group, room=room)
        # Of rows beyond the room nobody knows yet whether they are met.
        all_met = room is None or len(photos) <= room
        # Before the page is written down: once it is, nobody looks again.
        joining = await self._joining(photos, group) if all_met and self._update else ()
        brought_back |= await self._tell_memberships(joining)
        sighting = await self._journal.write(
            partial(
                listing.sight_page,
                group=listing.ListedGroup(id=group, name=self._groups[group], total=page.total),
                photos=photos,
                run=self._run,
                room=room,
                features=self._features.key if self._reannotate else None,
                unusable=unusable,
                now=self._wall(),
                stretch=stretch,
            )
        )
        # And those that were bought meanwhile, and published without this group.
        told = {photo.id for photo in joining}
        meanwhile = [photo for photo in sighting.joined if photo.id not in told]
        brought_back |= await self._tell_memberships(meanwhile)
        if sighting.returned or brought_back:
            await self.publish_left_over()
        self._listen(
            events.PageListed(
                group=group,
                page=number,
                pages=page.pages,
                total=page.total,
                listed=sighting.new_to_run,
                known=sighting.known,
                skipped=sighting.skipped,
            )
        )
        for failure in sighting.dead:
            self._listen(events.PhotoFailed.of(failure))
        return sighting

    async def take_pending(self, most: int, *, listed: bool) -> Sequence[Photo]:
        """
        Take on what earlier runs left of these groups, unless others have bought it since. Until all is
        `listed`, without those of whom the listing may show another picture.
        """
        left = partial(
            pending.next_ones, gids=list(self._groups), run=self._run, most=most, listed=listed
        )
        while ids := await self._journal.read(left):
            if self._adoption and await self._adoption.adopt(ids):
                await self.publish_left_over()
            if taken := await self._journal.write(partial(pending.take_on, ids=ids, run=self._run)):
                return taken
        return ()

    async def failed(self, failure: Failure) -> None:
        """End a photo as a dead letter."""
        await self._journal.write(partial(dead.fail, failure=failure, now=self._wall()))
        self._listen(events.PhotoFailed.of(failure))

    async def refused(self, failure: Failure) -> None:
        """End a photo that the store will not take. In this order: whoever tells of it meanwhile sees that."""
        await self.failed(failure)
        if self._adoption:
            await self._adoption.take_groups_back(failure.photo_id)

    async def write(self, batch: Sequence[Published], *, left_over: bool = False) -> None:
        """Publish, then catalog and mark: a photo that counts as stored can be found."""
        started = self._clock()
        if self._update:
            await self._update(await self._paths(batch))
        await self._journal.write(partial(shelve, batch=batch))
        self._listen(
            events.UpdateStored(
                photos=len(batch),
                size=sum(map(weigh_record, batch)),
                seconds=self._clock() - started,
                ids=tuple(published.photo.id for published in batch),
                left_over=left_over,
            )
        )

    async def _paths(self, batch: Sequence[Published]) -> Mapping[str, Any]:
        """Of one update. It is made piece by piece: a whole one would hold up the loop for 25 ms."""
        before: Mapping[str, Sequence[Label]] = {}
        groups: Mapping[str, Sequence[tuple[str, int]]] = {}
        # A disk that refused an answer refuses this as well, and what was paid for must get out.
        if self._journal.broken is None:
            before, groups = await self._journal.read(
                lambda db: (results.earlier_labels(db, batch), results.other_groups(db, batch))
            )
        theirs = await self._groups_of_others() if groups else ()
        paths: dict[str, Any] = {}
        for start in range(0, len(batch), PHOTOS_A_TURN):
            for published in batch[start : start + PHOTOS_A_TURN]:
                photo = published.photo.id
                add_updates(
                    published,
                    paths,
                    previous_labels=before.get(photo, ()),
                    groups=_groups_of(published.photo, groups.get(photo, ()), theirs),
                )
                paths[f"dead/p{photo}"] = None
            await asyncio.sleep(0)
        return paths

    async def _groups_of_others(self) -> Sequence[str]:
        """Groups of ours that others have taken over: they have forgotten what left those."""
        return await self._adoption.groups_of_others() if self._adoption else ()

    async def _joining(self, photos: Sequence[Photo], group: str) -> Sequence[Photo]:
        """Those of a page that are bought and turn up in one more group."""
        return await self._journal.read(partial(listing.newly_in_group, photos=photos, group=group))

    async def _tell_memberships(self, photos: Sequence[Photo]) -> bool:
        """
        Have the database know that photos are in their group. Returns whether it has some no more: these
        wait to be published again, for a group alone is no photo that anybody finds.
        """
        if self._update is None or not photos:
            return False
        await self._update(memberships((one.id, one.group, one.date_added) for one in photos))
        if self._adoption is None:
            return False
        # Only now: who takes one down from now on sees that it is in our group.
        by_id = {photo.id: photo for photo in photos}
        states = await self._journal.read(partial(listing.states_of, ids=list(by_id)))
        for photo, state in states.items():
            if state == "dead":
                await self._adoption.take_groups_back(photo)
        stored = [by_id[photo] for photo, state in states.items() if state == "stored"]
        return await self._adoption.bring_back(stored)

    async def publish_left_over(self) -> None:
        """What was bought and not stored comes first: it is paid for."""
        write = partial(self.write, left_over=True)
        while batch := await self._left_over():
            await publish(batch, write=write, failed=self.refused)

    async def _left_over(self) -> Sequence[Published]:
        """The next of it, but for what others have bought and published since."""
        unpublished = partial(results.unpublished, most=MOST_PHOTOS)
        batch = await self._journal.read(unpublished)
        while batch and self._adoption and await self._adoption.adopt_newer(batch):
            batch = await self._journal.read(unpublished)
        return batch

    async def close(self, report: Report) -> None:
        """Tell the database how the run ended, its dead letters among it."""
        if self._update is None:
            return
        letters = await self._journal.read(partial(dead.of_run, run=self._run))
        paths: dict[str, Any] = {f"runs/{escape(report.run_id)}": report.as_json()}
        for gid, total in self._totals.items():
            paths[f"groups/{escape(gid)}/name"] = self._groups[gid]
            paths[f"groups/{escape(gid)}/total"] = total
            paths[f"groups/{escape(gid)}/round"] = SERVER_TIME
            covered = await self._journal.read(partial(coverage.covered, group=gid))
            paths[f"groups/{escape(gid)}/covered"] = {
                str(number): {"from": low, "to": high} for number, (low, high) in enumerate(covered)
            } or None
        paths |= {f"dead/p{photo}": letter for photo, letter in letters.items()}
        await self._update(paths)


def _groups_of(
    photo: Photo, beside: Sequence[tuple[str, int]], theirs: Sequence[str]
) -> dict[str, int] | None:
    """
    The groups that a photo is published with: `beside` the one that its record names those it is in. What
    is said of a group of others is `theirs` to say, where there is one of ours. None: its record's alone.
    """
    ours = {gid: added for gid, added in beside if gid not in theirs}
    if not ours:
        return None
    # Of some records the groups were taken out: they name none.
    named = photo.group and photo.group not in theirs
    return {photo.group: photo.date_added, **ours} if named else ours
