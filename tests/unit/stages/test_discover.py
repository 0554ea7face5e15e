"""Pages in, photos out: whatever the pool does meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import pytest

from ingestor.kits.channel import Channel
from ingestor.models import Photo
from ingestor.stages.discover import discover
from tests.builders import a_photo

PER_PAGE = 3


@dataclass
class Page:
    rows: Sequence[str]
    pages: int
    total: int


@dataclass
class Sighting:
    fresh: Sequence[Photo]
    new_to_run: int


@dataclass
class Pool:
    """A pool of ids, newest first; `before` is called ahead of every listing call."""

    ids: list[str]
    before: Callable[[Pool, int], None] = lambda pool, call: None
    known: frozenset[str] = frozenset()
    pending: list[str] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)
    """Pending, too, but not before they could be listed."""
    calls: list[int] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)

    async def list_page(self, group: str, number: int) -> Page:
        self.calls.append(number)
        self.before(self, len(self.calls))
        pages = -(-len(self.ids) // PER_PAGE)
        # Past the end Flickr gives the last page again.
        at = (min(number, max(pages, 1)) - 1) * PER_PAGE
        return Page(self.ids[at : at + PER_PAGE], pages, len(self.ids))

    async def sight(self, group: str, number: int, page: Page, *, room: int | None) -> Sighting:
        new = [row for row in page.rows if row not in self.seen][:room]
        self.seen.update(new)
        return Sighting([a_photo(row) for row in new if row not in self.known], len(new))

    async def take_pending(self, most: int, *, listed: bool) -> Sequence[Photo]:
        if listed:
            self.pending += [photo for photo in self.waiting if photo not in self.seen]
        taken, self.pending = self.pending[:most], self.pending[most:]
        self.seen.update(taken)
        return [a_photo(photo) for photo in taken]

    async def walk(self, limit: int | None = None) -> list[str]:
        photos: Channel[Photo] = Channel(1000)
        await discover(
            photos,
            groups=["group"],
            limit=limit,
            list_page=self.list_page,
            sight=self.sight,
            take_pending=self.take_pending,
            stopping=lambda: False,
        )
        return [photo.id async for photo in photos]


@dataclass
class SlowPool(Pool):
    """The disk takes its time: what is to begin meanwhile has begun."""

    listed_at_sight: list[list[int]] = field(default_factory=list)
    """The calls there were when each page was being written down."""

    async def sight(self, group: str, number: int, page: Page, *, room: int | None) -> Sighting:
        await asyncio.sleep(0)
        self.listed_at_sight.append([*self.calls])
        return await super().sight(group, number, page, room=room)


def ids(first: int, last: int) -> list[str]:
    return [str(number) for number in range(first, last + 1)]


async def test_every_photo_of_a_quiet_pool_comes_once():
    pool = Pool(ids(1, 8))

    assert await pool.walk() == ids(1, 8)


async def test_after_the_end_the_first_page_is_read_again_for_what_arrived():
    pool = Pool(ids(1, 8))

    await pool.walk()

    assert pool.calls == [1, 2, 3, 1]


async def test_an_empty_pool_is_one_call():
    pool = Pool([])

    assert await pool.walk() == []
    assert pool.calls == [1]


async def test_photos_added_while_paging_come_too():
    def arrive(pool: Pool, call: int) -> None:
        if call == 2:
            pool.ids[:0] = ["new 1", "new 2"]

    pool = Pool(ids(1, 8), before=arrive)

    assert sorted(await pool.walk()) == sorted([*ids(1, 8), "new 1", "new 2"])


async def test_photos_that_slip_past_a_page_border_are_found_again():
    def remove(pool: Pool, call: int) -> None:
        if call == 4:
            del pool.ids[4:7]

    pool = Pool(ids(1, 24), before=remove)

    assert sorted(await pool.walk(), key=int) == ids(1, 24)


async def test_a_last_page_that_repeats_for_ever_ends_the_walk():
    def claim_more(pool: Pool, number: int) -> Page:
        return Page(pool.ids[-PER_PAGE:], 1_000_000, 3_000_000)

    pool = Pool(ids(1, 3))

    async def list_page(group: str, number: int) -> Page:
        pool.calls.append(number)
        return claim_more(pool, number)

    pool.list_page = list_page  # type: ignore[method-assign]

    assert await pool.walk() == ids(1, 3)
    assert len(pool.calls) < 10


@pytest.mark.parametrize("empty", [1, 2, 3], ids=["first", "middle", "last"])
async def test_an_empty_page_is_read_again_before_it_is_believed(empty: int):
    pool = Pool(ids(1, 9))
    honest = pool.list_page

    async def sometimes_empty(group: str, number: int) -> Page:
        page = await honest(group, number)
        first_time = number == empty and pool.calls.count(empty) == 1
        return Page([], page.pages, page.total) if first_time else page

    pool.list_page = sometimes_empty  # type: ignore[method-assign]

    assert await pool.walk() == ids(1, 9)


async def test_a_pool_of_one_page_that_comes_empty_once_is_no_empty_pool():
    pool = Pool(ids(1, 3))
    honest = pool.list_page

    async def empty_at_first(group: str, number: int) -> Page:
        page = await honest(group, number)
        return Page([], page.pages, page.total) if len(pool.calls) == 1 else page

    pool.list_page = empty_at_first  # type: ignore[method-assign]

    assert await pool.walk() == ids(1, 3)


async def test_the_limit_counts_known_photos_too():
    pool = Pool(ids(1, 9), known=frozenset(ids(1, 4)))

    assert await pool.walk(limit=5) == ["5"]


async def test_a_reached_limit_needs_no_second_look():
    pool = Pool(ids(1, 9))

    assert await pool.walk(limit=3) == ids(1, 3)
    assert pool.calls == [1]


async def test_the_next_page_is_read_while_this_one_is_written_down():
    pool = SlowPool(ids(1, 9))

    assert await pool.walk() == ids(1, 9)
    assert pool.listed_at_sight == [[1, 2], [1, 2, 3], [1, 2, 3], [1, 2, 3, 1]]


@pytest.mark.parametrize(("limit", "calls"), [(3, [1]), (4, [1, 2]), (6, [1, 2]), (7, [1, 2, 3])])
async def test_no_page_is_read_that_the_limit_leaves_unread(limit: int, calls: list[int]):
    pool = SlowPool(ids(1, 9))

    await pool.walk(limit)

    assert pool.calls == calls


async def test_what_an_earlier_run_left_comes_first_and_counts():
    pool = Pool(ids(1, 9), pending=["7", "8"])

    assert await pool.walk(limit=4) == ["7", "8", "1", "2"]


async def test_of_what_an_earlier_run_left_no_more_is_taken_than_the_limit():
    pool = Pool(ids(1, 9), pending=["7", "8", "9"])

    assert await pool.walk(limit=2) == ["7", "8"]


async def test_who_waits_for_the_pages_is_taken_from_them_or_else_comes_last():
    pool = Pool(ids(1, 5), waiting=["4", "99"])

    assert await pool.walk() == [*ids(1, 5), "99"]


async def test_pages_of_what_an_earlier_run_left_do_not_end_the_walk():
    pool = Pool(ids(1, 15), pending=ids(1, 9))

    assert await pool.walk() == ids(1, 15)


async def test_stopping_ends_the_walk_between_pages():
    pool = Pool(ids(1, 9))
    photos: Channel[Photo] = Channel(1000)

    await discover(
        photos,
        groups=["group"],
        limit=None,
        list_page=pool.list_page,
        sight=pool.sight,
        take_pending=pool.take_pending,
        stopping=lambda: len(pool.calls) >= 2,
    )

    assert pool.calls == [1, 2]
    assert photos.ended is False
    assert [photo.id async for photo in photos] == ids(1, 6)
