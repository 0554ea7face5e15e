"""Of a photo's annotations the one that was learned last counts, whatever the clock said at the time."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

import pytest

from ingestor.catalog import export
from ingestor.catalog.finding import find_photo
from ingestor.catalog.indexing import index_photos
from ingestor.journal import reconciling, results
from tests.builders import a_label, a_photo, a_published, a_size, an_annotation
from tests.journals import listed

NOW, YEAR = 1_790_000_000.0, 365 * 86_400.0

Ask = Callable[[sqlite3.Connection], list[str]]

ASKED: dict[str, Ask] = {
    "published": lambda db: [
        one.annotation.labels[0].name for one in results.unpublished(db, most=9)
    ],
    "compared": lambda db: [
        one.published.annotation.labels[0].name for one in reconciling.held_after(db, "", most=9)
    ],
    "filed": lambda db: [label.name for label in reconciling.newest_labels(db, "7")],
    "exported": lambda db: [row["labels"][0]["name"] for row in export.rows(db)],
    "shown": lambda db: [hit.labels[0].name] if (hit := find_photo(db, "7")) else [],
}


@pytest.fixture
def db(db: sqlite3.Connection) -> sqlite3.Connection:
    """A photo that was annotated by a clock a year ahead, and anew when that had been set right."""
    listed(db, a_photo("7"), now=NOW)
    learn(db, "First", features="f", at=NOW + YEAR)
    learn(db, "Then", features="g", at=NOW)
    index_photos(db, [a_published("7", a_label("Then"))])
    return db


def learn(db: sqlite3.Connection, label: str, *, features: str, at: float) -> None:
    annotation = an_annotation("7", a_label(label), features=features)
    results.keep(db, annotation, size=a_size(), purchase="p", now=at)


@pytest.mark.parametrize("asked", ASKED.values(), ids=ASKED)
def test_what_was_learned_last_counts(db: sqlite3.Connection, asked: Ask) -> None:
    assert asked(db) == ["Then"]


@pytest.mark.parametrize("asked", ASKED.values(), ids=ASKED)
def test_what_others_said_before_is_older_than_all(db: sqlite3.Connection, asked: Ask) -> None:
    """It is kept for what it left in the index."""
    theirs = an_annotation("7", a_label("Theirs"), features="h")

    results.keep_found(db, [a_published("7", annotation=theirs)], now=0.0)

    assert asked(db) == ["Then"]
