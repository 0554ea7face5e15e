"""What was listed: photos, and the groups they are in."""

from __future__ import annotations

import sqlite3
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Literal

import msgspec

from ingestor.journal.coverage import cover
from ingestor.journal.dead import bury
from ingestor.journal.rows import execute_rows, json_list
from ingestor.journal.silence import recalled
from ingestor.kits.intervals import Interval
from ingestor.models import Failure, Photo

RECORD = msgspec.json.Decoder(Photo)
RECORD_TEXT = msgspec.json.Encoder()
"""A photo as JSON, as `records` holds it."""
BOUGHT = ("annotated", "stored")
"""States of a photo that the database has, or is about to have."""


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
    """Photos that are bought already and were not known to be in this group."""
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


@dataclass(frozen=True, slots=True)
class _Last:
    """How an earlier page left a photo."""

    state: str
    run: int
    record: int


_End = Literal["listed", "known", "skipped", "dead", "back"]
"""`back`: it had been withdrawn; its annotation is known and waits to be published again."""


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
    before = _before(db, photos)
    photos = recalled(db, photos, known=before, bare=causes)
    finished = _finished(db, {id_: last.state for id_, last in before.items()}, features)
    ends: dict[_End, list[Photo]] = {
        "listed": [],
        "known": [],
        "skipped": [],
        "dead": [],
        "back": [],
    }
    met: dict[str, Photo] = {}
    taken = 0
    for photo in photos:
        last = before.get(photo.id)
        again = photo.id in met or (last and last.run == run and last.state != "withdrawn")
        if not again:
            if room is not None and taken >= room:
                continue
            taken += 1
            ends[_end(photo, last, finished=finished, causes=causes)].append(photo)
        met[photo.id] = photo
    joined = _join(db, met.values())
    _write(db, ends, before=before, causes=causes, run=run)
    dead = [causes[photo.id] for photo in ends["dead"]]
    for failure in dead:
        bury(db, failure, now=now)
    return Sighting(
        fresh=tuple(ends["listed"]),
        known=len(ends["known"]),
        skipped=len(ends["skipped"]),
        dead=tuple(dead),
        joined=tuple(met[id_] for id_ in joined if id_ in before and before[id_].state in BOUGHT),
        returned=len(ends["back"]),
    )


def _end(
    photo: Photo, last: _Last | None, *, finished: Container[str], causes: Container[str]
) -> _End:
    """What a photo that is new to the run is to it."""
    if last and last.state == "withdrawn":
        return "back"
    if photo.id in finished:
        return "known"
    if photo.is_video:
        return "skipped"
    return "dead" if photo.id in causes else "listed"


def _write(
    db: sqlite3.Connection,
    ends: Mapping[_End, Sequence[Photo]],
    *,
    before: Mapping[str, _Last],
    causes: Mapping[str, Failure],
    run: int,
) -> None:
    numbers = _keep_records(db, [photo for some in ends.values() for photo in some], before)
    states: list[tuple[Photo, str, str | None]]
    states = [(photo, "listed", None) for photo in ends["listed"]]
    states += [(photo, "annotated", None) for photo in ends["back"]]
    states += [(photo, "skipped", "video") for photo in ends["skipped"]]
    states += [(photo, "dead", causes[photo.id].reason) for photo in ends["dead"]]
    execute_rows(
        db,
        "INSERT OR REPLACE INTO photos (id, record, date_added, state, reason, run, known) "
        "VALUES {rows}",
        [
            (photo.id, numbers[photo.id], photo.date_added, state, reason, run, 0)
            for photo, state, reason in states
        ],
    )
    db.execute(
        "UPDATE photos SET run = ?, known = 1 WHERE id IN (SELECT value FROM json_each(?))",
        (run, json_list([photo.id for photo in ends["known"]])),
    )


def newly_in_group(db: sqlite3.Connection, photos: Sequence[Photo], *, group: str) -> list[Photo]:
    """Those of a page that are bought and were not known to be in its group; nothing is written."""
    known = dict(
        db.execute(
            "SELECT id, memberships.date_added FROM photos "
            "LEFT JOIN memberships ON photo = id AND gid = ? "
            "WHERE state IN ('annotated', 'stored') AND id IN (SELECT value FROM json_each(?))",
            (group, json_list([photo.id for photo in photos])),
        ).fetchall()
    )
    return [
        photo
        for photo in photos
        if (last := known.get(photo.id, photo.date_added)) != photo.date_added
        and (last is None or photo.date_added)
    ]


def finished_among(db: sqlite3.Connection, ids: Sequence[str], *, features: str | None) -> set[str]:
    """Those of `ids` that need no work; nothing is written."""
    return _finished(db, states_of(db, ids), features)


def states_of(db: sqlite3.Connection, ids: Sequence[str]) -> dict[str, str]:
    """What has become so far of those of `ids` that are known."""
    rows = db.execute(
        "SELECT id, state FROM photos WHERE id IN (SELECT value FROM json_each(?))",
        (json_list(ids),),
    )
    return dict(rows.fetchall())


def annotated_otherwise(db: sqlite3.Connection, ids: Sequence[str], *, features: str) -> int:
    """How many of `ids` have annotations, but none with these features."""
    (photos,) = db.execute(
        "SELECT count(*) FROM photos WHERE state NOT IN ('skipped', 'dead') "
        "AND id IN (SELECT value FROM json_each(?)) "
        "AND EXISTS (SELECT 1 FROM annotations WHERE photo = id) "
        "AND NOT EXISTS (SELECT 1 FROM annotations WHERE photo = id AND features = ?)",
        (json_list(ids), features),
    ).fetchone()
    return int(photos)


def met_among(db: sqlite3.Connection, ids: Sequence[str], *, run: int) -> set[str]:
    """Those of `ids` that this run has met before: they take no room of it a second time."""
    rows = db.execute(
        "SELECT id FROM photos WHERE run = ? AND state != 'withdrawn' "
        "AND id IN (SELECT value FROM json_each(?))",
        (run, json_list(ids)),
    )
    return {photo for (photo,) in rows}


def groups_without_photos(db: sqlite3.Connection, gids: Sequence[str]) -> list[str]:
    """Groups of which this journal has no photo: new ones, or all of them in a new journal."""
    rows = db.execute(
        "SELECT value FROM json_each(?) "
        "WHERE NOT EXISTS (SELECT 1 FROM memberships WHERE gid = value)",
        (json_list(gids),),
    )
    return [gid for (gid,) in rows]


def groups_met(db: sqlite3.Connection) -> list[str]:
    """Every group that this journal has listed."""
    return [gid for (gid,) in db.execute("SELECT gid FROM groups")]


def memberships(db: sqlite3.Connection, photos: Sequence[str]) -> list[tuple[str, str, int]]:
    """(photo, group, date added) of every group of ours that these photos are known to be in."""
    return db.execute(
        "SELECT photo, gid, date_added FROM memberships "
        "WHERE photo IN (SELECT value FROM json_each(?)) AND gid IN (SELECT gid FROM groups)",
        (json_list(photos),),
    ).fetchall()


def take_in(db: sqlite3.Connection, photos: Sequence[Photo]) -> None:
    """Have photos that no run of this journal has listed; those that are there keep their records."""
    before = _before(db, photos)
    new = {photo.id: photo for photo in photos if photo.id not in before}
    numbers = _keep_records(db, list(new.values()), before)
    execute_rows(
        db,
        "INSERT INTO photos (id, record, date_added, state, run, known) VALUES {rows}",
        [(photo.id, numbers[photo.id], photo.date_added, "listed", 0, 0) for photo in new.values()],
    )
    _join(db, [photo for photo in photos if photo.group])


def photo_from(record: str) -> Photo:
    """Read back what `_keep_records` wrote."""
    return RECORD.decode(record)


def _before(db: sqlite3.Connection, photos: Sequence[Photo]) -> dict[str, _Last]:
    rows = db.execute(
        "SELECT id, state, run, record FROM photos WHERE id IN (SELECT value FROM json_each(?))",
        (json_list([photo.id for photo in photos]),),
    )
    return {photo: _Last(state, run, record) for photo, state, run, record in rows}


def _keep_records(
    db: sqlite3.Connection, photos: Sequence[Photo], before: Mapping[str, _Last]
) -> dict[str, int]:
    """Write down what the listing said, where it says something new; gives the records' numbers."""
    (last,) = db.execute("SELECT coalesce(max(number), 0) FROM records").fetchone()
    unused = count(last + 1)
    numbers = {
        photo.id: before[photo.id].record if photo.id in before else next(unused)
        for photo in photos
    }
    execute_rows(
        db,
        "INSERT INTO records (number, text) VALUES {rows} "
        "ON CONFLICT DO UPDATE SET text = excluded.text WHERE text != excluded.text",
        [(numbers[photo.id], RECORD_TEXT.encode(photo).decode()) for photo in photos],
    )
    return numbers


def _join(db: sqlite3.Connection, photos: Iterable[Photo]) -> set[str]:
    """Write memberships down; tells which are new, or newer: who left may come again."""
    return {
        photo
        for (photo,) in execute_rows(
            db,
            "INSERT INTO memberships (photo, gid, date_added) VALUES {rows} "
            "ON CONFLICT DO UPDATE SET date_added = excluded.date_added "
            "WHERE date_added != excluded.date_added AND excluded.date_added != 0 RETURNING photo",
            [(photo.id, photo.group, photo.date_added) for photo in photos],
        )
    }


def _finished(db: sqlite3.Connection, states: Mapping[str, str], features: str | None) -> set[str]:
    """Photos that need no work: paid for and stored, or dead until they are retried."""
    over = {photo for photo, state in states.items() if state != "listed"}
    if features is None:
        return over
    ended = {photo for photo in over if states[photo] in ("skipped", "dead")}
    rows = db.execute(
        "SELECT photo FROM annotations WHERE features = ? "
        "AND photo IN (SELECT value FROM json_each(?))",
        (features, json_list(list(over - ended))),
    )
    return ended | {photo for (photo,) in rows}
