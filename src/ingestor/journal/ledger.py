"""
The ledger: every paid request, written before it is sent and closed once.

An open purchase has reserved its units. Closed, it says what is certain (Google answered for the
image) and what is possible (it may have been billed; nobody here can know). A purchase that a dead
process left open is in doubt.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from ingestor.errors import BrokenInvariant
from ingestor.journal.dead import fail
from ingestor.journal.results import keep_all
from ingestor.journal.rows import execute_rows, json_list
from ingestor.journal.runs import LATER, last_ended
from ingestor.models import Annotation, Failure, Image, PurchaseState

SINCE: Final = """
    ({at} >= :since AND ({at} <= :now OR NOT EXISTS (
        SELECT 1 FROM runs WHERE runs.number > purchases.run AND runs.started < :since
    )))
"""
"""
Purchases since a moment. One that is dated ahead of now was made while the clock was ahead, and would count
for every day and month to come: it counts only as long as no later run began before that moment.
"""
SINCE_DAYS: Final = """
    (day >= :since AND (day <= :now OR coalesce(later_began >= :since, TRUE) AND NOT EXISTS (
        SELECT 1 FROM runs WHERE runs.number > spent.run AND runs.started < :since
    )))
"""
"""The same of whole days, see `past`: the moment is a midnight, UTC."""
LAST: Final = "max(at, coalesce(closed_at, at))"
"""When a request may have used quota last."""
UNITS: Final = f"""
    SELECT coalesce(sum(certain), 0), coalesce(sum(possible), 0), coalesce(sum(reserved), 0) FROM (
        SELECT certain, possible, CASE state WHEN 'open' THEN units ELSE 0 END AS reserved
        FROM purchases WHERE run BETWEEN :first AND :last AND {SINCE.format(at="+at")}
        UNION ALL SELECT certain, possible, 0 FROM spent WHERE :first = 0 AND {SINCE_DAYS}
    )
"""  # noqa: S608
"""
What is summed up belongs to no run any more that somebody could ask for. +at, so that SQLite reads the table
from end to end: by the index of times nearly all of it is read as well, a page for each row (measured).
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """A purchase about to be made."""

    id: str
    run: int
    at: float
    """Unix seconds: with it a later process knows what quota this one has used."""
    features: str
    attempt: int
    units: int
    images: tuple[Image, ...]
    epoch: int = 0
    """Of the lease under which it is bought; 0 where nobody shares."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Units:
    """What was spent: units certainly billed, and units that perhaps were."""

    certain: int = 0
    possible: int = 0
    reserved: int = 0

    @property
    def at_most(self) -> int:
        return self.certain + self.possible + self.reserved


def open_purchase(db: sqlite3.Connection, intent: Intent) -> None:
    """
    Write the intent. An image whose result is durable must never come here again, nor the same
    picture twice in one request: that is checked here, last thing before the money.

    Raises BrokenInvariant, with which a run stops buying.
    """
    if len({image.sha256 for image in intent.images}) < len(intent.images):
        raise BrokenInvariant("the same picture was twice in one request")
    known = db.execute(
        "SELECT photo FROM annotations WHERE features = ? "
        "AND photo IN (SELECT value FROM json_each(?))",
        (intent.features, json_list([image.photo.id for image in intent.images])),
    ).fetchone()
    if known:
        raise AlreadyBought(*known)
    db.execute(
        "INSERT INTO purchases (id, run, at, features, attempt, images, units, state, epoch) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, 'open', ?)",
        (
            intent.id,
            intent.run,
            intent.at,
            intent.features,
            intent.attempt,
            len(intent.images),
            intent.units,
            intent.epoch,
        ),
    )
    execute_rows(
        db,
        "INSERT INTO purchased_images (purchase, photo, sha256) VALUES {rows}",
        [(intent.id, image.photo.id, bytes.fromhex(image.sha256)) for image in intent.images],
    )


class AlreadyBought(BrokenInvariant):
    """No paid call contains an image whose result is durable."""

    def __init__(self, photo: str) -> None:
        super().__init__(f"photo {photo} was to be bought although its labels are known")


def settle_purchase(
    db: sqlite3.Connection,
    intent: Intent,
    *,
    annotations: Sequence[Annotation],
    failures: Sequence[Failure],
    now: float,
) -> None:
    """
    Close a purchase that was answered, with all that it taught, in one transaction.

    Whether images with an error are billed is not documented: they count as possible.
    """
    per_image = intent.units // len(intent.images)
    sizes = {image.photo.id: image.size for image in intent.images}
    learned = [(annotation, sizes[annotation.photo_id]) for annotation in annotations]
    keep_all(db, learned, purchase=intent.id, now=now)
    for failure in failures:
        fail(db, failure, now=now)
    _close(
        db,
        intent.id,
        PurchaseState.SETTLED,
        certain=per_image * len(annotations),
        possible=intent.units - per_image * len(annotations),
        reason=None,
        now=now,
    )


def close_purchase(
    db: sqlite3.Connection, intent: Intent, *, state: PurchaseState, reason: str, now: float
) -> None:
    """Close a purchase without an answer: free if not sent or refused, possible if in doubt."""
    in_doubt = state is PurchaseState.IN_DOUBT
    possible = intent.units if in_doubt else 0
    _close(db, intent.id, state, certain=0, possible=possible, reason=reason, now=now)
    if not in_doubt:
        # Nobody will ask which images were not bought, and an outage has thousands of attempts.
        db.execute("DELETE FROM purchased_images WHERE purchase = ?", (intent.id,))


def doubt_open_purchases(db: sqlite3.Connection, *, now: float) -> None:
    """Close what a process that is no more left open."""
    db.execute(
        "UPDATE purchases SET state = 'in-doubt', possible = units, reason = 'process died', "
        "closed_at = ? WHERE state = 'open'",
        (now,),
    )


def units_of_run(db: sqlite3.Connection, run: int) -> Units:
    return _units(db, first_run=run, last_run=run)


def units_since_last_end(
    db: sqlite3.Connection, run: int, *, now: float, since: float = 0.0
) -> Units:
    """
    What this run has spent together with the runs before it that died: they are one run with one
    ceiling, however often it is killed. `since`: of it, what was spent from this moment on.
    """
    return _units(db, first_run=last_ended(db, before=run) + 1, since=since, now=now)


def units_since(db: sqlite3.Connection, moment: float, *, now: float) -> Units:
    """`moment`: a midnight, UTC; what is long past is known by the day."""
    return _units(db, since=moment, now=now)


def units_of_journal(db: sqlite3.Connection) -> Units:
    return _units(db)


def purchases_since(
    db: sqlite3.Connection, moment: float, *, now: float
) -> list[tuple[float, int]]:
    """(time, images) of every request that may have used quota since `moment`."""
    rows = db.execute(
        f"SELECT {LAST}, images FROM purchases "  # noqa: S608
        f"WHERE {SINCE.format(at=LAST)} AND state != 'not-sent'",
        {"since": moment, "now": now},
    )
    return [(float(at), int(images)) for at, images in rows]


def count_labelled_since(db: sqlite3.Connection) -> int:
    """Images in doubt that were annotated since: told by runs, or by time where the run is not known."""
    (images,) = db.execute(
        # CROSS, so that SQLite begins with the purchases: hardly any of them are in doubt.
        "SELECT count(*) FROM purchases "
        "CROSS JOIN purchased_images ON purchase = purchases.id "
        "WHERE purchases.state IN ('in-doubt', 'open') AND EXISTS (SELECT 1 FROM annotations "
        "LEFT JOIN purchases AS answered ON answered.id = annotations.purchase "
        "WHERE annotations.photo = purchased_images.photo "
        "AND coalesce(answered.run >= purchases.run, annotations.at >= purchases.at))"
    ).fetchone()
    return int(images)


def _close(
    db: sqlite3.Connection,
    purchase: str,
    state: PurchaseState,
    *,
    certain: int,
    possible: int,
    reason: str | None,
    now: float,
) -> None:
    db.execute(
        "UPDATE purchases SET state = ?, certain = ?, possible = ?, reason = ?, closed_at = ? "
        "WHERE id = ? AND state IN ('open', 'in-doubt')",
        (state.value, certain, possible, reason, now, purchase),
    )


def _units(
    db: sqlite3.Connection,
    *,
    first_run: int = 0,
    last_run: int = LATER,
    since: float = 0.0,
    now: float = float("inf"),
) -> Units:
    certain, possible, reserved = db.execute(
        UNITS, {"first": first_run, "last": last_run, "since": since, "now": now}
    ).fetchone()
    return Units(certain=certain, possible=possible, reserved=reserved)
