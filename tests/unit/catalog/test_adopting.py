"""Photos that only the database knew: known here as if they had been bought here."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from ingestor.catalog.arriving import adopt
from ingestor.engines.adoption import PhotoKeys
from ingestor.journal import listing, results, runs
from ingestor.journal.schema import migrate
from ingestor.journal.writer import connect
from tests.builders import FEATURES, a_label, a_photo, a_published, a_size, an_annotation
from tests.journals import listed

HASH = "ab" * 32


@pytest.fixture
def db(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    connection = connect(tmp_path / "journal.sqlite3")
    migrate(connection)
    yield connection
    connection.close()


def found(photo: str, sha256: str = HASH):
    annotation = an_annotation(photo, a_label("Dog"), sha256=sha256)
    return a_published(photo, photo=a_photo(photo), annotation=annotation)


def free_annotation(db: sqlite3.Connection, sha256: str):
    return results.reuse(
        db, a_photo("2"), sha256=sha256, size=a_size(), features=FEATURES.key, now=2.0
    )


def test_an_adopted_photo_is_stored_and_needs_no_work(db: sqlite3.Connection):
    adopt(db, [found("1")], now=1.0)

    assert runs.photos_by_state(db) == {"stored": 1}
    assert listing.finished_among(db, ["1", "2"], features=FEATURES.key) == {"1"}


def test_a_pending_photo_is_taken_over(db: sqlite3.Connection):
    listed(db, a_photo("1"))

    adopt(db, [found("1")], now=2.0)

    assert runs.photos_by_state(db) == {"stored": 1}


def test_the_same_bytes_as_an_adopted_photo_are_free(db: sqlite3.Connection):
    adopt(db, [found("1")], now=1.0)

    annotation = free_annotation(db, HASH)

    assert annotation is not None
    assert [label.name for label in annotation.labels] == ["Dog"]


@pytest.mark.parametrize("sha256", ["", "no hash", "AB" * 32])
def test_a_strange_hash_answers_for_no_other_photo(db: sqlite3.Connection, sha256: str):
    adopt(db, [found("1", sha256)], now=1.0)

    assert free_annotation(db, HASH) is None


def test_keys_of_photos_are_known_again_and_no_others():
    keys = PhotoKeys(["p54483125961", "p7", "strange", f"p{'9' * 30}"])

    assert len(keys) == 2
    assert [photo in keys for photo in ("54483125961", "7", "8", "strange", "")] == [
        True, True, False, False, False,
    ]  # fmt: skip
