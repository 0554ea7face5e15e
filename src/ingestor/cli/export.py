"""`ingestor export`: annotations as JSON lines, or as Parquet where pyarrow is installed."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final, Literal

import orjson

from ingestor.cli.spelling import counted
from ingestor.errors import SettingsError
from ingestor.journal.exporting import annotated
from ingestor.journal.standing import looking_into

if TYPE_CHECKING:
    import pyarrow as pa

    from ingestor.settings import Settings

STDOUT: Final = "-"
ROWS_TOGETHER: Final = 5_000
"""In one row group of Parquet: some megabytes of memory."""

TEXTS: Final = ("id", "title", "owner", "owner_name", "page", "license")

Form = Literal["jsonl", "parquet"]
Record = dict[str, Any]


def export(settings: Settings, *, output: str, form: Form | None) -> int:
    chosen = form or ("parquet" if output.endswith(".parquet") else "jsonl")
    if chosen == "parquet" and output == STDOUT and sys.stdout.isatty():
        raise SettingsError("Parquet is not for reading: give --output a file, or a pipe.")
    write = _write_parquet if chosen == "parquet" else _write_lines
    with looking_into(settings.journal_path) as db, _opened(output) as file:
        written = write(file, annotated(db))
    sys.stderr.write(f"ingestor: {counted(written, 'annotation')} exported.\n")
    return 0


@contextmanager
def _opened(output: str) -> Iterator[IO[bytes]]:
    """The file appears when it is complete; one that stood there before stays until then."""
    if output == STDOUT:
        yield sys.stdout.buffer
        return
    path = Path(output)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with part.open("xb") as file:
            yield file
        part.replace(path)
    except OSError as error:
        raise SettingsError(f"{output} cannot be written ({error.strerror}).") from error
    finally:
        part.unlink(missing_ok=True)


def _write_lines(file: IO[bytes], records: Iterable[Record]) -> int:
    written = 0
    for record in records:
        file.write(orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE))
        written += 1
    return written


def _write_parquet(file: IO[bytes], records: Iterable[Record]) -> int:
    try:
        from pyarrow import Table, parquet
    except ImportError:
        raise SettingsError(
            "Parquet takes pyarrow, which is not installed: pip install 'ingestor[export]'."
        ) from None
    written = 0
    rows = iter(records)
    with parquet.ParquetWriter(file, schema := _schema()) as writer:
        while some := list(islice(rows, ROWS_TOGETHER)):
            writer.write_table(Table.from_pylist([_row(record) for record in some], schema))
            written += len(some)
    return written


def _schema() -> pa.Schema:
    import pyarrow as pa

    label = pa.struct(
        [
            pa.field("name", pa.string()),
            pa.field("score", pa.float64()),
            pa.field("topicality", pa.float64()),
            pa.field("mid", pa.string()),
        ]
    )
    fields: list[pa.Field[Any]] = [
        *(pa.field(name, pa.string()) for name in TEXTS),
        pa.field("uploaded", pa.int64()),
        pa.field("groups", pa.list_(pa.string())),
        pa.field("image", pa.string()),
        pa.field("width", pa.int32()),
        pa.field("height", pa.int32()),
        pa.field("labels", pa.list_(label)),
        pa.field("safe", pa.map_(pa.string(), pa.string())),
        pa.field("model", pa.string()),
        pa.field("features", pa.string()),
        pa.field("sha256", pa.string()),
        pa.field("annotated_at", pa.float64()),
        pa.field("stored", pa.bool_()),
    ]
    return pa.schema(fields)


def _row(record: Record) -> Record:
    """Parquet's maps are lists of pairs."""
    safe = record["safe"]
    return {**record, "safe": None if safe is None else list(safe.items())}
