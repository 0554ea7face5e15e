"""What was listed: photos, the groups they are in, and what still waits for an annotation."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import orjson

from ingestor.journal.coverage import cover
from ingestor.kits.intervals import Interval
from ingestor.models import Failure, Photo, Size


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """What one page brought this run."""

    fresh: tuple[Photo, ...]
    """Listed photos that need an annotation, in the page's order."""
    known: int
    """Photos that an earlier run finished with."""
    skipped: int
    """Videos and the like."""
    dead: tuple[Failure, ...]
    """Photos that cannot be fetched at all."""
    joined: tuple[Photo, ...]
    """Photos that are stored already and were not known to be in this group."""
    repeated: int
    """Rows that this run had met before."""
    returned: int
    """Photos that had been withdrawn: their annotations are known, and wait to be published again."""

    @property
    def new_to_run(self) -> int:
        return len(self.fresh) + self.known + self.skipped + len(self.dead) + self.returned


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedGroup:
    id: str
    name: str
    total: int
    """Photos in the pool, as the last page said."""


def sight_page(
    db: sqlite3.Connection,
    photos: Sequence[Photo],
    *,
    group: ListedGroup,
    run: int,
    room: int | None,
    features: str | None,
    unusable: Iterable[Failure],
    now: float,
    stretch: Interval | None = None,
) -> Sighting:
    """
    A page and what it says of its group, in one transaction.

    `stretch`: the date-added interval that is covered with this page, if all of it is.
    """
    if stretch is not None:
        cover(db, group.id, stretch)
    db.execute(
        "INSERT INTO groups (gid, name, total, listed_at) VALUES (?, ?, ?, ?) "
        "ON CONFLICT (gid) DO UPDATE SET name = excluded.name, total = excluded.total, "
        "listed_at = excluded.listed_at",
        (group.id, group.name, group.total, now),
    )
    return sight(db, photos, run=run, room=room, features=features, unusable=unusable, now=now)


def sight(
    db: sqlite3.Connection,
    photos: Sequence[Photo],
    *,
    run: int,
    room: int | None,
    features: str | None,
    unusable: Iterable[Failure],
    now: float,
) -> Sighting:
    """
    Write a page down, all of it or nothing, and tell what is to be done.

    `room`: how many more photos the run may take on; rows beyond it are left alone. `features`: the
    feature set that counts as known; None counts any annotation.
    """
    causes = {failure.photo_id: failure for failure in unusable}
    fresh: list[Photo] = []
    dead: list[Failure] = []
    joined: list[Photo] = []
    known = skipped = repeated = returned = 0
    for photo in photos:
        before = db.execute("SELECT state, run FROM photos WHERE id = ?", (photo.id,)).fetchone()
        state, last_run = before or (None, None)
        taken = len(fresh) + known + skipped + len(dead) + returned
        if last_run != run and room is not None and taken >= room:
            continue
        if _join(db, photo) and state == "stored":
            joined.append(photo)
        if state == "withdrawn":
            _return(db, photo, run=run)
            returned += 1
        elif last_run == run:
            repeated += 1
        elif state is not None and _finished(db, photo.id, state, features):
            _meet_again(db, photo, run=run)
            known += 1
        elif photo.is_video:
            _insert(db, photo, state="skipped", reason="video", run=run)
            skipped += 1
        elif photo.id in causes:
            _insert(db, photo, state="dead", reason=causes[photo.id].reason, run=run)
            bury(db, causes[photo.id], now=now)
            dead.append(causes[photo.id])
        else:
            _insert(db, photo, state="listed", reason=None, run=run)
            fresh.append(photo)
    return Sighting(
        fresh=tuple(fresh),
        known=known,
        skipped=skipped,
        dead=tuple(dead),
        joined=tuple(joined),
        repeated=repeated,
        returned=returned,
    )


def pending(
    db: sqlite3.Connection, gids: Sequence[str], *, run: int, most: int
) -> tuple[Photo, ...]:
    """Take on photos that earlier runs listed and did not finish, newest first, `most` at a time."""
    rows = db.execute(
        "SELECT id, record FROM photos WHERE state = 'listed' AND run < ? AND id IN "
        "(SELECT photo FROM memberships WHERE gid IN (SELECT value FROM json_each(?))) "
        "ORDER BY date_added DESC, id LIMIT ?",
        (run, orjson.dumps(gids).decode(), most),
    ).fetchall()
    db.executemany(
        "UPDATE photos SET run = ?, known = 0 WHERE id = ?", [(run, photo) for photo, _ in rows]
    )
    return tuple(photo_from(record) for _, record in rows)


def count_pending(db: sqlite3.Connection, gids: Sequence[str]) -> int:
    (count,) = db.execute(
        "SELECT count(*) FROM photos WHERE state = 'listed' AND id IN "
        "(SELECT photo FROM memberships WHERE gid IN (SELECT value FROM json_each(?)))",
        (orjson.dumps(gids).decode(),),
    ).fetchone()
    return int(count)


def finished_among(db: sqlite3.Connection, ids: Sequence[str], *, features: str | None) -> set[str]:
    """Those of `ids` that need no work; nothing is written."""
    rows = db.execute(
        "SELECT id, state FROM photos WHERE id IN (SELECT value FROM json_each(?))",
        (orjson.dumps(ids).decode(),),
    ).fetchall()
    return {photo for photo, state in rows if _finished(db, photo, state, features)}


def groups_without_photos(db: sqlite3.Connection, gids: Sequence[str]) -> list[str]:
    """Groups of which this journal has no photo: new ones, or all of them in a new journal."""
    rows = db.execute(
        "SELECT value FROM json_each(?) "
        "WHERE NOT EXISTS (SELECT 1 FROM memberships WHERE gid = value)",
        (orjson.dumps(gids).decode(),),
    )
    return [gid for (gid,) in rows]


def pending_ids(db: sqlite3.Connection, gids: Sequence[str], *, after: str, most: int) -> list[str]:
    """Photos of these groups that still wait for an annotation, by id, those behind `after`."""
    rows = db.execute(
        "SELECT id FROM photos WHERE state = 'listed' AND id > ? AND id IN "
        "(SELECT photo FROM memberships WHERE gid IN (SELECT value FROM json_each(?))) "
        "ORDER BY id LIMIT ?",
        (after, orjson.dumps(gids).decode(), most),
    )
    return [photo for (photo,) in rows]


def take_in(db: sqlite3.Connection, photo: Photo) -> None:
    """Have a photo that no run of this journal has listed; one that is there keeps its record."""
    db.execute(
        "INSERT INTO photos (id, record, date_added, state, run, known) "
        "VALUES (?, ?, ?, 'listed', 0, 0) ON CONFLICT DO NOTHING",
        (photo.id, _record(photo), photo.date_added),
    )
    if photo.group:
        _join(db, photo)


def bury(db: sqlite3.Connection, failure: Failure, *, now: float) -> None:
    """Keep a failure as a dead letter; a second death adds its attempts and keeps the first time."""
    db.execute(
        "INSERT INTO dead (photo, stage, reason, detail, attempts, paid, first, last) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (photo) DO UPDATE SET "
        "stage = excluded.stage, reason = excluded.reason, detail = excluded.detail, "
        "attempts = attempts + excluded.attempts, paid = excluded.paid, last = excluded.last",
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


def photo_from(record: str) -> Photo:
    """Read back what `_record` wrote."""
    values = orjson.loads(record)
    sizes = tuple(Size(**size) for size in values.pop("sizes"))
    return Photo(sizes=sizes, **values)


def _record(photo: Photo) -> str:
    return orjson.dumps(photo).decode()


def _join(db: sqlite3.Connection, photo: Photo) -> bool:
    """Write a membership down; tell whether it is new, or newer: who left may come again."""
    return (
        db.execute(
            "INSERT INTO memberships (photo, gid, date_added) VALUES (?, ?, ?) "
            "ON CONFLICT DO UPDATE SET date_added = excluded.date_added "
            "WHERE date_added != excluded.date_added",
            (photo.id, photo.group, photo.date_added),
        ).rowcount
        > 0
    )


def _return(db: sqlite3.Connection, photo: Photo, *, run: int) -> None:
    db.execute(
        "UPDATE photos SET state = 'annotated', run = ?, known = 0, record = ?, date_added = ? "
        "WHERE id = ?",
        (run, _record(photo), photo.date_added, photo.id),
    )


def _meet_again(db: sqlite3.Connection, photo: Photo, *, run: int) -> None:
    db.execute(
        "UPDATE photos SET run = ?, known = 1, record = ? WHERE id = ?",
        (run, _record(photo), photo.id),
    )


def _insert(
    db: sqlite3.Connection, photo: Photo, *, state: str, reason: str | None, run: int
) -> None:
    db.execute(
        "INSERT OR REPLACE INTO photos (id, record, date_added, state, reason, run, known) "
        "VALUES (?, ?, ?, ?, ?, ?, 0)",
        (photo.id, _record(photo), photo.date_added, state, reason, run),
    )


def _finished(db: sqlite3.Connection, photo: str, state: str, features: str | None) -> bool:
    """Whether a photo needs no work: paid for and stored, or dead until it is retried."""
    if state == "listed":
        return False
    if state in ("skipped", "dead") or features is None:
        return True
    row = db.execute(
        "SELECT 1 FROM annotations WHERE photo = ? AND features = ?", (photo, features)
    ).fetchone()
    return row is not None
