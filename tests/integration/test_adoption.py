"""The journal is gone and the database is there: it says what is known, and nothing is bought twice."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from ingestor import events
from ingestor.catalog.local import LocalCatalog
from ingestor.catalog.query import Query
from ingestor.catalog.rtdb import DatabaseCatalog
from ingestor.engines import local
from ingestor.engines.reconcile import reconcile
from ingestor.kits.lifetime import Lifetime
from ingestor.report import Reconciled
from ingestor.sandbox.server import Sandbox
from ingestor.services import open_catalog
from tests.integration.conftest import Ingest, in_database, lose_answers, settings_for

ZOO, SAFARI = "1000001@N20", "1000002@N21"


async def test_a_lost_journal_costs_nothing(ingest: Ingest, sandbox: Sandbox, state: Path):
    adopted = 0

    def count(event: events.Event) -> None:
        nonlocal adopted
        adopted += event.photos if isinstance(event, events.PhotosAdopted) else 0

    await ingest(limit=40)
    shutil.rmtree(state)

    again = await ingest(limit=60, listen=count)

    assert (again.listed, again.skipped, again.stored, again.exit_code) == (60, 40, 20, 0)
    assert adopted == 40
    assert (sandbox.bill.units, sandbox.bill.most_for_one_image()) == (60, 1)


async def test_a_lost_journal_costs_nothing_even_in_pieces(
    ingest: Ingest, sandbox: Sandbox, state: Path
):
    await ingest(limit=40)
    shutil.rmtree(state)

    await ingest(limit=10)
    again = await ingest(limit=40)

    assert (again.skipped, again.units.certain) == (40, 0)


async def test_a_lost_journal_asks_once_for_all_names(
    ingest: Ingest, sandbox: Sandbox, state: Path
):
    await ingest(limit=40)
    shutil.rmtree(state)
    await ingest(limit=None)
    sandbox.calls.clear()

    await ingest(limit=None)

    # Which nodes there are, and the lease twice: to take it, and to give it back.
    assert sandbox.calls.count("database", method="GET") == 3


async def test_photos_of_a_page_that_came_empty_are_asked_about_by_the_next_run(
    ingest: Ingest, sandbox: Sandbox, state: Path
):
    await ingest(limit=None)
    bought = sandbox.bill.units
    shutil.rmtree(state)
    await ingest(limit=10)

    sandbox.faults.set("flickr.empty-page", 1.0)
    await ingest(limit=None)
    sandbox.faults.set("flickr.empty-page", 0.0)
    again = await ingest(limit=None)

    assert (again.skipped, sandbox.bill.units) == (bought, bought)


async def test_a_copy_of_the_journal_that_was_made_while_a_run_went_on_costs_nothing(
    ingest: Ingest, sandbox: Sandbox, state: Path, tmp_path: Path
):
    def back_up(event: events.Event) -> None:
        copy = tmp_path / "copy.sqlite3"
        if isinstance(event, events.BatchSettled) and not copy.exists():
            with closing(sqlite3.connect(state / "journal.sqlite3")) as journal:
                journal.execute("VACUUM INTO ?", (str(copy),))

    await ingest(limit=100, listen=back_up)
    for left_behind in ("journal.sqlite3-wal", "journal.sqlite3-shm"):
        (state / left_behind).unlink(missing_ok=True)
    shutil.copy(tmp_path / "copy.sqlite3", state / "journal.sqlite3")

    again = await ingest(limit=100)

    assert (again.pending, again.units.certain) == (0, 0)
    assert sandbox.bill.most_for_one_image() == 1


async def test_a_photo_that_another_machine_bought_for_its_own_group_is_not_bought_for_ours(
    ingest: Ingest, sandbox: Sandbox, tmp_path: Path
):
    await ingest(groups=("safari",), limit=10, state=tmp_path / "ours")
    await ingest(groups=("zoo",), limit=20, state=tmp_path / "theirs")
    bought = sandbox.bill.units
    sandbox.world.post(SAFARI, ids=list(sandbox.world.pools[ZOO].now())[:20])

    again = await ingest(groups=("safari",), limit=30, state=tmp_path / "ours")

    assert (again.skipped, again.units.certain, sandbox.bill.units) == (30, 0, bought)
    both = in_database(sandbox, f"/photos/p{sandbox.world.pools[ZOO].now()[0]}/groups")
    assert set(both) == {ZOO, SAFARI}


async def test_a_photo_that_waited_while_another_machine_bought_it_is_in_both_groups(
    ingest: Ingest, sandbox: Sandbox, tmp_path: Path
):
    """Who follows the other group would take it down as a photo of nobody else's."""
    sandbox.world.post(SAFARI, ids=list(sandbox.world.pools[ZOO].now())[:20])
    await ingest(groups=("safari",), limit=30, state=tmp_path / "ours", max_units=0)
    await ingest(groups=("zoo",), limit=20, state=tmp_path / "theirs")

    again = await ingest(groups=("safari",), limit=30, state=tmp_path / "ours")

    assert (again.skipped, again.units.certain, sandbox.bill.units) == (20, 10, 30)
    both = in_database(sandbox, f"/photos/p{sandbox.world.pools[ZOO].now()[0]}/groups")
    assert set(both) == {ZOO, SAFARI}


async def test_what_others_took_down_is_published_again_in_a_group_of_ours(
    ingest: Ingest, sandbox: Sandbox, tmp_path: Path
):
    """Known here, because it was theirs: its group alone would be no photo that anybody finds."""
    await ingest(limit=20, state=tmp_path / "ours")
    await ingest(limit=20, state=tmp_path / "theirs")
    photo, *_ = sandbox.world.pools[ZOO].now()
    before = in_database(sandbox, f"/photos/p{photo}")
    sandbox.database.put("sandbox", f"/photos/p{photo}", value=None)
    sandbox.world.post(SAFARI, ids=[photo])

    again = await ingest(groups=("safari",), limit=1, state=tmp_path / "ours")

    after = in_database(sandbox, f"/photos/p{photo}")
    assert (again.listed, again.units.certain) == (1, 0)
    assert after["labels"] == before["labels"]
    assert set(after["groups"]) == {SAFARI}  # type: ignore[call-overload]


@pytest.mark.parametrize("in_doubt", [False, True], ids=["waiting", "parked"])
async def test_what_others_take_down_as_a_run_begins_is_published_by_that_run(
    ingest: Ingest, sandbox: Sandbox, tmp_path: Path, *, in_doubt: bool
):
    """They had bought it: nobody lists it again, or buys it, and nothing else would publish it."""
    await ingest(limit=10, state=tmp_path / "ours", max_units=0)
    if in_doubt:
        await lose_answers(tmp_path / "ours")
    await ingest(limit=10, state=tmp_path / "theirs")

    def take_down(event: events.Event) -> None:
        if isinstance(event, events.PhotosAdopted):
            sandbox.database.put("sandbox", "/photos", value=None)

    again = await ingest(limit=10, state=tmp_path / "ours", listen=take_down, in_doubt="park")

    assert (again.listed, again.pending, again.units.certain) == (10, 0, 0)
    assert len(in_database(sandbox, "/photos")) == 10


@pytest.mark.parametrize("limit", [20, 30])
async def test_what_was_given_up_in_doubt_and_bought_by_another_machine_is_no_failure(
    ingest: Ingest, sandbox: Sandbox, tmp_path: Path, limit: int
):
    """However few photos there is room for beside them: nobody lists them then."""
    sandbox.world.post(SAFARI, ids=list(sandbox.world.pools[ZOO].now())[:20])
    await ingest(groups=("safari",), limit=20, state=tmp_path / "ours", max_units=0)
    await lose_answers(tmp_path / "ours")
    await ingest(groups=("zoo",), limit=20, state=tmp_path / "theirs")

    again = await ingest(groups=("safari",), limit=limit, state=tmp_path / "ours", in_doubt="park")

    assert (again.listed, again.dead, again.exit_code) == (limit, 0, 0)
    assert (again.units.certain, sandbox.bill.units) == (limit - 20, limit)


async def test_search_finds_again_what_the_journal_lost(
    ingest: Ingest, sandbox: Sandbox, state: Path
):
    await ingest(limit=40)
    shutil.rmtree(state)

    await ingest(limit=40)

    query = Query(labels=("mammal",), limit=50)
    settings = settings_for(sandbox, state)
    async with LocalCatalog(settings.journal_path) as embedded, open_catalog(settings) as database:
        assert isinstance(database, DatabaseCatalog)
        found, there = await embedded.search(query), await database.search(query)
    assert len(found.hits) > 10
    assert [(hit.photo, hit.score) for hit in found.hits] == [
        (hit.photo, hit.score) for hit in there.hits
    ]


async def test_half_a_record_is_not_taken_for_an_annotation(
    ingest: Ingest, sandbox: Sandbox, state: Path
):
    await ingest(limit=10)
    first = min(in_database(sandbox, "/photos"))
    sandbox.database.put("sandbox", f"/photos/{first}", value={"title": "Only a title"})
    shutil.rmtree(state)

    again = await ingest(limit=10)

    assert (again.skipped, again.units.certain) == (9, 1)


async def test_other_features_are_bought_where_they_are_asked_for(
    ingest: Ingest, sandbox: Sandbox, state: Path
):
    await ingest(limit=10)
    shutil.rmtree(state)

    again = await ingest(limit=10, max_labels=20, reannotate=True)

    assert again.units.certain == 10


async def test_a_lost_journal_s_labels_leave_the_index_when_others_are_bought(
    ingest: Ingest, sandbox: Sandbox, state: Path
):
    """The run that learns of them ends before it buys anything."""
    await ingest(limit=10)
    shutil.rmtree(state)

    await ingest(limit=10, max_labels=1, reannotate=True, max_units=0)
    again = await ingest(limit=10, max_labels=1, reannotate=True)

    assert (again.stored, sandbox.bill.units) == (10, 20)
    assert await differences(sandbox, state) == Reconciled(in_journal=10, in_database=10)


async def test_labels_that_another_machine_bought_leave_the_index_when_others_are_bought(
    ingest: Ingest, sandbox: Sandbox, state: Path, tmp_path: Path
):
    await ingest(limit=10, max_labels=5)
    await ingest(limit=10, reannotate=True, state=tmp_path / "theirs")

    again = await ingest(limit=10, max_labels=1, reannotate=True)

    assert (again.stored, sandbox.bill.units) == (10, 30)
    assert await differences(sandbox, state) == Reconciled(in_journal=10, in_database=10)


@pytest.mark.parametrize("anew", [False, True])
async def test_what_others_published_while_ours_waited_leaves_no_entry_behind(
    ingest: Ingest, sandbox: Sandbox, state: Path, tmp_path: Path, *, anew: bool
):
    """Bought here, and the database away; then bought by another machine, with more labels."""
    await ingest(limit=10, max_labels=3, listen=take_away(sandbox), patience=0.5)
    sandbox.faults.set("database.unavailable", 0.0)
    expire_leases(sandbox)
    await ingest(limit=10, max_labels=10, state=tmp_path / "theirs")

    again = await ingest(limit=10, max_labels=3, reannotate=anew)

    assert (again.skipped, again.units.certain) == (10, 0)
    assert await differences(sandbox, state) == Reconciled(in_journal=10, in_database=10)


async def test_what_waits_keeps_its_place_where_others_bought_it_with_other_features(
    ingest: Ingest, sandbox: Sandbox, state: Path, tmp_path: Path
):
    """Behind newer photos: a listing up to the limit does not come to them."""
    zoo = list(sandbox.world.pools[ZOO].now())
    sandbox.world.post(SAFARI, ids=zoo[:10])
    await ingest(groups=("safari",), limit=10, max_labels=3, max_units=0)
    sandbox.world.post(SAFARI, ids=zoo[10:30])
    await ingest(limit=10, state=tmp_path / "theirs")

    again = await ingest(groups=("safari",), limit=10, max_labels=3, reannotate=True)

    assert (again.listed, again.stored, again.units.certain) == (10, 10, 10)
    features = {record["features"] for record in in_database(sandbox, "/photos").values()}  # type: ignore[index]
    assert features == {"labels:3@builtin/stable"}
    assert await differences(sandbox, state) == Reconciled(in_journal=10, in_database=10)


async def test_a_forecast_does_not_count_other_features_as_known(
    ingest: Ingest, sandbox: Sandbox, state: Path
):
    await ingest(limit=10)
    shutil.rmtree(state)
    settings = settings_for(sandbox, state, limit=10, max_labels=1, reannotate=True)

    foreseen = await local.forecast(settings, lifetime=Lifetime(drain=8.0))

    assert (foreseen.known, foreseen.units) == (0, 10)


def take_away(sandbox: Sandbox) -> Callable[[events.Event], None]:
    """Have the database away from the first answer on."""

    def listen(event: events.Event) -> None:
        if isinstance(event, events.BatchSettled):
            sandbox.faults.set("database.unavailable", 1.0)

    return listen


def expire_leases(sandbox: Sandbox) -> None:
    for key in in_database(sandbox, "/leases"):
        sandbox.database.put("sandbox", f"/leases/{key}/until", value=0)


async def differences(sandbox: Sandbox, state: Path) -> Reconciled:
    """What a repair would do."""
    settings = settings_for(sandbox, state)
    return await reconcile(settings, check=True, lifetime=Lifetime(drain=8.0))


async def test_a_new_group_in_an_empty_database_costs_one_question(
    ingest: Ingest, sandbox: Sandbox
):
    await ingest(limit=40)

    # Is it there, whose turn is it, which photos are known, who else buys, and is the lease still ours.
    assert sandbox.calls.count("database", method="GET") == 5


async def test_a_journal_that_knows_the_group_does_not_ask(ingest: Ingest, sandbox: Sandbox):
    await ingest(limit=40)
    sandbox.calls.clear()

    await ingest(limit=50)

    # Is it there, whose turn is it, who else buys, and is the lease still ours.
    assert sandbox.calls.count("database", method="GET") == 4


async def test_the_forecast_counts_what_the_database_knows(
    ingest: Ingest, sandbox: Sandbox, state: Path
):
    await ingest(limit=40)
    shutil.rmtree(state)

    foreseen = await local.forecast(
        settings_for(sandbox, state, limit=60), lifetime=Lifetime(drain=8.0)
    )

    assert (foreseen.photos, foreseen.known, foreseen.units) == (60, 40, 20)
