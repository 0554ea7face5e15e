"""
Whether a group has anything to do, and who has left it: a look costs about one page.

The head of the pool is read at every look. Of the pages behind it so many are read again that all of
them come round within the time of a recheck. Whatever is known and was not shown where it should
have been is missing; see `journal.withdrawals`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

from ingestor.journal import coverage, rechecks, withdrawals
from ingestor.journal.listing import groups_met
from ingestor.journal.rechecks import Recheck
from ingestor.journal.writer import Journal
from ingestor.kits.intervals import Interval, holes
from ingestor.kits.paging import Stretches
from ingestor.services import PHOTOS_PER_PAGE, ListedPage
from ingestor.stages.discover import read_page
from ingestor.worker.vain import Holes

MOST_AT_ONCE: Final = 40
"""Pages read again in one look, whatever is due: Flickr gives 3,600 calls an hour to all groups."""

MOST_PASSED_OVER: Final = 10
"""Pages whose photos may be unknown where who leaves the others is looked for all the same: more than ever are
of no use, and of a pool that was just begun the rest is listed in a turn or two (taste)."""

ListPage = Callable[[str, int], Awaitable[ListedPage]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What a look has found."""

    total: int
    work: bool
    """Whether there is anything to list, buy or publish."""
    holes: Holes
    """Where that is to list what was never shown, and nothing else: the stretches of it."""
    gone: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Pages:
    """So many below the cursor, which were due at that time (unix seconds)."""

    due: int
    at: float


class Looking:
    """`recheck` is the time, in seconds, within which every page is read again."""

    def __init__(
        self, journal: Journal, list_page: ListPage, *, recheck: float, wall: Callable[[], float]
    ) -> None:
        self._journal = journal
        self._list_page = list_page
        self._recheck = recheck
        self._wall = wall
        self._doubted: dict[str, _Pages] = {}
        """By group, pages that are to be read once more."""

    async def look(self, group: str) -> Look:
        head = await read_page(group, 1, self._list_page)
        stretches = Stretches()
        stretch = stretches.extend(head.dates, page=1, pages=head.pages, total=head.total)
        found = await self._compare(group, _rows(head, group), _behind_the_head(head, stretch))
        if head.dates:
            # Nobody stands above the newest, whatever was covered there: it is still to arrive.
            await self._uncover(group, (max(head.dates), withdrawals.FAR))
        if not found.unknown:
            await self._cover(group, (0, 0) if not head.total else stretch)
        before = await self._journal.read(partial(coverage.progress, group=group))
        gone = set(found.gone)
        if before.whole or await self._is_nearly_listed(group, head):
            gone |= await self._read_again(group, head)
        after = await self._journal.read(partial(coverage.progress, group=group))
        # What is known of its photos may be from the database: then no run has listed them as its own.
        more = bool(found.unknown or after.unfinished) or not await self._is_met(group)
        return Look(
            total=head.total,
            work=more or not after.whole,
            holes=() if more else holes(after.cover),
            gone=tuple(sorted(gone)),
        )

    async def _is_nearly_listed(self, group: str, head: ListedPage) -> bool:
        """A page that is passed over stays unknown, perhaps for ever."""
        known = await self._journal.read(partial(coverage.newer_than, group=group, date=-1))
        return known > 0 and head.total - known <= MOST_PASSED_OVER * PHOTOS_PER_PAGE

    async def _is_met(self, group: str) -> bool:
        return group in await self._journal.read(groups_met)

    async def _cover(self, group: str, stretch: Interval | None) -> None:
        if stretch is not None:
            known = stretch[0], min(stretch[1], int(self._wall()))
            await self._journal.write(partial(coverage.cover, group=group, stretch=known))

    async def _uncover(self, group: str, stretch: Interval) -> None:
        await self._journal.write(partial(coverage.uncover, group=group, stretch=stretch))

    async def _compare(
        self, group: str, rows: dict[str, int], stretch: Interval | None
    ) -> withdrawals.Compared:
        return await self._journal.write(
            partial(withdrawals.compare, rows=rows, group=group, stretch=stretch, now=self._wall())
        )

    async def _read_again(self, group: str, head: ListedPage) -> set[str]:
        """Read the pages that are due, and tell who has left."""
        now = self._wall()
        recheck = await self._last_recheck(group, now=now)
        behind = head.pages - 1
        due = min(int(behind * (now - recheck.at) / self._recheck), behind, MOST_AT_ONCE)
        if behind <= 0:
            await self._save(group, Recheck(cursor=None, at=now, ended=now))
        if (doubted := self._doubted.get(group)) and 0 <= now - doubted.at < withdrawals.APART:
            # An answer as near as that to the first would agree with it, and not be believed. A clock
            # that was ahead says nothing.
            return set()
        self._doubted.pop(group, None)
        pages = doubted or _Pages(due=due, at=now)
        if pages.due <= 0:
            return set()
        gone, suspects, cursor = await self._pages_again(
            group, head, cursor=recheck.cursor, due=pages.due
        )
        if suspects and not doubted:
            # The same at the next look, and none beyond them: it takes two answers to believe it.
            self._doubted[group] = pages
            return gone
        ended = now if cursor is None else recheck.ended
        await self._save(group, Recheck(cursor=cursor, at=pages.at, ended=ended))
        return gone

    async def _last_recheck(self, group: str, *, now: float) -> Recheck:
        recheck = await self._journal.read(partial(rechecks.recheck_of, group=group))
        if recheck is None or recheck.at > now:
            # None yet, or written by a clock that was ahead: the time begins to count here.
            recheck = Recheck(cursor=recheck.cursor if recheck else None, at=now)
            await self._save(group, recheck)
        return recheck

    async def _pages_again(
        self, group: str, head: ListedPage, *, cursor: int | None, due: int
    ) -> tuple[set[str], int, int | None]:
        """Read `due` pages below the cursor and the one above them; (gone, suspects, cursor)."""
        number = 1 if cursor is None else max(1, await self._page_below(group, cursor) - 1)
        last = number + due
        stretches, rows, gone, suspects = Stretches(), dict[str, int](), set[str](), 0
        while True:
            page = head if number == 1 else await read_page(group, number, self._list_page)
            stretch = stretches.extend(page.dates, page=number, pages=page.pages, total=page.total)
            rows |= _rows(page, group)
            found = await self._compare(group, rows, stretch)
            gone.update(found.gone)
            suspects += found.suspects
            if found.unknown and stretch is not None:
                await self._uncover(group, stretch)
            if number >= page.pages:
                return gone, suspects, None
            if not page.dates or (cursor is not None and min(page.dates) > cursor):
                # One that is passed over, or one more above the cursor than what is known would fill.
                last += 1
            elif number >= last:
                return gone, suspects, min(page.dates)
            number += 1

    async def _page_below(self, group: str, cursor: int) -> int:
        above = await self._journal.read(partial(coverage.newer_than, group=group, date=cursor - 1))
        return above // PHOTOS_PER_PAGE + 1

    async def _save(self, group: str, recheck: Recheck) -> None:
        await self._journal.write(partial(rechecks.set_recheck, group=group, recheck=recheck))


def _rows(page: ListedPage, group: str) -> dict[str, int]:
    photos, _failures = page.photos_and_failures(group)
    return {photo.id: photo.date_added for photo in photos}


def _behind_the_head(head: ListedPage, stretch: Interval | None) -> Interval | None:
    """Nobody stands above the head: what is known to be newer is missing too."""
    if not head.total:
        return 0, withdrawals.FAR
    return None if stretch is None else (stretch[0], withdrawals.FAR)
