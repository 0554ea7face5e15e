"""By which names this journal's runs have held leases: what one of them left behind is ours."""

from __future__ import annotations

import sqlite3


def owners(db: sqlite3.Connection, group: str) -> set[str]:
    """Every name under which a run of this journal may hold the lease of a group."""
    rows = db.execute("SELECT owner FROM claims WHERE gid = ?", (group,))
    return {owner for (owner,) in rows}


def add(db: sqlite3.Connection, group: str, *, owner: str) -> None:
    """Write a name down before the lease is taken under it."""
    db.execute("INSERT OR IGNORE INTO claims (gid, owner) VALUES (?, ?)", (group, owner))


def keep(db: sqlite3.Connection, group: str, *, owner: str) -> None:
    """The lease is ours by this name now: the earlier ones are history."""
    db.execute("DELETE FROM claims WHERE gid = ? AND owner != ?", (group, owner))
