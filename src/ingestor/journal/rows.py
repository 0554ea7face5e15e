"""
Many rows in one statement.

`executemany` takes a step of SQLite for every row, and around each gives Python's lock away and asks
for it again: while the event loop works, that wait costs more than the row does.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from functools import cache
from itertools import chain
from typing import Any, Final

import orjson

ROWS_AT_ONCE: Final = 256
"""Bounds a statement's text, and how many texts there are to be prepared; more gains little (taste)."""


def execute_rows(
    db: sqlite3.Connection, statement: str, rows: Sequence[Sequence[object]]
) -> list[tuple[Any, ...]]:
    """Carry out `statement`, with `VALUES {rows}` where they belong; gives what it is RETURNING."""
    returned: list[tuple[Any, ...]] = []
    for start in range(0, len(rows), ROWS_AT_ONCE):
        piece = rows[start : start + ROWS_AT_ONCE]
        marks = _marks(len(piece), len(piece[0]))
        returned += db.execute(statement.format(rows=marks), list(chain.from_iterable(piece)))
    return returned


def json_list(values: Sequence[str] | Sequence[int]) -> str:
    """For `IN (SELECT value FROM json_each(?))`."""
    return orjson.dumps(values).decode()


@cache
def _marks(rows: int, columns: int) -> str:
    return ", ".join([f"({', '.join('?' * columns)})"] * rows)
