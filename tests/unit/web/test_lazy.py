"""A journal that is only looked at may be written by somebody else, and is shown as it then is."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from ingestor.catalog.query import Query
from ingestor.web.lazy import lazily
from tests.shelves import a_shelved, local_shelf

NOBODY = 65534


@pytest.fixture
def folder() -> Iterator[Path]:
    """One that everybody may look into, and its owner alone write to."""
    with TemporaryDirectory() as name:
        yield Path(name)


async def put(folder: Path, label: str, *, photos: int) -> None:
    async with local_shelf(folder) as shelf:
        await shelf.put(*(a_shelved(f"{label}{number}", {label: 0.9}) for number in range(photos)))


@contextmanager
def as_a_stranger(folder: Path) -> Iterator[None]:
    """As somebody who may not write there; to root, which may everywhere, it takes another user."""
    root = os.geteuid() == 0
    folder.chmod(0o555)
    if root:
        os.setresuid(NOBODY, NOBODY, 0)
    try:
        yield
    finally:
        if root:
            os.setresuid(0, 0, 0)
        folder.chmod(0o755)


async def test_what_its_owner_writes_between_two_questions_is_shown_to_a_stranger(
    folder: Path,
) -> None:
    await put(folder, "Dog", photos=50)
    async with lazily(folder / "journal.sqlite3") as catalog:
        with as_a_stranger(folder):
            before = await catalog.search(Query(labels=("dog",)))
        await put(folder, "Fox", photos=20)
        with as_a_stranger(folder):
            after = await catalog.search(Query(labels=("fox",)))

    assert (before.total, after.total) == (50, 20)
