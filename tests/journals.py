"""What tests have a journal go through before they ask it."""

from __future__ import annotations

import sqlite3

from ingestor.journal import listing
from ingestor.journal.results import keep
from ingestor.models import Photo, Published


def listed(
    db: sqlite3.Connection, *photos: Photo, run: int = 1, now: float = 1.0
) -> listing.Sighting:
    """Have a run meet photos on a page, with room for them all."""
    return listing.sight(db, photos, run=run, room=None, features=None, unusable=(), now=now)


def annotated(
    db: sqlite3.Connection, *published: Published, run: int = 1, now: float = 1.0
) -> None:
    """Have a run meet photos, and learn what Vision says of them."""
    listed(db, *(one.photo for one in published), run=run, now=now)
    for one in published:
        keep(db, one.annotation, size=one.size, purchase="p", now=now)
