"""
Photos that left a pool: suspected when a page does not show them, believed when another agrees.

Nobody tells when a photo leaves a pool, is deleted or made private. It is seen only by reading the
pool again: of a stretch that pages showed without a gap, whatever is known and was not there is
missing. One odd answer must not take a collection down, so it takes two, some minutes apart.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from ingestor.journal.dead import fail
from ingestor.journal.results import labels_ever, mark_unstored
from ingestor.journal.rows import json_list
from ingestor.kits.intervals import Interval
from ingestor.models import Failure, Label, Photo

APART: Final = 300.0
"""Seconds between the two answers: longer than caches of a listing live (taste)."""
FAR: Final = 1 << 62
"""Above every date."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """What pages of a pool said about what is known of it."""

    unknown: int
    suspects: int
    """Missing for the first time."""
    gone: tuple[str, ...]
    """Missing again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Departure:
    """A photo that left a group; `last` if that was the last of ours that it was in."""

    photo: str
    last: bool
    labels: tuple[Label, ...]
    """All that it may be filed under."""


def compare(
    db: sqlite3.Connection,
    rows: Mapping[str, int],
    *,
    group: str,
    stretch: Interval | None,
    now: float,
) -> Compared:
    """Compare known photos with `rows`: ids, with dates added, that were shown in this stretch."""
    ids = json_list(list(rows))
    db.execute(
        "DELETE FROM missing WHERE gid = ?1 AND photo IN (SELECT value FROM json_each(?2))",
        (group, ids),
    )
    known = dict(
        db.execute(
            "SELECT photo, date_added FROM memberships WHERE gid = ?1 "
            "AND photo IN (SELECT value FROM json_each(?2))",
            (group, ids),
        ).fetchall()
    )
    # Who shows no date stands where it stood.
    for photo, added in rows.items():
        if added and known.get(photo, added) != added:
            _come_again(db, photo, group=group, date_added=added)
    absent = _absent(db, rows, group=group, stretch=stretch)
    db.executemany(
        # A clock that was ahead must not keep a photo up until its time has come.
        "INSERT INTO missing (photo, gid, since) VALUES (?, ?, ?) "
        "ON CONFLICT DO UPDATE SET since = min(since, excluded.since)",
        [(photo, group, now) for photo in absent],
    )
    gone = db.execute(
        "SELECT photo FROM missing WHERE gid = ?1 AND since <= ?2 "
        "AND photo IN (SELECT value FROM json_each(?3))",
        (group, now - APART, json_list(absent)),
    ).fetchall()
    return Compared(
        unknown=len(rows) - len(known),
        suspects=len(absent) - len(gone),
        gone=tuple(photo for (photo,) in gone),
    )


def _come_again(db: sqlite3.Connection, photo: str, *, group: str, date_added: int) -> None:
    """
    Who left and came again stands somewhere else now. The database is to be told, and may not even have it
    any more: it waits to be published again.
    """
    db.execute(
        "UPDATE memberships SET date_added = ? WHERE gid = ? AND photo = ?",
        (date_added, group, photo),
    )
    mark_unstored(db, [photo])
    _move(db, photo, group=group, date_added=date_added)


def departures(
    db: sqlite3.Connection,
    photos: Sequence[str],
    *,
    group: str,
    groups_of_others: Sequence[str],
) -> list[Departure]:
    """
    What taking these photos out of a group means; nothing is written. Groups of others do not count:
    nobody tells us what leaves these.
    """
    return [
        Departure(
            photo=photo,
            last=_elsewhere(db, photo, group=group, groups_of_others=groups_of_others) is None,
            labels=tuple(labels_ever(db, photo)),
        )
        for photo in photos
    ]


def withdraw(
    db: sqlite3.Connection,
    photos: Iterable[str],
    *,
    group: str,
    now: float,
    groups_of_others: Sequence[str] = (),
) -> None:
    """
    Take photos out of a group. One that is in no other of ours is withdrawn if it has an annotation,
    which is kept: should it come again it is not bought again. Without one it is forgotten, unless it
    was perhaps paid for: then it is given up in doubt, and stays so.
    """
    doubtful = _perhaps_paid(db)
    for photo in photos:
        elsewhere = _elsewhere(db, photo, group=group, groups_of_others=groups_of_others)
        # A photo that goes is forgotten in groups of others, too: it is new should we ever follow those.
        _leave(db, photo, group=None if elsewhere is None else group)
        if elsewhere is not None:
            _move(db, photo, group=elsewhere[0], date_added=elsewhere[1])
        elif db.execute("SELECT 1 FROM annotations WHERE photo = ?", (photo,)).fetchone():
            db.execute("UPDATE photos SET state = 'withdrawn' WHERE id = ?", (photo,))
        elif photo in doubtful:
            _give_up(db, photo, now=now)
        else:
            _forget(db, photo)


def _leave(db: sqlite3.Connection, photo: str, *, group: str | None) -> None:
    """`group`: the one it leaves; None: all of them."""
    known = db.execute("SELECT gid FROM memberships WHERE photo = ?", (photo,)).fetchall()
    for gid in [group] if group is not None else [gid for (gid,) in known]:
        # Group by group: what is missing is found by its group, and looked through without one.
        db.execute("DELETE FROM memberships WHERE photo = ? AND gid = ?", (photo, gid))
        db.execute("DELETE FROM missing WHERE gid = ? AND photo = ?", (gid, photo))


def withdraw_from_all(db: sqlite3.Connection, photos: Sequence[str]) -> None:
    """Withdraw annotated photos of groups that others follow, and have taken them out of."""
    ids = json_list(photos)
    those = "IN (SELECT value FROM json_each(?))"
    db.execute(f"DELETE FROM memberships WHERE photo {those}", (ids,))  # noqa: S608
    db.execute(f"DELETE FROM missing WHERE photo {those}", (ids,))  # noqa: S608
    db.execute(f"UPDATE photos SET state = 'withdrawn' WHERE id {those}", (ids,))  # noqa: S608


def bring_back(
    db: sqlite3.Connection, photos: Sequence[Photo], *, groups_of_others: Sequence[str]
) -> None:
    """
    Have photos published again that others have taken down, as a page shows them now. They are in none but
    groups of ours: who follows any other has seen them leave it.
    """
    ids = [photo.id for photo in photos]
    db.execute(
        "DELETE FROM memberships WHERE photo IN (SELECT value FROM json_each(?)) "
        "AND (gid NOT IN (SELECT gid FROM groups) OR gid IN (SELECT value FROM json_each(?)))",
        (json_list(ids), json_list(groups_of_others)),
    )
    mark_unstored(db, ids)
    for photo in photos:
        # That page may be written down much later: its record would be published with a group it left.
        _move(db, photo.id, group=photo.group, date_added=photo.date_added)


def _perhaps_paid(db: sqlite3.Connection) -> set[str]:
    """Photos without an answer that somebody may have paid for; they are few."""
    rows = db.execute(
        "SELECT photo FROM dead WHERE paid != 'no' UNION "
        "SELECT photo FROM purchases CROSS JOIN purchased_images ON purchase = id "
        "WHERE state IN ('in-doubt', 'open')"
    )
    return {photo for (photo,) in rows}


def _give_up(db: sqlite3.Connection, photo: str, *, now: float) -> None:
    """One that waits would wait for ever: nobody lists it any more."""
    (state,) = db.execute("SELECT state FROM photos WHERE id = ?", (photo,)).fetchone()
    if state == "listed":
        doubt = Failure(photo_id=photo, stage="annotate", reason="in-doubt", paid="maybe")
        fail(db, doubt, now=now)


def _forget(db: sqlite3.Connection, photo: str) -> None:
    db.execute(
        "DELETE FROM records WHERE number = (SELECT record FROM photos WHERE id = ?)", (photo,)
    )
    db.execute("DELETE FROM photos WHERE id = ?", (photo,))
    db.execute("DELETE FROM dead WHERE photo = ?", (photo,))


def _absent(
    db: sqlite3.Connection, rows: Mapping[str, int], *, group: str, stretch: Interval | None
) -> list[str]:
    if stretch is None:
        return []
    known = db.execute(
        # Of a photo without a date nobody knows where it should stand.
        "SELECT photo FROM memberships WHERE gid = ? AND date_added BETWEEN ? AND ? "
        "AND date_added > 0",
        (group, *stretch),
    )
    return [photo for (photo,) in known if photo not in rows]


def _elsewhere(
    db: sqlite3.Connection, photo: str, *, group: str, groups_of_others: Sequence[str]
) -> tuple[str, int] | None:
    """Another group of ours that it is in, and when it was added there."""
    row = db.execute(
        "SELECT gid, date_added FROM memberships WHERE photo = ? AND gid != ? "
        "AND gid IN (SELECT gid FROM groups) AND gid NOT IN (SELECT value FROM json_each(?)) LIMIT 1",
        (photo, group, json_list(groups_of_others)),
    ).fetchone()
    return None if row is None else (str(row[0]), int(row[1]))


def _move(db: sqlite3.Connection, photo: str, *, group: str, date_added: int) -> None:
    """Its record names one of the groups that it is in."""
    db.execute("UPDATE photos SET date_added = ? WHERE id = ?", (date_added, photo))
    db.execute(
        "UPDATE records SET text = json_set(text, '$.group', ?3, '$.date_added', ?2) "
        "WHERE number = (SELECT record FROM photos WHERE id = ?1)",
        (photo, date_added, group),
    )
