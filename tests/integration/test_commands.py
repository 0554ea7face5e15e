"""Commands beside the main one, as a user starts them: a worker, and what looks at what it bought."""

from __future__ import annotations

import shutil
import signal
from pathlib import Path

import pytest

from tests.integration.console import UNLIMITED, Ended, ended, ingestor, started

BATCH = 16


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("state")


@pytest.fixture(scope="module")
def worked(state: Path) -> Ended:
    """A worker that bought a batch, all that it may in a day, and was told to stop."""
    said = ("--sandbox-fast", *UNLIMITED, "--log-level", "info", "--log-format", "json")
    asked = ("--sandbox", "--group", "zoo", "--eyes", "off", "--max-units-per-day", str(BATCH))
    process = started(*said, "worker", *asked, "--state", str(state))
    assert process.stderr is not None
    for line in process.stderr:
        if b'"buying_halted"' in line:
            break
    process.send_signal(signal.SIGTERM)
    return ended(process)


def test_a_worker_that_is_told_to_stop_has_stored_what_it_bought(
    worked: Ended, state: Path
) -> None:
    status = ingestor("status", "--json", "--state", str(state)).json

    assert (worked.code, worked.out) == (128 + signal.SIGTERM, "")
    assert '"worker_stopped"' in worked.err
    assert status["photos"]["stored"] == status["units"]["certain"] == BATCH
    assert status["units"]["possible"] == status["photos"]["dead"] == 0


def test_pictures_below_the_score_that_was_asked_for_are_left_out(
    worked: Ended, state: Path
) -> None:
    words = ("search", "mammal", "--limit", str(BATCH), "--json", "--state", str(state))
    scores = [hit["score"] for hit in ingestor(*words).json["hits"]]
    least = scores[len(scores) // 2]

    some = ingestor(*words, "--min-score", str(least)).json["hits"]

    assert [hit["score"] for hit in some] == [score for score in scores if score >= least]
    assert 0 < len(some) < len(scores)


def test_a_journal_that_is_made_of_the_database_is_told(tmp_path: Path) -> None:
    words = ("reconcile", "--sandbox", "--state", str(tmp_path))

    made, again = ingestor(*words), ingestor(*words)

    assert (made.code, again.code, again.err) == (0, 0, "")
    assert made.err == f"ingestor: There was no journal in {tmp_path}: a new one was made.\n"


def test_where_there_is_no_journal_a_check_makes_none(tmp_path: Path) -> None:
    words = ("reconcile", "--check", "--sandbox", "--state", str(tmp_path))

    said = ingestor(*words)

    assert (said.code, said.out) == (2, "")
    assert f"There is no journal in {tmp_path}" in said.err
    assert not (tmp_path / "journal.sqlite3").exists()


def test_what_a_database_lost_is_told_by_the_exit_code(worked: Ended, state: Path) -> None:
    words = ("reconcile", "--check", "--json", "--sandbox", "--state", str(state))
    shutil.rmtree(state / "sandbox")

    told = ingestor("--sandbox-fast", *words)

    assert (told.code, told.json["agree"]) == (1, False)
    assert (told.json["in_journal"], told.json["published"]) == (BATCH, BATCH)
