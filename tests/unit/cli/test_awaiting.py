"""Who waits for somebody else is told for whom and why: once, in plain words."""

from __future__ import annotations

from typing import Any

import pytest

from ingestor import events
from ingestor.cli.awaiting import LONG, SELDOM, Awaiting

REFUSED = "flickr.test: no connection could be made"


def again(**given: Any) -> events.RetryScheduled:
    filled: dict[str, Any] = {
        "upstream": "flickr",
        "reason": "connect",
        "attempt": 4,
        "seconds": 1.0,
        "silent": LONG,
        "message": REFUSED,
    }
    return events.RetryScheduled(**filled | given)


def a_page() -> events.PageListed:
    return events.PageListed(group="1@N00", page=1, pages=1, total=1, listed=1, known=0)


@pytest.mark.parametrize(
    ("upstream", "who"),
    [
        ("flickr", "Flickr"),
        ("database", "the database"),
        ("vision", "Vision"),
        ("images", "the image server"),
    ],
)
def test_who_is_away_is_told_with_the_reason_and_for_how_long_it_is_asked(
    upstream: str, who: str
) -> None:
    told = Awaiting(patience=120.0).take(again(upstream=upstream))

    assert told == f"waits for {who} ({REFUSED}); asks again for up to 120 s."


@pytest.mark.parametrize(
    ("silent", "seconds", "told"),
    [
        pytest.param(0.0, 0.5, False, id="a moment ago it worked"),
        pytest.param(LONG, 0.5, True, id="for long nobody was served"),
        pytest.param(0.0, 60.0, True, id="it wants to be left alone for long"),
    ],
)
def test_one_failed_attempt_is_no_absence(silent: float, seconds: float, told: bool) -> None:
    sentence = Awaiting(patience=120.0).take(again(silent=silent, seconds=seconds))

    assert bool(sentence) is told


def test_an_absence_is_told_once_and_the_next_one_again_but_seldom() -> None:
    now = 0.0
    awaiting = Awaiting(patience=120.0, clock=lambda: now)
    told: list[tuple[float, bool]] = []

    for now in (0.0, SELDOM - 1.0, SELDOM):
        told += [(now, bool(awaiting.take(event))) for event in (again(), again(), a_page())]

    assert [at for at, said in told if said] == [0.0, SELDOM]


def test_each_upstream_has_absences_of_its_own() -> None:
    awaiting = Awaiting(patience=120.0)

    awaiting.take(again())
    told = awaiting.take(again(upstream="vision"))

    assert "Vision" in told
    assert awaiting.whom == f"Flickr ({REFUSED}) and Vision ({REFUSED})"


def test_a_run_that_has_begun_waits_for_nobody() -> None:
    awaiting = Awaiting(patience=120.0)

    for event in (
        again(upstream="database"),
        events.RunStarted(run="r", groups=("1@N00",), limit=None, resumed=0),
    ):
        awaiting.take(event)

    assert awaiting.whom == ""
