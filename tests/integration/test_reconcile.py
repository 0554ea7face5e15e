"""Journal and database drift apart, and are brought together without paying."""

from __future__ import annotations

import shutil
import sqlite3
import time
from functools import partial
from pathlib import Path
from typing import Any, cast

import pytest

from ingestor import events
from ingestor.catalog.indexing import index_photos, remove_photo
from ingestor.catalog.local import LocalCatalog
from ingestor.catalog.query import Query
from ingestor.engines.reconcile import Reconciler, reconcile
from ingestor.errors import SettingsError
from ingestor.journal import dead, results, runs
from ingestor.journal.reader import looking_into
from ingestor.journal.reconciling import held_after
from ingestor.journal.writer import Journal
from ingestor.kits.lifetime import Lifetime
from ingestor.models import Failure
from ingestor.records import updates_for
from ingestor.report import Reconciled
from ingestor.sandbox.server import Sandbox
from ingestor.services import PoliteDatabase, open_database
from tests.builders import a_label, a_published
from tests.integration.conftest import Ingest, in_database, settings_for

PHOTOS = 40
ZOO = "1000001@N20"
LISTED_THERE = (
    "INSERT INTO groups (gid, name) VALUES ('9@N00', 'Theirs')",
    "INSERT INTO memberships SELECT photo, '9@N00', 1 FROM memberships",
    "UPDATE records SET text = json_set(text, '$.group', '9@N00')",
)
THEIR_LEASE = {"owner": "theirs", "epoch": 7, "since": 1, "until": 0}


@pytest.fixture
def compare(sandbox: Sandbox, state: Path) -> Any:
    """`compare(check=…)`; the bill does not move."""

    async def run(*, check: bool = False, **given: Any) -> Reconciled:
        units = sandbox.bill.units
        settings = settings_for(sandbox, state, **given)
        found = await reconcile(settings, check=check, lifetime=Lifetime(drain=8.0))
        assert sandbox.bill.units == units
        return found

    return run


def whole(sandbox: Sandbox) -> dict[str, object]:
    """All that photos left in the database, but for the moment they were written."""
    tree: Any = {name: in_database(sandbox, f"/{name}") for name in ("photos", "index", "labels")}
    for record in tree["photos"].values():
        del record["at"]
    return dict(tree)


def lose(sandbox: Sandbox, path: str) -> None:
    sandbox.database.put("sandbox", path, value=None)


def groups_here(state: Path, key: str) -> dict[str, int]:
    """Those that the journal has the photo of this key in, and since when."""
    with looking_into(state / "journal.sqlite3") as db:
        rows = db.execute("SELECT gid, date_added FROM memberships WHERE photo = ?", (key[1:],))
        return dict(rows.fetchall())


def forget_all_but_its_letter(db: sqlite3.Connection, *, photo: str) -> None:
    remove_photo(db, photo)
    db.execute("DELETE FROM annotations WHERE photo = ?", (photo,))
    db.execute("UPDATE photos SET state = 'listed' WHERE id = ?", (photo,))
    doubt = Failure(photo_id=photo, stage="annotate", reason="in-doubt", paid="maybe")
    dead.fail(db, doubt, now=0.0)


async def compare_in_slices(sandbox: Sandbox, state: Path, *, size: int) -> Reconciled:
    """Only look, at so many photos at once."""
    settings, lifetime = settings_for(sandbox, state), Lifetime(drain=8.0)
    async with (
        Journal(state / "journal.sqlite3") as journal,
        open_database(settings, lifetime=lifetime, listen=events.ignore) as database,
    ):
        reconciler = Reconciler(
            database=database, journal=journal, check=True, wall=time.time, slice=size
        )
        return await reconciler.reconcile()


async def test_what_agrees_is_left_alone(ingest: Ingest, sandbox: Sandbox, compare):
    await ingest(limit=PHOTOS)
    sandbox.calls.clear()

    found = await compare()

    assert found == Reconciled(in_journal=PHOTOS, in_database=PHOTOS)
    assert sandbox.calls.count("database", method="PATCH") == 0


async def test_an_emptied_database_is_filled_again(ingest: Ingest, sandbox: Sandbox, compare):
    await ingest(limit=PHOTOS)
    before = whole(sandbox)
    lose(sandbox, "/")

    found = await compare()

    assert (found.published, found.adopted, found.relabelled) == (PHOTOS, 0, 0)
    assert whole(sandbox) == before


async def test_what_was_dead_in_a_backup_of_the_database_is_published_and_dead_no_more(
    ingest: Ingest, sandbox: Sandbox, compare
):
    await ingest(limit=PHOTOS)
    photo = min(in_database(sandbox, "/photos"))
    lose(sandbox, f"/photos/{photo}")
    sandbox.database.put("sandbox", f"/dead/{photo}", value={"stage": "annotate"})

    found = await compare()

    assert found.published == 1
    assert photo in in_database(sandbox, "/photos")
    assert photo not in in_database(sandbox, "/dead")


async def test_groups_that_the_database_does_not_know_of_are_told(
    ingest: Ingest, sandbox: Sandbox, compare
):
    await ingest(limit=PHOTOS)
    before = whole(sandbox)
    for photo in sorted(in_database(sandbox, "/photos"))[::20]:
        lose(sandbox, f"/photos/{photo}/groups")

    differing = await compare(check=True)
    found = await compare()

    assert (differing.regrouped, found.regrouped, found.agree) == (2, 2, False)
    assert whole(sandbox) == before
    assert (await compare()).agree


async def test_a_photo_whose_record_named_no_group_is_published_like_any_other(
    ingest: Ingest, sandbox: Sandbox, compare, state: Path
):
    """Somebody has taken its groups out, and the journal knows it from the database alone."""
    await ingest(limit=10)
    photo = min(in_database(sandbox, "/photos"))
    lose(sandbox, f"/photos/{photo}/groups")
    shutil.rmtree(state)
    await compare()
    before = whole(sandbox)
    lose(sandbox, "/")

    found = await compare()

    assert (found.published, found.refused) == (10, 0)
    assert whole(sandbox) == before
    assert groups_here(state, photo) == {}


async def test_the_date_on_which_a_photo_came_again_is_told(
    ingest: Ingest, sandbox: Sandbox, compare
):
    """Between two looks it had left its group."""
    await ingest(limit=10)
    before = whole(sandbox)
    photo, *_ = in_database(sandbox, "/photos")
    (group,) = in_database(sandbox, f"/photos/{photo}/groups")
    sandbox.database.put("sandbox", f"/photos/{photo}/groups/{group}", value=7)

    found = await compare()

    assert found.regrouped == 1
    assert whole(sandbox) == before


async def test_a_new_journal_has_a_photo_in_all_the_groups_that_the_database_names(
    ingest: Ingest, sandbox: Sandbox, compare, state: Path
):
    """It may have left any of them while nobody looked, and only who has it there can miss it."""
    await ingest(limit=10)
    photo, *_ = in_database(sandbox, "/photos")
    sandbox.database.put("sandbox", f"/photos/{photo}/groups/0@N00", value=7)
    shutil.rmtree(state)

    await compare()

    assert groups_here(state, photo).keys() == {"0@N00", *in_database(sandbox, "/groups")}


async def test_what_waited_here_and_was_bought_by_others_is_in_our_group_as_well(
    ingest: Ingest, sandbox: Sandbox, compare, tmp_path: Path
):
    """Else they would take it down when it leaves theirs: the database says that nobody has it."""
    zoo = list(sandbox.world.pools["1000001@N20"].now())
    sandbox.world.post("1000002@N21", ids=zoo[:10])
    await ingest(groups=("safari",), limit=10, max_units=0)
    await ingest(groups=("zoo",), limit=10, state=tmp_path / "theirs")

    told, found = await compare(check=True), await compare()

    assert (told.adopted, told.regrouped) == (found.adopted, found.regrouped) == (10, 10)
    for record in in_database(sandbox, "/photos").values():
        assert record["groups"].keys() == {"1000001@N20", "1000002@N21"}  # type: ignore[index]
    assert (await compare(check=True)).agree


async def test_a_photo_that_a_backup_has_in_a_group_of_ours_is_looked_for_there(
    ingest: Ingest, sandbox: Sandbox, compare, state: Path
):
    """It had been taken out since: nobody but us would do it again."""
    await ingest(limit=10)
    photo, *_ = in_database(sandbox, "/photos")
    sandbox.database.put("sandbox", f"/photos/{photo}/groups/9@N00", value=7)
    async with Journal(state / "journal.sqlite3") as journal:
        await journal.write(lambda db: db.execute(LISTED_THERE[0]))

    told, found = await compare(check=True), await compare()

    assert (told.regrouped, found.regrouped, found.adopted) == (1, 1, 0)
    assert groups_here(state, photo)["9@N00"] == 7
    assert (await compare(check=True)).agree


async def test_what_others_say_of_their_groups_is_no_difference(
    ingest: Ingest, sandbox: Sandbox, compare, state: Path
):
    await ingest(limit=10)
    photo, *_ = in_database(sandbox, "/photos")
    sandbox.database.put("sandbox", f"/photos/{photo}/groups/9@N00", value=7)
    sandbox.database.put("sandbox", f"/photos/{photo}/groups/8@N00", value=7)
    async with Journal(state / "journal.sqlite3") as journal:
        await journal.write(lambda db: db.execute(LISTED_THERE[0]))
    sandbox.database.put("sandbox", "/leases/9@N00", value=cast("Any", THEIR_LEASE))

    assert (await compare(check=True)).agree


async def test_an_empty_journal_is_filled_again(
    ingest: Ingest, sandbox: Sandbox, compare, state: Path
):
    await ingest(limit=PHOTOS)
    shutil.rmtree(state)

    found = await compare()
    again = await ingest(limit=PHOTOS)

    assert (found.published, found.adopted) == (0, PHOTOS)
    assert (again.skipped, sandbox.bill.units) == (PHOTOS, PHOTOS)
    async with LocalCatalog(state / "journal.sqlite3") as catalog:
        assert (await catalog.search(Query(labels=("mammal",)))).hits


async def test_what_was_given_up_here_and_bought_elsewhere_is_told_to_be_in_its_groups(
    ingest: Ingest, sandbox: Sandbox, compare, state: Path
):
    """Nothing more is to be done after that, and nobody says any more that it is dead."""
    await ingest(limit=10)
    photo, *_ = in_database(sandbox, "/photos")
    before = whole(sandbox)
    lose(sandbox, f"/photos/{photo}/groups")
    sandbox.database.put("sandbox", f"/dead/{photo}", value={"stage": "annotate"})
    async with Journal(state / "journal.sqlite3") as journal:
        await journal.write(partial(forget_all_but_its_letter, photo=photo[1:]))

    found = await compare()

    assert (found.adopted, found.regrouped) == (1, 1)
    assert whole(sandbox) == before
    assert not in_database(sandbox, "/dead")
    assert (await compare(check=True)).agree


async def test_what_waits_here_and_was_published_by_others_waits_no_more(
    ingest: Ingest, compare, state: Path
):
    """Its group was handed over: no run here would ever come to it."""
    await ingest(limit=10)
    async with Journal(state / "journal.sqlite3") as journal:
        await journal.write(lambda db: db.execute("UPDATE photos SET state = 'annotated'"))

    assert (await compare()).agree

    with looking_into(state / "journal.sqlite3") as db:
        assert db.execute("SELECT DISTINCT state FROM photos").fetchall() == [("stored",)]


async def test_each_side_gives_what_the_other_lacks(
    ingest: Ingest, sandbox: Sandbox, compare, state: Path
):
    await ingest(limit=20)
    shutil.move(state, state.with_name("old"))
    await ingest(limit=PHOTOS)
    shutil.rmtree(state)
    shutil.move(state.with_name("old"), state)
    before = whole(sandbox)
    for photo in sorted(in_database(sandbox, "/photos"))[::3]:
        lose(sandbox, f"/photos/{photo}")

    found = await compare()

    assert found.published + found.adopted > 0
    # Records that only the lost journal knew are gone, and so are their index entries.
    assert found.in_journal == 20
    photos = in_database(sandbox, "/photos")
    assert {name: before["photos"][name] for name in photos} == whole(sandbox)["photos"]  # type: ignore[index]
    assert (await compare()).agree


async def test_what_another_machine_took_down_is_not_put_back(
    ingest: Ingest, sandbox: Sandbox, compare, state: Path
):
    await ingest(limit=PHOTOS, state=state.with_name("theirs"))
    await compare()
    lost, *_ = sorted(in_database(sandbox, "/photos"))
    lose(sandbox, f"/photos/{lost}")

    told, found = await compare(check=True), await compare()

    assert (told.withdrawn, told.published, told.index_written) == (1, 0, 0)
    assert (found.withdrawn, found.published, found.agree) == (1, 0, False)
    assert lost not in in_database(sandbox, "/photos")
    assert (await compare(check=True)).agree


async def test_what_was_taken_down_by_who_follows_our_group_since_is_not_put_back(
    ingest: Ingest, sandbox: Sandbox, compare, state: Path
):
    """Nobody would take it down again: they have done so, and we follow it no more."""
    await ingest(limit=PHOTOS)
    await ingest(limit=PHOTOS, state=state.with_name("theirs"))
    lost, *_ = sorted(in_database(sandbox, "/photos"))
    lose(sandbox, f"/photos/{lost}")

    told, found = await compare(check=True), await compare()

    assert (told.withdrawn, told.published, told.index_written) == (1, 0, 0)
    assert (found.withdrawn, found.published) == (1, 0)
    assert lost not in in_database(sandbox, "/photos")
    assert (await compare(check=True)).agree


async def in_a_group_of_theirs(state: Path, sandbox: Sandbox) -> None:
    """All of our photos had been listed there first, before another machine took it over."""
    async with Journal(state / "journal.sqlite3") as journal:
        await journal.write(lambda db: [db.execute(change) for change in LISTED_THERE])
    sandbox.database.put("sandbox", "/leases/9@N00", value=cast("Any", THEIR_LEASE))


@pytest.mark.parametrize("lost", ["", "/groups", "/labels"])
async def test_no_photo_is_put_back_into_a_group_that_others_have_taken_over(
    ingest: Ingest, sandbox: Sandbox, compare, state: Path, lost: str
):
    """It may have left it since, and they would not hear of it."""
    await ingest(limit=10)
    before = whole(sandbox)
    await in_a_group_of_theirs(state, sandbox)
    photo, *_ = in_database(sandbox, "/photos")
    lose(sandbox, f"/photos/{photo}{lost}")

    found = await compare()

    assert found.published + found.regrouped + found.relabelled == 1
    assert whole(sandbox) == before


async def test_what_was_published_since_a_backup_of_the_database_is_published_again(
    ingest: Ingest, sandbox: Sandbox, compare
):
    """Its leases are as old: they are none that others have taken since."""
    await ingest(limit=10)
    backup = {name: in_database(sandbox, f"/{name}") for name in ("photos", "index", "leases")}
    await ingest(limit=PHOTOS)
    before = whole(sandbox)
    for name, value in backup.items():
        sandbox.database.put("sandbox", f"/{name}", value=cast("Any", value))

    found = await compare()

    assert (found.published, found.withdrawn) == (PHOTOS - 10, 0)
    assert whole(sandbox) == before


async def test_what_waited_here_to_be_published_is_published_whoever_follows_its_group_since(
    ingest: Ingest, sandbox: Sandbox, compare, state: Path
):
    await ingest(limit=PHOTOS)
    before = whole(sandbox)
    async with Journal(state / "journal.sqlite3") as journal:
        await journal.write(results.publish_again)
    lose(sandbox, "/photos")
    await ingest(limit=1, state=state.with_name("theirs"))

    found = await compare()

    assert (found.published, found.withdrawn) == (PHOTOS - 1, 0)
    assert whole(sandbox) == before


async def test_what_was_published_elsewhere_is_published_whoever_follows_its_group_here(
    ingest: Ingest, sandbox: Sandbox, compare, state: Path
):
    await ingest(limit=PHOTOS, database_url=None)
    await ingest(limit=1, state=state.with_name("theirs"))

    found = await compare()

    assert (found.published, found.withdrawn) == (PHOTOS - 1, 0)


async def test_what_others_took_down_comes_back_free_with_a_group_of_ours(
    ingest: Ingest, sandbox: Sandbox, compare, state: Path
):
    await ingest(limit=PHOTOS, state=state.with_name("theirs"))
    await compare()
    before = whole(sandbox)
    lost, *_ = sorted(in_database(sandbox, "/photos"))
    lose(sandbox, f"/photos/{lost}")
    await compare()

    await ingest(limit=PHOTOS)

    assert sandbox.bill.units == PHOTOS
    assert whole(sandbox) == before


async def test_an_emptied_database_is_filled_with_the_photos_of_others_too(
    ingest: Ingest, sandbox: Sandbox, compare, state: Path
):
    await ingest(limit=PHOTOS, state=state.with_name("theirs"))
    await compare()
    lose(sandbox, "/")

    found = await compare()

    assert (found.published, found.withdrawn) == (PHOTOS, 0)


async def test_the_very_last_photo_that_others_have_taken_down_is_not_put_back(
    ingest: Ingest, sandbox: Sandbox, compare, state: Path
):
    """They have taken it out of the index as well, and their lease is there."""
    await ingest(limit=1, state=state.with_name("theirs"))
    await compare()
    lose(sandbox, "/photos")
    lose(sandbox, "/index")

    found = await compare()

    assert (found.withdrawn, found.published) == (1, 0)
    assert in_database(sandbox, "/photos") == {}


@pytest.mark.parametrize("size", [1, 3, 7, 39, 40, 41])
async def test_slices_of_any_size_find_the_same(
    ingest: Ingest, sandbox: Sandbox, state: Path, size: int
):
    await ingest(limit=PHOTOS)
    photos = sorted(in_database(sandbox, "/photos"))
    for photo in photos[5:20] + photos[-1:]:
        lose(sandbox, f"/photos/{photo}")

    found = await compare_in_slices(sandbox, state, size=size)

    assert found == Reconciled(in_journal=PHOTOS, in_database=PHOTOS - 16, published=16)


@pytest.mark.parametrize(
    "names", [("0", "1"), tuple(f"a{number}" for number in range(60))], ids=["list", "many"]
)
async def test_what_another_program_keeps_among_the_photos_is_passed_over(
    ingest: Ingest, sandbox: Sandbox, state: Path, names: tuple[str, ...]
):
    await ingest(limit=PHOTOS)
    ours = {} if names == ("0", "1") else in_database(sandbox, "/photos")
    beside: dict[str, Any] = {name: {"owner": "somebody"} for name in names}
    sandbox.database.put("sandbox", "/photos", value=beside | ours)

    found = await compare_in_slices(sandbox, state, size=20)

    assert (found.in_journal, found.in_database) == (PHOTOS, len(ours))
    assert found.published == PHOTOS - len(ours)


async def test_groups_of_ours_in_which_no_photo_is_left_are_taken_out(
    ingest: Ingest, sandbox: Sandbox, compare
):
    """A process was killed between giving a photo up and taking back what it had told of its group."""
    await ingest(limit=PHOTOS)
    for photo, groups in {"p1": {ZOO: 5}, "p2": {ZOO: 5, "9@N00": 6}}.items():
        sandbox.database.put("sandbox", f"/photos/{photo}", value={"groups": dict(groups)})

    told, found = await compare(check=True), await compare()

    assert told.regrouped == found.regrouped == 2
    assert in_database(sandbox, "/photos").keys() >= {"p2"}
    assert "p1" not in in_database(sandbox, "/photos")
    assert in_database(sandbox, "/photos/p2") == {"groups": {"9@N00": 6}}
    assert (await compare(check=True)).agree


async def test_where_a_value_stands_in_the_place_of_the_index_it_is_written_anew(
    ingest: Ingest, sandbox: Sandbox, compare
):
    await ingest(limit=PHOTOS)
    before = whole(sandbox)
    sandbox.database.put("sandbox", "/index", value=1)

    found = await compare()

    assert found.index_written > 0
    assert whole(sandbox) == before


async def test_labels_that_differ_are_corrected_with_their_index(
    ingest: Ingest, sandbox: Sandbox, compare
):
    await ingest(limit=PHOTOS)
    before = whole(sandbox)
    photo = min(in_database(sandbox, "/photos"))
    lose(sandbox, f"/photos/{photo}/labels")
    wrong: Any = {"name": "Wrong", "score": 0.5, "topicality": 0.5, "mid": ""}
    sandbox.database.put("sandbox", f"/photos/{photo}/labels/wrong", value=wrong)
    sandbox.database.put("sandbox", f"/index/wrong/5000000-{photo}", value=0.5)

    found = await compare()

    assert (found.relabelled, found.published, found.adopted) == (1, 0, 0)
    assert whole(sandbox) == before


async def test_index_entries_are_repaired_one_by_one(ingest: Ingest, sandbox: Sandbox, compare):
    await ingest(limit=PHOTOS)
    before = whole(sandbox)
    index = in_database(sandbox, "/index")
    label = max(index, key=lambda key: len(index[key]))  # type: ignore[arg-type]
    lost = sorted(in_database(sandbox, f"/index/{label}"))[:3]
    for name in lost:
        lose(sandbox, f"/index/{label}/{name}")
    lose(sandbox, f"/labels/{label}")
    sandbox.database.put("sandbox", f"/index/{label}/0000001-p1", value=0.9999999)

    found = await compare()

    assert (found.index_written, found.index_deleted) == (4, 1)
    assert whole(sandbox) == before


async def test_what_another_machine_writes_meanwhile_is_left_alone(
    ingest: Ingest, sandbox: Sandbox, state: Path
):
    await ingest(limit=PHOTOS)
    newest = updates_for(a_published("999", a_label("Mammal", 0.5)))

    class Busy:
        """A database that another machine writes to when all photos have been compared."""

        def __init__(self, database: PoliteDatabase) -> None:
            self.read, self.update, self._keys = database.read, database.update, database.keys

        async def keys(self, path: str) -> list[str] | None:
            if path == "labels":
                await self.update(newest)
            return await self._keys(path)

    settings, lifetime = settings_for(sandbox, state), Lifetime(drain=8.0)
    async with (
        Journal(state / "journal.sqlite3") as journal,
        open_database(settings, lifetime=lifetime, listen=events.ignore) as database,
    ):
        reconciler = Reconciler(
            database=Busy(database), journal=journal, check=False, wall=time.time
        )
        found = await reconciler.reconcile()

    assert found.index_deleted == 0
    assert "5000000-p999" in in_database(sandbox, "/index/mammal")


async def test_what_waits_to_be_annotated_again_is_no_difference(
    ingest: Ingest, sandbox: Sandbox, compare
):
    await ingest(limit=PHOTOS)
    stopped = await ingest(limit=PHOTOS, max_labels=3, reannotate=True, max_units=16)

    found = await compare(check=True)

    assert stopped.pending == PHOTOS - 16
    assert found == Reconciled(in_journal=PHOTOS, in_database=PHOTOS)


async def test_what_could_not_be_annotated_again_is_no_difference(
    ingest: Ingest, sandbox: Sandbox, compare
):
    await ingest(limit=PHOTOS)
    sandbox.faults.set("vision.image-bad", 0.5)
    failed = await ingest(limit=PHOTOS, max_labels=3, reannotate=True, max_failures="100%")

    found = await compare(check=True)

    assert failed.dead > 0
    assert found == Reconciled(in_journal=PHOTOS, in_database=PHOTOS)


@pytest.mark.parametrize("check", [True, False], ids=["check", "repair"])
async def test_what_was_published_anew_by_a_run_that_died_before_it_noted_that_is_no_difference(
    ingest: Ingest, sandbox: Sandbox, compare, state: Path, check: bool
):
    await ingest(limit=10)
    async with Journal(state / "journal.sqlite3") as journal:
        before = [
            held.published for held in await journal.read(partial(held_after, photo="", most=10))
        ]
    await ingest(limit=10, max_labels=3, reannotate=True)
    published = whole(sandbox)
    async with Journal(state / "journal.sqlite3") as journal:
        await journal.write(partial(index_photos, published=before))
        photos = [one.photo.id for one in before]
        await journal.write(partial(results.mark_unstored, photos=photos))

    found = await compare(check=check)

    assert found == Reconciled(in_journal=10, in_database=10)
    assert whole(sandbox) == published


async def test_check_only_tells(ingest: Ingest, sandbox: Sandbox, compare):
    await ingest(limit=PHOTOS)
    for photo in sorted(in_database(sandbox, "/photos"))[:7]:
        lose(sandbox, f"/photos/{photo}")
    before = whole(sandbox)

    found = await compare(check=True)

    assert (found.published, found.index_written, found.index_deleted) == (7, 0, 0)
    assert not found.agree
    assert whole(sandbox) == before


async def test_a_check_counts_what_the_repair_then_does(ingest: Ingest, sandbox: Sandbox, compare):
    await ingest(limit=PHOTOS)
    for name in ("photos", "index", "labels"):
        lose(sandbox, f"/{name}")

    told, done = await compare(check=True), await compare()

    assert told.published == done.published == PHOTOS
    assert (told.index_written, told.index_deleted) == (done.index_written, done.index_deleted)
    assert (await compare(check=True)).agree


@pytest.mark.parametrize("ahead", [0.0, 365 * 86_400.0], ids=["right", "a year ahead"])
async def test_annotations_bought_later_elsewhere_are_taken_over_whatever_our_clock_said(
    ingest: Ingest, sandbox: Sandbox, compare, state: Path, ahead: float
):
    await ingest(limit=10)
    shutil.copytree(state, state.with_name("old"))
    await ingest(limit=10, max_labels=20, reannotate=True)
    shutil.rmtree(state)
    shutil.move(state.with_name("old"), state)
    async with Journal(state / "journal.sqlite3") as journal:
        await journal.write(lambda db: db.execute("UPDATE annotations SET at = at + ?", (ahead,)))
    before = whole(sandbox)

    found = await compare()

    assert (found.relabelled, found.published) == (10, 0)
    assert whole(sandbox) == before
    assert (await compare()).agree


async def test_what_was_annotated_anew_while_our_clock_was_ahead_is_published_as_before(
    ingest: Ingest, sandbox: Sandbox, compare, state: Path
):
    await ingest(limit=10)
    await ingest(limit=10, max_labels=20, reannotate=True, database_url=None)
    async with Journal(state / "journal.sqlite3") as journal:
        await journal.write(lambda db: db.execute("UPDATE annotations SET at = at + 86400"))
        await journal.write(results.publish_again)

    found = await compare()

    records: Any = in_database(sandbox, "/photos").values()
    assert (found.relabelled, found.adopted) == (10, 0)
    assert {record["features"] for record in records} == {"labels:20@builtin/stable"}


@pytest.mark.parametrize("lost", ["/", "/photos"])
async def test_what_the_database_refuses_is_a_dead_letter_and_no_stored_photo(
    ingest: Ingest, sandbox: Sandbox, compare, state: Path, lost: str
):
    await ingest(limit=PHOTOS)
    before = whole(sandbox)
    lose(sandbox, lost)
    sandbox.faults.set("database.refused-key", 0.2)

    found = await compare()

    missing = PHOTOS - len(in_database(sandbox, "/photos"))
    assert 0 < missing < PHOTOS
    assert (found.refused, found.published, found.agree) == (missing, PHOTOS - missing, False)
    with looking_into(state / "journal.sqlite3") as db:
        (letters,) = dead.causes(db)
        assert runs.photos_by_state(db) == {"dead": missing, "stored": PHOTOS - missing}
    assert (letters.stage, letters.reason, letters.photos) == ("store", "store-refused", missing)

    sandbox.faults.set("database.refused-key", 0.0)
    async with Journal(state / "journal.sqlite3") as journal:
        await journal.write(dead.retry)
    await ingest(limit=PHOTOS)

    assert whole(sandbox) == before
    assert (await compare(check=True)).agree


async def test_groups_and_entries_that_the_database_refuses_are_counted_as_refused(
    ingest: Ingest, sandbox: Sandbox, compare
):
    await ingest(limit=PHOTOS)
    photos = sorted(in_database(sandbox, "/photos"))
    entries = len(in_database(sandbox, "/index/mammal"))
    for photo in photos:
        lose(sandbox, f"/photos/{photo}/groups")
    lose(sandbox, "/index/mammal")
    sandbox.database.refused_keys.update(photos[:5])

    found = await compare()

    written = len(in_database(sandbox, "/index/mammal"))
    assert (found.regrouped, found.index_written) == (PHOTOS - 5, written)
    assert found.refused == 5 + entries - written


async def test_there_has_to_be_a_database(compare):
    with pytest.raises(SettingsError, match="FIREBASE_DATABASE_URL"):
        await compare(database_url=None)
