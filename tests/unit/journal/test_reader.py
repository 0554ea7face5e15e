"""Whoever only reads the journal changes nothing, and is told when there is nothing to read."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from ingestor.errors import IngestorError, JournalError, SettingsError
from ingestor.journal.reader import is_there, open_reader
from ingestor.journal.schema import VERSION, migrate
from ingestor.journal.writer import connect

NOBODY = 65534


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Of a journal whose folder has a name that a URI would misread."""
    folder = tmp_path / "50% of it? #1"
    folder.mkdir()
    with closing(connect(folder / "journal.sqlite3")) as db:
        migrate(db)
    return folder / "journal.sqlite3"


def test_a_reader_sees_what_is_written_beside_it(path: Path) -> None:
    with closing(open_reader(path)) as reader, closing(connect(path)) as db:
        db.execute("INSERT INTO facts VALUES ('a', 'b')")

        assert reader.execute("SELECT value FROM facts").fetchall() == [("b",)]


def test_a_reader_cannot_write(path: Path) -> None:
    with (
        closing(open_reader(path)) as reader,
        pytest.raises(sqlite3.OperationalError, match="readonly"),
    ):
        reader.execute("INSERT INTO facts VALUES ('a', 'b')")


def absent(path: Path) -> None:
    path.unlink()


def empty(path: Path) -> None:
    path.write_bytes(b"")


def garbage(path: Path) -> None:
    path.write_bytes(b"no database at all" * 1000)


def of_version(version: int) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        with closing(connect(path)) as db:
            db.execute(f"PRAGMA user_version={version}")

    return change


@pytest.mark.parametrize(
    ("happened", "error", "sentence"),
    [
        pytest.param(absent, SettingsError, "nothing was ingested there yet", id="absent"),
        pytest.param(empty, SettingsError, "nothing was ingested there yet", id="empty"),
        pytest.param(garbage, JournalError, "cannot be read", id="garbage"),
        pytest.param(of_version(VERSION + 1), JournalError, "newer ingestor", id="newer"),
    ],
)
def test_what_cannot_be_read_is_refused_with_a_sentence(
    path: Path, happened: Callable[[Path], None], error: type[IngestorError], sentence: str
) -> None:
    happened(path)

    with pytest.raises(error, match=sentence):
        open_reader(path)


def test_a_name_that_no_disk_takes_is_a_setting_to_change() -> None:
    with pytest.raises(SettingsError, match="--state"):
        open_reader(Path("x" * 5000) / "journal.sqlite3")


@pytest.fixture
def stranger() -> Iterator[None]:
    """Somebody to whom files may be closed, as none is to root."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(NOBODY)
    yield
    if root:
        os.seteuid(0)


@pytest.fixture
def anothers() -> Iterator[Path]:
    """A journal in a directory that everybody may look into, and its owner alone write to."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "journal.sqlite3"
        with closing(connect(path)) as db:
            migrate(db)
        Path(folder).chmod(0o555)
        yield path


@pytest.fixture
def private(anothers: Path) -> Path:
    """One that nobody may read."""
    anothers.chmod(0)
    return anothers


def test_a_journal_at_rest_is_read_in_the_directory_of_somebody_else(
    anothers: Path, stranger: None
) -> None:
    with closing(open_reader(anothers)) as reader:
        assert reader.execute("SELECT count(*) FROM photos").fetchone() == (0,)


def test_a_journal_that_one_may_not_read_is_told_as_such(private: Path, stranger: None) -> None:
    with pytest.raises(SettingsError, match=r"cannot be read \(Permission denied\)"):
        open_reader(private)


@pytest.fixture
def locked(path: Path) -> Path:
    """Of a journal beside which nothing can be made, as on a disk that is mounted read-only."""
    path.with_name(f"{path.name}-wal").unlink(missing_ok=True)
    path.with_name(f"{path.name}-shm").unlink(missing_ok=True)
    path.with_name(f"{path.name}-shm").symlink_to("nowhere/at-all")
    return path


def test_a_journal_at_rest_is_read_where_nothing_can_be_written(locked: Path) -> None:
    with closing(open_reader(locked)) as reader:
        assert reader.execute("SELECT count(*) FROM photos").fetchone() == (0,)


def test_a_journal_that_was_not_closed_takes_a_place_to_be_recovered_in(locked: Path) -> None:
    locked.with_name(f"{locked.name}-wal").write_bytes(b"not in the journal yet")

    with pytest.raises(JournalError, match="Copy the directory"):
        open_reader(locked)


def test_a_directory_is_no_journal_and_nothing_is_below_a_file(path: Path) -> None:
    assert is_there(path)
    assert not is_there(path.parent)
    assert not is_there(path / "journal.sqlite3")
