"""
What this journal knows of the others who work on its groups.

By which names its own runs have held leases: what one of them left behind is ours. And whether the
database may know more than it does, because others worked or because an earlier journal was lost.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import Final

from ingestor.journal import facts
from ingestor.records.leases import SKEW, Lease

ASKS_ALWAYS: Final = "asks always"


def is_ours(db: sqlite3.Connection, group: str, lease: Lease, *, place: str) -> bool:
    """
    Whether a run of this journal took this lease, and is over. The run of a lease that was not given back
    may live on in a state directory that ours is a copy of. It is over only if it took the lease in this
    very `place`, whose lock we hold, and if it lasts no longer than this journal knows: else a run that
    this one was cloned from, disk and all, has renewed it since.
    """
    rows = db.execute(
        "SELECT 1 FROM claims WHERE gid = ?1 AND owner = ?2 "
        "AND (?3 = 0 OR (place IN ('', ?4) AND coalesce(until >= ?3, 1)))",
        (group, lease.owner, lease.until, place),
    )
    return rows.fetchone() is not None


def add(
    db: sqlite3.Connection, group: str, *, lease: Lease, place: str, after_others: bool = False
) -> None:
    """
    Write a name down before the lease is taken under it, and with it that others held it since we
    did: once the lease is ours nothing else would tell. `place` is that of the state directory.
    """
    db.execute(
        "INSERT OR IGNORE INTO claims (gid, owner, place) VALUES (?, ?, ?)",
        (group, lease.owner, place),
    )
    renew(db, group, lease=lease)
    if after_others:
        suspect(db, [group])


def renew(db: sqlite3.Connection, group: str, *, lease: Lease) -> None:
    """Write down until when it lasts, before the lease says so: no more than this was us."""
    db.execute(
        "UPDATE claims SET until = ? WHERE gid = ? AND owner = ?",
        (lease.until, group, lease.owner),
    )


def keep(db: sqlite3.Connection, group: str, lease: Lease) -> None:
    """The lease is ours by its owner's name now: the earlier ones are history."""
    db.execute("DELETE FROM claims WHERE gid = ? AND owner != ?", (group, lease.owner))
    facts.set_fact(db, _epoch(group), f"{lease.epoch} {lease.since}")


def is_behind_ours(db: sqlite3.Connection, group: str, lease: Lease) -> bool:
    """
    Whether a lease is of before we had the group last: that of a database which was restored. One that was
    taken since then is told by its time, for the epochs go on from those of the backup.
    """
    # An earlier version wrote the epoch alone.
    epoch, _, since = (facts.fact(db, _epoch(group)) or "0").partition(" ")
    return lease.epoch <= int(epoch) and lease.since <= float(since or "inf") + SKEW


def suspect(db: sqlite3.Connection, groups: Iterable[str]) -> None:
    """Remember, however often a run is killed, that the database may know more of these groups."""
    for group in groups:
        facts.set_fact(db, _behind(group), "yes")


def suspected(db: sqlite3.Connection, groups: Iterable[str]) -> bool:
    return any(facts.fact(db, _behind(group)) for group in groups)


def trust(db: sqlite3.Connection, groups: Iterable[str]) -> None:
    """All of these groups was listed, and asked for: what is not known is nowhere known."""
    for group in groups:
        facts.forget_fact(db, _behind(group))


def suspected_beside(db: sqlite3.Connection, groups: Iterable[str]) -> bool:
    """Whether the database may know more of any other group: a photo may be in that one and in these."""
    rows = db.execute(
        "SELECT name FROM facts WHERE name >= ? AND name < ?", (_behind(""), _behind("~"))
    )
    return bool({name for (name,) in rows} - set(map(_behind, groups)))


def ask_always(db: sqlite3.Connection) -> None:
    """Have every new photo asked for from now on: the names in the database are too many to be read."""
    facts.set_fact(db, ASKS_ALWAYS, "yes")


def asks_always(db: sqlite3.Connection) -> bool:
    return facts.fact(db, ASKS_ALWAYS) is not None


def _behind(group: str) -> str:
    return f"behind {group}"


def _epoch(group: str) -> str:
    return f"epoch {group}"
