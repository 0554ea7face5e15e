"""
Pages in, photos out, of one group that is followed for months: only what is new, and what is missing.

The journal knows of which stretches of dates every photo was listed. The head of the pool is read
until it meets a covered stretch; then come photos that were listed and not finished; then the holes
that interruptions left, the newest first. So the newest photos come first while the rest fills in
behind, and a known group costs one page.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from ingestor.kits.channel import Channel
from ingestor.kits.intervals import Cover, Interval, add, around, holes
from ingestor.kits.paging import Stretches
from ingestor.models import Photo
from ingestor.stages.discover import (
    ListPage,
    Page,
    Room,
    Sighting,
    TakePending,
    read_page,
    resume,
)

MOST_PAGES = 100
"""Pages in one turn, whatever they bring: two minutes of Flickr's budget."""
MOST_STEPS = 5
"""Pages by which the place of a hole is corrected before its turn is left to the next round."""


class DatedPage(Page, Protocol):
    """A page of a pool, with when its photos were added."""

    @property
    def dates(self) -> Sequence[int]: ...


D = TypeVar("D", bound=DatedPage)
SightStretch = Callable[[int, D, Interval | None], Awaitable[Sighting]]
"""(page number, page, the stretch of dates that is covered with it) -> written down."""


@dataclass
class _Turn(Room):
    """What one turn may still take on."""

    pages: int = MOST_PAGES

    @property
    def over(self) -> bool:
        return self.pages <= 0 or super().over


async def follow(
    photos: Channel[Photo],
    *,
    group: str,
    most: int,
    cover: Cover,
    list_page: ListPage[D],
    sight: SightStretch[D],
    find_page: Callable[[int], Awaitable[int]],
    take_pending: TakePending,
    stopping: Callable[[], bool],
) -> None:
    """
    Send photos that need an annotation, about `most` of them; owns `photos`.

    `cover` is what the journal has covered, `find_page` tells on which page a date should stand.
    """
    turn = _Turn(most, stopping)
    walk = _Walk(photos, group, cover=cover, turn=turn, list_page=list_page, sight=sight)
    async with photos:
        await walk.down()
        await resume(photos, turn, take_pending=take_pending, listed=False)
        for hole in holes(walk.cover):
            if turn.over:
                break
            await walk.fill(hole, first=await find_page(hole[1]))
        await resume(photos, turn, take_pending=take_pending, listed=True)


class _Walk(Generic[D]):
    """Reading pages, each of which is sent on and adds to what is covered."""

    def __init__(
        self,
        photos: Channel[Photo],
        group: str,
        *,
        cover: Cover,
        turn: _Turn,
        list_page: ListPage[D],
        sight: SightStretch[D],
    ) -> None:
        self.cover = cover
        self._photos = photos
        self._group = group
        self._turn = turn
        self._list_page = list_page
        self._sight = sight

    async def down(self) -> None:
        """From the head to a stretch that was covered before, or to the end."""
        await self._on(1, Stretches(), lambda stretch: stretch is not None and self._met(stretch))

    async def fill(self, hole: Interval, *, first: int) -> None:
        """Begin on the page that reaches above the hole; the pool may have moved it."""
        number, upwards = max(first, 1), False
        for _ in range(MOST_STEPS):
            if self._turn.over:
                return
            stretches = Stretches()
            page, _stretch = await self._read(number, stretches)
            dates = page.dates
            if dates and min(dates) > hole[1] and number < page.pages and not upwards:
                number += 1
            elif number > 1 and not (dates and max(dates) > hole[1]):
                # Where the page below was all within the hole, it goes on from the one above.
                number, upwards = min(number, page.pages + 1) - 1, True
            elif number >= page.pages or self._filled(hole):
                return
            else:
                await self._on(number + 1, stretches, lambda one: self._is_behind(hole, one))
                return

    async def _on(
        self, number: int, stretches: Stretches, done: Callable[[Interval | None], bool]
    ) -> None:
        while not self._turn.over:
            page, stretch = await self._read(number, stretches)
            if number >= page.pages or done(stretch):
                return
            number += 1

    async def _read(self, number: int, stretches: Stretches) -> tuple[D, Interval | None]:
        page = await read_page(self._group, number, self._list_page)
        self._turn.pages -= 1
        stretch = stretches.extend(page.dates, page=number, pages=page.pages, total=page.total)
        if not page.total:
            # Nothing is there: whatever comes is new.
            stretch = (0, 0)
        sighting = await self._sight(number, page, stretch)
        self._turn.take(len(sighting.fresh))
        await self._photos.send_all(sighting.fresh)
        if stretch:
            self.cover = add(self.cover, stretch)
        return page, stretch

    def _met(self, stretch: Interval) -> bool:
        """Whether what lies below the stretch had been covered before it came."""
        if stretch[0] > stretch[1]:
            return False
        here = around(self.cover, stretch[0])
        return here is not None and here[0] < stretch[0]

    def _is_behind(self, hole: Interval, stretch: Interval | None) -> bool:
        """Nothing that lies below a hole fills it: where a page is passed over, it stays."""
        return self._filled(hole) or (stretch is not None and stretch[0] <= hole[0])

    def _filled(self, hole: Interval) -> bool:
        here = around(self.cover, hole[1])
        return here is not None and here[0] <= hole[0]
