"""The database after a run, node by node: other people's programs read it."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest
import pytest_asyncio

from ingestor.report import Report
from ingestor.sandbox.server import Sandbox
from tests.integration.conftest import Ingest, in_database

SAFARI = "1000002@N21"
LIMIT = 150
LONG_AGO, SOON = 1_000_000_000, 10_000_000_000
"""Unix seconds of 2001 and of 2286: milliseconds lie outside."""


@pytest_asyncio.fixture
async def report(ingest: Ingest) -> Report:
    return await ingest(groups=("safari",), limit=LIMIT, max_failures=1.0, safe_search=True)


@pytest.fixture
def db(report: Report, sandbox: Sandbox) -> dict[str, Any]:
    return in_database(sandbox, "/")


def shape(record: Any) -> dict[str, type]:
    return {name: type(value) for name, value in record.items()}


def in_milliseconds(at: int) -> bool:
    return abs(at / 1000 - time.time()) < 600


def test_nothing_stands_beside_the_seven_nodes(db: dict[str, Any]) -> None:
    assert db.keys() == {"photos", "index", "labels", "groups", "dead", "runs", "leases"}


def test_a_photo_is_a_record_of_these_types(db: dict[str, Any], report: Report) -> None:
    texts = ("title", "owner", "ownerName", "page", "image", "thumb", "license", "model", "sha256")
    expected = {
        **dict.fromkeys((*texts, "features"), str),
        **dict.fromkeys(("width", "height", "uploaded", "at"), int),
        **dict.fromkeys(("groups", "safe"), dict),
    }

    assert len(db["photos"]) == report.stored
    for key, photo in db["photos"].items():
        labels = photo.pop("labels", {"none": {}})
        assert re.fullmatch(r"p[0-9]+", key)
        assert shape(photo) == expected
        assert LONG_AGO < photo["uploaded"] < SOON
        assert in_milliseconds(photo["at"])
        assert photo["groups"].keys() == {SAFARI}
        assert LONG_AGO < photo["groups"][SAFARI] < SOON
        assert photo["safe"].keys() == {"adult", "spoof", "medical", "violence", "racy"}
        kinds = {"name": str, "score": float, "topicality": float, "mid": str}
        assert all(label == {} or shape(label) == kinds for label in labels.values())


def test_the_index_has_each_photo_under_its_labels_best_first(db: dict[str, Any]) -> None:
    filed = {
        (key, f"{round((1 - label['score']) * 10_000_000):07d}-{photo}", label["score"])
        for photo, record in db["photos"].items()
        for key, label in record.get("labels", {}).items()
    }

    entries = {
        (key, entry, score) for key, list_ in db["index"].items() for entry, score in list_.items()
    }
    assert entries == filed
    assert db["labels"].keys() == db["index"].keys()


def test_a_label_has_its_name_and_its_id_where_vision_gives_one(db: dict[str, Any]) -> None:
    said: dict[str, dict[str, str]] = {}
    for record in db["photos"].values():
        for key, label in record.get("labels", {}).items():
            names = {"name": label["name"], "mid": label["mid"]}
            said[key] = {what: text for what, text in names.items() if text}

    assert db["labels"] == said


def test_a_group_tells_what_is_known_of_it(db: dict[str, Any]) -> None:
    group = db["groups"][SAFARI]

    assert shape(group) == {"name": str, "total": int, "round": int}
    assert group["total"] > LIMIT
    assert in_milliseconds(group["round"])


def test_a_dead_letter_says_why_and_when(db: dict[str, Any], report: Report) -> None:
    kinds = {"stage": str, "reason": str, "attempts": int, "paid": str}

    assert len(db["dead"]) == report.dead > 0
    for key, letter in db["dead"].items():
        first, last = letter.pop("first"), letter.pop("last")
        assert re.fullmatch(r"p[0-9]+", key)
        assert shape(letter) == kinds
        assert letter["paid"] in ("no", "yes", "maybe")
        assert LONG_AGO < first <= last < SOON


def test_a_run_is_its_report(db: dict[str, Any], report: Report) -> None:
    told = report.as_json() | {"groups": list(report.groups)}

    assert db["runs"] == {report.run_id: told}


def test_a_lease_that_was_given_back_tells_who_had_it(db: dict[str, Any]) -> None:
    lease = db["leases"][SAFARI]

    assert lease.keys() == {"owner", "epoch", "since", "until"}
    assert (type(lease["owner"]), lease["epoch"], lease["until"]) == (str, 1, 0)
    assert LONG_AGO < lease["since"] < SOON
