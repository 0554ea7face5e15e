"""What the embedded catalog holds, in the words of the database's index: for comparing the two."""

from __future__ import annotations

import sqlite3

from ingestor.catalog.entries import entries_sql
from ingestor.catalog.query import Place

ENTRIES_UNDER = entries_sql(
    "rank, photo", "label = (SELECT labels.number FROM labels WHERE key = :key)"
)


def filed_labels(db: sqlite3.Connection) -> dict[str, tuple[str, str]]:
    """(name, mid) by key, of every label that has a photo."""
    rows = db.execute("SELECT key, name, mid FROM labels WHERE photos > 0")
    return {key: (name, mid) for key, name, mid in rows}


def filed_under(db: sqlite3.Connection, key: str) -> set[str]:
    """The photos under a label, by the names that the database's index has for them."""
    rows = db.execute(ENTRIES_UNDER, {"key": key})
    return {str(Place(worth, photo)) for worth, photo in rows}
