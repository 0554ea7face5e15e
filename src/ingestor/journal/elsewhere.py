"""
Photos that the database had when this journal was made to agree with it, and that stayed unknown here.

A pool moves while it is listed, so a photo can slip past a listing that saw everything else; and one that
had died was not asked for. When it shows itself in a later listing, or is tried again, its record is there.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence

from ingestor.journal.rows import json_list


def remember(db: sqlite3.Connection, photos: Iterable[str]) -> None:
    """Keep the names of those of `photos` that this journal has no annotation of."""
    db.execute("DELETE FROM elsewhere")
    db.execute(
        "INSERT OR IGNORE INTO elsewhere (photo) SELECT value FROM json_each(?) "
        "WHERE value NOT IN (SELECT photo FROM annotations)",
        (json_list(list(photos)),),
    )


def anything(db: sqlite3.Connection) -> bool:
    return db.execute("SELECT 1 FROM elsewhere LIMIT 1").fetchone() is not None


def among(db: sqlite3.Connection, ids: Sequence[str]) -> set[str]:
    """Those of `ids` whose record is worth asking for."""
    rows = db.execute(
        "SELECT photo FROM elsewhere WHERE photo IN (SELECT value FROM json_each(?))",
        (json_list(ids),),
    )
    return {photo for (photo,) in rows}
