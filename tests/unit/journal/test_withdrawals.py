"""What is missing from a group is taken out of it at the second look, and not remembered beyond."""

from __future__ import annotations

import sqlite3

import pytest

from ingestor.journal import listing, withdrawals
from ingestor.journal.withdrawals import APART, Compared
from tests.builders import a_photo

ZOO, FARM = "1@N00", "2@N00"
ADDED = 100


@pytest.fixture
def db(db: sqlite3.Connection) -> sqlite3.Connection:
    for gid in (ZOO, FARM):
        db.execute("INSERT INTO groups (gid, name) VALUES (?, '')", (gid,))
    return db


def join(db: sqlite3.Connection, group: str) -> None:
    listing.take_in(db, [a_photo("7", group=group, date_added=ADDED)])


def not_shown(db: sqlite3.Connection, *, now: float) -> Compared:
    """A page of the zoo that shows every photo but ours."""
    return withdrawals.compare(db, {}, group=ZOO, stretch=(ADDED - 1, ADDED + 1), now=now)


@pytest.mark.parametrize("others", [(), (FARM,)], ids=["its last group", "one of two"])
def test_a_photo_that_left_and_came_again_is_looked_for_twice_again(
    db: sqlite3.Connection, others: tuple[str, ...]
) -> None:
    for group in (ZOO, *others):
        join(db, group)
    not_shown(db, now=0.0)
    left = not_shown(db, now=APART)

    withdrawals.withdraw(db, left.gone, group=ZOO, now=APART)
    join(db, ZOO)
    again = not_shown(db, now=2 * APART)

    assert left.gone == ("7",)
    assert (again.gone, again.suspects) == ((), 1)
