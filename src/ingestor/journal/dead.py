"""
Dead letters: written when a photo fails, shown by cause; a person has them tried again, or drops them.

A letter stays in its table when its photo is tried again, so that a second death adds to it. Dead is
a photo whose state says so.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import orjson

from ingestor.journal.coverage import uncover
from ingestor.journal.rows import json_list
from ingestor.models import Failure, Paid

MOST_SAMPLES: Final = 20
"""Of one cause, whatever was asked for: they are examples, not a list (taste)."""

OTHER_PICTURE: Final = "('gone', 'no-url', 'not-an-image', 'corrupt', 'vision-bad-image')"
"""Reasons that are over when the photo is given another picture, which is at another address."""
RETRY: Final = """
    UPDATE photos SET reason = NULL, known = 0, state = CASE
        WHEN EXISTS (SELECT 1 FROM annotations WHERE annotations.photo = photos.id)
        THEN 'annotated' ELSE 'listed' END
    WHERE state = 'dead' AND (?1 IS NULL OR id IN (SELECT photo FROM dead WHERE reason = ?1))
        AND (?2 = '[]' OR id IN (SELECT value FROM json_each(?2)))
        AND EXISTS (SELECT 1 FROM memberships WHERE memberships.photo = photos.id)
        AND (?3 OR id NOT IN (SELECT photo FROM dead WHERE paid = 'maybe'))
    RETURNING id
"""
DROP: Final = """
    UPDATE photos SET state = 'skipped', reason = 'dropped'
    WHERE state = 'dead' AND (?1 IS NULL OR id IN (SELECT photo FROM dead WHERE reason = ?1))
        AND (?2 = '[]' OR id IN (SELECT value FROM json_each(?2)))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One dead photo, as an example of its cause."""

    photo: str
    title: str
    page: str
    detail: str
    attempts: int
    paid: Paid


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """Why photos died, how many, when (unix seconds), and whether money may have gone into them."""

    stage: str
    reason: str
    photos: int
    perhaps_paid: int
    outside: int
    """Photos that are in no group any more: nobody tries them again."""
    first: float
    last: float
    samples: tuple[Sample, ...]


def bury(db: sqlite3.Connection, failure: Failure, *, now: float) -> None:
    """Keep a failure as a dead letter; a second death adds its attempts and keeps the first time."""
    db.execute(
        "INSERT INTO dead (photo, stage, reason, detail, attempts, paid, first, last, run) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, (SELECT coalesce(max(number), 0) FROM runs)) "
        "ON CONFLICT (photo) DO UPDATE SET "
        "stage = excluded.stage, reason = excluded.reason, detail = excluded.detail, "
        "attempts = attempts + excluded.attempts, last = excluded.last, run = excluded.run, "
        # What was perhaps paid for once does not become free by dying of something else.
        "paid = CASE excluded.paid WHEN 'no' THEN paid ELSE excluded.paid END",
        (
            failure.photo_id,
            failure.stage,
            failure.reason,
            failure.detail,
            failure.attempts,
            failure.paid,
            now,
            now,
        ),
    )


def fail(db: sqlite3.Connection, failure: Failure, *, now: float) -> None:
    """End a photo that was listed (or annotated, and refused by the store) as a dead letter."""
    bury(db, failure, now=now)
    db.execute(
        "UPDATE photos SET state = 'dead', reason = ? WHERE id = ? AND state != 'stored'",
        (failure.reason, failure.photo_id),
    )


def fail_all(db: sqlite3.Connection, failures: Sequence[Failure], *, now: float) -> None:
    for failure in failures:
        fail(db, failure, now=now)


def causes(db: sqlite3.Connection, *, reason: str | None = None, samples: int = 3) -> list[Cause]:
    """Dead letters by cause, the most frequent first; `samples` of each are the latest ones."""
    rows = db.execute(
        "SELECT stage, dead.reason, count(*), sum(paid != 'no'), "
        "sum(NOT EXISTS (SELECT 1 FROM memberships WHERE memberships.photo = photos.id)), "
        "min(first), max(last) FROM dead "
        "JOIN photos ON photos.id = dead.photo WHERE state = 'dead' "
        "AND (?1 IS NULL OR dead.reason = ?1) GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2",
        (reason,),
    ).fetchall()
    return [
        Cause(
            stage=stage,
            reason=why,
            photos=photos,
            perhaps_paid=paid,
            outside=outside,
            first=first,
            last=last,
            samples=_samples(db, stage, why, most=min(samples, MOST_SAMPLES)),
        )
        for stage, why, photos, paid, outside, first, last in rows
    ]


def retry(
    db: sqlite3.Connection,
    *,
    reason: str | None = None,
    photos: Sequence[str] = (),
    everything: bool = False,
) -> int:
    """
    Hand dead photos to the next run; returns how many. Those that may have been paid for without a
    result are left alone where neither `reason`, `photos` nor `everything` asks for them.

    A photo whose result is known was refused by the store: it only has to be published.
    """
    asked = bool(reason or photos or everything)
    retried = db.execute(RETRY, (reason, json_list(photos), asked)).fetchall()
    _have_listed_again(db, [photo for (photo,) in retried])
    return len(retried)


def _have_listed_again(db: sqlite3.Connection, photos: Sequence[str]) -> None:
    """Who follows a group reads a page of it once, and would not hear of another address."""
    stretches = db.execute(
        "SELECT gid, min(date_added), max(date_added) FROM memberships JOIN dead USING (photo) "  # noqa: S608
        f"WHERE reason IN {OTHER_PICTURE} AND date_added > 0 "
        "AND photo IN (SELECT value FROM json_each(?)) GROUP BY gid",
        (json_list(photos),),
    ).fetchall()
    for gid, low, high in stretches:
        uncover(db, gid, (low, high))


def count_behind_pages(db: sqlite3.Connection) -> int:
    """Photos that are tried again once a page has shown which picture they have now."""
    (photos,) = db.execute(
        "SELECT count(*) FROM photos WHERE state = 'listed' "  # noqa: S608
        f"AND id IN (SELECT photo FROM dead WHERE reason IN {OTHER_PICTURE})"
    ).fetchone()
    return int(photos)


def drop(db: sqlite3.Connection, *, reason: str | None = None, photos: Sequence[str] = ()) -> int:
    """Give dead photos up: they are skipped from now on. Returns how many."""
    return db.execute(DROP, (reason, json_list(photos))).rowcount


def _samples(db: sqlite3.Connection, stage: str, reason: str, *, most: int) -> tuple[Sample, ...]:
    rows = db.execute(
        "SELECT photo, text, detail, attempts, paid FROM dead JOIN photos ON photos.id = photo "
        "JOIN records ON number = record "
        "WHERE state = 'dead' AND stage = ? AND dead.reason = ? ORDER BY last DESC, photo LIMIT ?",
        (stage, reason, most),
    )
    return tuple(map(_sample, rows))


def _sample(row: tuple[str, str, str, int, Paid]) -> Sample:
    """Of (photo, record, detail, attempts, paid)."""
    photo, record, detail, attempts, paid = row
    told = orjson.loads(record)
    return Sample(
        photo=photo,
        title=told["title"],
        page=told["page"],
        detail=detail,
        attempts=attempts,
        paid=paid,
    )


def of_run(db: sqlite3.Connection, run: int) -> dict[str, dict[str, object]]:
    """The letters of photos that died in a run, as the database keeps them; by photo."""
    rows = db.execute(
        "SELECT photo, stage, dead.reason, attempts, paid, first, last FROM dead "
        "JOIN photos ON photos.id = dead.photo WHERE photos.run = ? AND known = 0 AND state = 'dead'",
        (run,),
    )
    names = ("stage", "reason", "attempts", "paid", "first", "last")
    return {photo: dict(zip(names, values, strict=True)) for photo, *values in rows}


def parked_among(db: sqlite3.Connection, ids: Sequence[str]) -> set[str]:
    """Those of `ids` that were given up in doubt: the database may know how it ended."""
    rows = db.execute(
        "SELECT id FROM photos WHERE state = 'dead' AND reason = 'in-doubt' "
        "AND id IN (SELECT value FROM json_each(?))",
        (json_list(ids),),
    )
    return {photo for (photo,) in rows}


def among(db: sqlite3.Connection, ids: Sequence[str]) -> set[str]:
    """Those of `ids` that have a dead letter."""
    rows = db.execute(
        "SELECT photo FROM dead WHERE photo IN (SELECT value FROM json_each(?))", (json_list(ids),)
    )
    return {photo for (photo,) in rows}


def count_found(db: sqlite3.Connection) -> int:
    """Dead photos that are found all the same: they failed when they were annotated anew."""
    (photos,) = db.execute(
        "SELECT count(*) FROM photos JOIN catalogued ON photo = id WHERE state = 'dead'"
    ).fetchone()
    return int(photos)


def forgive(db: sqlite3.Connection, photos: Sequence[str]) -> None:
    """Drop the letters of photos whose annotation was found after all."""
    db.execute(
        "DELETE FROM dead WHERE photo IN (SELECT value FROM json_each(?))", (json_list(photos),)
    )
