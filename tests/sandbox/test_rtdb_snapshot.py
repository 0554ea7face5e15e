"""What the database remembers from one start to the next."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ingestor.sandbox.rtdb.database import Database
from ingestor.sandbox.rtdb.rules import Rules
from ingestor.sandbox.rtdb.snapshot import FILE_NAME, remembered, restore, serialised
from tests.sandbox.rtdb_site import until

VALUE: dict[str, Any] = {
    "photos": {"p1": {"title": "ü", "score": 0.5, "groups": {"1@N00": {"n": True}}}},
    "list": ["a", None, "c"],
}


async def test_a_stopped_database_starts_with_what_it_had(tmp_path: Path) -> None:
    first, second = Database(), Database()
    async with remembered(first, directory=tmp_path / "new"):
        first.put("sandbox", "/", value=VALUE)
        first.namespace("other").set_rules(Rules('{"rules": {".read": true}}'))
        first.namespace("other").set_write_size_limit("small")

    async with remembered(second, directory=tmp_path / "new"):
        pass

    assert second.value() == VALUE
    assert second.namespace("other").rules.text == '{"rules": {".read": true}}'
    assert second.namespace("other").write_size_limit == "small"


async def test_a_killed_database_has_what_was_saved_meanwhile(tmp_path: Path) -> None:
    database, again = Database(), Database()
    file = tmp_path / FILE_NAME
    async with remembered(database, directory=tmp_path, every=0.001):
        database.put("sandbox", "/a", value=1)
        await until(file.exists)
        restore(again, file.read_bytes())

    assert again.value() == {"a": 1}


def test_priorities_are_remembered() -> None:
    database, again = Database(), Database()
    database.put("sandbox", "/a", value={".value": 1, ".priority": 2})

    restore(again, serialised(database))

    assert again.value(path="/a/.priority") == 2


@pytest.mark.parametrize("content", [b"", b"[]", b'{"format": 99}', b"{"])
def test_a_foreign_file_is_not_taken_for_a_memory(content: bytes) -> None:
    with pytest.raises(ValueError, match="snapshot"):
        restore(Database(), content)


def test_emptying_the_database_leaves_its_rules() -> None:
    database = Database()
    database.put("sandbox", "/a", value=1)
    database.namespace().set_rules(Rules('{"rules": {".read": true}}'))

    database.clear()

    assert database.value() is None
    assert "true" in database.namespace().rules.text
