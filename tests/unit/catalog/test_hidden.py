"""Whether anything is hidden is asked with every search: it has to cost nothing."""

from __future__ import annotations

import sqlite3

from ingestor.catalog.bits import ANYTHING_HIDDEN, HIDDEN, anything_hidden, change_bits
from ingestor.journal.schema import migrate


def test_it_is_told_by_one_look_however_many_photos_there_are() -> None:
    with sqlite3.connect(":memory:") as db:
        migrate(db)
        plan = db.execute(f"EXPLAIN QUERY PLAN {ANYTHING_HIDDEN}").fetchall()

        change_bits(db, come={HIDDEN + 1: [number * 4096 for number in range(20)]}, gone={})
        before = anything_hidden(db)
        change_bits(db, come={HIDDEN: [70_000]}, gone={})

        assert (before, anything_hidden(db)) == (False, True)
    assert "COVERING INDEX hidden_bits" in plan[0][3]
