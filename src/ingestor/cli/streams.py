"""
Standard streams that a run survives: closed, full, gone with their terminal, of a small alphabet.

What is said on stderr is for somebody who may have left, so nobody misses it; paid calls in flight
would. What goes to stdout was asked for, so its loss is an error that says so: but for a terminal's,
for who asked has left with it, and how the command ends is another's to say.
"""

from __future__ import annotations

import codecs
import contextlib
import io
import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, NoReturn, TextIO

from ingestor.errors import IngestorError

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

STDOUT: Final = 1
STDERR: Final = 2

WITHOUT_CURSOR: Final = ("dumb", "unknown")
"""What TERM says where nothing but lines can be shown; rich goes by the same."""

LOOK_ALIKE: Final = "ingestor.look-alike"
"""How letters are written that a stream does not have, as one of Python's error handlers."""
ALIKE: Final = dict(zip("█▉▊▋▌▍▎▏–—·×µ…", "#####   ---xu.", strict=True))
"""What stands for those that we use: a bar stays a bar, of the same width."""


class OutputLost(IngestorError):
    """Standard output cannot be written."""


def settle_streams() -> None:
    """Replace the process's own stdout and stderr for good; those that a caller put there stay."""
    _fill_gaps()
    if sys.stdout is sys.__stdout__:
        # Asked now: one that is gone says that it is none.
        failing = _ignore if os.isatty(STDOUT) else _tell
        sys.stdout = _sturdy(sys.stdout, STDOUT, failing=failing)
    if sys.stderr is sys.__stderr__:
        sys.stderr = _sturdy(sys.stderr, STDERR, failing=_ignore)


def can_draw(stream: TextIO) -> bool:
    """Whether what is shown can be taken back and shown otherwise, as on nearly every terminal."""
    return stream.isatty() and os.environ.get("TERM", "").lower() not in WITHOUT_CURSOR


def may_color(stream: TextIO) -> bool:
    """As https://no-color.org has it."""
    return can_draw(stream) and not os.environ.get("NO_COLOR")


def columns_of(stream: TextIO) -> int | None:
    """How wide a terminal is now; None where it does not say."""
    try:
        return os.get_terminal_size(stream.fileno()).columns or None
    except OSError:
        return None


def abandon_stdout() -> None:
    """What is still buffered goes nowhere: Python would complain about it at the very end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
    with contextlib.suppress(OSError):
        sys.stdout.flush()


def _fill_gaps() -> None:
    """A file that is opened later must not get the number of a standard stream that was closed."""
    for number in range(STDERR + 1):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free


def _sturdy(stream: TextIO | None, number: int, *, failing: Callable[[OSError], None]) -> TextIO:
    """`stream` is None where it was closed before we began."""
    return io.TextIOWrapper(
        io.BufferedWriter(_Descriptor(number, failing)),
        encoding=stream.encoding if stream else None,
        # A name in letters that a terminal does not have is no reason to end.
        errors=LOOK_ALIKE,
        line_buffering=not isinstance(stream, io.TextIOWrapper)
        # Python writes stderr through when it is a file or a pipe: a log line must not wait.
        or stream.line_buffering
        or stream.write_through,
    )


def _look_alike(error: UnicodeError) -> tuple[str, int]:
    """As "replace" does it, but for letters that have something like them."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end]
    return "".join(ALIKE.get(letter, "?") for letter in lacking), error.end


codecs.register_error(LOOK_ALIKE, _look_alike)


class _Descriptor(io.RawIOBase):
    """Writes to a file descriptor, which stays open; `failing` decides what a failure means."""

    def __init__(self, number: int, failing: Callable[[OSError], None]) -> None:
        self._number = number
        self._failing = failing

    def write(self, given: ReadableBuffer, /) -> int:
        try:
            return os.write(self._number, given)
        except OSError as error:
            self._failing(error)
            return memoryview(given).nbytes

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._number

    def isatty(self) -> bool:
        return os.isatty(self._number)


def _ignore(_error: OSError) -> None: ...


def _tell(error: OSError) -> NoReturn:
    if isinstance(error, BrokenPipeError):
        raise error
    raise OutputLost(f"Standard output cannot be written ({error.strerror}).") from error
