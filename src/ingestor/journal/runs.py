"""Runs: their numbers and reports, and what became of their photos."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass

import orjson

LATER = 2**62
"""Above every run's number."""
_ENDS = {
    "listed": "pending",
    "annotated": "pending",
    "stored": "stored",
    "skipped": "skipped",
    "dead": "dead",
    "withdrawn": "skipped",
}
"""Where a photo of each state is in the tally of its run."""
STATES = tuple(_ENDS)
"""Of photos, all that there are."""


def begin_run(db: sqlite3.Connection, *, run: str, now: float, epoch: int = 0) -> int:
    """Write down that a run began; returns its number in this journal."""
    (number,) = db.execute(
        "INSERT INTO runs (id, started, epoch) VALUES (?, ?, ?) RETURNING number", (run, now, epoch)
    ).fetchone()
    return int(number)


def end_run(
    db: sqlite3.Connection, number: int, *, reason: str, report: Mapping[str, object], now: float
) -> None:
    db.execute(
        "UPDATE runs SET ended = ?, reason = ?, report = ? WHERE number = ?",
        (now, reason, orjson.dumps(report).decode(), number),
    )


def last_died(db: sqlite3.Connection) -> bool:
    """Whether the newest run never came to its end."""
    row = db.execute("SELECT ended FROM runs ORDER BY number DESC LIMIT 1").fetchone()
    return row is not None and row[0] is None


def last_ended(db: sqlite3.Connection, *, before: int) -> int:
    """The number of the last run before this one that came to its end; 0 where none did."""
    (number,) = db.execute(
        "SELECT coalesce(max(number), 0) FROM runs WHERE ended IS NOT NULL AND number < ?",
        (before,),
    ).fetchone()
    return int(number)


def last_runs(db: sqlite3.Connection, *, most: int) -> list[dict[str, object]]:
    """The newest runs first, as `{id, started, ended, reason, report}`; ended is None if it died."""
    rows = db.execute(
        "SELECT id, started, ended, reason, report FROM runs ORDER BY number DESC LIMIT ?", (most,)
    )
    return [
        {
            "id": run,
            "started": started,
            "ended": ended,
            "reason": reason,
            "report": orjson.loads(report) if report else None,
        }
        for run, started, ended, reason, report in rows
    ]


def number_of(db: sqlite3.Connection, run: str) -> int | None:
    """The number of a run by its name; None if this journal does not know it."""
    row = db.execute("SELECT number FROM runs WHERE id = ?", (run,)).fetchone()
    return None if row is None else int(row[0])


def last_number(db: sqlite3.Connection) -> int | None:
    """Of the newest run; None before the first."""
    (number,) = db.execute("SELECT max(number) FROM runs").fetchone()
    return None if number is None else int(number)


def knew_otherwise(db: sqlite3.Connection, run: str, *, features: str, most: int) -> bool:
    """Whether a run passed over photos that have no annotation with these features; looks at `most`."""
    (found,) = db.execute(
        "SELECT EXISTS (SELECT 1 FROM (SELECT photos.id FROM photos JOIN runs ON number = run "
        "WHERE runs.id = ? AND known = 1 AND state = 'stored' LIMIT ?) AS known WHERE NOT EXISTS "
        "(SELECT 1 FROM annotations WHERE photo = known.id AND features = ?))",
        (run, most, features),
    ).fetchone()
    return bool(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """The photos of one run, each counted once: listed = stored + skipped + dead + pending."""

    listed: int
    stored: int
    skipped: int
    dead: int
    pending: int
    by_reason: Mapping[str, int]


def tally(db: sqlite3.Connection, number: int) -> Tally:
    """Count a run's photos from the journal alone, which is what the report says."""
    counts = {"stored": 0, "skipped": 0, "dead": 0, "pending": 0}
    by_reason: dict[str, int] = {}
    rows = db.execute(
        "SELECT known, state, reason, count(*) FROM photos WHERE run = ? GROUP BY 1, 2, 3",
        (number,),
    )
    for known, state, reason, photos in rows:
        end = "skipped" if known else _ENDS[state]
        counts[end] += photos
        if end in ("skipped", "dead"):
            word = "known" if known else str(reason)
            by_reason[word] = by_reason.get(word, 0) + photos
    return Tally(listed=sum(counts.values()), by_reason=by_reason, **counts)


def photos_by_state(db: sqlite3.Connection) -> dict[str, int]:
    """Every photo the journal knows, by state."""
    return dict(db.execute("SELECT state, count(*) FROM photos GROUP BY state"))
