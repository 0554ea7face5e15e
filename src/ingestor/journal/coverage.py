"""Of each group: of which stretches of its pool every photo was listed, and what is left to do."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from ingestor.kits import intervals
from ingestor.kits.intervals import Cover, Interval, holes

UNFINISHED = "('listed', 'annotated')"


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a group is done."""

    cover: Cover
    """Of dates added, unix seconds."""
    unfinished: int
    """Photos that are listed and not annotated, or annotated and not published."""

    @property
    def whole(self) -> bool:
        """Whether every photo of the pool was listed, but for what is still to arrive."""
        return bool(self.cover) and not holes(self.cover)

    @property
    def complete(self) -> bool:
        """Whether nothing is left but what is still to arrive."""
        return self.whole and not self.unfinished


def covered(db: sqlite3.Connection, group: str) -> Cover:
    rows = db.execute("SELECT low, high FROM covered WHERE gid = ? ORDER BY low", (group,))
    return tuple((low, high) for low, high in rows)


def cover(db: sqlite3.Connection, group: str, stretch: Interval) -> Cover:
    return _put(db, group, intervals.add(covered(db, group), stretch))


def uncover(db: sqlite3.Connection, group: str, stretch: Interval) -> Cover:
    """Forget that a stretch was covered: something turned up in it that was not known."""
    return _put(db, group, intervals.take_out(covered(db, group), stretch))


def progress(db: sqlite3.Connection, group: str) -> Progress:
    (unfinished,) = db.execute(
        f"SELECT count(*) FROM photos WHERE state IN {UNFINISHED} AND id IN "  # noqa: S608
        "(SELECT photo FROM memberships WHERE gid = ?)",
        (group,),
    ).fetchone()
    return Progress(cover=covered(db, group), unfinished=unfinished)


def newer_than(db: sqlite3.Connection, group: str, date: int) -> int:
    """How many known photos of a pool are listed above those of this date: where its page is."""
    (photos,) = db.execute(
        "SELECT count(*) FROM memberships WHERE gid = ? AND date_added > ?", (group, date)
    ).fetchone()
    return int(photos)


def _put(db: sqlite3.Connection, group: str, now: Cover) -> Cover:
    before = covered(db, group)
    db.executemany(
        "DELETE FROM covered WHERE gid = ? AND low = ?",
        [(group, low) for low, high in before if (low, high) not in now],
    )
    db.executemany(
        "INSERT INTO covered (gid, low, high) VALUES (?, ?, ?)",
        [(group, *here) for here in now if here not in before],
    )
    return now
