"""
The journal's file, and the one thread and connection that write it.

Work handed in while a transaction is being written is committed together with the next one: at full
speed one sync of the disk serves many purchases. Every commit is durable (`synchronous=FULL`) before
the one who asked is told.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self, TypeVar, cast

from ingestor.errors import JournalError, SettingsError
from ingestor.journal.lock import place_of, take
from ingestor.journal.reserve import Reserve
from ingestor.journal.schema import migrate, require_sqlite

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], T]
Connect = Callable[[Path], sqlite3.Connection]

MOST_TOGETHER = 64
"""Pieces of work in one transaction: keeps the wait of the first one short."""

GATHERING = 0.02
"""Seconds in which work gathers before the next transaction where the last one served several:
twice as many purchases then share a sync, and the pages that all of them change."""

INTERRUPT_AGAIN = 0.1
"""Seconds: between two of its statements SQLite does not hear that it is interrupted."""

CACHE_KIB = 4_096
"""
The catalog's pages are touched all over: twice as much saves three system calls a photo in a journal of
60,000, and no CPU (measured to 100,000). A long run would hold it all.
"""
PAGE_BYTES = 8192
"""
Twice SQLite's own: half as many pages to write, each two system calls and later two more, at a
quarter more bytes (measured; four times are only a third fewer again). A file keeps what it has.
"""
PAGES_BEFORE_CHECKPOINT = 4_000
"""32 MB of log: the pages that every purchase changes then go into the file once, not eight times."""

WITHOUT_SHARING = "delete"
"""SQLite's way where WAL has no memory to share (https://sqlite.org/wal.html): readers hold up the writer."""
NOT_HERE = (
    "The state directory is on a network disk, or on another where SQLite cannot share memory between processes. "
    "Choose one on a disk of this machine with --state; if there is a journal, move the directory there, for "
    "another one knows nothing of what was paid for."
)

THEN_MAKE_ROOM = "Make room and run the same command again; it continues where it stopped."
"""What a person does about a disk that is full; a worker goes on by itself when there is room."""


def connect(path: Path) -> sqlite3.Connection:
    """Open for writing: WAL, so that readers never wait; FULL, so that a commit survives power loss."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        return prepare(connection)
    except BaseException:
        connection.close()
        raise


def prepare(connection: sqlite3.Connection) -> sqlite3.Connection:
    """Raises SettingsError where the disk is not for that."""
    connection.execute(f"PRAGMA page_size={PAGE_BYTES}")
    (mode,) = connection.execute("PRAGMA journal_mode=WAL").fetchone()
    if mode == WITHOUT_SHARING:
        raise SettingsError(NOT_HERE)
    connection.execute("PRAGMA synchronous=FULL")
    # On macOS fsync leaves it in the drive's own cache (https://sqlite.org/pragma.html#pragma_fullfsync).
    connection.execute("PRAGMA fullfsync=1")
    connection.execute("PRAGMA temp_store=MEMORY")
    connection.execute(f"PRAGMA cache_size=-{CACHE_KIB}")
    connection.execute(f"PRAGMA wal_autocheckpoint={PAGES_BEFORE_CHECKPOINT}")
    return connection


class Journal:
    """
    `async with Journal(path) as journal: await journal.write(work)`.

    After the disk refused once nothing is written any more: `broken` tells, and every later write
    raises, because a sync that failed cannot be believed the second time. Only a disk that is full
    refuses nothing yet where there is a reserve (bytes): that is given up, `full` says what happened,
    and there is room for what was paid for, not for paying more. A file that is no longer
    where it was takes answers likewise, for it may come back: `gone` is what to raise then.
    """

    def __init__(
        self,
        path: Path,
        *,
        connect: Connect = connect,
        thread: Executor | None = None,
        reserve: int = 0,
    ) -> None:
        self.path = path
        self.broken: JournalError | None = None
        self.full: str | None = None
        self.place = ""
        """Of the state directory; a copy of it has another one."""
        self.gone: JournalError | None = None
        self._file: tuple[int, int] | None = None
        self._reserve = Reserve(path.parent / "reserve", reserve)
        self._connect = connect
        self._thread = thread or ThreadPoolExecutor(1, thread_name_prefix="journal")
        self._waiting: deque[tuple[Work[Any], asyncio.Future[Any]]] = deque()
        self._arrived = asyncio.Event()
        self._leaving = False
        """Nothing more will be handed in."""
        self._writer: asyncio.Task[None] | None = None
        self._lock: IO[bytes] | None = None
        self._connection: sqlite3.Connection | None = None

    async def __aenter__(self) -> Self:
        self._lock = take(self.path.parent)
        self.place = place_of(self._lock)
        try:
            await self._in_thread(self._open)
        except BaseException:
            await _to_the_end(self._leave_opening())
            raise
        # The one task that the journal owns; it ends in __aexit__, after what was handed in.
        self._writer = asyncio.create_task(self._write_all(), name="journal")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._leaving = True
        self._arrived.set()
        await _to_the_end(self._leave())

    async def _leave(self) -> None:
        try:
            if self._writer is not None:
                await self._writer
        finally:
            self._reserve.release()
            await self._in_thread(self._close)
            self._let_go()

    async def _leave_opening(self) -> None:
        """A large file may be looked through, or converted, for longer than whoever stops has."""
        # The thread is alone: it comes to this when it has done with the other.
        closing = asyncio.create_task(self._in_thread(self._close), name="journal-close")
        while not closing.done():
            with contextlib.suppress(sqlite3.ProgrammingError):  # closed just now
                if self._connection is not None:
                    self._connection.interrupt()
            await asyncio.wait((closing,), timeout=INTERRUPT_AGAIN)
        self._reserve.release()
        self._let_go()

    def _let_go(self) -> None:
        self._thread.shutdown(wait=False)
        if self._lock is not None:
            self._lock.close()

    async def write(self, work: Work[T]) -> T:
        """
        Run `work(connection)` in a transaction and return when it is durable.

        Once handed in it is carried out even if the caller is cancelled: an answer that was paid for
        must not depend on who still waits for it. Raises JournalError if the disk refuses; what
        `work` itself raises rolls back its own changes and passes through. It may be run again before
        anything is durable, so all that it does it does to the connection.
        """
        return await self._hand_in(work)

    async def read(self, work: Work[T]) -> T:
        """
        Run `work(connection)`, which only looks, behind all that was handed in before it: it sees what
        that wrote, and waits as long for the disk. Raises JournalError like `write` once the disk has
        refused, though nothing is to be written: what was read may not be what is on the disk.
        """
        return await self._hand_in(work)

    async def _hand_in(self, work: Work[T]) -> T:
        if self.broken is not None:
            raise self.broken
        done: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._waiting.append((work, done))
        self._arrived.set()
        return await done

    async def find_room(self) -> None:
        """Where the reserve was given up, set it aside again if there is room by now."""
        if self.full is not None:
            await self._in_thread(self._set_aside_again)

    def _set_aside_again(self) -> None:
        with contextlib.suppress(SettingsError):
            self._reserve.set_aside()
            self.full = None

    def _open(self) -> None:
        require_sqlite()
        self._reserve.set_aside()
        try:
            self._connection = connection = self._connect(self.path)
            (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
            if verdict != "ok":
                raise sqlite3.DatabaseError(verdict)
            migrate(connection)
        except sqlite3.Error as error:
            raise JournalError(_sentence(self.path, error)) from error
        self._file = _file_at(self.path)

    def _close(self) -> None:
        if self._connection is not None:
            # Apple's SQLite leaves the log there, as large as it was, and then nobody knows that it is done with.
            with contextlib.suppress(sqlite3.Error):  # interrupted
                self._connection.execute("PRAGMA journal_size_limit=0")
            self._connection.close()

    async def _write_all(self) -> None:
        busy = False
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            while self._waiting:
                if busy:
                    await asyncio.sleep(GATHERING)
                some = [
                    self._waiting.popleft() for _ in range(min(MOST_TOGETHER, len(self._waiting)))
                ]
                await self._commit(some)
                busy = len(some) > 1
            if self._leaving:
                return

    async def _commit(self, some: Sequence[tuple[Work[Any], asyncio.Future[Any]]]) -> None:
        outcomes = await self._in_thread(lambda: self._transaction([work for work, _ in some]))
        for (_, done), outcome in zip(some, outcomes, strict=True):
            if done.cancelled():
                continue
            if isinstance(outcome, _Raised):
                done.set_exception(outcome.error)
            else:
                done.set_result(outcome)

    def _transaction(self, works: Sequence[Work[Any]]) -> list[Any]:
        connection = cast("sqlite3.Connection", self._connection)
        if self.broken is not None:
            return [_Raised(self.broken)] * len(works)
        if self.gone is None and _file_at(self.path) != self._file:
            self.gone = JournalError(_why_gone(self.path))
        try:
            return _carried_out(connection, works)
        except Exception as error:  # noqa: BLE001 - whoever waits has to hear of it, whatever it is
            if _is_full(error) and self._reserve.release():
                self.full = _why_full(self.path)
                # There is room by now, and no reserve that could be given up a second time.
                return self._transaction(works)
            self.broken = JournalError(_sentence(self.path, error))
            return [_Raised(self.broken)] * len(works)

    async def _in_thread(self, call: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, call)


async def _to_the_end(work: Coroutine[object, object, None]) -> None:
    """Carry it out although its caller is cancelled meanwhile, who is told so when it is done."""
    task = asyncio.create_task(work, name="journal-leave")
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait((task,))
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        raise cancelled
    task.result()


class _Mistake(Exception):
    """A piece of work raised something of its own; what it changed has to be undone."""


class _Raised:
    def __init__(self, error: Exception) -> None:
        self.error = error


def _carried_out(connection: sqlite3.Connection, works: Sequence[Work[Any]]) -> list[Any]:
    """
    One transaction, all of it or nothing; where a piece of work makes a mistake, all but what it changed.

    For a savepoint SQLite copies every page that is changed behind it, and hardly any work makes a mistake:
    at first none has one. Where one does, all begin again, and each has its own.
    """
    try:
        return _in_transaction(connection, works, run=_trust)
    except _Mistake:
        return _in_transaction(connection, works, run=_attempt)


def _in_transaction(
    connection: sqlite3.Connection,
    works: Sequence[Work[Any]],
    *,
    run: Callable[[sqlite3.Connection, Work[Any]], Any],
) -> list[Any]:
    try:
        connection.execute("BEGIN IMMEDIATE")
        outcomes = [run(connection, work) for work in works]
        connection.execute("COMMIT")
    except Exception:
        with contextlib.suppress(Exception):
            connection.execute("ROLLBACK")
        raise
    return outcomes


def _trust(connection: sqlite3.Connection, work: Work[Any]) -> Any:
    """Run one piece of work; its own mistake is a _Mistake, and can only be undone with all others."""
    try:
        return work(connection)
    except sqlite3.Error:
        raise
    except Exception as error:
        raise _Mistake from error


def _attempt(connection: sqlite3.Connection, work: Work[Any]) -> Any:
    """Run one piece of work in a savepoint; its own mistake undoes its own changes only."""
    connection.execute("SAVEPOINT work")
    try:
        outcome = work(connection)
    except sqlite3.Error:
        raise
    except Exception as error:  # noqa: BLE001 - handed to whoever asked for the work
        connection.execute("ROLLBACK TO work")
        outcome = _Raised(error)
    connection.execute("RELEASE work")
    return outcome


def _file_at(path: Path) -> tuple[int, int] | None:
    """Which file that is: one that was deleted, or moved, can be written to all the same."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _why_gone(path: Path) -> str:
    return (
        f"{path} was moved or deleted while it was in use, so nothing more was bought. Put it back "
        "before you run the same command again: without it, what it knew may be bought again."
    )


def _is_full(error: Exception) -> bool:
    """Or used up as far as a quota lets us, which SQLite takes for any error of writing; never one of a sync."""
    code = getattr(error, "sqlite_errorcode", 0)
    return "disk is full" in str(error) or code == sqlite3.SQLITE_IOERR_WRITE


def _why_full(path: Path) -> str:
    return f"The disk is full: {path} cannot be written, so nothing more was bought."


def _sentence(path: Path, error: Exception) -> str:
    text = str(error) or type(error).__name__
    # The file beside it, which takes some room as well, has an error of its own.
    if "full" in text or getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_IOERR_SHMSIZE:
        return f"{_why_full(path)} {THEN_MAKE_ROOM}"
    if "malformed" in text or "not a database" in text:
        return (
            f"{path} is damaged ({text}). Move it away; with a database configured, what it knew "
            "is read from there before anything is bought."
        )
    return f"{path} cannot be written ({text}), so nothing more was bought."
