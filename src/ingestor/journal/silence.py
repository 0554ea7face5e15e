"""What a page does not say of photos that an earlier one told more of: silence denies nothing."""

from __future__ import annotations

import sqlite3
from collections.abc import Container, Sequence

import msgspec
from msgspec.structs import replace

from ingestor.journal.rows import json_list
from ingestor.models import Photo


def recalled(
    db: sqlite3.Connection, photos: Sequence[Photo], *, known: Container[str], bare: Container[str]
) -> Sequence[Photo]:
    """
    The photos of a page, of those `known` with the date added and, where the row was `bare`, all else
    that was told of them before.
    """
    silent = [
        one.id for one in photos if one.id in known and (not one.date_added or one.id in bare)
    ]
    if not silent:
        return photos
    records = dict(
        db.execute(
            "SELECT id, text FROM photos JOIN records ON number = record "
            "WHERE id IN (SELECT value FROM json_each(?))",
            (json_list(silent),),
        ).fetchall()
    )
    rows = db.execute(
        "SELECT photo, gid, date_added FROM memberships "
        "WHERE photo IN (SELECT value FROM json_each(?))",
        (json_list(silent),),
    )
    dates = {(photo, gid): added for photo, gid, added in rows}

    def recall(photo: Photo) -> Photo:
        if photo.id not in records:
            return photo
        told = photo
        if photo.id in bare:
            told = msgspec.json.decode(records[photo.id], type=Photo)
        added = photo.date_added or dates.get((photo.id, photo.group), 0)
        return replace(told, group=photo.group, date_added=added)

    return [recall(photo) for photo in photos]
