"""One run's figures, all read in one transaction so that they agree."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from ingestor.journal import ledger, runs


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """What the journal says of a run."""

    photos: runs.Tally
    units: ledger.Units
    month_before: int
    doubtful_images: int


def count_run(db: sqlite3.Connection, *, run: int, month_start: float) -> Counted:
    units = ledger.units_of_run(db, run)
    _, images = ledger.count_in_doubt(db, run)
    month = ledger.units_since(db, month_start)
    return Counted(
        photos=runs.tally(db, run),
        units=units,
        month_before=month.at_most - units.at_most,
        doubtful_images=images,
    )
