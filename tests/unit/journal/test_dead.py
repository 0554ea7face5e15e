"""Dead letters are told by cause, tried again with what is known, or dropped."""

from __future__ import annotations

import sqlite3
from typing import Any

import pytest

from ingestor.journal import dead
from ingestor.journal.coverage import cover, covered
from ingestor.journal.dead import fail
from ingestor.journal.pending import next_ones, take_on
from ingestor.journal.results import keep, unpublished
from ingestor.models import Failure
from tests.builders import a_photo, a_size, an_annotation
from tests.journals import listed

GROUP = "42637302@N00"


@pytest.fixture
def db(db: sqlite3.Connection) -> sqlite3.Connection:
    """Three photos of one run: two gone, one annotated and then refused by the store."""
    photos = [a_photo(photo_id) for photo_id in ("1", "2", "3")]
    listed(db, *photos)
    keep(db, an_annotation("3"), size=a_size(), purchase="p", now=2.0)
    for photo_id in ("1", "2"):
        fail(db, Failure(photo_id=photo_id, stage="download", reason="gone"), now=3.0)
    fail(db, Failure(photo_id="3", stage="store", reason="refused", paid="yes"), now=4.0)
    return db


def states(db: sqlite3.Connection) -> dict[str, str]:
    return dict(db.execute("SELECT id, state FROM photos"))


def test_causes_come_with_counts_and_examples(db: sqlite3.Connection) -> None:
    causes = dead.causes(db, samples=1)

    assert [(cause.reason, cause.photos, cause.perhaps_paid) for cause in causes] == [
        ("gone", 2, 0),
        ("refused", 1, 1),
    ]
    assert [len(cause.samples) for cause in causes] == [1, 1]


def test_a_retried_photo_is_handed_to_the_next_run(db: sqlite3.Connection) -> None:
    retried = dead.retry(db, reason="gone")

    assert retried == 2
    assert next_ones(db, [GROUP], run=2, most=9, listed=True) == ["1", "2"]


def test_the_pages_of_pictures_that_are_gone_are_read_again_when_they_are_retried(
    db: sqlite3.Connection,
) -> None:
    added = a_photo().date_added
    cover(db, GROUP, (added - 10, added + 10))

    dead.retry(db)

    assert covered(db, GROUP) == ((added - 10, added - 1), (added + 1, added + 10))


def test_who_was_gone_waits_for_the_page_that_shows_where_the_picture_is_now(
    db: sqlite3.Connection,
) -> None:
    dead.retry(db, photos=["1"])

    assert next_ones(db, [GROUP], run=2, most=9, listed=False) == []

    now = a_photo("1", sizes=(a_size(url="https://live.staticflickr.com/1/1_new_z.jpg"),))
    page = listed(db, now, run=2, now=5.0)
    assert page.fresh == (now,)


def test_who_was_gone_and_is_on_no_page_is_tried_where_he_was(db: sqlite3.Connection) -> None:
    dead.retry(db, photos=["1"])

    waiting = next_ones(db, [GROUP], run=2, most=9, listed=True)
    assert take_on(db, waiting, run=2) == (a_photo("1"),)


def test_what_is_paid_for_is_only_published_again(db: sqlite3.Connection) -> None:
    dead.retry(db)

    assert states(db) == {"1": "listed", "2": "listed", "3": "annotated"}
    assert [published.photo.id for published in unpublished(db, most=9)] == ["3"]


@pytest.fixture
def doubtful(db: sqlite3.Connection) -> sqlite3.Connection:
    """The same, and one of the two that were gone in doubt instead."""
    fail(db, Failure(photo_id="2", stage="annotate", reason="in-doubt", paid="maybe"), now=5.0)
    return db


def test_what_may_be_paid_for_twice_is_not_retried_unasked(doubtful: sqlite3.Connection) -> None:
    assert dead.retry(doubtful) == 2
    assert states(doubtful) == {"1": "listed", "2": "dead", "3": "annotated"}


@pytest.mark.parametrize(
    "asked",
    [
        pytest.param({"reason": "in-doubt"}, id="by its cause"),
        pytest.param({"photos": ["2"]}, id="by its id"),
        pytest.param({"everything": True}, id="with all others"),
    ],
)
def test_what_may_be_paid_for_twice_is_retried_where_asked_for(
    doubtful: sqlite3.Connection, asked: dict[str, Any]
) -> None:
    dead.retry(doubtful, **asked)

    assert states(doubtful)["2"] == "listed"


def test_only_chosen_photos_are_retried(db: sqlite3.Connection) -> None:
    assert dead.retry(db, photos=["2", "9"]) == 1
    assert states(db)["1"] == "dead"


def test_a_photo_without_the_cause_is_not_chosen_by_its_id(db: sqlite3.Connection) -> None:
    assert dead.retry(db, reason="refused", photos=["2"]) == 0


def test_a_dropped_photo_is_skipped_and_no_longer_dead(db: sqlite3.Connection) -> None:
    assert dead.drop(db, reason="gone") == 2

    assert states(db) == {"1": "skipped", "2": "skipped", "3": "dead"}
    assert [cause.reason for cause in dead.causes(db)] == ["refused"]


def test_a_second_death_adds_to_the_first(db: sqlite3.Connection) -> None:
    dead.retry(db, photos=["1"])
    fail(db, Failure(photo_id="1", stage="download", reason="timeout", attempts=5), now=9.0)

    (cause,) = dead.causes(db, reason="timeout")

    assert (cause.first, cause.last, cause.samples[0].attempts) == (3.0, 9.0, 6)


def test_what_was_perhaps_paid_for_stays_so_when_it_dies_again(db: sqlite3.Connection) -> None:
    fail(db, Failure(photo_id="1", stage="annotate", reason="in-doubt", paid="maybe"), now=5.0)
    dead.retry(db, photos=["1"])
    fail(db, Failure(photo_id="1", stage="download", reason="gone"), now=6.0)

    dead.retry(db)

    assert states(db)["1"] == "dead"
    assert [(cause.reason, cause.perhaps_paid) for cause in dead.causes(db)] == [("gone", 1)]


def test_who_left_every_group_is_told_apart(db: sqlite3.Connection) -> None:
    db.execute("DELETE FROM memberships WHERE photo = '1'")

    assert [(cause.photos, cause.outside) for cause in dead.causes(db, reason="gone")] == [(2, 1)]
    assert dead.retry(db, everything=True) == 2
