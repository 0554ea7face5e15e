"""What a run cost, by the months in which it bought."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime

import pytest

from ingestor.journal import ledger, runs
from ingestor.journal.counts import MONTHS, count_run
from ingestor.purchases import pricing
from tests.builders import a_photo, an_image
from tests.journals import listed


def moment(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def buy(db: sqlite3.Connection, name: str, *, run: int, at: float, units: int) -> None:
    intent = ledger.Intent(
        id=name, run=run, at=at, features="f", attempt=1, units=units, images=(an_image(name),)
    )
    ledger.open_purchase(db, intent)


def test_a_run_over_a_months_end_is_paid_in_both(db: sqlite3.Connection) -> None:
    earlier = runs.begin_run(db, run="a", now=0.0)
    run = runs.begin_run(db, run="b", now=0.0)
    buy(db, "1", run=earlier, at=moment("2026-11-02"), units=1_000)
    buy(db, "2", run=run, at=moment("2026-11-30T23:59"), units=3_000)
    buy(db, "3", run=run, at=moment("2026-12-01T00:01"), units=500)

    counted = count_run(db, run=run, now=moment("2026-12-01T00:02"))

    assert counted.months == ((3_000, 1_000), (500, 0))
    assert pricing.bill(counted.months) == pytest.approx(4.5)


def test_a_run_that_bought_nothing_costs_nothing_in_a_month_of_others(
    db: sqlite3.Connection,
) -> None:
    buy(db, "1", run=7, at=moment("2026-11-02"), units=9_000)

    counted = count_run(db, run=8, now=moment("2026-11-03"))

    assert counted.months == ((0, 9_000),)
    assert pricing.bill(counted.months) == 0.0
    assert pricing.bill(counted.months, more=1_000) == pytest.approx(1.5)


def test_purchases_are_counted_from_end_to_end_and_not_each_on_a_page_of_its_own(
    db: sqlite3.Connection,
) -> None:
    """An index by time leads to nearly all of them, in no order: ten times the work."""
    said: list[str] = []
    db.set_trace_callback(said.append)
    ledger.units_since(db, 1.0, now=2.0)
    db.execute(MONTHS, (1, 2.0)).fetchall()
    db.set_trace_callback(None)

    plans = [db.execute(f"EXPLAIN QUERY PLAN {sql}").fetchall() for sql in said]
    ways = " ".join(row[3] for plan in plans for row in plan)

    assert "SCAN purchases" in ways
    assert "purchases_by_time" not in ways


def test_what_a_run_has_taken_on_is_not_left_to_it_as_well(db: sqlite3.Connection) -> None:
    earlier = runs.begin_run(db, run="a", now=0.0)
    run = runs.begin_run(db, run="b", now=0.0)
    for photo, owner in (("1", earlier), ("2", run)):
        listed(db, a_photo(photo, group="1@N00"), run=owner, now=0.0)

    counted = count_run(db, run=run, now=0.0, gids=["1@N00"])

    assert (counted.photos.listed, counted.photos.pending) == (2, 2)
