"""Who left a pool is noticed in time, behind its head, too, and one odd answer is not believed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest
from msgspec import structs

from ingestor.apis.flickr import Unusable
from ingestor.journal import coverage, listing, results
from ingestor.journal.writer import Journal
from ingestor.models import Photo
from ingestor.services import PHOTOS_PER_PAGE, ListedPage
from ingestor.worker.looking import Looking
from tests.builders import a_label, a_photo, a_size, an_annotation

GROUP = "1@N20"
PAGES = 3
NEWEST = 1_700_000_000
HOUR = 3600.0
RECHECK = 12 * HOUR


class Pool:
    """Full pages, all of them stored, and a worker that looks now and then."""

    def __init__(self, journal: Journal, *, pages: int = PAGES) -> None:
        self.now = NEWEST + 1000 * HOUR
        self.photos = [
            a_photo(str(10_000 + number), group=GROUP, date_added=NEWEST - 10 * number)
            for number in range(pages * PHOTOS_PER_PAGE)
        ]
        self.hidden: set[str] = set()
        self.unusable: dict[str, Unusable] = {}
        self.passed_over = 0
        """The page that always comes without rows."""
        self.journal = journal
        self.looking = Looking(journal, self.page, recheck=RECHECK, wall=lambda: self.now)

    async def page(self, _group: str, number: int) -> ListedPage:
        shown: list[Photo] = [photo for photo in self.photos if photo.id not in self.hidden]
        first = (number - 1) * PHOTOS_PER_PAGE
        pages = -(-len(shown) // PHOTOS_PER_PAGE)
        rows = [] if number == self.passed_over else shown[first : first + PHOTOS_PER_PAGE]
        return ListedPage(
            pages=pages, total=len(shown), rows=[self.unusable.get(row.id, row) for row in rows]
        )

    async def looks(self, *, every: float, hours: float) -> tuple[str, ...]:
        """Look until somebody is gone, for so many hours at the most."""
        end = self.now + hours * HOUR
        while self.now < end:
            self.now += every
            if gone := (await self.looking.look(GROUP)).gone:
                return gone
        return ()


@pytest.fixture
async def pool(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Pool]:
    async with Journal(tmp_path / "journal.sqlite3") as journal:
        pool = Pool(journal, pages=getattr(request, "param", PAGES))
        await journal.write(
            lambda db: listing.sight_page(
                db,
                pool.photos,
                group=listing.ListedGroup(id=GROUP, name="g", total=len(pool.photos)),
                run=1,
                room=None,
                features=None,
                unusable=[],
                now=pool.now,
                stretch=(0, NEWEST),
            )
        )
        await set_state(pool, "stored")
        await pool.looking.look(GROUP)
        yield pool


async def set_state(pool: Pool, state: str, *, of: str = "%") -> None:
    await pool.journal.write(
        lambda db: db.execute("UPDATE photos SET state = ? WHERE id LIKE ?", (state, of))
    )


async def pass_over(pool: Pool, page: int) -> None:
    """Have nothing known of its photos, as if it had always come without rows."""
    pool.passed_over = page
    rows = pool.photos[(page - 1) * PHOTOS_PER_PAGE : page * PHOTOS_PER_PAGE]
    hole = rows[-1].date_added, rows[0].date_added
    await pool.journal.write(lambda db: coverage.uncover(db, GROUP, hole))
    await pool.journal.write(
        lambda db: db.execute("DELETE FROM memberships WHERE date_added BETWEEN ? AND ?", hole)
    )


@pytest.mark.parametrize("every", [60.0, 290.0, 900.0, HOUR])
@pytest.mark.parametrize("number", [0, 700, 1400], ids=["head", "second page", "third page"])
async def test_who_left_is_gone_after_one_recheck_and_two_looks(
    pool: Pool, every: float, number: int
):
    gone = pool.photos[number].id
    pool.hidden.add(gone)

    assert await pool.looks(every=every, hours=(RECHECK + 2 * max(every, 360)) / HOUR) == (gone,)


async def test_who_left_is_gone_in_time_while_others_wait_to_be_bought(pool: Pool):
    await set_state(pool, "listed", of="10700")
    gone = pool.photos[1400].id
    pool.hidden.add(gone)

    assert await pool.looks(every=900.0, hours=13) == (gone,)


@pytest.mark.parametrize(
    ("pool", "page", "number"),
    [(PAGES, PAGES, 700), (5, 2, 2400)],
    ids=["above it", "far behind it"],
    indirect=["pool"],
)
async def test_who_left_is_gone_in_time_although_a_page_is_passed_over(
    pool: Pool, page: int, number: int
):
    """The group is never whole then, and there are more pages than what is known of it would fill."""
    await pass_over(pool, page)
    gone = pool.photos[number].id
    pool.hidden.add(gone)

    assert await pool.looks(every=900.0, hours=13) == (gone,)


async def test_one_odd_answer_is_not_believed(pool: Pool):
    odd = pool.photos[1400].id
    for _look in range(100):
        pool.now += 900.0
        pool.hidden = set() if pool.hidden else {odd}
        assert (await pool.looking.look(GROUP)).gone == ()


@pytest.mark.parametrize("dated", [True, False], ids=["with its date", "without a date"])
async def test_who_leaves_is_noticed_although_its_last_row_was_unusable(pool: Pool, dated: bool):
    photo = pool.photos[700]
    pool.unusable[photo.id] = Unusable(
        photo_id=photo.id, reason="no-url", date_added=photo.date_added if dated else 0
    )
    assert await pool.looks(every=900.0, hours=13) == ()

    pool.hidden.add(photo.id)

    assert await pool.looks(every=900.0, hours=13) == (photo.id,)


async def test_who_left_and_came_again_between_two_looks_is_published_with_its_new_date(pool: Pool):
    again = structs.replace(pool.photos.pop(700), date_added=NEWEST + 60)
    pool.photos.insert(0, again)
    known = an_annotation(again.id, a_label("Dog", 0.9))
    await pool.journal.write(
        partial(results.keep, annotation=known, size=a_size(), purchase="p", now=0.0)
    )
    await set_state(pool, "stored", of=again.id)

    look = await pool.looking.look(GROUP)

    (waiting,) = await pool.journal.read(partial(results.unpublished, most=9))
    assert look.work
    assert (waiting.photo.id, waiting.photo.date_added) == (again.id, NEWEST + 60)


async def test_a_clock_that_was_ahead_when_somebody_was_missed_does_not_keep_him(pool: Pool):
    gone = pool.photos[700].id
    pool.hidden.add(gone)
    pool.now += 2400 * HOUR
    await pool.looking.look(GROUP)
    pool.now -= 2400 * HOUR

    assert await pool.looks(every=900.0, hours=13) == (gone,)


async def test_a_group_that_is_known_from_the_database_alone_is_listed_all_the_same(tmp_path: Path):
    async with Journal(tmp_path / "journal.sqlite3") as journal:
        pool = Pool(journal)
        await journal.write(lambda db: listing.take_in(db, pool.photos))
        await set_state(pool, "stored")
        await journal.write(lambda db: coverage.cover(db, GROUP, (0, NEWEST)))

        assert (await pool.looking.look(GROUP)).work


async def test_who_left_is_gone_in_time_although_all_above_a_gap_left_before_it_was_filled(
    pool: Pool,
):
    """The gap is where the newest stands now: it is never covered before another one comes."""
    gap = pool.photos[PHOTOS_PER_PAGE - 1].date_added
    await pool.journal.write(lambda db: coverage.uncover(db, GROUP, (gap, gap)))
    above = {photo.id for photo in pool.photos[: PHOTOS_PER_PAGE - 1]}
    pool.hidden = {*above, pool.photos[1400].id}

    gone: set[str] = set()
    for _look in range(14 * 4):
        pool.now += 900.0
        gone.update((await pool.looking.look(GROUP)).gone)

    assert gone == pool.hidden
