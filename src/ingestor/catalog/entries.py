"""
The index, label -> photos by rank: most of it in one table, and in another what was filed of late.

Entries stand in their labels' order, so in a large index each of a photo's ten is on another page,
which is written to the log and to the file: 55 to 140 kB a photo in a catalog of 100,000 (measured).
In a small table new entries share pages; from there they are moved on in the index's own order,
many to a page.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Final

import orjson

from ingestor.journal.facts import fact, set_fact
from ingestor.journal.rows import execute_rows

Entry = tuple[int, int, str, int]
"""A label's number, the photo's rank below it, the photo's id and its number."""

MOST_RECENT: Final = 65_536
"""
Entries that wait: some 2 MB, which stay in SQLite's cache. A catalog of 100,000 photos then gets
sixteen at a time on each page that is touched.
"""
MOVED_UP_TO: Final = "index moved up to"
"""The fact that says where the next ones are taken from: all labels have their turn."""
EITHER: Final = """
    SELECT {columns} FROM label_index WHERE {where}
    UNION ALL SELECT {columns} FROM label_recent WHERE {where}
"""
FILE: Final = "INSERT INTO label_recent (label, rank, photo, number) VALUES {rows}"
UNFILE: Final = (
    "DELETE FROM label_recent WHERE label = ? AND rank = ? AND photo = ?",
    "DELETE FROM label_index WHERE label = ? AND rank = ? AND photo = ?",
)
LAST_OF_THE_NEXT: Final = """
    SELECT label, rank, photo FROM label_recent WHERE (label, rank, photo) > (?, ?, ?)
    ORDER BY label, rank, photo LIMIT 1 OFFSET ?
"""
MOVE: Final = (
    """
    INSERT INTO label_index (label, rank, photo, number)
    SELECT label, rank, photo, number FROM label_recent
    WHERE (label, rank, photo) > (?, ?, ?) AND (label, rank, photo) <= (?, ?, ?)
    """,
    """
    DELETE FROM label_recent
    WHERE (label, rank, photo) > (?, ?, ?) AND (label, rank, photo) <= (?, ?, ?)
    """,
)
START: Final = (0, -1, "")
END: Final = (2**62, 0, "")


def entries_sql(columns: str, where: str) -> str:
    """Reads both tables; an order may follow. The parameters of `where` are to have names."""
    return EITHER.format(columns=columns, where=where)


def list_sql(columns: str) -> str:
    """A stretch of a label's list, best first."""
    where = "label = :label AND (rank, photo) > (:rank, :photo) AND rank <= :worst"
    return f"{entries_sql(columns, where)} ORDER BY rank, photo"


def stretch(label: int, after: tuple[int, str], *, worst: int) -> dict[str, int | str]:
    """Parameters of a `list_sql`: what stands behind a place, down to a rank."""
    rank, photo = after
    return {"label": label, "rank": rank, "photo": photo, "worst": worst}


def file_entries(
    db: sqlite3.Connection, come: Sequence[Entry], *, most_recent: int = MOST_RECENT
) -> None:
    """Put new entries in, and move others on where more than `most_recent` wait."""
    execute_rows(db, FILE, come)
    (recent,) = db.execute("SELECT count(*) FROM label_recent").fetchone()
    if recent > most_recent:
        _move_on(db, recent - most_recent)


def unfile_entries(db: sqlite3.Connection, gone: Sequence[Entry]) -> None:
    for statement in UNFILE:
        db.executemany(statement, [entry[:3] for entry in gone])


def _move_on(db: sqlite3.Connection, most: int) -> None:
    """Move the next `most` entries in the index's order; or, at its end, those that are left."""
    said = fact(db, MOVED_UP_TO)
    begin = START if said is None else tuple(orjson.loads(said))
    end = db.execute(LAST_OF_THE_NEXT, (*begin, most - 1)).fetchone()
    for statement in MOVE:
        db.execute(statement, (*begin, *(end or END)))
    set_fact(db, MOVED_UP_TO, orjson.dumps(end or START).decode())
