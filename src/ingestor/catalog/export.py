"""
Everything that was annotated, for other programs: JSONL or Parquet, one row per photo.

Rows come in the order of photo ids, each as it is when it is read, and are never all in memory. A photo that
was annotated more than once comes with its newest annotation, one without labels with an empty list.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from itertools import islice
from typing import IO, TYPE_CHECKING, Any

import orjson

from ingestor.errors import SettingsError
from ingestor.journal.listing import photo_from
from ingestor.journal.results import NEWEST, read_size

if TYPE_CHECKING:
    import pyarrow as pa

ROWS_OF_A_GROUP = 5_000
"""Of one Parquet row group: some megabytes in memory, and still worth compressing (taste)."""

ROWS = f"""
    SELECT photos.id, text, image, labels, safe, model, features, hex(sha256), partial, at,
        (SELECT json_group_array(gid) FROM memberships WHERE photo = photos.id)
    FROM photos JOIN records ON records.number = record
    JOIN annotations ON annotations.photo = photos.id
    WHERE photos.id > ? AND features = (
        SELECT features FROM annotations WHERE photo = photos.id ORDER BY {NEWEST} DESC LIMIT 1
    )
    ORDER BY photos.id LIMIT ?
"""  # noqa: S608
ROWS_AT_ONCE = 1_000
"""Some megabytes in memory."""


def export_jsonl(db: sqlite3.Connection, out: IO[bytes]) -> int:
    """Write one JSON object a line; returns how many."""
    count = 0
    for row in rows(db):
        out.write(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE))
        count += 1
    return count


def export_parquet(db: sqlite3.Connection, out: IO[bytes]) -> int:
    """Write a Parquet file; returns the number of rows. Raises SettingsError without pyarrow."""
    arrow, parquet = _pyarrow()
    schema = _schema(arrow)
    source, count = rows(db), 0
    with parquet.ParquetWriter(out, schema, compression="zstd") as writer:
        while group := list(islice(source, ROWS_OF_A_GROUP)):
            writer.write_table(arrow.Table.from_pylist(group, schema=schema))
            count += len(group)
    return count


def rows(db: sqlite3.Connection, *, at_once: int = ROWS_AT_ONCE) -> Iterator[dict[str, Any]]:
    """One dictionary a photo; times are unix seconds, `labels` come best first."""
    for (
        photo_id,
        record,
        image,
        labels,
        safe,
        model,
        features,
        sha256,
        partial,
        at,
        groups,
    ) in _read(db, at_once):
        photo = photo_from(record)
        size = read_size(image)
        yield {
            "id": photo_id,
            "groups": sorted(orjson.loads(groups)),
            "owner": photo.owner,
            "owner_name": photo.owner_name,
            "title": photo.title,
            "page": photo.page,
            "license": photo.license,
            "uploaded": photo.uploaded,
            "image": size.url,
            "width": size.width,
            "height": size.height,
            "thumb": photo.thumb,
            "labels": [
                {"name": name, "score": score, "topicality": topicality, "mid": mid}
                for name, score, topicality, mid in orjson.loads(labels)
            ],
            "safe": None if safe is None else orjson.loads(safe),
            "model": model,
            "features": features,
            "sha256": sha256.lower(),
            "partial": bool(partial),
            "annotated": at,
        }


def _read(db: sqlite3.Connection, at_once: int) -> Iterator[tuple[Any, ...]]:
    """
    Piece by piece, with nothing under way between two of them: whoever takes the rows may be slow, and as long
    as a statement is, the writer's log cannot be written back, and grows.
    """
    last = ""
    while some := db.execute(ROWS, (last, at_once)).fetchall():
        yield from some
        last = some[-1][0]


def _pyarrow() -> tuple[Any, Any]:
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError:
        raise SettingsError(
            "Parquet needs pyarrow, which is not installed: pip install '.[export]', from the checkout, "
            "brings it. JSONL needs nothing."
        ) from None
    return pa, parquet


def _schema(arrow: Any) -> pa.Schema:
    """Said, not guessed: a group of rows without labels would have another type."""
    text, whole, real = arrow.string(), arrow.int64(), arrow.float64()
    label = arrow.struct(
        [("name", text), ("score", real), ("topicality", real), ("mid", text)],
    )
    schema: pa.Schema = arrow.schema(
        [
            *(("id", text), ("groups", arrow.list_(text)), ("owner", text), ("owner_name", text)),
            *(("title", text), ("page", text), ("license", text), ("uploaded", whole)),
            *(("image", text), ("width", whole), ("height", whole), ("thumb", text)),
            *(("labels", arrow.list_(label)), ("safe", arrow.map_(text, text))),
            *(("model", text), ("features", text), ("sha256", text)),
            *(("partial", arrow.bool_()), ("annotated", real)),
        ]
    )
    return schema
