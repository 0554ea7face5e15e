"""
The journal's disk: real SQLite in memory, which outlives the process that writes it.

A kill takes back what was not committed, as the real file would; of commits that were not synced
(`synchronous` below FULL) it takes back any number of the last ones, as a power loss may. Both sides
of every commit are points at which the process may be killed.
"""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable
from functools import cache
from typing import Any

from ingestor.journal.schema import migrate
from tests.simulation.loop import Crash

FAILURES = ("database or disk is full", "disk I/O error")
STATEMENTS = 400
"""More than the journal and its checkers have, so that none is read twice."""


class Copy(sqlite3.Connection):
    """What a disk held. It closes with whoever holds it: otherwise Python warns, from 3.13 on."""

    def __del__(self) -> None:
        self.close()


class Disk(sqlite3.Connection):
    """Handed to the journal as its connection; `plug` says who is writing."""

    def __init__(self, *_args: object, **_given: object) -> None:
        super().__init__(
            ":memory:", isolation_level=None, check_same_thread=False, cached_statements=STATEMENTS
        )
        self.failure_rate = 0.0
        self.rng = random.Random(0)
        self.failed = False
        """In this life: whatever is written after it must not be believed."""
        self.is_full: Callable[[], bool] = lambda: False
        """Whether others have taken all room but the reserve."""
        self.reserved = False
        self.room = 0
        """Commits that fit where the reserve was."""
        self.tight = False
        """Its process was told that it is full, and has set nothing aside since."""
        self.synced = True
        self._unsynced: list[Copy] = []
        self._point: Callable[[str], None] = lambda _tag: None
        self._committed: Callable[[], None] = lambda: None
        self._changes = 0

    def plug(self, point: Callable[[str], None], committed: Callable[[], None]) -> None:
        """A process begins to use it: `committed` looks at what became durable."""
        self._point, self._committed = point, committed
        self.failed = self.tight = False

    def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:
        if sql == "COMMIT":
            return self._commit()
        if sql.startswith("PRAGMA synchronous"):
            self.synced = "FULL" in sql
            self._unsynced = [] if self.synced else [self.copied()]
        if sql.startswith("PRAGMA quick_check"):
            # Memory does not rot, and looking at all of it takes as long as ten photos.
            sql = "SELECT 'ok'"
        return super().execute(sql, parameters)

    def executescript(self, sql: str, /) -> sqlite3.Cursor:
        self._point("script")
        cursor = super().executescript(sql)
        self._point("script done")
        return cursor

    def close(self) -> None:
        """The file is closed; what is in it stays."""

    def kill(self) -> None:
        """The process is no more: what it had not committed is gone."""
        self._point = _refuse
        if self.in_transaction:
            super().execute("ROLLBACK")
        if self._unsynced:
            lost = self.rng.randrange(len(self._unsynced))
            self._unsynced[-1 - lost].backup(self)
        self._unsynced = []

    def wipe(self) -> None:
        """As if nobody had ever used it, but for its tables."""
        self.kill()
        self.failure_rate, self.synced = 0.0, True
        self.is_full, self.reserved, self.tight = bool, False, False
        for (table,) in self.look("SELECT name FROM sqlite_master WHERE type = 'table'"):
            super().execute(f"DELETE FROM {table}")  # noqa: S608 - a name from the schema
        self._changes = self.total_changes

    @property
    def has_tables(self) -> bool:
        return bool(self.look("SELECT 1 FROM sqlite_master LIMIT 1"))

    def look(self, sql: str, parameters: Any = ()) -> list[Any]:
        """Read for a checker: not a point, and nobody's statement."""
        return super().execute(sql, parameters).fetchall()

    def copied(self) -> Copy:
        # Garbage may be found in the thread of another test.
        copy = Copy(":memory:", check_same_thread=False)
        self.backup(copy)
        return copy

    def _commit(self) -> sqlite3.Cursor:
        self._point("commit")
        changed = self.total_changes != self._changes
        if changed and self.is_full():
            self._take_room()
        if changed and self.failure_rate and self.rng.random() < self.failure_rate:
            self.failed = True
            # Nobody can know whether what could not be synced is there.
            if self.rng.random() < 0.5:
                super().execute("COMMIT")
            why = self.rng.choice(FAILURES)
            # Where there is a reserve a disk is full for a while: see `_take_room`.
            raise sqlite3.OperationalError(FAILURES[1] if self.reserved else why)
        cursor = super().execute("COMMIT")
        if not self.synced:
            self._unsynced.append(self.copied())
        if changed:
            self._changes = self.total_changes
            self._committed()
        self._point("committed")
        return cursor

    def _take_room(self) -> None:
        """Nothing of what does not fit is written; without a reserve that is the end of it."""
        self.tight = True
        self.room -= not self.reserved
        if self.reserved or self.room < 0:
            self.failed = not self.reserved
            raise sqlite3.OperationalError(FAILURES[0])


def blank() -> Disk:
    return Disk(":memory:")


def formatted(slot: int = 0) -> Disk:
    """
    A disk with the journal's tables on it, empty. Each slot of this process has one for all
    schedules: making the tables and having SQLite read every statement takes longer than a small run.
    """
    disk = _lasting(slot)
    disk.wipe()
    # An earlier version's tables may be on it, and there is no process to be killed.
    disk.plug(lambda _tag: None, lambda: None)
    migrate(disk)
    return disk


@cache
def _lasting(_slot: int) -> Disk:
    disk = blank()
    migrate(disk)
    return disk


def _refuse(_tag: str) -> None:
    raise Crash
