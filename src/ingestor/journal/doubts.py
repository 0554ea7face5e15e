"""Paid requests without an answer: what a run that lives still waits for, and what is lost."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import Final

DOUBTS: Final = """
    SELECT coalesce(sum(images) FILTER (WHERE waits), 0),
        coalesce(sum(images) FILTER (WHERE NOT waits), 0), count(*) FILTER (WHERE NOT waits)
    FROM (
        SELECT images, state = 'open' AND run IS ?1 AS waits
        FROM purchases WHERE state IN ('open', 'in-doubt') AND (?2 IS NULL OR run = ?2)
    )
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubts:
    """Read at one moment, so that nothing is counted twice while requests are being answered."""

    under_way: int
    """Images in requests that the living run has open."""
    images: int
    """Those whose answer will never come: perhaps billed, and lost."""
    requests: int
    """Requests that the lost images were in."""


def doubts_of(db: sqlite3.Connection, *, living: int | None, run: int | None = None) -> Doubts:
    """
    Of one run, or of all. What is open is in doubt where its process is no more, and nobody but the
    caller can know which run lives.
    """
    under_way, images, requests = db.execute(DOUBTS, (living, run)).fetchone()
    return Doubts(under_way=under_way, images=images, requests=requests)
