"""The index in two tables reads as one, whatever has been moved from the one to the other."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager

from hypothesis import given
from hypothesis import strategies as st

from ingestor.catalog.entries import (
    MOST_RECENT,
    Entry,
    file_entries,
    list_sql,
    stretch,
    unfile_entries,
)
from ingestor.journal.schema import migrate

BATCH = 12
LABELS = 5
LAST = 9_999_999

ENTRIES = st.builds(
    lambda label, rank, number: (label, rank, f"{number}", number),
    st.integers(1, LABELS),
    st.integers(0, 6),
    st.integers(1, 30),
)
BATCHES = st.lists(st.sets(ENTRIES, max_size=BATCH), max_size=12)


@contextmanager
def a_journal() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as db:
        migrate(db)
        yield db


def listed(db: sqlite3.Connection, label: int) -> list[tuple[int, str]]:
    sql = list_sql("rank, photo, number")
    rows = db.execute(sql, stretch(label, (0, ""), worst=LAST)).fetchall()
    assert [str(number) for _, _, number in rows] == [photo for _, photo, _ in rows]
    return [row[:2] for row in rows]


def waiting(db: sqlite3.Connection) -> int:
    (count,) = db.execute("SELECT count(*) FROM label_recent").fetchone()
    return int(count)


@given(batches=BATCHES, gone=BATCHES, room=st.integers(0, 40))
def test_a_list_is_whole_and_in_order_whatever_was_moved(
    batches: list[set[Entry]], gone: list[set[Entry]], room: int
):
    filed: set[Entry] = set()
    with a_journal() as db:
        for number, come in enumerate(batches):
            leaving = filed & (gone[number] if number < len(gone) else set())
            unfile_entries(db, sorted(leaving))
            filed -= leaving
            new = come - filed
            file_entries(db, sorted(new), most_recent=room)
            filed |= new

            for label in range(1, LABELS + 1):
                of_label = sorted(entry[1:3] for entry in filed if entry[0] == label)
                assert listed(db, label) == of_label
            # At the order's end fewer are moved than there should be, and the rest with the next.
            assert waiting(db) <= room + 2 * BATCH


def test_every_label_has_its_turn():
    with a_journal() as db:
        for number in range(200):
            entries = [(label, number, f"{number}", number) for label in range(1, LABELS + 1)]
            file_entries(db, entries, most_recent=50)

        moved = dict(db.execute("SELECT label, count(*) FROM label_index GROUP BY label"))

    assert sum(moved.values()) >= 200 * LABELS - 50 - 2 * LABELS
    # Were it always those of the first labels, all that wait would be of the last one.
    assert min(moved.values()) >= 200 - 50 // 2


def test_a_large_catalog_has_no_more_waiting_than_it_should():
    with a_journal() as db:
        for first in range(0, 2 * MOST_RECENT, 8192):
            file_entries(db, [(n % 400 + 1, n, f"{n}", n) for n in range(first, first + 8192)])

        assert MOST_RECENT - 8192 <= waiting(db) <= MOST_RECENT + 8192
        assert [len(listed(db, label)) for label in (1, 400)] == [328, 327]
