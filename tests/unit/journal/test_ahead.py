"""What was bought while the clock was ahead is not of every day, month and minute until it comes true."""

from __future__ import annotations

import sqlite3

import pytest

from ingestor.journal import ledger
from ingestor.journal.recovery import Moments, Opening, open_run
from ingestor.purchases.pricing import day_start, month_start
from tests.builders import an_image

NOW = 1_790_000_000.0
MINUTE, DAY, YEAR = 60.0, 86_400.0, 365 * 86_400.0


@pytest.fixture
def db(db: sqlite3.Connection) -> sqlite3.Connection:
    """A run that bought a unit by a clock that was a year ahead."""
    begin(db, at=NOW + YEAR)
    buy(db, run=1, at=NOW + YEAR)
    return db


def begin(db: sqlite3.Connection, *, at: float) -> Opening:
    return open_run(
        db, name=str(at), world="sandbox", target="catalog", in_doubt="retry",
        moments=Moments(now=at, month=month_start(at), day=day_start(at), window=at - MINUTE),
    )  # fmt: skip


def buy(db: sqlite3.Connection, *, run: int, at: float) -> None:
    name = f"{run}-{at}"
    intent = ledger.Intent(
        id=name, run=run, at=at, features="f", attempt=1, units=1, images=(an_image(name),)
    )
    ledger.open_purchase(db, intent)
    ledger.settle_purchase(db, intent, annotations=(), failures=(), now=at)


def spent(opening: Opening) -> tuple[int, int, int]:
    """Units of the day, units of the month, requests of the minute."""
    return opening.day.at_most, opening.month.at_most, len(opening.recent)


def test_it_counts_where_the_clock_is_found_right(db: sqlite3.Connection) -> None:
    """Nobody knows better: it may have been a moment ago."""
    assert spent(begin(db, at=NOW)) == (1, 1, 1)


@pytest.mark.parametrize(
    ("later", "counted"),
    [(2 * MINUTE, (1, 1, 0)), (DAY, (0, 1, 0)), (40 * DAY, (0, 0, 0))],
    ids=["minutes later", "the next day", "the next month"],
)
def test_it_is_over_with_the_time_in_which_the_clock_was_found_right(
    db: sqlite3.Connection, later: float, counted: tuple[int, int, int]
) -> None:
    begin(db, at=NOW)

    assert spent(begin(db, at=NOW + later)) == counted


def test_a_clock_that_is_behind_forgets_nothing_of_the_month_that_it_is(
    db: sqlite3.Connection,
) -> None:
    begin(db, at=NOW + YEAR - 40 * DAY)

    assert spent(begin(db, at=NOW + YEAR + MINUTE / 2)) == (1, 1, 1)
