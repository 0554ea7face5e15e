"""The database is asked about many photos side by side, and its errors arrive one by one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from ingestor.engines.adoption import Adoption
from ingestor.errors import Unavailable
from ingestor.journal.writer import Journal
from ingestor.kits.lifetime import Stopping
from tests.inline import Inline

GROUP = "1@N00"


class Silent:
    """Knows its photos' names, and fails on their records."""

    def __init__(self, failure: Exception) -> None:
        self.failure = failure

    async def keys(self, path: str) -> list[str] | None:
        return ["p1", "p2"]

    async def read(self, path: str) -> Any:
        raise self.failure


@pytest.fixture
async def journal(tmp_path: Path) -> AsyncIterator[Journal]:
    async with Journal(tmp_path / "journal.sqlite3", thread=Inline()) as journal:
        yield journal


@pytest.mark.parametrize(
    "failure",
    [Unavailable("away", upstream="database"), Stopping()],
    ids=["unavailable", "stopping"],
)
async def test_a_record_that_cannot_be_read_is_an_error_and_no_group_of_errors(
    journal: Journal, failure: Exception
):
    adoption = Adoption(database=Silent(failure), journal=journal, features=None, wall=lambda: 0.0)
    await adoption.begin([GROUP])

    with pytest.raises(type(failure)):
        await adoption.adopt(["1", "2"], group=GROUP)
