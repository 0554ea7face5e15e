"""What a run passed over as known, and what it would have asked of it."""

from __future__ import annotations

import sqlite3

import pytest

from ingestor.journal import runs
from tests.builders import a_published, an_annotation
from tests.journals import annotated, listed


@pytest.fixture
def db(db: sqlite3.Connection) -> sqlite3.Connection:
    """Three photos that were annotated in one run, and met again in the next."""
    these = [a_published(photo, annotation=an_annotation(photo)) for photo in "123"]
    annotated(db, *these, run=runs.begin_run(db, run="first", now=0.0))
    db.execute("UPDATE photos SET state = 'stored'")
    listed(db, *(one.photo for one in these), run=runs.begin_run(db, run="second", now=0.0))
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
