"""
Many rows in one statement.

`executemany` takes a step of SQLite for every row, and around each gives Python's lock away and asks
for it again: while the event loop works, that wait costs more than the row does.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import chain
from typing import Any, Final, TypeVar

import orjson

T = TypeVar("T")

ROWS_AT_ONCE: Final = 256
"""Bounds a statement's text; more gains little (taste)."""


def execute_rows(
    db: sqlite3.Connection, statement: str, rows: Sequence[Sequence[object]]
) -> list[tuple[Any, ...]]:
    """Carry out `statement`, with `VALUES {rows}` where they belong; gives what it is RETURNING."""
    returned: list[tuple[Any, ...]] = []
    for piece in _pieces(rows):
        marks = _marks(len(piece), len(piece[0]))
        returned += db.execute(statement.format(rows=marks), list(chain.from_iterable(piece)))
    return returned


def json_list(values: Sequence[str] | Sequence[int]) -> str:
    """For `IN (SELECT value FROM json_each(?))`."""
    return orjson.dumps(values).decode()


def _pieces(rows: Sequence[T]) -> Iterator[Sequence[T]]:
    """
    Powers of two, so that the same few statements serve any number of rows. One for each number would be
    prepared again and again, and those that are kept for the next time took 6 MB (measured).
    """
    start = 0
    while left := len(rows) - start:
        size = min(ROWS_AT_ONCE, 1 << left.bit_length() - 1)
        yield rows[start : start + size]
        start += size


@cache
def _marks(rows: int, columns: int) -> str:
    return ", ".join([f"({', '.join('?' * columns)})"] * rows)
