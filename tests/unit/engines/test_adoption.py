"""The database is asked about many photos side by side, and its errors arrive one by one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from ingestor import events
from ingestor.engines.adoption import PAGE, READS_AT_ONCE, Adoption
from ingestor.errors import Unavailable
from ingestor.journal import claims, dead, listing, results
from ingestor.journal.listing import ListedGroup
from ingestor.journal.writer import Journal
from ingestor.kits.lifetime import Stopping
from ingestor.models import Failure
from ingestor.records import escape, photo_record
from tests.builders import a_label, a_photo, a_published
from tests.inline import Inline
from tests.journals import listed

GROUP = "1@N00"


class Silent:
    """Knows its photos' names, and fails on their records."""

    def __init__(self, failure: Exception) -> None:
        self.failure = failure

    async def keys(self, path: str) -> list[str] | None:
        return ["p1", "p2"]

    async def read(self, path: str) -> Any:
        raise self.failure


class Full:
    """Has a record of each of its photos."""

    def __init__(self, *photos: str) -> None:
        self.photos = photos
        self.leases: dict[str, Any] | None = None

    async def keys(self, path: str) -> list[str] | None:
        return [f"p{photo}" for photo in self.photos]

    async def read(self, path: str) -> Any:
        if path == "leases":
            return self.leases
        photo = path.removeprefix("photos/p")
        if photo not in self.photos:
            return None
        return photo_record(a_published(photo, photo=a_photo(photo, group=GROUP)))


class Slow(Full):
    """Counts how many of its records are being read."""

    reading = most = 0

    async def read(self, path: str) -> Any:
        self.reading += 1
        self.most = max(self.most, self.reading)
        await asyncio.sleep(0)
        self.reading -= 1
        return await super().read(path)


async def a_run(
    journal: Journal, database: Full, *, run: int = 1, others_worked: bool = False
) -> Adoption:
    adoption = Adoption(
        database=database, journal=journal, features=None, run=run, wall=lambda: 0.0
    )
    await adoption.begin([GROUP], others_worked=others_worked)
    return adoption


async def sight(journal: Journal, *photos: str, run: int = 1) -> None:
    """Have the run take on what it was listed."""
    rows = [a_photo(photo, group=GROUP) for photo in photos]
    await journal.write(lambda db: listed(db, *rows, run=run, now=0.0))


@pytest.fixture
async def journal(tmp_path: Path) -> AsyncIterator[Journal]:
    async with Journal(tmp_path / "journal.sqlite3", thread=Inline()) as journal:
        yield journal


@pytest.mark.parametrize(
    "failure",
    [Unavailable("away", upstream="database"), Stopping()],
    ids=["unavailable", "stopping"],
)
async def test_a_record_that_cannot_be_read_is_an_error_and_no_group_of_errors(
    journal: Journal, failure: Exception
):
    adoption = Adoption(
        database=Silent(failure), journal=journal, features=None, run=1, wall=lambda: 0.0
    )
    await adoption.begin([GROUP])

    with pytest.raises(type(failure)):
        await adoption.adopt(["1", "2"], group=GROUP)


async def test_a_page_of_records_is_read_side_by_side_so_many_at_once_and_no_more(
    journal: Journal,
):
    page = [str(number) for number in range(PAGE)]
    database = Slow(*page)
    adoption = await a_run(journal, database)

    found = await adoption.find(page, group=GROUP)

    assert (len(found), database.most) == (PAGE, READS_AT_ONCE)


async def test_a_photo_that_slipped_past_the_listing_is_asked_about_by_the_next_run(
    journal: Journal,
):
    database = Full("1", "2", "3")
    first = await a_run(journal, database)
    await first.adopt(["1", "2"], group=GROUP)
    await first.end([GROUP])

    second = await a_run(journal, database, run=2)
    found = await second.find(["1", "2", "3", "4"], group=GROUP)

    assert [one.photo.id for one in found] == ["3"]


class Huge(Full):
    """Has too many photos for their names to be read."""

    names_read = 0

    async def keys(self, path: str) -> list[str] | None:
        self.names_read += 1
        return None


async def test_where_names_cannot_be_read_every_new_photo_is_asked_for_ever_after(
    journal: Journal,
):
    database = Huge("1", "2", "3")
    first = await a_run(journal, database)
    await first.remember([GROUP])
    await sight(journal, "1", "2")
    await first.end([GROUP])

    second = await a_run(journal, database, run=2)
    found = await second.find(["3"], group=GROUP)

    assert ([one.photo.id for one in found], database.names_read) == (["3"], 1)


async def test_who_shares_a_database_asks_about_what_others_may_have_bought(journal: Journal):
    """A photo may be in their group and in ours, and they may come while we list."""
    database = Full("3")
    await sight(journal, "1")
    adoption = await a_run(journal, database)

    alone = await adoption.find(["3"], group=GROUP)
    database.leases = {"2@N00": {"owner": "theirs", "epoch": 1, "until": 0}}
    shared = await adoption.find(["3", "4"], group=GROUP)

    assert (alone, [one.photo.id for one in shared]) == ([], ["3"])


async def test_what_others_buy_while_a_new_group_is_listed_is_asked_for(journal: Journal):
    database = Full("1")
    database.leases = {"2@N00": {"owner": "theirs", "epoch": 1, "until": 0}}
    adoption = await a_run(journal, database)
    database.photos = ("1", "3")

    assert [one.photo.id for one in await adoption.find(["3"], group=GROUP)] == ["3"]


async def test_a_group_that_may_be_behind_has_others_ask_as_well(journal: Journal):
    """We took it over from a machine that bought what is in it, and did not come to its end."""
    await sight(journal, "1")
    await journal.write(partial(claims.suspect, groups=["2@N00"]))
    adoption = await a_run(journal, Full("3"))

    assert [one.photo.id for one in await adoption.find(["3"], group=GROUP)] == ["3"]


async def test_what_a_run_has_met_takes_no_room_a_second_time(journal: Journal):
    adoption = await a_run(journal, Full("3"))
    await sight(journal, "1", "2")

    found = await adoption.find(["1", "2", "3"], group=GROUP, room=1)

    assert [one.photo.id for one in found] == ["3"]


async def test_no_more_is_asked_than_there_is_room_for(journal: Journal):
    adoption = await a_run(journal, Full("1", "2", "3"))

    found = await adoption.find(["1", "2", "3"], group=GROUP, room=2)

    assert [one.photo.id for one in found] == ["1", "2"]


async def test_a_photo_parked_in_this_run_takes_no_room_from_one_that_is_asked_for(
    journal: Journal,
):
    adoption = await a_run(journal, Full("3"))
    await sight(journal, "1")
    parked = Failure(photo_id="1", stage="annotate", reason="in-doubt", paid="maybe")
    await journal.write(partial(dead.fail, failure=parked, now=0.0))

    found = await adoption.find(["1", "3"], group=GROUP, room=1)

    assert [one.photo.id for one in found] == ["3"]


async def test_a_dead_photo_that_others_bought_is_asked_for_when_it_is_tried_again(
    journal: Journal,
):
    await sight(journal, "1")
    gone = Failure(photo_id="1", stage="download", reason="gone")
    await journal.write(partial(dead.fail, failure=gone, now=0.0))
    database = Full("1")
    first = await a_run(journal, database, others_worked=True)
    await first.adopt(["1"], group=GROUP)
    await first.end([GROUP])
    await journal.write(partial(dead.retry, photos=["1"]))

    second = await a_run(journal, database, run=2)

    assert [one.photo.id for one in await second.find(["1"], group=GROUP)] == ["1"]


async def test_what_others_published_meanwhile_is_taken_over_with_our_groups(journal: Journal):
    """The same features, and other labels: their entries would stay in the index for ever."""
    written: dict[str, Any] = {}
    heard: list[events.Event] = []

    async def update(paths: Mapping[str, Any]) -> None:
        written.update(paths)

    ours = a_published("1", a_label("Cat"), photo=a_photo("1", group=GROUP))
    page = partial(
        listing.sight_page, photos=[ours.photo], group=ListedGroup(id=GROUP, name="", total=1), run=1,
        room=None, features=None, unusable=(), now=0.0,
    )  # fmt: skip
    await journal.write(page)
    bought = partial(
        results.keep, annotation=ours.annotation, size=ours.size, purchase="1", now=0.0
    )
    await journal.write(bought)
    adoption = Adoption(
        database=Full("1"), journal=journal, features=None, run=1, wall=lambda: 0.0,
        listen=heard.append, update=update,
    )  # fmt: skip
    await adoption.begin([GROUP], others_worked=True)

    assert await adoption.adopt_newer([ours])
    assert list(written) == [f"photos/p1/groups/{escape(GROUP)}"]
    assert heard == [events.PhotosAdopted(photos=1)]
    assert not await adoption.adopt_newer([ours]), "there is nothing more to be heard of it"


async def test_the_letter_of_a_photo_that_others_bought_is_taken_back(journal: Journal):
    written: dict[str, Any] = {}

    async def update(paths: Mapping[str, Any]) -> None:
        written.update(paths)

    await sight(journal, "1", "2")
    doubt = Failure(photo_id="1", stage="annotate", reason="in-doubt", paid="maybe")
    await journal.write(partial(dead.fail, failure=doubt, now=0.0))
    adoption = Adoption(
        database=Full("1", "2"), journal=journal, features=None, run=2, wall=lambda: 0.0,
        update=update,
    )  # fmt: skip
    await adoption.begin([GROUP], others_worked=True)

    await adoption.adopt(["1", "2"], group=GROUP)

    assert written == {"dead/p1": None}
