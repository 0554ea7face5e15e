"""The journal in slices, as it is compared with a database that should say the same."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from ingestor.journal.results import ELSEWHERE, NEWEST, published_from, read_labels
from ingestor.journal.rows import json_list
from ingestor.models import Label, Published


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """
    A photo that was annotated, with what Vision said last, and when (unix seconds); `unpublished` if that
    is still to be published.
    """

    published: Published
    at: float
    unpublished: bool


def held_after(db: sqlite3.Connection, photo: str, *, most: int) -> list[Held]:
    """
    Annotated photos behind `photo`, in the order of their ids as text. One that waits to be annotated
    again, or could not be, is among them as long as it is found under what Vision said before.
    """
    rows = db.execute(
        "SELECT text, image, labels, safe, model, sha256, features, partial, "  # noqa: S608
        f"at, state = 'annotated', max({NEWEST}) "
        "FROM photos JOIN records ON records.number = record "
        "JOIN annotations ON annotations.photo = photos.id "
        "WHERE photos.id > ? AND (state IN ('annotated', 'stored') "
        "OR EXISTS (SELECT 1 FROM catalogued WHERE catalogued.photo = photos.id)) "
        "GROUP BY photos.id ORDER BY photos.id LIMIT ?",
        (photo, most),
    )
    return [
        Held(published=published_from(row[:-3]), at=row[-3], unpublished=bool(row[-2]))
        for row in rows
    ]


def newest_labels(db: sqlite3.Connection, photo: str) -> tuple[Label, ...]:
    """What Vision said last of a photo."""
    row = db.execute(
        f"SELECT labels, max({NEWEST}) FROM annotations WHERE photo = ? HAVING count(*)",  # noqa: S608
        (photo,),
    ).fetchone()
    return read_labels(row[0]) if row else ()


def groups_of(db: sqlite3.Connection, photos: Sequence[str]) -> dict[str, dict[str, int]]:
    """All groups that the journal has photos in, whosever, with dates added; by photo."""
    groups: dict[str, dict[str, int]] = {}
    for photo, gid, added in db.execute(
        "SELECT photo, gid, date_added FROM memberships "
        "WHERE photo IN (SELECT value FROM json_each(?))",
        (json_list(photos),),
    ):
        groups.setdefault(photo, {})[gid] = added
    return groups


def follow_groups(
    db: sqlite3.Connection, *, come: Sequence[tuple[str, str, int]], left: Sequence[tuple[str, str]]
) -> None:
    """Have photos in groups, (photo, group, date added), and out of groups, as the database has them."""
    db.executemany(
        "INSERT OR IGNORE INTO memberships (photo, gid, date_added) VALUES (?, ?, ?)", come
    )
    db.executemany("DELETE FROM memberships WHERE photo = ? AND gid = ?", left)
    db.executemany("DELETE FROM missing WHERE photo = ? AND gid = ?", left)


def of_others(
    db: sqlite3.Connection, photos: Sequence[str], *, groups_of_others: Sequence[str]
) -> set[str]:
    """
    Those of `photos` that are in no group of ours: in none that this journal has listed, unless others
    have taken it over since. And that are here by adoption alone, or were published in such a group.
    """
    rows = db.execute(
        "SELECT value FROM json_each(?1) WHERE NOT EXISTS "
        "(SELECT 1 FROM memberships WHERE photo = value AND gid IN (SELECT gid FROM groups) "
        "AND gid NOT IN (SELECT others.value FROM json_each(?2) AS others)) "
        "AND (NOT EXISTS (SELECT 1 FROM annotations WHERE photo = value AND purchase != ?3) "
        "OR EXISTS (SELECT 1 FROM photos JOIN memberships ON photo = id "
        "WHERE id = value AND state != 'annotated'))",
        (json_list(photos), json_list(groups_of_others), ELSEWHERE),
    )
    return {photo for (photo,) in rows}
