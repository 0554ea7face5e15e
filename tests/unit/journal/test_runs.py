"""What a run passed over as known, and what it would have asked of it."""

from __future__ import annotations

import sqlite3

import pytest

from ingestor.journal import runs
from ingestor.journal.listing import sight
from ingestor.journal.results import keep
from tests.builders import a_published, an_annotation


@pytest.fixture
def db(db: sqlite3.Connection) -> sqlite3.Connection:
    """Three photos that were annotated in one run, and met again in the next."""
    these = [a_published(photo, annotation=an_annotation(photo)) for photo in "123"]
    for number, name in enumerate(("first", "second"), start=1):
        runs.begin_run(db, run=name, now=0.0)
        photos = [one.photo for one in these]
        sight(db, photos, run=number, room=None, features=None, unusable=(), now=1.0)
        if name == "first":
            for one in these:
                keep(db, one.annotation, size=one.size, purchase="p", now=1.0)
            db.execute("UPDATE photos SET state = 'stored'")
    return db


def test_other_features_are_noticed(db: sqlite3.Connection) -> None:
    same = an_annotation("1").features

    assert runs.knew_otherwise(db, "second", features="others", most=10)
    assert not runs.knew_otherwise(db, "second", features=same, most=10)


def test_what_a_run_bought_itself_is_not_looked_at(db: sqlite3.Connection) -> None:
    assert not runs.knew_otherwise(db, "first", features="others", most=10)


def test_no_more_is_looked_at_than_a_hint_is_worth(db: sqlite3.Connection) -> None:
    db.execute("UPDATE annotations SET features = 'others' WHERE photo IN ('1', '2')")

    assert not runs.knew_otherwise(db, "second", features="others", most=2)
    assert runs.knew_otherwise(db, "second", features="others", most=3)
