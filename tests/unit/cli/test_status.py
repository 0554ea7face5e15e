"""What the status says of a run that is going on, of one that died, and of money in doubt."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from ingestor.catalog.indexing import index_photos
from ingestor.cli.status import status
from ingestor.journal import ledger, runs
from ingestor.journal.dead import fail
from ingestor.journal.lock import is_taken, take
from ingestor.journal.results import keep
from ingestor.journal.schema import migrate
from ingestor.journal.writer import connect
from ingestor.models import Failure
from ingestor.settings import Settings
from tests.builders import a_label, a_photo, a_published, an_annotation, an_image
from tests.journals import listed


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings.read(state=tmp_path)


@pytest.fixture
def db(settings: Settings) -> Iterator[sqlite3.Connection]:
    """Two runs that did not end, each with a request of which nothing is known."""
    db = connect(settings.journal_path)
    migrate(db)
    for number, photo in ((1, "1"), (2, "2")):
        runs.begin_run(db, run=f"r{number}", now=float(number))
        ledger.doubt_open_purchases(db, now=float(number))
        buy(db, photo, run=number)
    yield db
    db.close()


def buy(db: sqlite3.Connection, photo: str, *, run: int) -> None:
    intent = ledger.Intent(
        id=f"p{run}", run=run, at=10.0, features="f", attempt=1, units=1, images=(an_image(photo),)
    )
    ledger.open_purchase(db, intent)


def label(
    db: sqlite3.Connection, photo: str, *, at: float, purchase: str = "another journal's"
) -> None:
    one = a_published(photo, annotation=an_annotation(photo))
    keep(db, one.annotation, size=one.size, purchase=purchase, now=at)


def said(settings: Settings, capsys: pytest.CaptureFixture[str]) -> str:
    status(settings, as_json=False)
    return capsys.readouterr().out


def test_the_last_run_goes_on_while_somebody_holds_the_directory(
    settings: Settings, db: sqlite3.Connection, capsys: pytest.CaptureFixture[str]
) -> None:
    with take(settings.state):
        text = said(settings, capsys)

    assert text.index("running") < text.index("died")
    assert text.count("running") == text.count("died") == 1
    assert "1 image in 1 request" in text


def test_without_anybody_there_all_that_did_not_end_has_died(
    settings: Settings, db: sqlite3.Connection, capsys: pytest.CaptureFixture[str]
) -> None:
    text = said(settings, capsys)

    assert (text.count("running"), text.count("died")) == (0, 2)
    assert "2 images in 2 requests whose answer never arrived" in text


def test_what_goes_on_with_pending_photos_is_the_command_of_the_run(
    settings: Settings, db: sqlite3.Connection, capsys: pytest.CaptureFixture[str]
) -> None:
    listed(db, a_photo("9"), run=2)

    text = said(settings, capsys)

    assert "the last run's command again" in text
    assert "the same command" not in text  # that would be this one


def test_photos_that_were_labelled_since_are_told_apart(
    settings: Settings, db: sqlite3.Connection, capsys: pytest.CaptureFixture[str]
) -> None:
    label(db, "1", at=11.0)
    assert "never arrived; 1 of them labelled since" in said(settings, capsys)

    label(db, "2", at=11.0)
    assert "none: 2 images whose answer never arrived, labelled since" in said(settings, capsys)


def test_who_failed_when_annotated_anew_is_told_to_be_found_as_before(
    settings: Settings, db: sqlite3.Connection, capsys: pytest.CaptureFixture[str]
) -> None:
    for photo in ("1", "2"):
        failure = Failure(photo_id=photo, stage="annotate", reason="in-doubt", paid="maybe")
        listed(db, a_photo(photo))
        fail(db, failure, now=2.0)
    index_photos(db, [a_published("1", a_label("Dog"))])

    words = " ".join(said(settings, capsys).split())

    assert "tried again when somebody says so; 1 of them still found by earlier labels" in words


def test_labels_bought_since_are_told_though_the_clock_had_been_ahead(
    settings: Settings, db: sqlite3.Connection, capsys: pytest.CaptureFixture[str]
) -> None:
    label(db, "1", at=9.0, purchase="p2")

    assert "never arrived; 1 of them labelled since" in said(settings, capsys)


def test_labels_that_were_there_before_settle_no_doubt(
    settings: Settings, db: sqlite3.Connection, capsys: pytest.CaptureFixture[str]
) -> None:
    label(db, "1", at=9.0)

    status(settings, as_json=True)

    told = orjson.loads(capsys.readouterr().out)
    assert told["in_doubt"] == {"purchases": 2, "images": 2, "labelled_since": 0}


def test_doubts_are_looked_up_from_the_purchases_on(db: sqlite3.Connection) -> None:
    statements: list[str] = []
    db.set_trace_callback(statements.append)
    ledger.count_labelled_since(db)
    db.set_trace_callback(None)

    plan = [row[3] for row in db.execute(f"EXPLAIN QUERY PLAN {statements[0]}")]

    assert plan[0].startswith("SCAN purchases")
    assert not [step for step in plan[1:] if step.startswith("SCAN")]


def test_the_name_of_a_group_cannot_disturb_the_terminal(
    settings: Settings, db: sqlite3.Connection, capsys: pytest.CaptureFixture[str]
) -> None:
    name = "Zoo\x1b[2J\nof \N{RIGHT-TO-LEFT OVERRIDE}animals"
    db.execute("INSERT INTO groups (gid, name) VALUES (?, ?)", ("1@N00", name))

    assert "Zoo [2J of animals (1@N00)" in said(settings, capsys)


def test_asking_takes_nothing(tmp_path: Path) -> None:
    assert not is_taken(tmp_path)
    with take(tmp_path):
        assert is_taken(tmp_path)

    assert not is_taken(tmp_path)
    with take(tmp_path):
        assert is_taken(tmp_path)


def test_a_directory_whose_name_is_no_text_has_a_status(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = Settings.read(state=tmp_path / os.fsdecode(b"st\xff"))
    try:
        settings.state.mkdir()
    except OSError:
        pytest.skip("a disk of macOS takes no such name")
    db = connect(settings.journal_path)
    migrate(db)
    db.close()

    assert status(settings, as_json=True) == 0
    assert orjson.loads(capsys.readouterr().out)["journal"].endswith("/st?/journal.sqlite3")
