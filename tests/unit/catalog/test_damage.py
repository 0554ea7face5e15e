"""A catalog whose file is damaged says so in a sentence of its own."""

from __future__ import annotations

from contextlib import closing
from io import BytesIO
from pathlib import Path

import pytest

from ingestor.catalog.export import export_jsonl
from ingestor.catalog.local import LocalCatalog
from ingestor.catalog.query import Query
from ingestor.errors import JournalError
from ingestor.journal.reader import looking_into
from ingestor.journal.writer import Journal, connect
from tests.shelves import a_shelved, local_shelf

PAGE = 4096
JOURNAL = "journal.sqlite3"


async def test_a_search_in_a_damaged_file_is_answered_in_a_sentence(tmp_path: Path):
    path = tmp_path / "journal.sqlite3"
    async with Journal(path):
        pass
    pages = path.read_bytes()
    path.write_bytes(pages[:PAGE] + b"\xa5" * (len(pages) - PAGE))

    async with LocalCatalog(path) as catalog:
        with pytest.raises(JournalError, match="cannot be read"):
            await catalog.search(Query(labels=("dog",)))


SPOILT = pytest.mark.parametrize(
    "damage",
    [
        """UPDATE records SET text = replace(text, '"title":', '"title"*')""",
        """UPDATE records SET text = replace(text, '"title":', '"titlf":')""",
        "UPDATE records SET text = CAST(replace(CAST(text AS BLOB), 'Title', x'ff') AS TEXT)",
        "UPDATE annotations SET labels = replace(labels, '[', '{')",
        "UPDATE annotations SET image = replace(image, '640', '64O')",
    ],
)
"""What SQLite does not see: it checks its own structure, not what is written in it."""


@SPOILT
async def test_a_photo_of_which_a_byte_is_damaged_is_told_from_a_bug(tmp_path: Path, damage: str):
    async with local_shelf(tmp_path) as shelf:
        await shelf.put(a_shelved("1", {"Dog": 0.9}))
        spoil(tmp_path / JOURNAL, damage)

        with pytest.raises(JournalError, match="cannot be read"):
            await shelf.catalog.search(Query(labels=("dog",)))


@SPOILT
async def test_an_export_of_damaged_photos_ends_in_a_sentence(tmp_path: Path, damage: str):
    async with local_shelf(tmp_path) as shelf:
        await shelf.put(a_shelved("1", {"Dog": 0.9}))
    spoil(tmp_path / JOURNAL, damage)

    with (
        pytest.raises(JournalError, match="cannot be read"),
        looking_into(tmp_path / JOURNAL) as db,
    ):
        export_jsonl(db, BytesIO())


def spoil(path: Path, damage: str) -> None:
    with closing(connect(path)) as db:
        assert db.execute(damage).rowcount == 1
