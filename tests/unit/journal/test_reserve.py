"""A full disk: what was paid for is written, and nothing more is paid for."""

from __future__ import annotations

import asyncio
import errno
import os
import resource
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

import pytest

from ingestor.errors import JournalError, SettingsError
from ingestor.journal import facts
from ingestor.journal.writer import MOST_TOGETHER, Connect, Journal, connect

TIGHT, ROOMY = 60, 10_000
"""Pages: the tables take some forty."""
MEGABYTE = 1_000_000


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.sqlite3"


def on_a_disk(*, roomy: int = ROOMY) -> Connect:
    """Connections to a disk that has `roomy` pages, and few of them while the reserve is there."""

    class OnADisk(sqlite3.Connection):
        def execute(self, sql: str, *given: Any) -> sqlite3.Cursor:
            if sql == "BEGIN IMMEDIATE":
                pages = TIGHT if reserve.exists() else roomy
                super().execute(f"PRAGMA max_page_count={pages}")
            return super().execute(sql, *given)

    reserve = Path()

    def open_(file: Path) -> sqlite3.Connection:
        nonlocal reserve
        reserve = file.parent / "reserve"
        connection = sqlite3.connect(
            file, isolation_level=None, check_same_thread=False, factory=OnADisk
        )
        connection.execute("PRAGMA journal_mode=WAL")
        return connection

    return open_


def fact_of(size: int, name: str = "much") -> Callable[[sqlite3.Connection], None]:
    return partial(facts.set_fact, name=name, value="x" * size)


async def test_the_reserve_is_there_while_the_journal_is_open(path: Path):
    async with Journal(path, reserve=MEGABYTE):
        reserve = path.with_name("reserve").stat()

    assert (reserve.st_size, reserve.st_blocks * 512 >= MEGABYTE) == (MEGABYTE, True)
    assert not path.with_name("reserve").exists()


def without_the_call(given: pytest.MonkeyPatch) -> None:
    given.delattr(os, "posix_fallocate", raising=False)


def without_support(given: pytest.MonkeyPatch) -> None:
    def refuse(*_: int) -> NoReturn:
        raise OSError(errno.EOPNOTSUPP, "")

    given.setattr(os, "posix_fallocate", refuse, raising=False)


# No test machine is both a Mac and one with musl.
@pytest.mark.parametrize("lacking", [without_the_call, without_support], ids=["macOS", "musl"])
async def test_room_is_taken_where_none_can_be_promised(
    path: Path, monkeypatch: pytest.MonkeyPatch, lacking: Callable[[pytest.MonkeyPatch], None]
):
    lacking(monkeypatch)

    async with Journal(path, reserve=MEGABYTE):
        reserve = path.with_name("reserve").stat()

    assert (reserve.st_size, reserve.st_blocks * 512 >= MEGABYTE) == (MEGABYTE, True)


async def test_more_than_there_is_where_none_can_be_promised_is_refused_unwritten(
    path: Path, monkeypatch: pytest.MonkeyPatch
):
    without_the_call(monkeypatch)
    monkeypatch.delattr(os, "urandom")
    much = shutil.disk_usage(path.parent).free + 1000 * MEGABYTE

    with pytest.raises(SettingsError, match="lower INGESTOR_DISK_RESERVE"):
        async with Journal(path, reserve=much):
            pass


@pytest.mark.parametrize("megabytes", [2**43, 2**60], ids=["no file", "no number"])
async def test_a_reserve_that_no_disk_has_is_refused_and_not_left_out(path: Path, megabytes: int):
    with pytest.raises(SettingsError, match="lower INGESTOR_DISK_RESERVE"):
        async with Journal(path, reserve=megabytes * MEGABYTE):
            pass


@contextmanager
def small_files() -> Iterator[None]:
    """As `ulimit -f` does it: no file of this process may have a megabyte."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (MEGABYTE - 1, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


async def test_a_limit_of_files_that_the_journal_would_meet_is_told_before(path: Path):
    with small_files(), pytest.raises(SettingsError, match=r"No file may have 1 MB here \(`ulimit"):
        async with Journal(path, reserve=MEGABYTE):
            pass

    assert not any(path.parent.glob("journal*"))


async def test_what_was_being_written_when_the_disk_was_full_is_written(path: Path):
    async with Journal(path, connect=on_a_disk(), reserve=MEGABYTE) as journal:
        await journal.write(fact_of(MEGABYTE))
        await journal.write(fact_of(10, "later"))

        assert journal.broken is None
        assert "disk is full" in str(journal.full)
        assert await journal.read(partial(facts.fact, name="much")) == "x" * MEGABYTE


async def test_a_quota_that_is_used_up_is_a_full_disk(path: Path):
    """SQLite knows a disk without room by ENOSPC alone; of EDQUOT it says that it cannot write."""

    class Limited(sqlite3.Connection):
        def execute(self, sql: str, *given: Any) -> sqlite3.Cursor:
            if sql == "COMMIT" and path.with_name("reserve").exists():
                error = sqlite3.OperationalError("disk I/O error")
                error.sqlite_errorcode = sqlite3.SQLITE_IOERR_WRITE
                raise error
            return super().execute(sql, *given)

    limited = sqlite3.connect(path, isolation_level=None, check_same_thread=False, factory=Limited)
    async with Journal(path, connect=lambda _: limited, reserve=MEGABYTE) as journal:
        await journal.write(fact_of(10))

        assert "disk is full" in str(journal.full)
        assert await journal.read(partial(facts.fact, name="much")) == "x" * 10


async def test_what_happened_to_a_full_disk_is_told_apart_from_what_to_do_about_it(path: Path):
    """A worker goes on by itself: nobody has to start it again."""
    async with Journal(path, connect=on_a_disk(), reserve=MEGABYTE) as journal:
        await journal.write(fact_of(MEGABYTE))

        assert str(journal.full).endswith("so nothing more was bought.")


async def test_without_a_reserve_a_full_disk_ends_all_writing(path: Path):
    async with Journal(path, connect=on_a_disk(roomy=TIGHT)) as journal:
        with pytest.raises(JournalError, match="disk is full"):
            await journal.write(fact_of(MEGABYTE))

        assert (journal.full, journal.broken is None) == (None, False)


async def test_a_disk_that_is_full_again_ends_all_writing(path: Path):
    async with Journal(path, connect=on_a_disk(roomy=TIGHT + 20), reserve=MEGABYTE) as journal:
        await journal.write(fact_of(100_000))
        with pytest.raises(JournalError, match="disk is full"):
            await journal.write(fact_of(MEGABYTE, "more"))

        assert journal.broken is not None


async def test_a_sync_that_failed_is_not_tried_again(path: Path):
    tried = 0

    def failing(_db: sqlite3.Connection) -> None:
        nonlocal tried
        tried += 1
        raise sqlite3.OperationalError("disk I/O error")

    async with Journal(path, connect=connect, reserve=MEGABYTE) as journal:
        with pytest.raises(JournalError, match="I/O error"):
            await journal.write(failing)

        assert (tried, journal.full, journal.broken is None) == (1, None, False)
        assert path.with_name("reserve").exists()


async def test_what_waited_when_a_sync_failed_is_not_written_after_it(path: Path):
    def failing(_db: sqlite3.Connection) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    works = [failing] + [fact_of(1, str(number)) for number in range(2 * MOST_TOGETHER)]
    async with Journal(path) as journal:
        outcomes = await asyncio.gather(*map(journal.write, works), return_exceptions=True)

    assert {type(outcome) for outcome in outcomes} == {JournalError}


async def test_room_that_is_there_again_is_set_aside_again(path: Path):
    async with Journal(path, connect=on_a_disk(), reserve=MEGABYTE) as journal:
        await journal.write(fact_of(MEGABYTE))
        assert (journal.full is None, path.with_name("reserve").exists()) == (False, False)

        await journal.find_room()

        assert (journal.full is None, path.with_name("reserve").exists()) == (True, True)


async def test_where_there_is_no_room_yet_the_disk_stays_full(path: Path):
    async with Journal(path, connect=on_a_disk(), reserve=MEGABYTE) as journal:
        await journal.write(fact_of(MEGABYTE))

        with small_files():
            await journal.find_room()

        assert (journal.full is None, path.with_name("reserve").exists()) == (False, False)
