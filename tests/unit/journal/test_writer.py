"""The journal's file: durable before it answers, or nothing at all."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from ingestor.errors import JournalError, SettingsError
from ingestor.journal import facts, runs
from ingestor.journal.lock import take
from ingestor.journal.schema import VERSION
from ingestor.journal.writer import GATHERING, PAGE_BYTES, Journal, connect, prepare
from tests.inline import Inline


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "journal.sqlite3"


async def test_what_was_written_is_there_after_opening_again(path: Path):
    async with Journal(path) as journal:
        await journal.write(partial(facts.set_fact, name="world", value="sandbox"))

    async with Journal(path) as journal:
        assert await journal.read(partial(facts.fact, name="world")) == "sandbox"


async def test_every_commit_is_synced(path: Path):
    async with Journal(path) as journal:
        (level,) = await journal.read(lambda db: db.execute("PRAGMA synchronous").fetchone())
        (mode,) = await journal.read(lambda db: db.execute("PRAGMA journal_mode").fetchone())

    assert (level, mode) == (2, "wal")


async def test_a_sync_reaches_the_drive_where_it_has_a_cache_of_its_own(path: Path):
    async with Journal(path) as journal:
        (asked,) = await journal.read(lambda db: db.execute("PRAGMA fullfsync").fetchone())

    assert asked == 1


def test_a_disk_on_which_readers_would_hold_up_the_writer_is_refused(tmp_path: Path):
    """As SQLite goes about a network disk on macOS, this way of locking shares no memory."""
    place = f"{(tmp_path / 'journal.sqlite3').as_uri()}?vfs=unix-dotfile"

    with (
        closing(sqlite3.connect(place, uri=True)) as db,
        pytest.raises(SettingsError, match="Choose one on a disk of this machine"),
    ):
        prepare(db)


async def test_work_handed_in_together_is_done_in_order(path: Path):
    seen: list[int] = []

    async with Journal(path) as journal, asyncio.TaskGroup() as group:
        for number in range(200):
            group.create_task(journal.write(lambda _db, number=number: seen.append(number)))  # type: ignore[misc]

    assert seen == list(range(200))


async def test_a_mistake_undoes_its_own_changes_only(path: Path):
    def mistaken(db: sqlite3.Connection) -> None:
        facts.set_fact(db, "mine", "1")
        raise ValueError("a bug")

    async with Journal(path) as journal:
        good, bad = await asyncio.gather(
            journal.write(partial(facts.set_fact, name="theirs", value="1")),
            journal.write(mistaken),
            return_exceptions=True,
        )
        names = await journal.read(lambda db: db.execute("SELECT name FROM facts").fetchall())

    assert (good, type(bad), names) == (None, ValueError, [("theirs",)])


async def test_work_that_begins_again_for_the_mistake_of_another_is_done_once(path: Path):
    def mistaken(db: sqlite3.Connection) -> None:
        raise ValueError("a bug")

    async with Journal(path) as journal:
        good, bad, later = await asyncio.gather(
            journal.write(partial(runs.begin_run, run="first", now=1.0)),
            journal.write(mistaken),
            journal.write(partial(runs.begin_run, run="second", now=2.0)),
            return_exceptions=True,
        )
        known = await journal.read(partial(runs.last_runs, most=9))

    assert (good, type(bad), later) == (1, ValueError, 2)
    assert [run["id"] for run in known] == ["second", "first"]


async def test_no_page_is_copied_for_a_mistake_that_nobody_makes(path: Path):
    statements: list[str] = []

    def traced(file: Path) -> sqlite3.Connection:
        connection = connect(file)
        connection.set_trace_callback(statements.append)
        return connection

    async with Journal(path, connect=traced) as journal:
        await journal.write(partial(facts.set_fact, name="world", value="sandbox"))

    assert "COMMIT" in statements
    assert not [one for one in statements if "SAVEPOINT" in one]


async def test_work_is_carried_out_even_if_its_caller_is_cancelled(path: Path):
    async with Journal(path) as journal:
        writing = asyncio.create_task(
            journal.write(partial(facts.set_fact, name="paid", value="yes"))
        )
        await asyncio.sleep(0)
        writing.cancel()

    async with Journal(path) as journal:
        assert await journal.read(partial(facts.fact, name="paid")) == "yes"


async def test_two_processes_do_not_share_a_state_directory(path: Path):
    async with Journal(path):
        with pytest.raises(SettingsError, match="--state"):
            async with Journal(path):
                pass


async def test_a_directory_that_cannot_be_written_is_refused_in_a_sentence(tmp_path: Path):
    (tmp_path / "state").write_text("a file, not a directory")

    with pytest.raises(SettingsError, match="cannot be written"):
        async with Journal(tmp_path / "state" / "journal.sqlite3"):
            pass


async def test_a_journal_of_a_newer_version_is_left_alone(path: Path):
    async with Journal(path):
        pass
    db = sqlite3.connect(path)
    db.execute(f"PRAGMA user_version={VERSION + 1}")
    db.close()

    with pytest.raises(JournalError, match=r"newer .* another directory knows nothing"):
        async with Journal(path):
            pass


@pytest.mark.parametrize(
    ("start", "end"),
    [
        pytest.param(len(b"SQLite format 3\0"), 2 * PAGE_BYTES, id="at its beginning"),
        pytest.param(5 * PAGE_BYTES, 6 * PAGE_BYTES, id="in the middle, which opens"),
    ],
)
async def test_a_damaged_journal_is_refused_in_a_sentence(path: Path, start: int, end: int):
    async with Journal(path):
        pass
    with path.open("r+b") as file:
        file.seek(start)
        file.write(b"\xa5" * (end - start))

    with pytest.raises(JournalError, match="damaged"):
        async with Journal(path):
            pass


class Endless(sqlite3.Connection):
    """As if the file that is looked through when it is opened had no end."""

    begun: threading.Event
    closed = False

    def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:
        if sql.startswith("PRAGMA quick_check"):
            self.begun.set()
            sql = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"
        return super().execute(sql, parameters)

    def close(self) -> None:
        self.closed = True
        super().close()


async def test_who_is_told_to_stop_does_not_wait_until_a_large_journal_is_open(path: Path):
    opened: list[Endless] = []

    def endless(file: Path) -> sqlite3.Connection:
        connection = sqlite3.connect(file, check_same_thread=False, factory=Endless)
        connection.begun = begun
        opened.append(connection)
        return connection

    begun = threading.Event()
    journal = Journal(path, connect=endless)
    opening = asyncio.create_task(journal.__aenter__())
    await asyncio.to_thread(begun.wait)

    opening.cancel()
    await asyncio.wait((opening,))

    assert (opening.cancelled(), opened[0].closed) == (True, True)
    async with Journal(path) as another:
        await another.write(partial(facts.set_fact, name="world", value="sandbox"))


class Leaving(sqlite3.Connection):
    """One that tells with what size of its log it is closed."""

    kept: int | None = None

    def close(self) -> None:
        (self.kept,) = self.execute("PRAGMA journal_size_limit").fetchone()
        super().close()


async def test_a_journal_that_was_closed_leaves_no_log_where_sqlite_would_keep_one(path: Path):
    """As Apple's does, which no option of SQL asks another one for: then only an empty log is none."""
    leaving = sqlite3.connect(":memory:", check_same_thread=False, factory=Leaving)

    async with Journal(path, connect=lambda _: leaving):
        pass

    assert leaving.kept == 0


class Slow(sqlite3.Connection):
    """One that closes when it is told to."""

    closing: threading.Event
    close_now: threading.Event

    def close(self) -> None:
        self.closing.set()
        self.close_now.wait()
        super().close()


async def test_who_is_cancelled_while_a_journal_closes_leaves_no_lock(path: Path):
    def slow(file: Path) -> sqlite3.Connection:
        connection = sqlite3.connect(
            file, isolation_level=None, check_same_thread=False, factory=Slow
        )
        connection.closing, connection.close_now = closing, close_now
        return connection

    closing, close_now = threading.Event(), threading.Event()
    journal = Journal(path, connect=slow)
    await journal.__aenter__()
    leaving = asyncio.create_task(journal.__aexit__(None, None, None))
    await asyncio.to_thread(closing.wait)

    leaving.cancel()
    asyncio.get_running_loop().call_soon(close_now.set)
    await asyncio.wait((leaving,))

    assert leaving.cancelled()
    take(path.parent).close()


async def test_what_was_handed_in_is_written_whoever_is_cancelled_while_the_journal_closes(
    path: Path,
):
    def hold(_db: sqlite3.Connection) -> None:
        begun.set()
        go_on.wait()

    begun, go_on = threading.Event(), threading.Event()
    journal = Journal(path)
    await journal.__aenter__()
    held = asyncio.create_task(journal.write(hold))
    await asyncio.to_thread(begun.wait)
    paid = asyncio.create_task(journal.write(partial(facts.set_fact, name="paid", value="yes")))
    leaving = asyncio.create_task(journal.__aexit__(None, None, None))
    await asyncio.sleep(0)

    leaving.cancel()
    asyncio.get_running_loop().call_soon(go_on.set)
    await asyncio.wait((held, paid, leaving))

    assert leaving.cancelled()
    async with Journal(path) as another:
        assert await another.read(partial(facts.fact, name="paid")) == "yes"


class Forgetful:
    """A connection that runs out of memory at its commits, for which SQLite has no error of its own."""

    def __init__(self, honest: sqlite3.Connection) -> None:
        self._honest = honest
        self.out_of_memory = False

    def execute(self, statement: str, *given: Any) -> Any:
        if self.out_of_memory and statement == "COMMIT":
            raise MemoryError
        return self._honest.execute(statement, *given)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._honest, name)


async def test_whoever_waits_hears_of_an_error_that_is_not_sqlite_s(path: Path):
    opened: list[Forgetful] = []

    def forgetful(file: Path) -> Any:
        opened.append(Forgetful(connect(file)))
        return opened[0]

    async with Journal(path, connect=forgetful, thread=Inline()) as journal:
        opened[0].out_of_memory = True

        for _ in range(2):
            with pytest.raises(JournalError, match="MemoryError"):
                await journal.write(partial(facts.set_fact, name="paid", value="yes"))
        assert journal.broken is not None


async def test_a_full_disk_stops_all_writing_for_good_and_reading_as_well(path: Path):
    def small(file: Path) -> sqlite3.Connection:
        connection = connect(file)
        connection.execute("PRAGMA max_page_count=40")
        return connection

    def much(db: sqlite3.Connection) -> None:
        facts.set_fact(db, "much", "x" * 1_000_000)

    async with Journal(path, connect=small) as journal:
        with pytest.raises(JournalError, match="disk is full"):
            await journal.write(much)
        with pytest.raises(JournalError, match="disk is full"):
            await journal.write(partial(facts.set_fact, name="little", value="1"))
        with pytest.raises(JournalError, match="disk is full"):
            await journal.read(partial(facts.fact, name="little"))


@pytest.mark.looptime
async def test_work_gathers_where_the_last_transaction_served_several(path: Path):
    transactions: list[list[str]] = []

    def watched(file: Path) -> sqlite3.Connection:
        connection = connect(file)
        connection.set_trace_callback(
            lambda sql: transactions.append([]) if sql.startswith("BEGIN") else None
        )
        return connection

    async def twice(journal: Journal, name: str, *, pause: float) -> None:
        await journal.write(lambda _db: transactions[-1].append(name))
        await asyncio.sleep(pause)
        await journal.write(lambda _db: transactions[-1].append(name))

    async with Journal(path, connect=watched, thread=Inline()) as journal:
        await asyncio.gather(
            twice(journal, "early", pause=0.0), twice(journal, "late", pause=GATHERING / 2)
        )

    assert [some for some in transactions if some] == [["early", "late"], ["early", "late"]]


@pytest.mark.looptime
async def test_who_writes_alone_does_not_wait(path: Path, looptime):
    async with Journal(path, thread=Inline()) as journal:
        for number in range(100):
            await journal.write(partial(facts.set_fact, name=str(number), value=""))

    assert looptime == 0
