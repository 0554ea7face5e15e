"""Whether anything is hidden is asked with every search: it has to cost nothing."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import closing

from ingestor.catalog.bits import (
    ANYTHING_HIDDEN,
    CHUNK,
    HIDDEN,
    Members,
    anything_hidden,
    change_bits,
)
from ingestor.journal.schema import migrate


def test_it_is_told_by_one_look_however_many_photos_there_are() -> None:
    with closing(sqlite3.connect(":memory:")) as db:
        migrate(db)
        plan = db.execute(f"EXPLAIN QUERY PLAN {ANYTHING_HIDDEN}").fetchall()

        change_bits(db, come=members(HIDDEN + 1, range(0, 20 * CHUNK, CHUNK)), gone=Members())
        before = anything_hidden(db)
        change_bits(db, come=members(HIDDEN, [70_000]), gone=Members())

        assert (before, anything_hidden(db)) == (False, True)
    assert "COVERING INDEX hidden_bits" in plan[0][3]


def members(label: int, photos: Iterable[int]) -> Members:
    made = Members()
    for photo in photos:
        made.add(photo, [label])
    return made
