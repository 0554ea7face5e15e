"""The bill: units as Google counts them, every photo once, and another day too."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingestor.sandbox.bill import Bill, charged

LABEL, SAFE = "LABEL_DETECTION", "SAFE_SEARCH_DETECTION"


@pytest.mark.parametrize(
    ("features", "units"),
    [
        pytest.param([LABEL], 1, id="labels"),
        pytest.param([LABEL, SAFE], 1, id="safe search is free beside labels"),
        pytest.param([SAFE], 1, id="safe search alone"),
        pytest.param([LABEL, "WEB_DETECTION", SAFE], 2, id="two that cost and a free one"),
        pytest.param(["CROP_HINTS", "IMAGE_PROPERTIES"], 1, id="crop hints beside properties"),
        pytest.param(["CROP_HINTS", LABEL], 2, id="crop hints beside labels"),
    ],
)
def test_a_unit_is_a_feature_that_costs(features: list[str], units: int) -> None:
    assert len(charged(features)) == units


def test_it_knows_what_was_charged_twice() -> None:
    bill = Bill()

    bill.charge([("1", [LABEL]), ("2", [LABEL, SAFE])])
    bill.charge([("2", [LABEL])])

    assert (bill.requests, bill.units) == (2, 3)
    assert bill.charged_again() == {"2": 2}
    assert bill.most_for_one_image() == 2


def test_it_survives_a_restart(tmp_path: Path) -> None:
    file = tmp_path / "bill.jsonl"
    first = Bill(file)
    first.charge([("1", [LABEL]), ("2", [LABEL])], failed=1)
    first.lose(2)

    second = Bill(file)

    assert second.summary() == first.summary()
    assert (second.units, second.possible, second.failed) == (2, 2, 1)


def test_half_a_line_of_a_killed_sandbox_does_not_spoil_the_rest(tmp_path: Path) -> None:
    file = tmp_path / "bill.jsonl"
    Bill(file).charge([("1", [LABEL])])
    whole = file.read_bytes()
    file.write_bytes(whole + whole[: len(whole) // 2])

    reopened = Bill(file)
    reopened.charge([("2", [LABEL])])

    assert reopened.units == 2
    assert Bill(file).units == 2


def test_a_cleared_bill_is_cleared_on_disk(tmp_path: Path) -> None:
    file = tmp_path / "bill.jsonl"
    bill = Bill(file)
    bill.charge([("1", [LABEL])])

    bill.clear()

    assert bill.units == 0
    assert Bill(file).units == 0
