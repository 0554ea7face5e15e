"""`ingestor export`: annotations as JSON lines, or as Parquet where pyarrow is installed."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType, MappingProxyType
from typing import IO, TYPE_CHECKING, Final, Literal, NoReturn

from ingestor.catalog.export import export_jsonl, export_parquet
from ingestor.errors import SettingsError
from ingestor.journal.reader import looking_into
from ingestor.kits.amounts import counted
from ingestor.kits.lifetime import SIGNAL_EXITS

if TYPE_CHECKING:
    from ingestor.settings import Settings

STDOUT: Final = "-"
ENDING: Final = (signal.SIGTERM, signal.SIGHUP)
"""Signals that end a process on the spot, where nobody listens."""

Form = Literal["jsonl", "parquet"]

ENDINGS: Final[Mapping[str, Form]] = MappingProxyType(
    {
        "": "jsonl",
        ".jsonl": "jsonl",
        ".ndjson": "jsonl",
        ".json": "jsonl",
        ".parquet": "parquet",
    }
)


def export(settings: Settings, *, output: str, form: Form | None) -> int:
    chosen = form or form_of(output)
    if chosen == "parquet" and output == STDOUT and sys.stdout.isatty():
        raise SettingsError("Parquet is not for reading: give --output a file, or a pipe.")
    write = export_parquet if chosen == "parquet" else export_jsonl
    with looking_into(settings.journal_path) as db, _opened(output) as file:
        written = write(db, file)
    sys.stderr.write(f"ingestor: {counted(written, 'annotation')} exported.\n")
    return 0


def form_of(output: str) -> Form:
    """Raises SettingsError where the name says something else."""
    ending = Path(output).suffix.lower()
    if ending not in ENDINGS:
        raise SettingsError(
            f"--output: nothing here writes {ending}; name the file .jsonl or .parquet, which R, pandas "
            "and jq read, or say which with --format."
        )
    return ENDINGS[ending]


@contextmanager
def _opened(output: str) -> Iterator[IO[bytes]]:
    """The file appears when it is complete; one that stood there before stays until then."""
    if output == STDOUT:
        yield sys.stdout.buffer
        return
    try:
        named = Path(output)
        if not output or named.is_dir():
            raise SettingsError(
                f"--output: {output!r} is not a file; give its name, or - for stdout."
            )
        if named.exists() and not named.is_file():
            # A pipe or a device is not there to be replaced, and what a shell calls /dev/fd/63 has no
            # other name.
            with named.open("wb") as file:
                yield file
        else:
            with in_place_of(named.resolve()) as file:
                yield file
    except OSError as error:
        raise SettingsError(f"{output} cannot be written ({error.strerror}).") from error


@contextmanager
def in_place_of(path: Path) -> Iterator[IO[bytes]]:
    """A file that gets this name when it is complete, and is gone when it is not."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    with _ending_tidily():
        try:
            with part.open("xb") as file:
                yield file
            part.replace(path)
        finally:
            with suppress(OSError):
                part.unlink()


@contextmanager
def _ending_tidily() -> Iterator[None]:
    """What is open is left first, as with Ctrl+C."""
    ours = [number for number in ENDING if signal.getsignal(number) is signal.SIG_DFL]
    for number in ours:
        signal.signal(number, _end)
    try:
        yield
    finally:
        for number in ours:
            signal.signal(number, signal.SIG_DFL)


def _end(number: int, _frame: FrameType | None) -> NoReturn:
    raise SystemExit(SIGNAL_EXITS[signal.Signals(number).name])
