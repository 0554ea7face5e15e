"""With `park` nothing that was perhaps paid for is bought again, until somebody asks for it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import Any

import pytest

from ingestor.journal import dead, ledger, listing, results, runs
from ingestor.journal.recovery import Moments, open_run
from ingestor.journal.schema import migrate
from ingestor.journal.withdrawals import withdraw
from ingestor.models import Failure, PurchaseState
from tests.builders import a_photo, a_size, an_annotation, an_image
from tests.journals import listed

GROUP = "1@N00"
YEAR = 365 * 86_400.0


@pytest.fixture
def db() -> Iterator[sqlite3.Connection]:
    """One photo, bought by a run that died before it knew the answer."""
    db = empty()
    begin(db, "first", at=0.0)
    sight(db, run=1)
    buy(db, "purchase-1", run=1, at=1.0)
    yield db
    db.close()


def empty() -> sqlite3.Connection:
    db = sqlite3.connect(":memory:", isolation_level=None)
    migrate(db)
    return db


def begin(db: sqlite3.Connection, name: str, *, at: float, **given: Any) -> None:
    moments = Moments(now=at, month=0.0, day=0.0, window=at - 60.0)
    usual = {"world": "sandbox", "target": "catalog", "in_doubt": "park"}
    open_run(db, name=name, moments=moments, **{**usual, **given})


def sight(db: sqlite3.Connection, *, run: int, features: str | None = None) -> listing.Sighting:
    photo = a_photo("7", group=GROUP)
    return listing.sight(db, [photo], run=run, room=None, features=features, unusable=(), now=1.0)


def buy(db: sqlite3.Connection, name: str, *, run: int, at: float) -> ledger.Intent:
    image = an_image("7", content=name.encode())
    intent = ledger.Intent(
        id=name, run=run, at=at, features="f", attempt=1, units=1, images=(image,)
    )
    ledger.open_purchase(db, intent)
    return intent


def state(db: sqlite3.Connection) -> list[tuple[str, str | None]]:
    return db.execute("SELECT state, reason FROM photos").fetchall()


def test_what_a_dead_process_may_have_paid_for_is_given_up(db: sqlite3.Connection) -> None:
    begin(db, "second", at=2.0)

    assert state(db) == [("dead", "in-doubt")]


def test_the_run_that_gives_up_says_so(db: sqlite3.Connection) -> None:
    begin(db, "second", at=2.0)
    sighting = sight(db, run=2)

    counted = runs.tally(db, 2)

    assert (counted.listed, counted.dead, counted.by_reason) == (1, 1, {"in-doubt": 1})
    assert sighting.new_to_run == 0


def test_what_is_asked_for_again_is_not_given_up_for_the_old_doubt(
    db: sqlite3.Connection,
) -> None:
    begin(db, "second", at=2.0)
    dead.retry(db, photos=["7"])

    begin(db, "third", at=3.0)

    assert state(db) == [("listed", None)]


@pytest.mark.parametrize("given_up_at", [2.0, 2.0 + YEAR], ids=["earlier", "by a wrong clock"])
def test_a_new_doubt_gives_it_up_again(db: sqlite3.Connection, given_up_at: float) -> None:
    begin(db, "second", at=given_up_at)
    dead.retry(db, photos=["7"])
    begin(db, "third", at=3.0)
    buy(db, "purchase-2", run=3, at=4.0)

    begin(db, "fourth", at=5.0)

    assert state(db) == [("dead", "in-doubt")]


def test_what_is_asked_for_is_tried_again_although_the_clock_was_set_back(
    db: sqlite3.Connection,
) -> None:
    begin(db, "second", at=2.0 + YEAR, in_doubt="retry")
    begin(db, "third", at=3.0)
    dead.retry(db, photos=["7"])

    begin(db, "fourth", at=4.0)

    assert state(db) == [("listed", None)]


@pytest.mark.parametrize("ended", [PurchaseState.NOT_SENT, PurchaseState.REFUSED])
def test_what_was_not_billed_is_not_given_up(ended: PurchaseState) -> None:
    db = empty()
    begin(db, "first", at=0.0)
    sight(db, run=1)
    intent = buy(db, "purchase-1", run=1, at=1.0)
    ledger.close_purchase(db, intent, state=ended, reason="stopping", now=1.5)

    begin(db, "second", at=2.0)

    assert state(db) == [("listed", None)]
    db.close()


def test_what_failed_since_for_a_reason_of_its_own_keeps_that(db: sqlite3.Connection) -> None:
    begin(db, "second", at=2.0, in_doubt="retry")
    bad = Failure(photo_id="7", stage="annotate", reason="vision-bad-image", paid="maybe")
    dead.fail(db, bad, now=2.5)

    begin(db, "third", at=3.0)

    assert state(db) == [("dead", "vision-bad-image")]


@pytest.mark.parametrize(
    ("answered", "wanted", "end"),
    [
        pytest.param("f", "g", ("listed", None), id="answered since"),
        pytest.param("g", "f", ("dead", "in-doubt"), id="answered for other features"),
    ],
)
def test_a_doubt_that_was_answered_since_keeps_no_photo_from_being_annotated_anew(
    db: sqlite3.Connection, answered: str, wanted: str, end: tuple[str, str | None]
) -> None:
    begin(db, "second", at=2.0, in_doubt="retry")
    answer = an_annotation("7", features=answered)
    results.keep(db, answer, size=a_size(), purchase="purchase-2", now=3.0)
    sight(db, run=2, features=wanted)

    begin(db, "third", at=4.0, reannotate=True)

    assert state(db) == [end]


@pytest.mark.parametrize("given_up", [True, False], ids=["given up", "still waiting"])
def test_a_photo_that_leaves_and_comes_back_is_still_perhaps_paid_for(
    db: sqlite3.Connection, *, given_up: bool
) -> None:
    if given_up:
        begin(db, "second", at=2.0)
    withdraw(db, ["7"], group=GROUP, now=2.5)
    begin(db, "third", at=3.0)

    sighting = sight(db, run=3)

    assert (sighting.fresh, state(db)) == ((), [("dead", "in-doubt")])


def test_what_has_left_waits_for_nobody(db: sqlite3.Connection) -> None:
    """It would be listed for ever, and whoever asks for it again would be promised what cannot be."""
    withdraw(db, ["7"], group=GROUP, now=2.0)

    assert (state(db), dead.retry(db, photos=["7"])) == ([("dead", "in-doubt")], 0)


def test_what_came_back_can_be_asked_for(db: sqlite3.Connection) -> None:
    withdraw(db, ["7"], group=GROUP, now=2.0)
    sight(db, run=2)

    assert (dead.retry(db, photos=["7"]), state(db)) == (1, [("listed", None)])


def test_many_that_leave_are_looked_for_among_purchases_once(db: sqlite3.Connection) -> None:
    photos = [a_photo(str(number), group=GROUP, is_video=True) for number in range(100, 200)]
    listed(db, *photos)
    statements: list[str] = []
    db.set_trace_callback(statements.append)

    withdraw(db, [photo.id for photo in photos], group=GROUP, now=2.0)

    assert sum("FROM purchases" in statement for statement in statements) == 1


def test_a_photo_that_cost_nothing_leaves_nothing_behind(db: sqlite3.Connection) -> None:
    photo = a_photo("8", group=GROUP)
    listed(db, photo)
    gone = Failure(photo_id="8", stage="download", reason="gone")
    dead.fail(db, gone, now=1.0)

    withdraw(db, ["8"], group=GROUP, now=2.0)

    assert db.execute("SELECT id FROM photos").fetchall() == [("7",)]
    assert db.execute("SELECT count(*) FROM dead").fetchone() == (0,)
