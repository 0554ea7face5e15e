"""How far each pool has been read again, in search of photos that left it."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Recheck:
    """Unix seconds throughout."""

    cursor: int | None
    """The date added down to which it was read; None before the first page behind the head."""
    at: float
    """Until when the pages that were due have been read."""
    ended: float | None = None
    """When the whole pool had been read last."""


def recheck_of(db: sqlite3.Connection, group: str) -> Recheck | None:
    row = db.execute("SELECT cursor, at, ended FROM rechecks WHERE gid = ?", (group,)).fetchone()
    return None if row is None else Recheck(cursor=row[0], at=row[1], ended=row[2])


def set_recheck(db: sqlite3.Connection, group: str, recheck: Recheck) -> None:
    db.execute(
        "INSERT OR REPLACE INTO rechecks (gid, cursor, at, ended) VALUES (?, ?, ?, ?)",
        (group, recheck.cursor, recheck.at, recheck.ended),
    )


def ended(db: sqlite3.Connection) -> dict[str, float]:
    """By group, when the whole pool had been read again last; not yet: when that began."""
    return dict(db.execute("SELECT gid, coalesce(ended, at) FROM rechecks"))
