"""What a run writes down about photos, where the disk does not let it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from ingestor import events
from ingestor.engines.book import Book
from ingestor.errors import JournalError
from ingestor.journal.writer import Journal
from tests.builders import FEATURES, a_published
from tests.inline import Inline


async def test_what_the_disk_refused_reaches_the_database_all_the_same(tmp_path: Path):
    """It is paid for, and only in memory."""
    sent: list[Mapping[str, Any]] = []

    async def update(paths: Mapping[str, Any]) -> None:
        sent.append(paths)

    async with Journal(tmp_path / "journal.sqlite3", thread=Inline()) as journal:
        book = Book(
            journal=journal,
            update=update,
            features=FEATURES,
            reannotate=False,
            run=1,
            groups={},
            clock=asyncio.get_running_loop().time,
            wall=lambda: 0.0,
            listen=events.ignore,
        )
        journal.broken = JournalError("the disk refused")

        with pytest.raises(JournalError):
            await book.write([a_published("7")])

    assert "photos/p7/sha256" in sent[0]
