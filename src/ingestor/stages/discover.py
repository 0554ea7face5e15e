"""
Pages in, photos out: the front door.

A pool moves while it is paged (newest first): rows repeat and slip past page borders. So the end is
never guessed from the size of a page: it is `page >= pages`, or two pages in a row without anything
new; then the first page is read again for what arrived meanwhile, and all of them if rows were
removed, because then others moved up past us.

The next page is read while this one is written down, where it is certain to be needed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from ingestor.kits.ahead import Ahead
from ingestor.kits.channel import Channel
from ingestor.models import Photo

MOST_AGAIN = 3
"""Times that a pool is begun again from page 1."""
STALE_PAGES = 2
"""Pages in a row without a new photo that end a pass: past the end the last page comes again."""
EMPTY_READS = 3
"""Times that an empty page of a pool with photos is read before it is believed."""
PENDING_AT_ONCE = 500
"""Photos taken from the journal together: as many as a page has."""


class Page(Protocol):
    """One page of a pool as the upstream answered it."""

    @property
    def pages(self) -> int: ...
    @property
    def total(self) -> int: ...
    @property
    def rows(self) -> Sequence[Hashable]: ...


class Sighting(Protocol):
    """What a page meant for this run, once it is in the journal."""

    @property
    def fresh(self) -> Sequence[Photo]: ...
    @property
    def new_to_run(self) -> int: ...


P = TypeVar("P", bound=Page)
P_contra = TypeVar("P_contra", bound=Page, contravariant=True)
ListPage = Callable[[str, int], Awaitable[P]]
"""(group id, page from 1) -> the page."""


class Sight(Protocol[P_contra]):
    async def __call__(
        self, group: str, number: int, page: P_contra, /, *, room: int | None
    ) -> Sighting:
        """Write a page down, of which no more photos are taken on than there is room for."""
        ...


class TakePending(Protocol):
    async def __call__(self, most: int, /, *, listed: bool) -> Sequence[Photo]:
        """
        Photos that an earlier run left, each handed out once. Until the pages were `listed` without those
        of which a page may show another picture by now.
        """
        ...


@dataclass
class Room:
    """How many more photos may be taken on; nobody is, once it is stopping."""

    left: int | None
    """None: as many as there are."""
    stopping: Callable[[], bool]

    @property
    def over(self) -> bool:
        return self.stopping() or (self.left is not None and self.left <= 0)

    def outlasts(self, photos: int) -> bool:
        """Whether there is room for more than so many."""
        return self.left is None or self.left > photos

    def take(self, photos: int) -> None:
        if self.left is not None:
            self.left -= photos


@dataclass(slots=True)
class _Pass:
    """What one walk from page 1 has seen."""

    first: bool
    pages: int = 0
    stale: int = 0
    brought: int = 0
    shrank: bool = False
    total: int = 0
    _last: deque[frozenset[Hashable]] = field(default_factory=lambda: deque(maxlen=STALE_PAGES))

    def note(self, page: Page, new: int) -> None:
        """
        A page of photos that an earlier run left brings nothing new to this one, and yet the pool
        goes on behind it: on the first pass a page is stale if the pages before it had all its rows.
        """
        rows = frozenset(page.rows)
        brought = len(rows.difference(*self._last)) if self.first else new
        self._last.append(rows)
        self.pages += 1
        self.brought += brought
        self.stale = 0 if brought else self.stale + 1
        self.shrank = self.shrank or page.total < self.total
        self.total = page.total


async def discover(
    photos: Channel[Photo],
    *,
    groups: Sequence[str],
    limit: int | None,
    list_page: ListPage[P],
    sight: Sight[P],
    take_pending: TakePending,
    stopping: Callable[[], bool],
) -> None:
    """
    Send every photo that needs an annotation, once; owns `photos`.

    What earlier runs left comes first, but for who waits for the pages: he is taken from them, or comes
    last. `limit` counts all photos considered, the known ones too.
    """
    room = Room(limit, stopping)

    async def walk(
        group: str, *, stale: int, most: int | None = None, first: bool = False
    ) -> _Pass:
        async def read(number: int) -> P:
            return await read_page(group, number, list_page)

        seen = _Pass(first)
        async with Ahead(read, name="next-page") as pages:
            while not room.over:
                number = seen.pages + 1
                page = await pages.take(number)
                last = page.pages if most is None else min(page.pages, most)
                # Whatever this page brings, it ends neither the room nor the pass.
                if number < last and seen.stale + 1 < stale and room.outlasts(len(page.rows)):
                    pages.begin(number + 1)
                sighting = await sight(group, number, page, room=room.left)
                room.take(sighting.new_to_run)
                seen.note(page, sighting.new_to_run)
                await photos.send_all(sighting.fresh)
                if number >= last or seen.stale >= stale:
                    break
        return seen

    async with photos:
        await resume(photos, room, take_pending=take_pending, listed=False)
        for group in groups:
            seen = await walk(group, stale=STALE_PAGES, first=True)
            for _ in range(MOST_AGAIN):
                if not seen.brought or room.over:
                    break
                thorough = seen.shrank
                seen = await walk(
                    group,
                    stale=seen.pages if thorough else 1,
                    most=seen.pages if thorough else None,
                )
        await resume(photos, room, take_pending=take_pending, listed=True)


async def resume(
    photos: Channel[Photo], room: Room, *, take_pending: TakePending, listed: bool
) -> None:
    """Send what earlier runs left, as far as there is room."""
    while not room.over:
        most = PENDING_AT_ONCE if room.left is None else min(PENDING_AT_ONCE, room.left)
        left_over = await take_pending(most, listed=listed)
        if not left_over:
            return
        room.take(len(left_over))
        await photos.send_all(left_over)


async def read_page(group: str, number: int, list_page: ListPage[P]) -> P:
    """An empty page is read again before it is believed, unless the whole pool is said to be empty."""
    page = await list_page(group, number)
    for _ in range(EMPTY_READS - 1):
        if page.rows or not page.total:
            break
        page = await list_page(group, number)
    return page
