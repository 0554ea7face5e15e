"""What is long past is summed up, and whoever asks hears the same as before."""

from __future__ import annotations

import sqlite3

from ingestor.journal import dead, ledger, runs
from ingestor.journal.counts import count_run
from ingestor.journal.doubts import doubts_of
from ingestor.journal.past import AT_ONCE, KEPT
from ingestor.journal.recovery import Moments, Opening, open_run
from ingestor.models import PurchaseState
from ingestor.purchases.pricing import day_start, month_start
from tests.builders import a_photo, an_annotation, an_image
from tests.journals import listed

NOON = 1_789_992_000.0
"""Of 21 September 2026, UTC."""
MINUTE, DAY = 60.0, 86_400.0
FEW = 4
ENOUGH = KEPT + FEW
"""Runs after which one is long past."""


def begin(db: sqlite3.Connection, *, at: float, park: bool = False) -> Opening:
    number = (runs.last_number(db) or 0) + 1
    return open_run(
        db, name=f"run-{number}", world="sandbox", target="catalog",
        in_doubt="park" if park else "retry",
        moments=Moments(now=at, month=month_start(at), day=day_start(at), window=at - MINUTE),
    )  # fmt: skip


def end(db: sqlite3.Connection, run: int, *, at: float) -> None:
    runs.end_run(db, run, reason="complete", report={"run": run}, now=at)


def buy(
    db: sqlite3.Connection, photo: str, *, at: float, lost: bool = False, run: int | None = None
) -> None:
    """In the newest run."""
    run = run or runs.last_number(db) or 0
    listed(db, a_photo(photo), run=run, now=at)
    intent = ledger.Intent(
        id=f"{run}-{photo}", run=run, at=at, features=an_annotation(photo).features, attempt=1,
        units=1, images=(an_image(photo),),
    )  # fmt: skip
    ledger.open_purchase(db, intent)
    if lost:
        state = PurchaseState.IN_DOUBT
        ledger.close_purchase(db, intent, state=state, reason="reset", now=at)
    else:
        ledger.settle_purchase(
            db, intent, annotations=[an_annotation(photo)], failures=(), now=at
        )  # fmt: skip


def pass_by(db: sqlite3.Connection, number: int, *, at: float) -> None:
    """So many runs that buy nothing, of which the last few sum up what is long past."""
    first = (runs.last_number(db) or 0) + 1
    for one in range(first, first + number - FEW):
        end(db, runs.begin_run(db, run=f"run-{one}", now=at), at=at)
    for _ in range(FEW):
        end(db, begin(db, at=at).run, at=at)


def purchases(db: sqlite3.Connection) -> int:
    (rows,) = db.execute("SELECT count(*) FROM purchases").fetchone()
    return int(rows)


def spent(opening: Opening) -> tuple[int, int]:
    """Units of the day and of the month."""
    return opening.day.at_most, opening.month.at_most


def test_a_journal_does_not_grow_with_its_runs(db: sqlite3.Connection) -> None:
    for number in range(KEPT + 100):
        at = NOON + number * MINUTE
        begun = runs.begin_run(db, run=str(number), now=at) if number < KEPT else None
        run = begun or begin(db, at=at).run
        buy(db, str(number), at=at)
        end(db, run, at=at)

    (told,) = db.execute("SELECT count(*) FROM runs").fetchone()
    (images,) = db.execute("SELECT count(*) FROM purchased_images").fetchone()

    assert max(told, purchases(db), images) <= KEPT + 2
    assert ledger.units_of_journal(db) == ledger.Units(certain=KEPT + 100)


def test_ceilings_of_day_and_month_know_what_is_summed_up(db: sqlite3.Connection) -> None:
    for photo, at in (("1", NOON - DAY), ("2", NOON)):
        run = begin(db, at=at).run
        buy(db, photo, at=at)
        end(db, run, at=at)
    pass_by(db, ENOUGH, at=NOON + 2 * MINUTE)

    opening = begin(db, at=NOON + 3 * MINUTE)

    assert purchases(db) == 0
    assert spent(opening) == (1, 2)
    assert spent(begin(db, at=NOON + DAY)) == (0, 2)
    assert spent(begin(db, at=NOON + 30 * DAY)) == (0, 0)


def test_a_bill_knows_of_the_month_what_is_summed_up(db: sqlite3.Connection) -> None:
    run = begin(db, at=NOON).run
    buy(db, "1", at=NOON)
    end(db, run, at=NOON)
    pass_by(db, ENOUGH, at=NOON + DAY)

    newest = begin(db, at=NOON + DAY).run
    buy(db, "2", at=NOON + DAY)

    assert count_run(db, run=newest, now=NOON + DAY).months == ((1, 1),)


def test_what_is_in_doubt_is_parked_however_long_ago_it_was(db: sqlite3.Connection) -> None:
    run = begin(db, at=NOON).run
    buy(db, "1", at=NOON, lost=True)
    end(db, run, at=NOON)
    pass_by(db, ENOUGH, at=NOON + DAY)

    assert doubts_of(db, living=None).images == 1
    assert ledger.units_of_journal(db) == ledger.Units(possible=1)
    assert begin(db, at=NOON + DAY, park=True).parked == {"1"}


def test_who_was_labelled_since_is_told_when_that_is_long_past(db: sqlite3.Connection) -> None:
    """By runs, though the clock was behind when the answer came."""
    run = begin(db, at=NOON).run
    buy(db, "1", at=NOON, lost=True)
    end(db, run, at=NOON)
    run = begin(db, at=NOON - DAY).run
    buy(db, "1", at=NOON - DAY)
    end(db, run, at=NOON - DAY)

    pass_by(db, ENOUGH, at=NOON + DAY)

    assert ledger.count_labelled_since(db) == 1
    assert ledger.units_of_journal(db) == ledger.Units(certain=1, possible=1)


def test_runs_that_died_share_a_ceiling_however_many_they_are(db: sqlite3.Connection) -> None:
    end(db, begin(db, at=NOON).run, at=NOON)
    begin(db, at=NOON)
    buy(db, "1", at=NOON)
    for _ in range(ENOUGH):
        begin(db, at=NOON + DAY)

    assert begin(db, at=NOON + DAY).spent.at_most == 1


def test_what_counts_in_the_minute_is_not_past(db: sqlite3.Connection) -> None:
    run = begin(db, at=NOON).run
    buy(db, "1", at=NOON)
    end(db, run, at=NOON)
    pass_by(db, ENOUGH, at=NOON + 1.0)

    assert [images for _, images in begin(db, at=NOON + 2.0).recent] == [1]
    assert begin(db, at=NOON + 2 * MINUTE).recent == ()
    assert purchases(db) == 0


def test_a_clock_that_was_ahead_is_remembered_with_what_is_summed_up(
    db: sqlite3.Connection,
) -> None:
    """It counts in the month in which the next run had the right time, and in no later one."""
    run = begin(db, at=NOON + 365 * DAY).run
    buy(db, "1", at=NOON + 365 * DAY)
    end(db, run, at=NOON + 365 * DAY)
    pass_by(db, ENOUGH, at=NOON)
    pass_by(db, ENOUGH, at=NOON + 2 * MINUTE)

    assert purchases(db) == 0
    assert spent(begin(db, at=NOON + 2 * MINUTE)) == (1, 1)

    pass_by(db, ENOUGH, at=NOON + 40 * DAY)

    assert spent(begin(db, at=NOON + 40 * DAY)) == (0, 0)


def test_what_is_bought_by_such_a_clock_once_more_counts_again(db: sqlite3.Connection) -> None:
    for month in (0.0, 40 * DAY):
        run = begin(db, at=NOON + 365 * DAY).run
        buy(db, str(month), at=NOON + 365 * DAY)
        end(db, run, at=NOON + 365 * DAY)
        pass_by(db, ENOUGH, at=NOON + month)
        pass_by(db, FEW, at=NOON + month + 2 * MINUTE)

    assert purchases(db) == 0
    assert begin(db, at=NOON + 40 * DAY).month.at_most >= 1


def test_what_such_clocks_bought_around_a_right_one_counts_when_it_is_summed_up_at_once(
    db: sqlite3.Connection,
) -> None:
    for at, photo in ((NOON + 365 * DAY, "1"), (NOON, None), (NOON + 365 * DAY, "2")):
        run = begin(db, at=at).run
        if photo:
            buy(db, photo, at=at)
        end(db, run, at=at)
    pass_by(db, FEW, at=NOON + 40 * DAY)
    pass_by(db, ENOUGH, at=NOON + 40 * DAY + 2 * MINUTE)

    opening = begin(db, at=NOON + 40 * DAY + 3 * MINUTE)

    assert purchases(db) == 0
    assert opening.month.at_most >= 1


def test_what_a_clock_was_ahead_by_is_remembered_while_much_is_summed_up(
    db: sqlite3.Connection,
) -> None:
    """In a journal that an earlier version has left."""
    for number, at in enumerate([NOON + 365 * DAY] + [NOON] * 400):
        run = runs.begin_run(db, run=f"earlier {number}", now=at)
        for photo in ("a", "b", "c"):
            buy(db, f"{number}{photo}", at=at, run=run)
        end(db, run, at=at)
    pass_by(db, ENOUGH, at=NOON + 40 * DAY)

    assert purchases(db) == 0
    assert spent(begin(db, at=NOON + 40 * DAY)) == (0, 0)


def test_a_long_past_is_summed_up_piece_by_piece(db: sqlite3.Connection) -> None:
    run = begin(db, at=NOON).run
    for number in range(AT_ONCE + 10):
        buy(db, str(number), at=NOON)
    end(db, run, at=NOON)
    pass_by(db, KEPT - 2, at=NOON + DAY)
    rows = []
    for _ in range(FEW):
        end(db, begin(db, at=NOON + DAY).run, at=NOON + DAY)
        rows.append(purchases(db))

    assert rows == [AT_ONCE + 10, AT_ONCE + 10, 10, 0]
    assert ledger.units_of_journal(db) == ledger.Units(certain=AT_ONCE + 10)


def test_dead_letters_are_asked_for_when_their_run_is_long_past(db: sqlite3.Connection) -> None:
    run = begin(db, at=NOON).run
    buy(db, "1", at=NOON, lost=True)
    end(db, run, at=NOON)
    begin(db, at=NOON + MINUTE, park=True)
    end(db, 2, at=NOON + MINUTE)
    dead.retry(db, everything=True)

    pass_by(db, ENOUGH, at=NOON + DAY)

    assert begin(db, at=NOON + DAY, park=True).parked == frozenset()
