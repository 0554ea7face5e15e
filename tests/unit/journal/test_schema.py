"""Journals of earlier versions: what they hold is read as before."""

from __future__ import annotations

import sqlite3
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import msgspec
import orjson
import pytest

from ingestor.catalog.arriving import shelve
from ingestor.catalog.finding import find_photo
from ingestor.errors import SettingsError
from ingestor.journal import runs
from ingestor.journal.pending import take_on
from ingestor.journal.reader import open_reader
from ingestor.journal.results import reuse, unpublished
from ingestor.journal.schema import MIGRATIONS, migrate
from ingestor.journal.writer import Journal
from ingestor.models import Photo
from tests.builders import a_photo, an_annotation

TEXTS_APART = 5
"""The version from which records stand in a table of their own."""
LETTERS_WITH_RUNS = 8
"""The version from which a letter says in which run it was written."""

ANNOTATION = an_annotation("2")


@pytest.fixture
def db() -> Iterator[sqlite3.Connection]:
    """A journal of the version before: photo 1 is listed, photo 2 annotated."""
    db = sqlite3.connect(":memory:", isolation_level=None)
    for script in MIGRATIONS[: TEXTS_APART - 1]:
        db.executescript(script)
    db.execute(f"PRAGMA user_version={TEXTS_APART - 1}")
    for photo, state in ((a_photo("1"), "listed"), (a_photo("2"), "annotated")):
        insert(db, photo, state)
    labels = [(label.name, label.score, label.topicality, label.mid) for label in ANNOTATION.labels]
    db.execute(
        "INSERT INTO annotations VALUES ('2', ?, ?, 'builtin/stable', ?, ?, NULL, 0, 'bought', 1.0)",
        (
            ANNOTATION.features,
            bytes.fromhex(ANNOTATION.sha256),
            orjson.dumps((a_photo("2").sizes[0].url, 640, 480)).decode(),
            orjson.dumps(labels).decode(),
        ),
    )
    migrate(db)
    yield db
    db.close()


def insert(db: sqlite3.Connection, photo: Photo, state: str) -> None:
    db.execute(
        "INSERT INTO photos (id, record, date_added, state, run, known) VALUES (?, ?, ?, ?, 1, 0)",
        (photo.id, msgspec.json.encode(photo).decode(), photo.date_added, state),
    )
    db.execute(
        "INSERT INTO memberships VALUES (?, ?, ?)", (photo.id, photo.group, photo.date_added)
    )


async def written(path: Path) -> None:
    async with Journal(path):
        pass


async def read(path: Path) -> None:
    open_reader(path).close()


@pytest.mark.parametrize("opened", [written, read])
async def test_an_sqlite_that_is_too_old_takes_no_journal_for_a_damaged_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, opened: Callable[[Path], Awaitable[None]]
):
    await written(tmp_path / "journal.sqlite3")
    # What Python has on a test machine is never so old.
    monkeypatch.setattr(sqlite3, "sqlite_version", "3.34.1")
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 34, 1))

    with pytest.raises(SettingsError, match=r"has SQLite 3\.34\.1, and the journal takes 3\.37"):
        await opened(tmp_path / "journal.sqlite3")


def test_what_was_listed_goes_on(db: sqlite3.Connection):
    assert take_on(db, ["1"], run=2) == (a_photo("1"),)


def test_what_was_bought_is_published(db: sqlite3.Connection):
    (published,) = unpublished(db, most=10)
    shelve(db, [published])

    hit = find_photo(db, "2")

    assert (published.photo, published.annotation.labels) == (a_photo("2"), ANNOTATION.labels)
    assert hit is not None


def test_what_the_same_bytes_taught_is_known(db: sqlite3.Connection):
    found = reuse(
        db,
        a_photo("1"),
        sha256=ANNOTATION.sha256,
        size=a_photo("1").sizes[0],
        features=ANNOTATION.features,
        now=2.0,
    )

    assert found is not None
    assert found.labels == ANNOTATION.labels


def test_a_letter_of_an_earlier_version_is_of_the_run_that_began_last_before_it():
    db = sqlite3.connect(":memory:", isolation_level=None)
    for script in MIGRATIONS[: LETTERS_WITH_RUNS - 1]:
        db.executescript(script)
    db.execute(f"PRAGMA user_version={LETTERS_WITH_RUNS - 1}")
    for number, started in ((1, 10.0), (2, 20.0), (3, 30.0)):
        runs.begin_run(db, run=f"run-{number}", now=started)
    for photo, last in (("1", 5.0), ("2", 25.0), ("3", 30.0)):
        db.execute(
            "INSERT INTO dead VALUES (?, 'annotate', 'in-doubt', '', 1, 'maybe', ?, ?)",
            (photo, last, last),
        )

    migrate(db)

    assert dict(db.execute("SELECT photo, run FROM dead")) == {"1": 0, "2": 2, "3": 3}
    db.close()
