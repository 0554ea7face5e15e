"""`ingestor export`: annotations as JSON lines, or as Parquet where pyarrow is installed."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import MappingProxyType
from typing import IO, TYPE_CHECKING, Final, Literal

from ingestor.catalog.export import export_jsonl, export_parquet
from ingestor.errors import SettingsError
from ingestor.journal.standing import looking_into
from ingestor.kits.amounts import counted

if TYPE_CHECKING:
    from ingestor.settings import Settings

STDOUT: Final = "-"

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
            f"--output: nothing here writes {ending}; name the file .jsonl or .parquet, or say which with "
            "--format."
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
            with _in_place_of(named.resolve()) as file:
                yield file
    except OSError as error:
        raise SettingsError(f"{output} cannot be written ({error.strerror}).") from error


@contextmanager
def _in_place_of(path: Path) -> Iterator[IO[bytes]]:
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with part.open("xb") as file:
            yield file
        part.replace(path)
    finally:
        with suppress(OSError):
            part.unlink()
