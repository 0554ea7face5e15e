"""
What the database knows and this journal does not, learned before anything is bought.

A journal that was lost, or one beside which another machine has worked, would buy again what is paid
for; and so would one that shares a database with others, of a photo that is in their group and in ours.
The names of all photos in the database are read once, some 20 bytes each; the records of those
that the journal lacks are read as they are listed, and go into the journal as if bought here.
"""

from __future__ import annotations

import asyncio
import re
from array import array
from bisect import bisect_left
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from enum import Enum
from functools import partial
from typing import Any, Final, Protocol

from msgspec import structs

from ingestor import events
from ingestor.catalog.arriving import adopt, adopt_lacking
from ingestor.engines.leases import held_by_others, taken_by_others
from ingestor.journal import claims, dead, elsewhere, listing, pending, results
from ingestor.journal.withdrawals import bring_back
from ingestor.journal.writer import Journal
from ingestor.kits.together import together
from ingestor.models import Photo, Published
from ingestor.records import letters_taken_back, memberships, read_groups, read_photo
from ingestor.services import Update

READS_AT_ONCE: Final = 16
"""Records read side by side: a page of 500 in some two seconds."""
PAGE: Final = 500
"""Pending photos looked up together: as many as a page has."""
PHOTO_KEY: Final = re.compile(r"p(\d{1,19})")
"""A photo's key; its number fits 64 bits."""


class Database(Protocol):
    """What is needed of the database; see `services.PoliteDatabase`."""

    async def read(self, path: str) -> Any: ...

    async def keys(self, path: str) -> list[str] | None: ...


class PhotoKeys:
    """Photos by number, eight bytes each. Keys that no photo of a listing can have are left out."""

    def __init__(self, keys: Iterable[str]) -> None:
        found = (PHOTO_KEY.fullmatch(key) for key in keys)
        self._numbers = array("Q", sorted(int(match[1]) for match in found if match))

    def __len__(self) -> int:
        return len(self._numbers)

    def __iter__(self) -> Iterator[str]:
        return map(str, self._numbers)

    def __contains__(self, photo: object) -> bool:
        if not isinstance(photo, str) or not PHOTO_KEY.fullmatch(f"p{photo}"):
            return False
        at = bisect_left(self._numbers, int(photo))
        return at < len(self._numbers) and self._numbers[at] == int(photo)


class _Gap(Enum):
    """What this journal may lack of what the database has."""

    NOTHING = "nothing"
    SLIPPED = "what slipped past the listing that closed the last gap"
    NAMED = "photos whose names the database gave when the run began"
    ANYTHING = "any photo: the names are too many to be read"


class Adoption:
    """
    One per run. `begin` finds out what the journal may lack; beside that, as soon as somebody else is
    found to use the database, every photo that is new to this journal is asked for.
    """

    def __init__(
        self,
        *,
        database: Database,
        journal: Journal,
        features: str | None,
        run: int | None,
        wall: Callable[[], float],
        listen: events.Listener = events.ignore,
        update: Update | None = None,
    ) -> None:
        """
        `features`: the feature set that counts as known; None counts any annotation. `run`: the one
        that photos are asked for; None where it is not written down which it has met. `update` tells
        the database of what is adopted.
        """
        self._database = database
        self._update = update
        self._journal = journal
        self._features = features
        self._run = run
        self._wall = wall
        self._listen = listen
        self._groups: Sequence[str] = ()
        self._gap = _Gap.NOTHING
        self._named = PhotoKeys(())
        self._shared = False
        """Whether others were found to use the database; it stays so until the run ends."""

    async def begin(self, groups: Sequence[str], *, others_worked: bool = False) -> None:
        """Ask from now on if the journal may lack what the database has of these groups."""
        self._groups = groups
        unseen = await self._journal.read(partial(listing.groups_without_photos, gids=groups))
        interrupted = await self._journal.read(partial(claims.suspected, groups=groups))
        if not (unseen or others_worked or interrupted):
            if await self._journal.read(elsewhere.anything):
                self._gap = _Gap.SLIPPED
            return
        always = await self._journal.read(claims.asks_always)
        names = None if always else await self._database.keys("photos")
        if names is None:
            self._gap = _Gap.ANYTHING
            return
        self._named = PhotoKeys(names)
        if len(self._named):
            self._gap = _Gap.NAMED

    @property
    def _behind(self) -> bool:
        """Whether the journal has to catch up with the database in this run."""
        return self._gap in (_Gap.NAMED, _Gap.ANYTHING)

    async def _is_shared(self) -> bool:
        self._shared = self._shared or await self._others_share()
        return self._shared

    async def _others_share(self) -> bool:
        """
        Whether the database may get to know of photos by others: a lease in it, of whatever group, is
        by a name that is not ours; or the journal says so. Asked again and again, for they may come.
        """
        if await self._journal.read(
            lambda db: claims.asks_always(db) or claims.suspected_beside(db, self._groups)
        ):
            return True
        return bool(await held_by_others(self._database, self._journal))

    async def remember(self, groups: Sequence[str]) -> None:
        """Have the runs after this one ask as well, until one of them has listed everything."""
        if self._behind:
            await self._journal.write(partial(claims.suspect, groups=groups))

    async def end(self, groups: Sequence[str]) -> None:
        """
        Everything was listed, and asked for; what slipped past the listing is kept in mind. Where the
        names could not be read, what is kept in mind is that every new photo is to be asked for.
        """
        if not self._behind:
            return
        if self._gap is _Gap.ANYTHING:
            await self._journal.write(claims.ask_always)
        else:
            await self._journal.write(partial(elsewhere.remember, photos=self._named))
        await self._journal.write(partial(claims.trust, groups=groups))

    async def adopt_pending(self, groups: Sequence[str]) -> None:
        """What earlier runs left may have been bought elsewhere since."""
        last = ""
        while self._behind and (
            ids := await self._journal.read(
                partial(pending.ids_after, gids=groups, after=last, most=PAGE)
            )
        ):
            await self.adopt(ids)
            last = ids[-1]

    async def adopt(
        self, ids: Sequence[str], *, group: str | None = None, room: int | None = None
    ) -> bool:
        """
        Bring those of `ids` that the database has into the journal, `room` of them at most. Where
        they have other features they are still to be bought; but only who knows the labels that they
        have until then can take them out of the index. Tells whether any are to be published again.
        """
        there = await self._records(ids, group=group, room=room)
        told = await self._tell_groups([one.photo.id for one in there])
        if otherwise := [one for one in there if not self._is_known(one)]:
            await self._journal.write(partial(adopt_lacking, found=otherwise, now=self._wall()))
        found = [one for one in there if self._is_known(one)]
        if found:
            if self._update:
                adopted = [one.photo.id for one in found]
                await take_letters_back(adopted, journal=self._journal, update=self._update)
            await self._journal.write(partial(adopt, found=found, now=self._wall()))
            self._listen(events.PhotosAdopted(photos=len(found)))
        return await self._bring_back(found, told)

    async def adopt_newer(self, unpublished: Sequence[Published]) -> bool:
        """
        Of photos that were bought here, take over what others have published since, so that neither
        it nor its index entries are written over unseen. Tells whether there was any to be kept.
        """
        there = await self._recorded([one.photo.id for one in unpublished], group=None)
        theirs = await self._journal.read(partial(results.unheard_among, found=there))
        newer = [one for one in theirs if self._is_known(one)]
        if older := [one for one in theirs if not self._is_known(one)]:
            # Ours is what is asked for: to take theirs out of the index is all that it is kept for.
            await self._journal.write(partial(results.keep_found, found=older, now=0.0))
        told = await self._tell_groups([one.photo.id for one in newer])
        if newer:
            await self._journal.write(partial(adopt, found=newer, now=self._wall()))
            self._listen(events.PhotosAdopted(photos=len(newer)))
            await self._bring_back(newer, told)
        return bool(newer)

    async def _bring_back(
        self, adopted: Sequence[Published], told: Mapping[str, tuple[str, int]]
    ) -> bool:
        """
        Others may have taken them down after we had read them, and before the database was `told` of our
        group. Whoever takes one down later sees that.
        """
        return await self.bring_back(
            [
                structs.replace(one.photo, group=told[photo][0], date_added=told[photo][1])
                for one in adopted
                if (photo := one.photo.id) in told
            ]
        )

    async def _tell_groups(self, photos: Sequence[str]) -> dict[str, tuple[str, int]]:
        """
        Have the database know in which groups photos were listed that waited here; by photo, the last of
        them, with the date. Before they are adopted: once they are, nobody looks again.
        """
        if self._update is None or not photos:
            return {}
        listed = await self._journal.read(partial(listing.memberships, photos=photos))
        theirs = await self.groups_of_others() if listed else ()
        if ours := [one for one in listed if one[1] not in theirs]:
            await self._update(memberships(ours))
        return {photo: (gid, added) for photo, gid, added in ours}

    async def find(
        self, ids: Sequence[str], *, group: str | None = None, room: int | None = None
    ) -> list[Published]:
        """Those of `ids` that the database has an annotation of, and the journal has not."""
        return [
            one for one in await self._records(ids, group=group, room=room) if self._is_known(one)
        ]

    async def bring_back(self, photos: Sequence[Photo]) -> bool:
        """
        Of photos that were published, have those published again that others have taken down since. Tells
        whether there are any.
        """
        lost = await self.taken_down([photo.id for photo in photos])
        if back := [photo for photo in photos if photo.id in lost]:
            others = await self.groups_of_others()
            await self._journal.write(partial(bring_back, photos=back, groups_of_others=others))
        return bool(back)

    async def taken_down(self, photos: Sequence[str]) -> set[str]:
        """Those of `photos`, all of which were published, that others have taken down since."""
        if not photos or not (await self._is_shared() or self._behind):
            return set()
        there = await self._read_all(photos, group=None)
        return set(photos) - {one.photo.id for one in there}

    async def take_groups_back(self, photo: str) -> None:
        """
        Of a photo that the store would not take it may know that it is in groups of ours: alone these are no
        photo. Where it has an annotation of it, an earlier one or that of others, they stay.
        """
        record = await self._database.read(f"photos/p{photo}")
        found = read_photo(record, photo_id=photo)
        if self._update is None or found is None or found.annotation.model:
            return
        # The first page of a group is written down after it was told of.
        met = {*await self._journal.read(listing.groups_met), *self._groups}
        if ours := read_groups(record).keys() & met - set(await self.groups_of_others()):
            await self._update(dict.fromkeys(memberships((photo, gid, 0) for gid in ours)))

    async def groups_of_others(self) -> list[str]:
        """Those that others have had since this journal had them last."""
        return await taken_by_others(self._database, self._journal)

    def _is_known(self, found: Published) -> bool:
        return self._features is None or found.annotation.features == self._features

    async def _records(
        self, ids: Sequence[str], *, group: str | None, room: int | None
    ) -> list[Published]:
        """What the database has of those that need work, whatever features it is of."""
        return await self._recorded(await self._unknown(ids, room=room), group=group)

    async def _recorded(self, photos: Sequence[str], *, group: str | None) -> list[Published]:
        """What the database has of these, where somebody else may have put it there."""
        if not photos or not (await self._is_shared() or self._gap is not _Gap.NOTHING):
            return []
        return await self._read_all(await self._there(photos), group=group)

    async def _read_all(self, photos: Sequence[str], *, group: str | None) -> list[Published]:
        """Those that the database has."""
        places = asyncio.Semaphore(READS_AT_ONCE)
        records = await together(
            (self._read(photo, group, places) for photo in photos), name="adopt"
        )
        return [found for found in records if found]

    async def _unknown(self, ids: Sequence[str], *, room: int | None) -> list[str]:
        """
        What needs work: `room` photos that the run has not met yet, and those that it has given up in
        doubt. A disk that refused an answer let it get out all the same: it may be there.
        """
        finished, parked, met = await self._journal.read(
            lambda db: (
                listing.finished_among(db, ids, features=self._features),
                dead.parked_among(db, ids),
                set() if self._run is None else listing.met_among(db, ids, run=self._run),
            )
        )
        unfinished = [id_ for id_ in dict.fromkeys(ids) if id_ not in finished or id_ in parked]
        fresh = [photo for photo in unfinished if photo not in met]
        again = met & parked
        return fresh[:room] + [photo for photo in unfinished if photo in again]

    async def _there(self, photos: Sequence[str]) -> Sequence[str]:
        """Those that the database has, as far as can be told without asking."""
        if self._shared or self._gap is _Gap.ANYTHING:
            return photos
        there: Container[str] = self._named
        if self._gap is _Gap.SLIPPED:
            there = await self._journal.read(partial(elsewhere.among, ids=photos))
        return [photo for photo in photos if photo in there]

    async def _read(
        self, photo: str, group: str | None, places: asyncio.Semaphore
    ) -> Published | None:
        async with places:
            record = await self._database.read(f"photos/p{photo}")
        found = read_photo(record, photo_id=photo, group=group)
        # A record without a model holds no annotation: somebody's half, or an emptied database.
        return found if found and found.annotation.model else None


async def take_letters_back(adopted: Sequence[str], *, journal: Journal, update: Update) -> None:
    """
    Of photos that were given up here, and had by others. Before they are adopted: once they are, nobody
    knows of their dead letters any more.
    """
    if given_up := await journal.read(partial(dead.among, ids=adopted)):
        await update(letters_taken_back(given_up))
