"""Photos that wait for an annotation: which they are, and which run takes them on."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence

from ingestor.journal.dead import OTHER_PICTURE
from ingestor.journal.listing import photo_from
from ingestor.journal.rows import json_list
from ingestor.journal.runs import LATER
from ingestor.models import Photo


def take_on(db: sqlite3.Connection, ids: Sequence[str], *, run: int) -> tuple[Photo, ...]:
    """Have the run finish those of `ids` that still wait for an annotation, newest first."""
    rows = db.execute(
        "SELECT id, text FROM photos JOIN records ON number = record WHERE state = 'listed' "
        "AND id IN (SELECT value FROM json_each(?)) ORDER BY date_added DESC, id",
        (json_list(ids),),
    ).fetchall()
    count_for(db, [photo for photo, _ in rows], run=run)
    return tuple(photo_from(record) for _, record in rows)


def count_for(db: sqlite3.Connection, photos: Sequence[str], *, run: int) -> None:
    """They are this run's work from now on, and stand in its report."""
    db.execute(
        "UPDATE photos SET run = ?, known = 0 WHERE id IN (SELECT value FROM json_each(?))",
        (run, json_list(photos)),
    )


def next_ones(
    db: sqlite3.Connection, gids: Sequence[str], *, run: int, most: int, listed: bool
) -> list[str]:
    """
    Photos that earlier runs listed and did not finish, newest first. Before their pages are `listed` none
    whose picture was no good: what it is now, and where, only a page tells.
    """
    rows = db.execute(
        "SELECT id FROM photos WHERE state = 'listed' AND run < ? AND id IN "  # noqa: S608
        "(SELECT photo FROM memberships WHERE gid IN (SELECT value FROM json_each(?))) "
        f"AND (? OR id NOT IN (SELECT photo FROM dead WHERE reason IN {OTHER_PICTURE})) "
        "ORDER BY date_added DESC, id LIMIT ?",
        (run, json_list(gids), listed, most),
    )
    return [photo for (photo,) in rows]


def count(db: sqlite3.Connection, gids: Sequence[str], *, before: int = LATER) -> int:
    """Photos of these groups that wait for an annotation, and no run from `before` on has taken on."""
    (photos,) = db.execute(
        "SELECT count(*) FROM photos WHERE state = 'listed' AND run < ? AND id IN "
        "(SELECT photo FROM memberships WHERE gid IN (SELECT value FROM json_each(?)))",
        (before, json_list(gids)),
    ).fetchone()
    return int(photos)


def ids_after(db: sqlite3.Connection, gids: Sequence[str], *, after: str, most: int) -> list[str]:
    """Of these groups, behind `after`: those that wait, and those that were given up in doubt."""
    rows = db.execute(
        "SELECT id FROM photos WHERE (state = 'listed' OR (state = 'dead' AND reason = 'in-doubt')) "
        "AND id > ? AND id IN "
        "(SELECT photo FROM memberships WHERE gid IN (SELECT value FROM json_each(?))) "
        "ORDER BY id LIMIT ?",
        (after, json_list(gids), most),
    )
    return [photo for (photo,) in rows]


def among(db: sqlite3.Connection, ids: Sequence[str]) -> set[str]:
    """Those of `ids` that wait for an annotation."""
    rows = db.execute(
        "SELECT id FROM photos WHERE state = 'listed' AND id IN (SELECT value FROM json_each(?))",
        (json_list(ids),),
    )
    return {photo for (photo,) in rows}


def wait_again(db: sqlite3.Connection, photos: Iterable[str]) -> None:
    """Have photos wait for an annotation as before."""
    db.execute(
        "UPDATE photos SET state = 'listed' WHERE id IN (SELECT value FROM json_each(?))",
        (json_list(list(photos)),),
    )
