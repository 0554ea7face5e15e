"""
Reading the journal beside whoever writes it: a connection that cannot change anything.

WAL lets it read while a run is going on, and takes neither the lock nor the writer's thread. A
journal at rest is read on a disk that is full or mounted read-only as well, and in somebody else's directory.
"""

from __future__ import annotations

import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import msgspec
import orjson

from ingestor.errors import JournalError, SettingsError
from ingestor.journal.schema import VERSION, require_sqlite

PATIENCE_SECONDS = 5.0
"""How long to wait where another process recovers the file, the only time a reader waits."""
NOTHING_BESIDE_IT = (
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_READONLY_DIRECTORY,
    sqlite3.SQLITE_IOERR_SHMSIZE,
)
"""On a disk that is mounted read-only, in a directory of somebody else's, and on a full disk."""
MAPPED_BYTES = 1 << 30
"""Read through the system's page cache without copying: a large catalog is read at random."""
DAMAGE = (sqlite3.Error, orjson.JSONDecodeError, msgspec.DecodeError, UnicodeDecodeError)
"""What reading a damaged file raises: SQLite checks how things are kept, not what is written in them."""


@contextmanager
def looking_into(path: Path) -> Iterator[sqlite3.Connection]:
    """A journal to read in, beside whoever writes it. Raises SettingsError or JournalError."""
    with closing(open_reader(path)) as db:
        try:
            yield db
        except DAMAGE as error:
            raise JournalError(f"{path} cannot be read ({error}).") from error


def open_reader(path: Path) -> sqlite3.Connection:
    """
    Open a journal for reading, for use by one thread at a time.

    Raises SettingsError where there is none, SQLite is too old or another version must make it readable first,
    JournalError where the file cannot be trusted or was written by a newer version.
    """
    require_sqlite()
    if not is_there(path):
        raise SettingsError(_no_journal(path))
    try:
        return _opened(path, "mode=ro")
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorcode", None) not in NOTHING_BESIDE_IT:
            raise JournalError(f"{path} cannot be read ({error}).") from error
    _check_open(path)
    return _where_nothing_can_be_written(path)


def is_written(path: Path) -> bool:
    """Whether there is more than the file itself: while it is written to, and after a crash."""
    try:
        return path.with_name(f"{path.name}-wal").stat().st_size > 0
    except OSError:
        return False


def _check_open(path: Path) -> None:
    """Raises SettingsError where the file is not for us: SQLite does not say so."""
    try:
        path.open("rb").close()
    except OSError as error:
        raise SettingsError(
            f"{path} cannot be read ({error.strerror}). Ask as its owner, or choose another --state "
            "directory."
        ) from None


def _where_nothing_can_be_written(path: Path) -> sqlite3.Connection:
    """WAL takes two files beside the journal; what nobody writes to can be read without."""
    if is_written(path):
        raise JournalError(
            f"{path} cannot be read: it was not closed, and nothing can be written beside it to make "
            "it whole. Copy the directory, and give the copy with --state."
        )
    try:
        return _opened(path, "immutable=1")
    except sqlite3.Error as error:
        raise JournalError(f"{path} cannot be read ({error}).") from error


def _opened(path: Path, way: str) -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"{path.resolve().as_uri()}?{way}",
        uri=True,
        isolation_level=None,
        check_same_thread=False,
        timeout=PATIENCE_SECONDS,
    )
    try:
        _check_version(connection, path)
        connection.execute(f"PRAGMA mmap_size={MAPPED_BYTES}")
    except BaseException:
        connection.close()
        raise
    return connection


def is_there(path: Path) -> bool:
    """Raises SettingsError where not even that can be told."""
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        # A name that is too long, a directory that others may not look into.
        raise SettingsError(
            f"The state directory {path.parent} cannot be read ({error.strerror}). "
            "Choose another with --state."
        ) from None


def _check_version(connection: sqlite3.Connection, path: Path) -> None:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > VERSION:
        raise JournalError(
            f"{path} was written by a newer ingestor (its version is {version}, this one knows "
            f"{VERSION}). Upgrade ingestor."
        )
    if version == 0:
        raise SettingsError(_no_journal(path))
    if version < VERSION:
        raise SettingsError(
            f"{path} was written by an older ingestor. Ingest into it once with this one, which "
            "brings it up to date."
        )


def _no_journal(path: Path) -> str:
    return (
        f"There is no journal in {path.parent}: nothing was ingested there yet. "
        "Ingest a group first, or choose another --state directory."
    )
