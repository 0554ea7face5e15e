"""Photos leave the embedded catalog with the last group that had them."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from ingestor.catalog.local import remove_photo
from ingestor.journal.withdrawals import Departure, withdraw


def take_down(
    db: sqlite3.Connection, leaving: Sequence[Departure], *, group: str, now: float
) -> None:
    """`now`: unix seconds."""
    for departure in leaving:
        if departure.last:
            remove_photo(db, departure.photo)
    withdraw(db, [departure.photo for departure in leaving], group=group, now=now)
