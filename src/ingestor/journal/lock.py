"""One process at a time works in a state directory: the lock ends with the process, however it ends."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import IO, Final

from ingestor.errors import SettingsError

NAME: Final = "lock"
MOST_ASKERS: Final = 1_000
"""Who only asks holds the lock for two system calls: so often in a row, it is not that."""


def take(directory: Path) -> IO[bytes]:
    """Take a state directory for this process. Raises SettingsError where another one has it."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        lock = (directory / NAME).open("ab")
    except OSError as error:
        raise _unusable(directory, "written", error) from None
    try:
        taken = _taken(lock)
    except OSError as error:
        lock.close()
        raise _unusable(directory, "locked", error) from None
    if not taken:
        lock.close()
        raise SettingsError(
            f"Another ingestor is working in {directory}. Wait for it, or stop it; a run that is about "
            "other photos may have a --state directory of its own."
        )
    return lock


def place_of(lock: IO[bytes]) -> str:
    """
    What tells a state directory from a copy of it, whose lock is another file and may be free. Not from one on
    a clone of the whole disk: see `claims.is_ours`.
    """
    return str(os.fstat(lock.fileno()).st_ino)


def way_out(directory: Path) -> str:
    """
    What to do where a state directory cannot be used. Where it has a journal another one is no advice:
    all that was paid for would be bought again there.
    """
    if has_journal(directory):
        return (
            "Mend that and run the same command again; another directory knows nothing of what was "
            "paid for."
        )
    return "Choose another with --state."


def has_journal(directory: Path) -> bool:
    """Or one that was moved aside; False where nobody can look."""
    try:
        return any(directory.glob("*.sqlite3"))
    except OSError:
        return False


def is_taken(directory: Path) -> bool:
    """Whether somebody works there just now."""
    try:
        with (directory / NAME).open("rb") as lock:
            return not _locked(lock, fcntl.LOCK_SH)
    except OSError:
        return False


def _taken(lock: IO[bytes]) -> bool:
    for _ in range(MOST_ASKERS):
        if _locked(lock, fcntl.LOCK_EX):
            return True
        if not _locked(lock, fcntl.LOCK_SH):
            return False
    return False


def _locked(lock: IO[bytes], kind: int) -> bool:
    try:
        fcntl.flock(lock, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _unusable(directory: Path, how: str, error: OSError) -> SettingsError:
    return SettingsError(
        f"The state directory {directory} cannot be {how} ({os.strerror(error.errno or 0)}). "
        f"{way_out(directory)}"
    )
