"""Only what is new, whatever interrupts it and whatever the pool does meanwhile."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ingestor.kits.channel import Channel
from ingestor.kits.intervals import Cover, Interval, add, holes
from ingestor.models import Photo
from ingestor.stages.follow import MOST_PAGES, follow
from tests.builders import a_photo

PER_PAGE = 5


@dataclass
class Page:
    rows: Sequence[int]
    pages: int
    total: int

    @property
    def dates(self) -> list[int]:
        return [row // 2 for row in self.rows]


@dataclass
class Sighting:
    fresh: Sequence[Photo]

    @property
    def new_to_run(self) -> int:
        return len(self.fresh)


@dataclass
class Followed:
    """A pool of numbers, newest first; two of them have the same date. What is seen is known."""

    rows: list[int]
    cover: Cover = ()
    known: set[int] = field(default_factory=set)
    calls: list[int] = field(default_factory=list)
    stop_after: int = 1000
    leaves: dict[int, int] = field(default_factory=dict)
    """By call, the place of the row that leaves before it."""
    waiting: list[int] = field(default_factory=list)
    """Left by an earlier run, and not handed out before they could be listed."""
    left: list[int] = field(default_factory=list)
    """Left by an earlier run, and handed out at once."""
    useless: int = 0
    """The page that always comes without rows."""

    async def list_page(self, group: str, number: int) -> Page:
        assert number >= 1
        self.calls.append(number)
        place = self.leaves.get(len(self.calls))
        if place is not None and place < len(self.rows):
            del self.rows[place]
        pages = -(-len(self.rows) // PER_PAGE)
        at = (min(number, max(pages, 1)) - 1) * PER_PAGE
        found = () if number == self.useless else self.rows[at : at + PER_PAGE]
        return Page(found, pages, len(self.rows))

    async def sight(self, number: int, page: Page, stretch: Interval | None) -> Sighting:
        new = [row for row in page.rows if row not in self.known]
        self.known.update(new)
        if stretch:
            self.cover = add(self.cover, stretch)
        return Sighting([a_photo(str(row)) for row in new])

    async def find_page(self, date: int) -> int:
        return sum(row // 2 > date for row in self.known) // PER_PAGE + 1

    async def take_pending(self, most: int, *, listed: bool) -> Sequence[Photo]:
        taken = [row for row in (self.waiting if listed else self.left) if row not in self.known]
        self.known.update(taken)
        return [a_photo(str(row)) for row in taken]

    async def turn(self, most: int = 1000) -> list[int]:
        """The rows of one turn."""
        self.calls.clear()
        photos: Channel[Photo] = Channel(10_000)
        await follow(
            photos,
            group="group",
            most=most,
            cover=self.cover,
            list_page=self.list_page,
            sight=self.sight,
            find_page=self.find_page,
            take_pending=self.take_pending,
            stopping=lambda: len(self.calls) >= self.stop_after,
        )
        return [int(photo.id) async for photo in photos]


def rows(newest: int, oldest: int = 2) -> list[int]:
    return list(range(newest, oldest - 1, -1))


async def test_who_waits_for_the_pages_is_taken_from_them_or_else_comes_last():
    pool = Followed(rows(12), waiting=[5, 99])

    assert await pool.turn() == [*rows(12), 99]


async def test_the_first_turn_brings_everything_newest_first():
    pool = Followed(rows(12))

    assert await pool.turn() == rows(12)
    assert holes(pool.cover) == []


async def test_a_known_pool_costs_one_page():
    pool = Followed(rows(12))
    await pool.turn()

    assert await pool.turn() == []
    assert pool.calls == [1]


async def test_only_what_is_new_is_read_again():
    pool = Followed(rows(30))
    await pool.turn()
    pool.rows[:0] = [32, 31]

    assert await pool.turn() == [32, 31]
    assert len(pool.calls) <= 2


async def test_the_newest_come_first_while_the_rest_fills_in_behind():
    pool = Followed(rows(30))
    await pool.turn(most=6)
    pool.rows[:0] = [32, 31]

    assert (await pool.turn(most=6))[:2] == [32, 31]


async def test_all_that_is_new_comes_before_what_an_earlier_run_left():
    pool = Followed(rows(30))
    await pool.turn()
    pool.rows[:0], pool.left = rows(50, 31), [99]

    assert await pool.turn() == [*rows(50, 31), 99]


async def test_a_hole_is_found_again_without_reading_what_lies_above_it():
    pool = Followed(rows(91))
    await pool.turn(most=60)

    brought = await pool.turn()

    assert brought == rows(31)
    assert len(pool.calls) <= 1 + 1 + 6


async def test_a_hole_above_all_that_is_left_asks_for_no_page_before_the_first():
    pool = Followed(rows(20), cover=((0, 2), (30, 40)))

    assert await pool.turn() == rows(20)


async def test_a_page_that_never_comes_costs_itself_and_nothing_behind_it():
    """Whoever fills its hole goes no further than that: the pages of a turn are for those behind it."""
    pool = Followed(rows(3 * MOST_PAGES * PER_PAGE), useless=5)

    for _ in range(5):
        await pool.turn(most=10_000)

    assert len(set(pool.rows) - pool.known) == PER_PAGE
    assert len(pool.calls) < 10


async def test_a_turn_reads_so_many_pages_and_goes_on_there_in_the_next():
    pool = Followed(rows(2 * MOST_PAGES * PER_PAGE + 1))

    for _ in range(2):
        await pool.turn(most=10_000)
        assert len(pool.calls) == MOST_PAGES
    await pool.turn(most=10_000)

    assert set(pool.rows) <= pool.known


async def test_an_empty_pool_is_one_page_and_what_arrives_later_comes():
    pool = Followed([])
    await pool.turn()
    pool.rows = rows(4)

    assert await pool.turn() == rows(4)


async def test_a_turn_ends_although_everything_has_the_same_date():
    pool = Followed([2, 3] * 10)

    await pool.turn()

    assert len(pool.calls) <= 10


moves = st.lists(
    st.tuples(
        st.integers(0, 9),  # arrive
        st.integers(1, 12),  # most
        st.integers(1, 9),  # stop after so many pages
        st.dictionaries(st.integers(1, 6), st.integers(0, 30), max_size=2),
    ),
    max_size=8,
)


@settings(max_examples=300)
@given(st.integers(0, 40), moves)
async def test_interrupted_turns_and_a_moving_pool_leave_no_hole(size: int, some: list[Any]):
    pool = Followed(rows(size + 1))
    newest = size + 1
    for arrive, most, stop_after, leaves in some:
        # They come in pairs of one date, so that a pair is not split between two turns.
        pool.rows[:0] = list(range(newest + 2 * arrive, newest, -1))
        newest += 2 * arrive
        pool.stop_after, pool.leaves = stop_after, leaves
        await pool.turn(most=most)

    pool.stop_after, pool.leaves = 1000, {}
    for _ in range(30):
        await pool.turn()

    assert set(pool.rows) <= pool.known
    assert holes(pool.cover) == []
