"""
What a new run makes of what the last one left: open purchases, another store, another world.

Everything here happens in one transaction, before the first photo is looked at.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from ingestor.errors import SettingsError
from ingestor.journal import claims, dead, facts, ledger, listing, past, pending, results, runs
from ingestor.models import Failure


@dataclass(frozen=True, slots=True, kw_only=True)
class Moments:
    """Now, and since when purchases count for the month, the day and the quota; unix seconds."""

    now: float
    month: float
    day: float
    window: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """Where a run begins."""

    run: int
    spent: ledger.Units
    """Units of the runs before this one that died: they share this run's ceiling."""
    spent_this_month: ledger.Units
    """Of it, what was spent in the calendar month that it is."""
    month: ledger.Units
    day: ledger.Units
    recent: tuple[tuple[float, int], ...]
    """(unix time, images) of requests that may still count in the upstream's minute."""
    parked: frozenset[str] = frozenset()
    """Photos that were given up in doubt: they count as this run's."""

    def room(self, limit: int | None) -> int | None:
        """How many more photos a run with this limit may take on."""
        return None if limit is None else max(0, limit - len(self.parked))


def open_run(
    db: sqlite3.Connection,
    *,
    name: str,
    world: Literal["sandbox", "vendors"],
    target: str,
    in_doubt: Literal["retry", "park"],
    moments: Moments,
    epoch: int = 0,
    reannotate: bool = False,
) -> Opening:
    """
    Begin a run. `target` names the store that results go to, `epoch` is the lease's, `reannotate` asks
    for features that known photos do not have.

    Raises SettingsError when the journal belongs to another world: invented labels and real ones
    must never share a file.
    """
    keep_to_one_world(db, world)
    if runs.last_died(db):
        # Its journal may be a copy made while it went on, or may have refused what was paid for.
        claims.suspect(db, listing.groups_met(db))
    run = runs.begin_run(db, run=name, now=moments.now, epoch=epoch)
    ledger.doubt_open_purchases(db, now=moments.now)
    past.sum_up(db, run=run, since=moments.window, now=moments.now)
    if not reannotate:
        results.leave_as_they_are(db)
    parked = _park(db, run=run, now=moments.now) if in_doubt == "park" else ()
    # Behind what has been parked: what another store is given of it is no answer.
    _aim(db, target)
    return _opening(db, run, parked=parked, moments=moments)


def foresee_run(
    db: sqlite3.Connection,
    *,
    world: Literal["sandbox", "vendors"],
    in_doubt: Literal["retry", "park"],
    reannotate: bool,
    moments: Moments,
) -> Opening:
    """Where a run would begin; nothing is written. Raises SettingsError where it could not."""
    check_world(db, world)
    parked = set(_doubtful(db)) if in_doubt == "park" else set()
    if not reannotate:
        parked -= results.known_anew(db, features=None)
    return _opening(db, runs.LATER, parked=parked, moments=moments)


def _opening(
    db: sqlite3.Connection, run: int, *, parked: Iterable[str], moments: Moments
) -> Opening:
    now = moments.now
    return Opening(
        run=run,
        spent=ledger.units_since_last_end(db, run, now=now),
        spent_this_month=ledger.units_since_last_end(db, run, since=moments.month, now=now),
        month=ledger.units_since(db, moments.month, now=now),
        day=ledger.units_since(db, moments.day, now=now),
        recent=tuple(ledger.purchases_since(db, moments.window, now=now)),
        parked=frozenset(parked),
    )


def keep_to_one_world(db: sqlite3.Connection, world: str) -> None:
    """Raises SettingsError where a journal holds the other one."""
    check_world(db, world)
    facts.set_fact(db, "world", world)


def check_world(db: sqlite3.Connection, world: str) -> None:
    """Raises SettingsError where a journal holds the other one; nothing is written."""
    before = facts.fact(db, "world")
    if before not in (None, world):
        theirs, ours = (
            ("the sandbox's invented photos", "real ones")
            if before == "sandbox"
            else ("real photos", "the sandbox's invented ones")
        )
        raise SettingsError(
            f"This --state directory holds {theirs}; {ours} need a directory of their own "
            "(--state DIR)."
        )


def _aim(db: sqlite3.Connection, target: str) -> None:
    before = facts.fact(db, "target")
    if before != target:
        facts.set_fact(db, "target", target)
        if before is not None:
            results.publish_again(db)


def _park(db: sqlite3.Connection, *, run: int, now: float) -> Sequence[str]:
    """
    With `--in-doubt park`, what may have been paid for is not bought again, unless somebody has asked
    for it since it was given up. It counts as this run's, whose report then says so. Returns which.
    """
    photos = _doubtful(db)
    dead.fail_all(
        db,
        [
            Failure(photo_id=photo, stage="annotate", reason="in-doubt", paid="maybe")
            for photo in photos
        ],
        now=now,
    )
    pending.count_for(db, photos, run=run)
    return photos


def _doubtful(db: sqlite3.Connection) -> list[str]:
    rows = db.execute(
        # CROSS, so that SQLite begins with the purchases: there are sixteen times fewer of them.
        "SELECT DISTINCT photos.id FROM purchases "
        "CROSS JOIN purchased_images ON purchase = purchases.id "
        "CROSS JOIN photos ON photos.id = purchased_images.photo "
        "LEFT JOIN dead ON dead.photo = photos.id "
        # What is open will be in doubt from the moment on at which a run begins.
        "WHERE photos.state = 'listed' AND purchases.state IN ('open', 'in-doubt') "
        "AND (dead.run IS NULL OR dead.reason != 'in-doubt' OR dead.run < purchases.run) "
        # What was answered since waits to be annotated anew, and only that.
        "AND NOT EXISTS (SELECT 1 FROM annotations WHERE annotations.photo = photos.id "
        "AND annotations.features = purchases.features)"
    )
    return [photo for (photo,) in rows]
