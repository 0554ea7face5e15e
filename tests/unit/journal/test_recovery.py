"""Where a run begins: what was spent before it, and since when."""

from __future__ import annotations

import sqlite3

import pytest

from ingestor.catalog.arriving import shelve
from ingestor.journal import ledger, listing, runs
from ingestor.journal.recovery import Moments, Opening, open_run
from ingestor.models import PurchaseState
from tests.builders import a_label, a_photo, a_published, an_image
from tests.journals import annotated, listed

MONTH, DAY, NOW = 1_000.0, 2_000.0, 2_500.0
"""When this month and this day began, and what the time is."""
WINDOW = 60.0


def begin(db: sqlite3.Connection, name: str, *, at: float = NOW) -> Opening:
    return open_run(
        db, name=name, world="sandbox", target="catalog", in_doubt="retry",
        moments=Moments(now=at, month=MONTH, day=DAY, window=at - WINDOW),
    )  # fmt: skip


def buy(db: sqlite3.Connection, photo: str, *, run: int, at: float) -> ledger.Intent:
    listed(db, a_photo(photo), run=run, now=at)
    intent = ledger.Intent(
        id=photo, run=run, at=at, features="f", attempt=1, units=1, images=(an_image(photo),)
    )
    ledger.open_purchase(db, intent)
    return intent


def end(db: sqlite3.Connection, run: int) -> None:
    runs.end_run(db, number=run, reason="complete", report={}, now=NOW)


@pytest.fixture
def spent(db: sqlite3.Connection) -> sqlite3.Connection:
    """By a run that ended a unit before the month; by one that died one then, one since, one today."""
    first = begin(db, "first", at=0.0).run
    buy(db, "1", run=first, at=MONTH - 1)
    end(db, first)
    second = begin(db, "second", at=MONTH - 1).run
    buy(db, "2", run=second, at=MONTH - 1)
    buy(db, "3", run=second, at=MONTH)
    buy(db, "4", run=second, at=DAY)
    return db


def test_a_month_and_a_day_have_spent_what_was_spent_since_they_began(
    spent: sqlite3.Connection,
) -> None:
    opening = begin(spent, "third")

    assert (opening.month.at_most, opening.day.at_most) == (2, 1)


def test_who_died_has_spent_of_this_ceiling_and_whoever_ended_has_not(
    spent: sqlite3.Connection,
) -> None:
    opening = begin(spent, "third")

    assert opening.spent.at_most == 3
    assert opening.spent_this_month.at_most == 2


@pytest.mark.parametrize(
    ("state", "used"),
    [(PurchaseState.NOT_SENT, 0), (PurchaseState.REFUSED, 1), (PurchaseState.IN_DOUBT, 1)],
)
def test_whatever_was_sent_within_the_window_has_used_the_quota(
    db: sqlite3.Connection, state: PurchaseState, used: int
) -> None:
    run = begin(db, "first", at=0.0).run
    for photo, closed in (("1", NOW - 2 * WINDOW), ("2", NOW - WINDOW / 2)):
        intent = buy(db, photo, run=run, at=NOW - 2 * WINDOW)
        ledger.close_purchase(db, intent, state=state, reason="", now=closed)

    opening = begin(db, "second")

    assert len(opening.recent) == used


def test_what_was_to_be_annotated_anew_and_was_not_is_where_it_was_before(
    db: sqlite3.Connection,
) -> None:
    """Stored if it can be found, and else still to be published: it is paid for."""
    run = begin(db, "first", at=0.0).run
    both = [a_published(photo, a_label()) for photo in ("1", "2")]
    photos = [one.photo for one in both]
    annotated(db, *both, run=run)
    shelve(db, both[:1])
    listing.sight(db, photos, run=run + 1, room=None, features="other", unusable=(), now=2.0)

    begin(db, "second")

    states = dict(db.execute("SELECT id, state FROM photos"))
    assert states == {"1": "stored", "2": "annotated"}
