"""A run that did not do its work is no figure."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ingestor.bench import rounds
from ingestor.bench.runs import environment, judge
from ingestor.bench.scenarios import SCENARIOS
from ingestor.bench.upstreams import BenchFailed
from ingestor.settings import variables

LIMIT = 100


def a_report(**members: Any) -> dict[str, Any]:
    """Of a run of a hundred photos in which everything went well."""
    return {
        "ended": "complete",
        "exit_code": 0,
        "listed": LIMIT,
        "stored": LIMIT,
        "dead": 0,
        "pending": 0,
        "by_reason": {},
    } | members


def test_a_run_that_did_its_work_is_one() -> None:
    judge(a_report(stored=99, dead=1), limit=LIMIT)


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ({"listed": 60, "stored": 60}, "60 of 100 photos were listed"),
        ({"ended": "too-many-failures", "exit_code": 4, "stored": 9, "dead": 91}, "too-many"),
        ({"ended": "denied", "exit_code": 1, "pending": 100, "message": "No."}, "denied: No."),
    ],
    ids=["short", "dead", "denied"],
)
def test_a_run_that_left_work_undone_is_none(members: dict[str, Any], said: str) -> None:
    with pytest.raises(BenchFailed, match=said):
        judge(a_report(**members), limit=LIMIT)


@pytest.mark.slow
async def test_a_lap_in_which_no_picture_came_is_no_lap() -> None:
    scenario = replace(SCENARIOS["latency"], faults={"image.not-found": 1.0})

    with pytest.raises(BenchFailed, match="48 photos failed"):
        await rounds.lap(scenario, photos=48, number=0, quick=True)


@pytest.mark.parametrize("variable", variables().values())
@pytest.mark.parametrize("authority", [None, "authority.pem"])
def test_what_is_measured_is_the_scenario_whatever_the_environment_says(
    variable: str, authority: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, "1")
    monkeypatch.setenv("HOME", "/somewhere")

    given = environment({"authority_file": authority, "service_account_file": authority})

    assert variable not in given
    assert given["HOME"] == "/somewhere"
