"""One run's figures, all read in one transaction so that they agree."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from ingestor.journal import ledger, pending, runs
from ingestor.journal.doubts import doubts_of

Month = tuple[int, int]
"""Units of a run in a calendar month (UTC), and of all others in it, as many as were perhaps spent."""

MONTHS: Final = """
    SELECT coalesce(sum(spent) FILTER (WHERE run = ?1), 0),
        coalesce(sum(spent) FILTER (WHERE run != ?1), 0)
    FROM (
        SELECT run, strftime('%Y-%m', at, 'unixepoch') AS month,
            certain + possible + CASE state WHEN 'open' THEN units ELSE 0 END AS spent
        FROM purchases
        WHERE +at >= (
            SELECT CAST(strftime('%s', coalesce(min(+at), ?2), 'unixepoch', 'start of month') AS REAL)
            FROM purchases WHERE run = ?1
        )
        UNION ALL SELECT 0, strftime('%Y-%m', day, 'unixepoch'), certain + possible FROM spent
        UNION ALL SELECT ?1, strftime('%Y-%m', ?2, 'unixepoch'), 0
    )
    GROUP BY month HAVING max(run = ?1) ORDER BY month
"""
"""+at, as in `ledger.UNITS`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """What the journal says of a run."""

    photos: runs.Tally
    units: ledger.Units
    months: tuple[Month, ...]
    """Those in which it bought, in their order; the last one is that of now."""
    doubtful_images: int


def count_run(
    db: sqlite3.Connection,
    *,
    run: int,
    now: float,
    gids: Sequence[str] = (),
    limit: int | None = None,
) -> Counted:
    """
    `now`: unix seconds. `gids`: groups of a run that was stopped: what waits in them, and it had not
    come to, is pending as well, up to its `limit`.
    """
    photos, left = runs.tally(db, run), pending.count(db, gids, before=run)
    if limit is not None:
        left = min(left, max(0, limit - photos.listed))
    return Counted(
        photos=replace(photos, listed=photos.listed + left, pending=photos.pending + left),
        units=ledger.units_of_run(db, run),
        months=tuple(db.execute(MONTHS, (run, now)).fetchall()),
        doubtful_images=doubts_of(db, living=None, run=run).images,
    )
