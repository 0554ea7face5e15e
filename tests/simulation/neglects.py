"""
Design errors in what is done for groups that are followed: planted like all others, looked for by `upkeep`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

import orjson

from ingestor.catalog import leaving
from ingestor.engines import adoption, ceilings, reconcile
from ingestor.engines.book import Book
from ingestor.engines.index import IndexReconciler
from ingestor.engines.reconcile import Reconciler
from ingestor.journal import claims, dead, listing, pending, results, schema, withdrawals
from ingestor.journal.ledger import Units
from ingestor.journal.schema import MIGRATIONS
from ingestor.journal.writer import Journal
from ingestor.purchases.door import Door
from ingestor.records import withdrawal
from ingestor.worker import Worker, looking, takedowns
from ingestor.worker.takedowns import Takedowns
from tests.simulation.mutants import Swap, mutant


@mutant
def missing_once_is_gone() -> Sequence[Swap]:
    """One answer that lacks a photo takes it down."""
    return [(withdrawals, "APART", 0.0)]


@mutant
def who_left_is_never_missed() -> Sequence[Swap]:
    """Pages are read again, and nobody is missed."""
    return [(withdrawals, "_absent", lambda _db, _rows, **_given: [])]


@mutant
def head_alone_is_looked_at() -> Sequence[Swap]:
    """Who leaves from behind the first page is never missed."""

    async def read_again(_self: Any, _group: str, _head: Any) -> set[str]:
        return set()

    return [(looking.Looking, "_read_again", read_again)]


@mutant
def taken_down_with_one_of_its_groups() -> Sequence[Swap]:
    """A photo that left a group is taken down although it is in another one."""
    honest = withdrawals.departures

    def departures(*given: Any, **named: Any) -> list[Any]:
        return [replace(departure, last=True) for departure in honest(*given, **named)]

    return [(takedowns, "departures", departures)]


@mutant
def index_kept_of_who_left() -> Sequence[Swap]:
    """The record goes, and what it was filed under stays."""
    honest = withdrawal
    return [(takedowns, "withdrawal", lambda photo, **_labels: honest(photo, labels=()))]


@mutant
def database_not_told_of_who_left() -> Sequence[Swap]:
    """Photos are taken down here, and not there."""

    async def nothing(_self: Any, *_given: Any, **_named: Any) -> None:
        pass

    return [(Takedowns, "_take_out_of_database", nothing)]


@mutant
def catalog_not_told_of_who_left() -> Sequence[Swap]:
    """Photos are taken down there, and not here."""
    return [(leaving, "remove_photo", lambda _db, _photo: None)]


@mutant
def who_comes_again_is_bought_again() -> Sequence[Swap]:
    """What is known of a withdrawn photo is forgotten."""
    honest = listing._before

    def before(db: Any, photos: Any) -> dict[str, Any]:
        return {
            photo: replace(last, state="listed") if last.state == "withdrawn" else last
            for photo, last in honest(db, photos).items()
        }

    return [(listing, "_before", before)]


@mutant
def perhaps_paid_forgotten_with_who_left() -> Sequence[Swap]:
    """A photo in doubt that leaves is forgotten, and bought again when it comes back, with park as well."""
    return [(withdrawals, "_perhaps_paid", lambda _db: set())]


@mutant
def other_groups_not_published() -> Sequence[Swap]:
    """The database hears of the one group that a record names."""

    async def joining(_self: Any, _photos: Any, _group: str) -> Sequence[Any]:
        return ()

    honest = listing._join

    def join(db: Any, photos: Any) -> set[str]:
        honest(db, photos)
        return set()

    return [(Book, "_joining", joining), (listing, "_join", join)]


@mutant
def older_journal_believed() -> Sequence[Swap]:
    """Whoever held the lease since, nobody asks what he bought."""
    honest = adoption.Adoption.begin

    async def begin(self: Any, groups: Any, **_given: Any) -> None:
        await honest(self, groups, others_worked=False)

    async def alone(_self: Any) -> bool:
        return False

    return [
        (adoption.Adoption, "begin", begin),
        (adoption.Adoption, "_is_shared", alone),
        (listing, "groups_without_photos", lambda _db, **_given: []),
        (claims, "suspected", lambda _db, **_given: False),
    ]


@mutant
def lost_records_not_put_back() -> Sequence[Swap]:
    """What the database lost is believed to be gone."""

    async def publish(_self: Any, _photos: Any, _groups: Any) -> set[str]:
        return set()

    return [(Reconciler, "_publish", publish)]


@mutant
def found_records_not_adopted() -> Sequence[Swap]:
    """What only the database knows is counted, and left there."""
    return [(reconcile, "take_over", lambda _db, **_given: None)]


@mutant
def index_not_reconciled() -> Sequence[Swap]:
    """Records are compared, and what they are filed under is not."""

    async def reconcile_index(_self: Any) -> None:
        pass

    return [(IndexReconciler, "reconcile", reconcile_index)]


@mutant
def days_begin_with_every_run() -> Sequence[Swap]:
    """What the day has cost already is forgotten."""
    honest = ceilings._ceilings

    def forgetful(settings: Any, opening: Any) -> Any:
        return honest(settings, replace(opening, day=Units()))

    return [(ceilings, "_ceilings", forgetful)]


@mutant
def earlier_labels_stay_in_the_index() -> Sequence[Swap]:
    """A photo that is annotated in another way is found under what it was called before."""
    return [(results, "earlier_labels", lambda _db, _batch: {})]


@mutant
def old_addresses_believed() -> Sequence[Swap]:
    """Who has another picture is asked for where the old one was, however often he is tried again."""
    return [
        (pending, "OTHER_PICTURE", "()"),
        (dead, "_have_listed_again", lambda _db, _photos: None),
    ]


@mutant
def reserve_spent_on_more() -> Sequence[Swap]:
    """On a full disk buying goes on, as long as there is room where the reserve was."""
    return [
        (Door, "_require_room", lambda _self: None),
        (Door, "_require_leave", lambda _self: None),
    ]


@mutant
def room_never_found_again() -> Sequence[Swap]:
    """A worker whose disk was full once buys nothing any more."""

    async def find_room(_self: Any) -> None:
        pass

    return [(Journal, "find_room", find_room)]


@mutant
def upgrade_mixes_up_records() -> Sequence[Swap]:
    """What an earlier version had been told of a photo is another one's when this version has its journal."""
    theirs = "row_number() OVER (ORDER BY id), record FROM"
    others = "row_number() OVER (ORDER BY date_added DESC), record FROM"
    scripts = tuple(script.replace(theirs, others) for script in MIGRATIONS)
    assert scripts != MIGRATIONS
    return [(schema, "MIGRATIONS", scripts)]


@mutant
def groups_off_the_list_forgotten() -> Sequence[Swap]:
    """Who is in a group that is not followed any more is believed to be in it no more."""
    honest = Worker._arrive

    async def arrive(self: Any) -> None:
        await honest(self)
        followed = orjson.dumps(sorted(self.following)).decode()
        forget = "DELETE FROM memberships WHERE gid NOT IN (SELECT value FROM json_each(?))"
        await self._journal.write(lambda db: db.execute(forget, (followed,)))

    return [(Worker, "_arrive", arrive)]


NEGLECTS: Final = tuple(
    name.__name__.replace("_", "-")
    for name in (
        missing_once_is_gone,
        who_left_is_never_missed,
        head_alone_is_looked_at,
        taken_down_with_one_of_its_groups,
        index_kept_of_who_left,
        database_not_told_of_who_left,
        catalog_not_told_of_who_left,
        who_comes_again_is_bought_again,
        perhaps_paid_forgotten_with_who_left,
        other_groups_not_published,
        older_journal_believed,
        lost_records_not_put_back,
        found_records_not_adopted,
        index_not_reconciled,
        days_begin_with_every_run,
        earlier_labels_stay_in_the_index,
        old_addresses_believed,
        reserve_spent_on_more,
        room_never_found_again,
        upgrade_mixes_up_records,
        groups_off_the_list_forgotten,
    )
)
"""Their names: who follows no group would not notice them."""
