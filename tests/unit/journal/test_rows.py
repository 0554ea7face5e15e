"""Any number of rows is written with few statements, which are prepared once."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from ingestor.journal.rows import ROWS_AT_ONCE, execute_rows

TEXT = "INSERT INTO numbers (number) VALUES {rows} RETURNING number"


class Noting(sqlite3.Connection):
    """Keeps the texts that it is given."""

    texts: frozenset[str] = frozenset()

    def execute(self, text: str, *parameters: Any) -> sqlite3.Cursor:
        self.texts |= {text}
        return super().execute(text, *parameters)


@pytest.fixture
def db() -> Iterator[Noting]:
    with closing(sqlite3.connect(":memory:", factory=Noting)) as connection:
        connection.executescript("CREATE TABLE numbers (number INTEGER)")
        yield connection


@pytest.mark.parametrize("many", [0, 1, 5, ROWS_AT_ONCE, ROWS_AT_ONCE + 1, 3 * ROWS_AT_ONCE - 1])
def test_every_row_is_written_once_in_its_order(db: Noting, many: int):
    returned = execute_rows(db, TEXT, [(number,) for number in range(many)])

    assert returned == [(number,) for number in range(many)]
    assert db.execute("SELECT number FROM numbers ORDER BY rowid").fetchall() == returned


def test_whatever_number_of_rows_comes_few_statements_are_kept(db: Noting):
    for many in range(2 * ROWS_AT_ONCE):
        execute_rows(db, TEXT, [(number,) for number in range(many)])

    assert len(db.texts) <= ROWS_AT_ONCE.bit_length()
