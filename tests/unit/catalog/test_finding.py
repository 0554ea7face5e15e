"""What a question costs the embedded catalog, where it finds nothing."""

from __future__ import annotations

import sqlite3
from contextlib import closing

from ingestor.catalog.finding import find
from ingestor.catalog.indexing import index_photos
from ingestor.catalog.query import MOST_LABELS, Query
from ingestor.journal.schema import migrate
from tests.shelves import a_shelved


def test_all_labels_are_read_once_however_many_unknown_ones_are_asked_for() -> None:
    said: list[str] = []
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as db:
        migrate(db)
        index_photos(db, [a_shelved("1", {"Terrestrial animal": 0.9, "Pet door": 0.8})])
        db.set_trace_callback(said.append)

        page = find(db, Query(labels=("animal", "quux", "door")))

    assert [near.name for near in page.near] == ["Terrestrial animal", "Pet door"]
    assert sum(f"LIMIT {MOST_LABELS}" in statement for statement in said) == 1
