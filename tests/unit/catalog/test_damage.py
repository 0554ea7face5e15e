"""A catalog whose file is damaged says so in a sentence of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingestor.catalog.local import LocalCatalog
from ingestor.catalog.query import Query
from ingestor.errors import JournalError
from ingestor.journal.writer import Journal

PAGE = 4096


async def test_a_search_in_a_damaged_file_is_answered_in_a_sentence(tmp_path: Path):
    path = tmp_path / "journal.sqlite3"
    async with Journal(path):
        pass
    pages = path.read_bytes()
    path.write_bytes(pages[:PAGE] + b"\xa5" * (len(pages) - PAGE))

    async with LocalCatalog(path) as catalog:
        with pytest.raises(JournalError, match="cannot be read"):
            await catalog.search(Query(labels=("dog",)))
