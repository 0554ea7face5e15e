"""Photos leave the embedded catalog with the last group that had them, or when the store refuses them."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from ingestor.catalog.indexing import remove_photo
from ingestor.journal.dead import fail_all
from ingestor.journal.results import mark_unstored
from ingestor.journal.withdrawals import Departure, withdraw, withdraw_from_all
from ingestor.models import Failure


def take_down(
    db: sqlite3.Connection,
    leaving: Sequence[Departure],
    *,
    group: str,
    now: float,
    groups_of_others: Sequence[str],
) -> None:
    """`now`: unix seconds."""
    for departure in leaving:
        if departure.last:
            remove_photo(db, departure.photo)
    photos = [departure.photo for departure in leaving]
    withdraw(db, photos, group=group, now=now, groups_of_others=groups_of_others)


def give_up(db: sqlite3.Connection, failures: Sequence[Failure], *, now: float) -> None:
    """End photos that the store refused as dead letters, though they had counted as stored there."""
    photos = [failure.photo_id for failure in failures]
    for photo in photos:
        remove_photo(db, photo)
    mark_unstored(db, photos)
    fail_all(db, failures, now=now)


def follow_out(db: sqlite3.Connection, photos: Sequence[str]) -> None:
    """Take down here what others, whose photos they are, have taken down in the database."""
    for photo in photos:
        remove_photo(db, photo)
    withdraw_from_all(db, photos)
