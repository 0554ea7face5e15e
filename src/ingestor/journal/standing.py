"""What the journal holds, as one value for whoever asks: counts, money, doubts, last runs."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ingestor.journal import dead, ledger, runs
from ingestor.journal.doubts import doubts_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Units are Google's; `in_doubt` is images whose answer never arrived."""

    photos: Mapping[str, int]
    """By state: listed, annotated, stored, skipped, dead, withdrawn."""
    certain: int
    possible: int
    reserved: int
    month_units: int
    in_doubt: int
    doubtful_purchases: int
    groups: Sequence[tuple[str, str, int]]
    """Id, name, and how many photos Flickr said it has."""
    runs: Sequence[Mapping[str, object]]
    labelled_since: int = 0
    """Of the images in doubt, those that have an annotation by now."""
    dead_but_found: int = 0
    """Of the dead photos, those that are found by their earlier labels."""


def standing(
    db: sqlite3.Connection, *, now: float, month_start: float, most_runs: int, at_work: bool = False
) -> Standing:
    """`at_work`: somebody is, and what is open is not in doubt yet. Times are unix seconds."""
    units = ledger.units_of_journal(db)
    doubts = doubts_of(db, living=runs.last_number(db) if at_work else None)
    photos = runs.photos_by_state(db)
    return Standing(
        photos=photos,
        certain=units.certain,
        possible=units.possible,
        reserved=units.reserved,
        month_units=ledger.units_since(db, month_start, now=now).at_most,
        in_doubt=doubts.images,
        doubtful_purchases=doubts.requests,
        groups=db.execute("SELECT gid, name, total FROM groups ORDER BY name, gid").fetchall(),
        runs=runs.last_runs(db, most=most_runs),
        labelled_since=ledger.count_labelled_since(db) if doubts.images else 0,
        dead_but_found=dead.count_found(db) if photos.get("dead") else 0,
    )
