"""Photos come into the embedded catalog when they are stored, or taken over from a database that has them."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from ingestor.catalog.indexing import index_photos
from ingestor.journal import pending
from ingestor.journal.dead import forgive, parked_among
from ingestor.journal.listing import take_in
from ingestor.journal.reconciling import follow_groups
from ingestor.journal.results import keep_found, lacking_among, mark_stored
from ingestor.models import Published


def shelve(db: sqlite3.Connection, batch: Sequence[Published]) -> None:
    """Catalog photos and mark them as stored: one that counts as stored can be found."""
    index_photos(db, batch)
    mark_stored(db, [published.photo.id for published in batch])


def adopt(db: sqlite3.Connection, found: Sequence[Published], *, now: float) -> None:
    """Take photos over that a database has, as stored there and found here."""
    take_in(db, [published.photo for published in found])
    keep_found(db, found, now=now)
    forgive(db, [published.photo.id for published in found])
    shelve(db, found)


def take_over(
    db: sqlite3.Connection,
    found: Sequence[Published],
    *,
    come: Sequence[tuple[str, str, int]],
    left: Sequence[tuple[str, str]],
    shelved: Sequence[Published],
    now: float,
) -> None:
    """
    Adopt photos, have those `shelved` that waited and that the database has as we do, and have photos in the
    groups that it names; see `follow_groups`.
    """
    adopt(db, found, now=now)
    shelve(db, shelved)
    follow_groups(db, come=come, left=left)


def adopt_lacking(db: sqlite3.Connection, found: Sequence[Published], *, now: float) -> None:
    """
    Take over what the journal lacks. This is not the answer that it waits for: what it gave up in
    doubt stays so, and what is to be annotated keeps its place.
    """
    ids = [published.photo.id for published in found]
    parked, waiting = parked_among(db, ids), pending.among(db, ids)
    lacking = [one for one in lacking_among(db, found) if one.photo.id not in parked]
    if lacking:
        adopt(db, lacking, now=now)
        pending.wait_again(db, waiting)
