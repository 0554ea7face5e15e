"""Room on the disk that is kept for answers in flight, and given up when there is no other left."""

from __future__ import annotations

import contextlib
import errno
import os
import resource
from pathlib import Path
from typing import Final

from ingestor.errors import SettingsError
from ingestor.journal.lock import has_journal

TOO_LITTLE: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""The last of them where no file may be as large, as when somebody gives bytes for megabytes."""
PIECE: Final = 1 << 20
"""Bytes: more at once are hardly faster (taste)."""
BLOCK: Final = 512
"""Bytes in which `st_blocks` counts, whatever the file system's own are."""


class Reserve:
    """A file of `size` bytes that holds nothing; 0 is no reserve."""

    def __init__(self, path: Path, size: int) -> None:
        self._path = path
        self._size = size

    def set_aside(self) -> None:
        """Raises SettingsError where there is not as much room."""
        if not self._size:
            return
        try:
            file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
            try:
                os.ftruncate(file, self._size)
                _allocate(file, self._size)
            finally:
                os.close(file)
        except OSError as error:
            self.release()
            if error.errno == errno.EFBIG and _files_are_limited():
                raise SettingsError(self._too_large()) from None
            if error.errno in TOO_LITTLE:
                raise SettingsError(self._too_little()) from None
            # A file system that takes no such file: the journal still stops when it is full.
        except OverflowError:
            # More than the system counts.
            self.release()
            raise SettingsError(self._too_little()) from None

    def release(self) -> bool:
        """Give the room up; tells whether there was any."""
        with contextlib.suppress(OSError):
            self._path.unlink()
            return True
        return False

    def _too_little(self) -> str:
        directory = self._path.parent
        # Another directory would not know what was paid for.
        other = "" if has_journal(directory) else "choose another --state directory, "
        return (
            f"Less than {self._size / 1e6:.0f} MB are free in {directory}, too little to begin with. "
            f"Make room, {other}or lower INGESTOR_DISK_RESERVE."
        )

    def _too_large(self) -> str:
        return (
            f"No file may have {self._size / 1e6:.0f} MB here (`ulimit -f`), and the journal would meet that "
            "limit in the middle of paid calls. Raise it and run the same command again."
        )


def _allocate(file: int, size: int) -> None:
    try:
        os.posix_fallocate(file, 0, size)
    except AttributeError:
        # macOS has no such call.
        _fill(file, size)
    except OSError as error:
        # musl says so of a file system that cannot promise room; glibc writes there by itself.
        if error.errno != errno.EOPNOTSUPP:
            raise
        _fill(file, size)


def _fill(file: int, size: int) -> None:
    """With what no file system makes smaller: of noughts some keep but the number."""
    disk = os.fstatvfs(file)
    if disk.f_bavail * disk.f_frsize < size - os.fstat(file).st_blocks * BLOCK:
        # Found out by writing, it would be all that others have left.
        raise OSError(errno.ENOSPC, "")
    piece = os.urandom(PIECE)
    with open(file, "wb", closefd=False) as out:
        out.writelines(piece[: size - start] for start in range(0, size, PIECE))


def _files_are_limited() -> bool:
    return resource.getrlimit(resource.RLIMIT_FSIZE)[0] != resource.RLIM_INFINITY
