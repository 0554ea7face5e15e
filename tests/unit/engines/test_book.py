"""What a run writes down about photos, here and in the database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from ingestor import events
from ingestor.apis.flickr import Unusable
from ingestor.catalog.arriving import adopt
from ingestor.engines.adoption import Adoption
from ingestor.engines.book import Book
from ingestor.errors import JournalError, Rejected
from ingestor.journal import listing, results, runs
from ingestor.journal.results import keep
from ingestor.journal.withdrawals import withdraw
from ingestor.journal.writer import Journal
from ingestor.models import Photo
from ingestor.records import merged, photo_record
from ingestor.services import ListedPage
from tests.builders import FEATURES, a_photo, a_published, a_report, a_size, an_annotation
from tests.inline import Inline

FIRST, SECOND, THEIRS, ALSO_OURS = "1@N00", "2@N00", "3@N00", "4@N00"


class Database:
    """Has what it was given, and keeps what it is sent."""

    def __init__(self, *photos: str) -> None:
        self.photos = photos
        self.sent: list[Mapping[str, Any]] = []
        self.fails = False
        self.room = 100
        """Updates until it fails."""

    async def keys(self, path: str) -> list[str] | None:
        return [f"p{photo}" for photo in self.photos]

    async def read(self, path: str) -> Any:
        if path == "leases":
            return {SECOND: {"owner": "theirs", "epoch": 1, "until": 0}}
        photo = path.removeprefix("photos/p")
        if photo not in self.photos:
            return None
        return photo_record(a_published(photo, photo=a_photo(photo, group=FIRST)))

    async def update(self, paths: Mapping[str, Any]) -> None:
        self.room -= 1
        if self.fails or self.room < 0:
            raise asyncio.CancelledError
        self.sent.append(paths)

    @property
    def memberships(self) -> set[str]:
        return {path for paths in self.sent for path in paths if "/groups/" in path}


class TakenDownThen(Database):
    """Others take all of its photos down when it is told anything."""

    async def update(self, paths: Mapping[str, Any]) -> None:
        await super().update(paths)
        self.photos = ()


class Refusing(Database):
    """Takes no photo, and knows the groups that it was told of."""

    alone = True
    """Whether nobody else uses it."""

    async def read(self, path: str) -> Any:
        if path == "leases" and self.alone:
            return None
        node = f"{path}/groups/"
        told = merged(self.sent)
        groups = {key[len(node) :]: at for key, at in told.items() if key.startswith(node) and at}
        return {"groups": groups} if groups else await super().read(path)

    async def update(self, paths: Mapping[str, Any]) -> None:
        if any(path.endswith("/sha256") for path in paths):
            raise Rejected("Invalid data", upstream="database")
        await super().update(paths)


class RefusedMeanwhile(Refusing):
    """While it is told of a group, the photo is refused."""

    book: Book

    async def update(self, paths: Mapping[str, Any]) -> None:
        if "photos/p7/groups/2@N00" in paths and not self.sent:
            await self.book.publish_left_over()
        await super().update(paths)


@pytest.fixture
async def journal(tmp_path: Path) -> AsyncIterator[Journal]:
    async with Journal(tmp_path / "journal.sqlite3", thread=Inline()) as journal:
        yield journal


def a_book(
    journal: Journal,
    database: Database | None,
    *,
    run: int = 1,
    shared: bool = False,
    listen: events.Listener = events.ignore,
) -> Book:
    adoption = None
    if database and shared:
        adoption = Adoption(
            database=database,
            journal=journal,
            features=None,
            run=run,
            wall=lambda: 0.0,
            update=database.update,
        )
    return Book(
        journal=journal,
        update=database.update if database else None,
        features=FEATURES,
        reannotate=False,
        run=run,
        groups={FIRST: "First", SECOND: "Second"},
        clock=asyncio.get_running_loop().time,
        wall=lambda: 0.0,
        listen=listen,
        adoption=adoption,
    )


def a_page(*photos: str, group: str) -> ListedPage:
    rows = [a_photo(photo, group=group, date_added=int(photo)) for photo in photos]
    return ListedPage(pages=1, total=len(rows), rows=rows)


async def annotated(journal: Journal, *photos: str) -> None:
    for photo in photos:
        await journal.write(
            partial(keep, annotation=an_annotation(photo), size=a_size(), purchase="p", now=0.0)
        )


async def test_the_database_is_told_which_stretches_of_a_pool_are_covered(journal: Journal):
    database = Database()
    book = a_book(journal, database)
    page = a_page("10", "20", group=FIRST)
    await book.sight(FIRST, 1, page, room=None, stretch=(10, 20))
    await book.sight(FIRST, 2, page, room=None, stretch=(40, 50))
    await book.sight(SECOND, 1, a_page("30", group=SECOND), room=None)

    await book.close(a_report())

    told = {path: value for path, value in database.sent[-1].items() if "/covered" in path}
    assert told == {
        f"groups/{FIRST}/covered": {"0": {"from": 10, "to": 20}, "1": {"from": 40, "to": 50}},
        f"groups/{SECOND}/covered": None,
    }


async def test_what_the_disk_refused_reaches_the_database_all_the_same(journal: Journal):
    """It is paid for, and only in memory."""
    database = Database()
    book = a_book(journal, database)
    journal.broken = JournalError("the disk refused")

    with pytest.raises(JournalError):
        await book.write([a_published("7")])

    assert "photos/p7/sha256" in database.sent[0]


async def test_what_earlier_runs_left_to_store_is_told_apart(journal: Journal):
    told: list[events.Event] = []
    await a_book(journal, Database()).sight(FIRST, 1, a_page("1", "2", group=FIRST), room=None)
    await annotated(journal, "1", "2")
    book = a_book(journal, Database(), run=2, listen=told.append)

    await book.publish_left_over()
    await book.write([a_published("3")])

    stored = [
        (event.photos, event.left_over) for event in told if isinstance(event, events.UpdateStored)
    ]
    assert stored == [(2, True), (1, False)]


async def test_nothing_that_earlier_runs_left_is_taken_on_unasked(journal: Journal):
    """More than are taken on at once, and all of them bought by others meanwhile."""
    database = Database("1", "2", "3", "4")
    await a_book(journal, database).sight(
        FIRST, 1, a_page("1", "2", "3", "4", "5", group=FIRST), room=None
    )
    book = a_book(journal, database, run=2, shared=True)

    taken = await book.take_pending(2, listed=True)

    assert [photo.id for photo in taken] == ["5"]


async def test_what_earlier_runs_left_is_taken_on_newest_first_and_once(journal: Journal):
    database = Database()
    await a_book(journal, database).sight(FIRST, 1, a_page("1", "2", "3", group=FIRST), room=None)
    book = a_book(journal, database, run=2, shared=True)

    taken = [[photo.id for photo in await book.take_pending(2, listed=True)] for _ in range(3)]

    assert taken == [["3", "2"], ["1"], []]


async def test_a_photo_of_two_groups_is_published_in_both(journal: Journal):
    """The second one shows it before it is stored."""
    database = Database()
    book = a_book(journal, database)
    await book.sight(FIRST, 1, a_page("7", group=FIRST), room=None)
    await book.sight(SECOND, 1, a_page("7", group=SECOND), room=None)
    await annotated(journal, "7")

    await book.write([a_published("7", photo=a_photo("7", group=FIRST, date_added=7))])

    assert database.memberships == {"photos/p7/groups/1@N00", "photos/p7/groups/2@N00"}


async def test_a_page_that_could_not_be_told_to_the_database_is_told_by_the_next_run(
    journal: Journal,
):
    database = Database()
    book = a_book(journal, database)
    await book.sight(FIRST, 1, a_page("7", group=FIRST), room=None)
    await annotated(journal, "7")
    await book.write([a_published("7", photo=a_photo("7", group=FIRST, date_added=7))])
    database.fails = True
    with pytest.raises(asyncio.CancelledError):
        await book.sight(SECOND, 1, a_page("7", group=SECOND), room=None)

    database.fails = False
    await a_book(journal, database, run=2).sight(SECOND, 1, a_page("7", group=SECOND), room=None)

    assert "photos/p7/groups/2@N00" in database.memberships


async def test_a_known_photo_in_a_new_group_costs_one_small_update(journal: Journal):
    database = Database()
    book = a_book(journal, database)
    await book.sight(FIRST, 1, a_page("7", group=FIRST), room=None)
    await annotated(journal, "7")
    await book.write([a_published("7", photo=a_photo("7", group=FIRST, date_added=7))])
    database.sent.clear()

    for run in (2, 3):
        await a_book(journal, database, run=run).sight(
            SECOND, 1, a_page("7", group=SECOND), room=None
        )

    assert database.sent == [{"photos/p7/groups/2@N00": 7}]


async def test_without_a_database_a_known_photo_in_a_new_group_is_told_to_nobody(journal: Journal):
    await a_book(journal, None).sight(FIRST, 1, a_page("7", group=FIRST), room=None)
    await annotated(journal, "7")

    book = a_book(journal, None, run=2)
    sighting = await book.sight(SECOND, 1, a_page("7", group=SECOND), room=None)

    assert [photo.id for photo in sighting.joined] == ["7"]


@pytest.mark.parametrize(
    "row",
    [
        pytest.param(Unusable(photo_id="7", reason="no-url"), id="no picture"),
        pytest.param(a_photo("7", group=FIRST, date_added=0), id="no date"),
    ],
)
async def test_a_row_that_says_less_than_before_changes_nothing(
    journal: Journal, row: Photo | Unusable
):
    database = Database()
    await a_book(journal, database).sight(FIRST, 1, a_page("7", group=FIRST), room=None)
    await annotated(journal, "7")
    before = await journal.read(partial(results.unpublished, most=1))

    page = ListedPage(pages=1, total=1, rows=[row])
    await a_book(journal, database, run=2).sight(FIRST, 1, page, room=None)

    assert database.sent == []
    assert await journal.read(partial(results.unpublished, most=1)) == before
    assert await journal.read(partial(listing.memberships, photos=["7"])) == [("7", FIRST, 7)]


async def test_other_photos_of_a_page_are_no_business_of_the_database(journal: Journal):
    database = Database()
    await a_book(journal, database).sight(FIRST, 1, a_page("1", "2", group=FIRST), room=None)

    await a_book(journal, database, run=2).sight(
        FIRST, 1, a_page("1", "2", "3", group=FIRST), room=None
    )

    assert database.sent == []


async def test_rows_beyond_the_limit_are_told_to_nobody(journal: Journal):
    database = Database()
    book = a_book(journal, database)
    await book.sight(FIRST, 1, a_page("7", "8", group=FIRST), room=None)
    await annotated(journal, "7", "8")

    await a_book(journal, database, run=2).sight(SECOND, 1, a_page("7", "8", group=SECOND), room=1)

    assert database.memberships == {"photos/p7/groups/2@N00"}


async def test_a_group_that_others_list_is_theirs_to_tell_of(journal: Journal):
    """Its photo was adopted from them, as it is in our group as well."""
    database = Database("7")
    theirs = a_published("7", photo=a_photo("7", group=THEIRS))
    await journal.write(partial(adopt, found=[theirs], now=0.0))

    await a_book(journal, database).write([a_published("7", photo=a_photo("7", group=FIRST))])

    assert database.memberships == {"photos/p7/groups/1@N00"}


@pytest.mark.parametrize("named", [FIRST, SECOND])
async def test_no_photo_is_published_in_a_group_that_others_have_taken_over_and_is_in_ours(
    journal: Journal, named: str
):
    """It may have left that one since; they have forgotten it, and would never take it out again."""
    database = Database()
    before = a_book(journal, database)
    await before.sight(FIRST, 1, a_page("7", group=FIRST), room=None)
    await before.sight(SECOND, 1, a_page("7", group=SECOND), room=None)
    await annotated(journal, "7")

    anew = a_published("7", photo=a_photo("7", group=named, date_added=7))
    await a_book(journal, database, run=2, shared=True).write([anew])

    assert database.memberships == {"photos/p7/groups/1@N00"}


async def test_a_photo_whose_record_names_no_group_is_published_in_that_of_ours(journal: Journal):
    database = Database()
    book = a_book(journal, database)
    await book.sight(FIRST, 1, a_page("7", group=FIRST), room=None)

    await book.write([a_published("7", photo=a_photo("7", group="", date_added=0))])

    assert database.memberships == {"photos/p7/groups/1@N00"}


async def test_a_photo_that_came_again_while_it_was_bought_is_published_with_its_new_date(
    journal: Journal,
):
    database = Database()
    book = a_book(journal, database)
    rows = [a_photo("1", group=FIRST, date_added=date) for date in (1, 7)]
    for row in rows:
        await book.sight(FIRST, 1, ListedPage(pages=1, total=1, rows=[row]), room=None)
    await annotated(journal, "1")

    await book.write([a_published("1", photo=rows[0])])

    assert database.sent[-1][f"photos/p1/groups/{FIRST}"] == 7


async def test_nothing_that_waited_here_is_told_to_be_in_a_group_that_others_have_taken_over(
    journal: Journal,
):
    """Others have bought it meanwhile, and it may have left that group since."""
    database = Database("7")
    before = a_book(journal, Database())
    await before.sight(FIRST, 1, a_page("7", group=FIRST), room=None)
    await before.sight(SECOND, 1, a_page("7", group=SECOND), room=None)

    assert await a_book(journal, database, run=2, shared=True).take_pending(9, listed=True) == ()

    assert database.memberships == {"photos/p7/groups/1@N00"}


async def test_a_photo_that_comes_back_is_in_the_database_again_at_once(journal: Journal):
    database = Database()
    await a_book(journal, database).sight(FIRST, 1, a_page("7", group=FIRST), room=None)
    await annotated(journal, "7")
    await journal.write(partial(withdraw, photos=["7"], group=FIRST, now=1.0))

    await a_book(journal, database, run=2).sight(FIRST, 1, a_page("7", group=FIRST), room=None)

    assert "photos/p7/sha256" in database.sent[-1]
    assert await journal.read(runs.photos_by_state) == {"stored": 1}


async def test_what_others_took_down_comes_back_without_their_group_however_late(journal: Journal):
    """What others took down is known, and the database is away before it is published again."""
    database = Database("8")
    for photo in ("7", "8"):
        theirs = a_published(photo, photo=a_photo(photo, group=THEIRS))
        await journal.write(partial(adopt, found=[theirs], now=0.0))
    database.room = 1
    page = a_page("7", "8", group=FIRST)
    with pytest.raises(asyncio.CancelledError):
        await a_book(journal, database, shared=True).sight(FIRST, 1, page, room=None)

    database.room = 1
    await a_book(journal, database, run=2, shared=True).publish_left_over()

    assert "photos/p7/sha256" in database.sent[-1]
    assert database.memberships == {"photos/p7/groups/1@N00", "photos/p8/groups/1@N00"}


async def test_what_others_take_down_while_our_group_is_told_is_published_again(journal: Journal):
    database = TakenDownThen("7")
    theirs = a_published("7", photo=a_photo("7", group=THEIRS))
    await journal.write(partial(adopt, found=[theirs], now=0.0))

    await a_book(journal, database, shared=True).sight(
        FIRST, 1, a_page("7", group=FIRST), room=None
    )

    assert "photos/p7/sha256" in database.sent[-1]


async def test_what_others_take_down_while_it_is_taken_over_is_published_again(journal: Journal):
    """It waited here, in a group that the database had not heard of."""
    database = TakenDownThen("7")
    await a_book(journal, database).sight(FIRST, 1, a_page("7", group=FIRST), room=None)
    book = a_book(journal, database, run=2, shared=True)
    await book._adoption.begin([FIRST], others_worked=True)  # type: ignore[union-attr]

    assert not await book.take_pending(10, listed=True)

    assert "photos/p7/sha256" in database.sent[-1]


async def test_what_a_restored_database_lacks_comes_back_in_all_groups_of_ours(journal: Journal):
    """A worker has a run of each group by itself, and follows the others as well."""
    database = Database("8")
    ours = listing.ListedGroup(id=ALSO_OURS, name="Also", total=1)
    await journal.write(
        partial(
            listing.sight_page, group=ours, photos=[a_photo("7", group=ALSO_OURS, date_added=5)],
            run=1, room=None, features=None, unusable=(), now=0.0,
        )
    )  # fmt: skip
    await annotated(journal, "7")
    await journal.write(partial(results.mark_stored, photos=["7"]))

    await a_book(journal, database, run=2, shared=True).sight(
        FIRST, 1, a_page("7", group=FIRST), room=None
    )

    assert "photos/p7/sha256" in database.sent[-1]
    assert database.memberships == {"photos/p7/groups/1@N00", "photos/p7/groups/4@N00"}


@pytest.mark.parametrize("make", [Refusing, RefusedMeanwhile])
async def test_nothing_is_left_of_a_photo_that_was_told_of_and_is_refused(
    journal: Journal, make: type[Refusing]
):
    """By the time it turns up in a second group it is bought."""
    database = make()
    book = a_book(journal, database, shared=True)
    await book._adoption.begin([FIRST, SECOND])  # type: ignore[union-attr]
    await book.sight(FIRST, 1, a_page("7", group=FIRST), room=None)
    await annotated(journal, "7")

    if isinstance(database, RefusedMeanwhile):
        database.book = book
    await book.sight(SECOND, 1, a_page("7", group=SECOND), room=None)
    await book.publish_left_over()

    assert await database.read("photos/p7") is None
    assert database.memberships == {"photos/p7/groups/2@N00"}


async def test_what_others_say_of_a_photo_that_is_refused_stays(journal: Journal):
    database = Refusing()
    book = a_book(journal, database, shared=True)
    await book.sight(FIRST, 1, a_page("7", group=FIRST), room=None)
    await annotated(journal, "7")
    await book.sight(SECOND, 1, a_page("7", group=SECOND), room=None)
    told, database.alone = list(database.sent), False

    await book.publish_left_over()

    assert database.sent == told


async def test_a_refused_photo_that_is_found_as_before_stays_in_its_groups(journal: Journal):
    database = Refusing("7")
    book = a_book(journal, database, shared=True)
    await book.sight(FIRST, 1, a_page("7", group=FIRST), room=None)
    await annotated(journal, "7")

    await book.publish_left_over()

    assert not database.sent


async def test_what_is_stored_has_no_dead_letter_in_the_database_any_more(journal: Journal):
    """An earlier run, which did not get it, has left one there."""
    database = Database()

    await a_book(journal, database).write([a_published("7")])

    assert database.sent[0]["dead/p7"] is None


@pytest.mark.parametrize(
    ("total", "photos", "gap"),
    [(2, ["7", "8"], False), (2, [], True), (0, [], False)],
    ids=["whole", "came empty", "of an empty pool"],
)
async def test_a_page_that_came_empty_is_a_gap(
    journal: Journal, total: int, photos: list[str], gap: bool
):
    book = a_book(journal, Database())
    page = a_page(*photos, group=FIRST)

    await book.sight(FIRST, 1, ListedPage(pages=1, total=total, rows=page.rows), room=None)
    await book.sight(SECOND, 1, a_page("9", group=SECOND), room=None)

    assert book.gap is gap
