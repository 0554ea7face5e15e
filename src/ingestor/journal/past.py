"""
What is long past, summed up: a journal grows with its photos, and not with its runs.

The row of a run that is far behind goes, its report with it, and of what it bought the units stay, by the day:
nobody asks for more than the bill and a ceiling's day or month. What is in doubt stays, for photos are parked
by it, and so does what has answered for such a photo since.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Final

from ingestor.journal.ledger import LAST, SINCE
from ingestor.journal.rows import json_list
from ingestor.journal.runs import last_ended

KEPT: Final = 1_000
"""Runs that stay as they were: half a day of twenty busy groups, years of somebody's by hand (taste)."""
AT_ONCE: Final = 500
"""
Purchases, and runs, that are summed up when another run begins, which adds one of them or a hundred: a year's
backlog is through within a day, and no run waits longer than a tenth of a second for it (measured).
"""
IN_QUESTION: Final = """
    SELECT id FROM purchases WHERE state IN ('open', 'in-doubt')
    UNION SELECT annotations.purchase FROM purchases
        CROSS JOIN purchased_images ON purchased_images.purchase = purchases.id
        CROSS JOIN annotations ON annotations.photo = purchased_images.photo
        WHERE purchases.state IN ('open', 'in-doubt')
"""
"""Purchases that stay. CROSS, so that SQLite begins with those in doubt: they are few."""
PAST: Final = f"""
    WITH in_question AS MATERIALIZED ({IN_QUESTION})
    SELECT id, id IN in_question, {SINCE.format(at=LAST)} FROM purchases
    WHERE run < :first AND (certain + possible > 0 OR id NOT IN in_question)
    ORDER BY at LIMIT :most
"""  # noqa: S608
"""Those that have units to be summed up, or go; which of them stay, and which the quota still counts."""
SUM_UP: Final = """
    INSERT INTO spent (day, run, certain, possible)
        SELECT CAST(at / 86400 AS INTEGER) * 86400 AS day, max(run), sum(certain), sum(possible)
        FROM purchases WHERE id IN (SELECT value FROM json_each(?)) GROUP BY day
    ON CONFLICT (day) DO UPDATE SET run = max(run, excluded.run), later_began = NULL,
        certain = certain + excluded.certain, possible = possible + excluded.possible
"""
REMEMBER: Final = """
    UPDATE spent SET later_began = min(coalesce(later_began, began), began) FROM (
        SELECT day AS ahead, min(started) AS began FROM spent
        JOIN runs ON number > run AND number < ? AND started < day GROUP BY day
    ) WHERE day = ahead
"""
"""That of days which are ahead of a run that goes, as `ledger.SINCE_DAYS` has to know."""


def sum_up(db: sqlite3.Connection, *, run: int, since: float, now: float) -> None:
    """
    Do the next piece of it, in the transaction with which a run begins. What used quota `since` then stays.

    Runs that died share a ceiling with the one that begins, so nothing is past from the last end on.
    """
    first = min(last_ended(db, before=run), run - KEPT)
    given = {"first": first, "since": since, "now": now, "most": AT_ONCE}
    found = db.execute(PAST, given).fetchall() if first > 1 else []
    _sum_up(
        db,
        stay=[purchase for purchase, stays, counts in found if stays],
        go=[purchase for purchase, stays, counts in found if not stays and not counts],
    )
    # Before all is summed up nobody can tell which run it is that found the clock right.
    if len(found) < AT_ONCE:
        _forget_runs(db, before=first)


def _sum_up(db: sqlite3.Connection, *, stay: Sequence[str], go: Sequence[str]) -> None:
    db.execute(SUM_UP, (json_list([*stay, *go]),))
    for sql, purchases in (
        ("UPDATE purchases SET certain = 0, possible = 0 WHERE id", stay),
        ("DELETE FROM purchased_images WHERE purchase", go),
        ("DELETE FROM purchases WHERE id", go),
    ):
        db.execute(f"{sql} IN (SELECT value FROM json_each(?))", (json_list(purchases),))  # noqa: S608


def _forget_runs(db: sqlite3.Connection, *, before: int) -> None:
    (last,) = db.execute(
        "SELECT max(number) FROM (SELECT number FROM runs WHERE number < ? ORDER BY number LIMIT ?)",
        (before, AT_ONCE),
    ).fetchone()
    if last is not None:
        db.execute(REMEMBER, (last + 1,))
        db.execute("DELETE FROM runs WHERE number <= ?", (last,))
