"""An export holds every annotation once, in either form, and asks for what it needs."""

from __future__ import annotations

import io
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import orjson
import pyarrow.parquet
import pytest

from ingestor.catalog import export
from ingestor.errors import SettingsError
from ingestor.journal.reader import open_reader
from ingestor.journal.schema import migrate
from ingestor.journal.withdrawals import withdraw
from ingestor.journal.writer import connect
from tests.builders import a_label, a_photo, a_published, an_annotation
from tests.journals import annotated, listed


@pytest.fixture
def db() -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    migrate(connection)
    yield connection
    connection.close()


def as_json(db: sqlite3.Connection) -> list[dict[str, Any]]:
    out = io.BytesIO()
    export.export_jsonl(db, out)
    return [orjson.loads(line) for line in out.getvalue().splitlines()]


def as_parquet(db: sqlite3.Connection) -> pyarrow.parquet.ParquetFile:
    out = io.BytesIO()
    export.export_parquet(db, out)
    return pyarrow.parquet.ParquetFile(io.BytesIO(out.getvalue()))


def test_an_export_that_nobody_reads_holds_no_log_of_the_journal(tmp_path: Path) -> None:
    """A pager that is left open for a night, beside a worker that writes."""
    path = tmp_path / "journal.sqlite3"
    with closing(connect(path)) as writing:
        migrate(writing)
        annotated(writing, *(a_published(str(number)) for number in range(3)))
        with closing(open_reader(path)) as reading:
            rows = export.rows(reading, at_once=2)
            first = next(rows)["id"]

            annotated(writing, a_published("5"))
            _, log, written_back = writing.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()

            assert written_back == log > 0
            assert [first, *(row["id"] for row in rows)] == ["0", "1", "2", "5"]


def test_a_line_tells_all_about_a_photo(db: sqlite3.Connection) -> None:
    annotated(
        db, a_published("7", a_label("vicuña", 0.9, mid="/m/1"), photo=a_photo("7", title="Ö\n"))
    )

    (row,) = as_json(db)

    assert (row["id"], row["title"], row["groups"]) == ("7", "Ö\n", ["42637302@N00"])
    assert row["labels"] == [{"name": "vicuña", "score": 0.9, "topicality": 0.9, "mid": "/m/1"}]
    assert (row["width"], row["height"], row["safe"]) == (640, 427, None)


def test_both_forms_hold_the_same_rows(db: sqlite3.Connection) -> None:
    safe = an_annotation("2", a_label("Cat", 0.8), safe={"adult": "UNLIKELY"})
    annotated(db, a_published("1"), a_published("2", annotation=safe), a_published("3", a_label()))

    table = as_parquet(db).read().to_pylist(maps_as_pydicts="strict")

    assert table == as_json(db)
    assert [row["id"] for row in table] == ["1", "2", "3"]


def test_a_photo_annotated_twice_comes_once_with_the_newest(db: sqlite3.Connection) -> None:
    annotated(db, a_published("1", a_label("Old")))
    annotated(
        db, a_published("1", annotation=an_annotation("1", a_label("New"), features="b")), now=2.0
    )

    assert [row["labels"][0]["name"] for row in as_json(db)] == ["New"]


def test_a_photo_that_left_every_group_is_kept_without_one(db: sqlite3.Connection) -> None:
    annotated(db, a_published("1", a_label("Cat")))
    withdraw(db, ["1"], group=a_photo("1").group, now=2.0)

    (row,) = as_json(db)

    assert (row["groups"], row["labels"][0]["name"]) == ([], "Cat")


def test_photos_without_an_annotation_are_left_out(db: sqlite3.Connection) -> None:
    listed(db, a_photo("1"))

    assert as_json(db) == []
    assert as_parquet(db).read().num_rows == 0


def test_parquet_is_written_in_groups_of_rows(db: sqlite3.Connection) -> None:
    count = export.ROWS_OF_A_GROUP + 1
    annotated(db, *(a_published(str(number)) for number in range(count)))

    groups = as_parquet(db).metadata

    assert (groups.num_row_groups, groups.num_rows) == (2, count)


def test_without_pyarrow_the_sentence_says_what_to_install(
    db: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The one way to miss a package that is installed here.
    monkeypatch.setitem(sys.modules, "pyarrow", None)

    with pytest.raises(SettingsError, match=r"pip install '.\[export\]'"):
        export.export_parquet(db, io.BytesIO())
