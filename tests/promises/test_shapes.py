"""What is written for other programs has the keys that the documents name, and no others."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from ingestor.catalog.export import rows
from ingestor.catalog.indexing import index_photos
from ingestor.cli import dead, status
from ingestor.cli.search import Asked, search
from ingestor.cli.visit import Visit
from ingestor.journal import runs
from ingestor.journal.dead import fail
from ingestor.journal.schema import migrate
from ingestor.journal.writer import connect
from ingestor.models import Failure
from ingestor.records import photo_record
from ingestor.records.leases import Lease, lease_record
from ingestor.report import Forecast, Reconciled
from ingestor.settings import Settings
from ingestor.transport import CallStatistics
from ingestor.web import runs as board
from tests.builders import a_label, a_photo, a_published, a_report, an_annotation
from tests.journals import annotated, listed

ROOT = Path(__file__).parents[2]
REFERENCE = (ROOT / "docs/cli.md").read_text(encoding="utf-8")
ARCHITECTURE = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
BELOW = re.compile(r"(/\{[^}]*\})+")
"""What stands below a key of the database: `/{gid}`, or `/{key}/{name, mid}`."""


def stored_at(path: str) -> str:
    """What the page on architecture says of a path of the database."""
    found = re.search(rf"^{re.escape(path)} +(.*(?:\n +.*)*)", ARCHITECTURE, flags=re.MULTILINE)
    assert found, path
    return " ".join(found[1].split())


def keys(written: str) -> set[str]:
    return set(BELOW.sub("", written).split(", "))


def test_a_photo_in_the_database_has_the_keys_of_the_page() -> None:
    annotation = an_annotation("1", a_label(), safe={"adult": "UNLIKELY"})
    record = photo_record(a_published("1", annotation=annotation))
    label = re.search(r"labels/\{key\}/\{([^}]*)\}", stored_at("/photos/p{id}"))

    assert record.keys() == keys(stored_at("/photos/p{id}"))
    assert label
    assert record["labels"]["dog"].keys() == keys(label[1])


def test_a_lease_in_the_database_has_the_keys_of_the_page() -> None:
    record = lease_record(Lease(owner="a", epoch=1, since=0, until=1))

    assert record.keys() == keys(stored_at("/leases/{gid}"))


EXAMPLES = {
    heading: json.loads(example)
    for heading, example in re.findall(
        r"^### `ingestor (.+)`\n\n(?:[^`\n#]+\n+)?```json\n([^`]+)```",
        REFERENCE,
        flags=re.MULTILINE,
    )
}
"""What the reference shows, by what one types after `ingestor`."""
FREE = {"by_reason", "safe"}
"""Objects whose keys are no names of ours."""

REPORT = a_report(by_reason={"video": 1}, calls={"vision": CallStatistics().figures()})
FORECAST = Forecast(
    groups=("1@N00",),
    photos=1,
    known=0,
    skipped=0,
    dead=0,
    units=1,
    free_units=1,
    cost_usd=0.0,
    seconds=1.0,
    buyable=1,
)


def shape(value: Any) -> Any:
    """The keys of a value, all the way down; of a list those of its first member."""
    match value:
        case dict():
            return {key: None if key in FREE else shape(inner) for key, inner in value.items()}
        case list() | tuple():
            return [shape(value[0])] if value else []
        case _:
            return None


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Of a state directory that knows a run, a photo with a label, and a dead one."""
    settings = Settings(state=tmp_path)
    db = connect(settings.journal_path)
    migrate(db)
    one = a_published("1", annotation=an_annotation("1", a_label("Dog"), safe={"racy": "UNLIKELY"}))
    db.execute("INSERT INTO runs (id, started, ended, reason) VALUES ('r1', 1.0, 2.0, 'complete')")
    db.execute("INSERT INTO groups (gid, name, total) VALUES ('42637302@N00', 'Dogs', 2)")
    annotated(db, one)
    listed(db, a_photo("2"))
    index_photos(db, [one])
    fail(db, Failure(photo_id="2", stage="download", reason="gone", detail=""), now=1.0)
    db.close()
    return settings


def said(capsys: pytest.CaptureFixture[str]) -> Any:
    return shape(json.loads(capsys.readouterr().out))


def test_the_report_has_the_keys_of_its_example() -> None:
    assert shape(REPORT.as_json()) == shape(EXAMPLES["--report json"])
    assert shape(FORECAST.as_json()) == shape(EXAMPLES["--dry-run --report json"])


def test_a_status_has_the_keys_of_its_example(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    status.status(settings, as_json=True)

    assert said(capsys) == shape(EXAMPLES["status --json"])


def test_dead_letters_have_the_keys_of_their_example(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    dead.show(settings, reason=None, samples=1, as_json=True)

    assert said(capsys) == shape(EXAMPLES["dead list --json"])


def test_what_is_found_has_the_keys_of_its_example(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = Asked(words=("dog",), limit=1, min_score=0.0)

    search(Visit(), settings, asked, as_json=True)

    assert said(capsys) == shape(EXAMPLES["search --json"])


def test_a_reconciliation_has_the_keys_of_its_example() -> None:
    found = Reconciled()

    assert {**found.as_json(), "agree": found.agree}.keys() == EXAMPLES["reconcile --json"].keys()


def test_an_exported_photo_has_the_keys_of_its_example(settings: Settings) -> None:
    db = connect(settings.journal_path)

    (row,) = rows(db)
    db.close()

    assert shape(row) == shape(EXAMPLES["export"])


def test_every_state_of_a_photo_has_words_in_the_terminal_and_on_the_page() -> None:
    assert set(status.STATES) == set(board.STATES) == set(runs.STATES)
