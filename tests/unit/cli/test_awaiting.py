"""Who waits for somebody else is told for whom and why: once, in plain words."""

from __future__ import annotations

from typing import Any

import pytest

from ingestor import events
from ingestor.cli.awaiting import LONG, SELDOM, STILL, Awaiting

REFUSED = "flickr.test: no connection could be made"
NOON = 1_795_996_800.0


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


def held(**given: Any) -> events.LeaseAwaited:
    filled: dict[str, Any] = {"group": "1@N00", "owner": "r9@other", "until": NOON}
    return events.LeaseAwaited(**filled | given)


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


def test_an_absence_that_lasts_is_told_again_now_and_then() -> None:
    now = 0.0
    awaiting = Awaiting(patience=3600.0, clock=lambda: now)
    told: dict[float, str] = {}

    for now in map(float, range(0, 3600, 2)):
        told[now] = awaiting.take(again(silent=LONG + now))

    assert [at for at, said in told.items() if said] == [float(at) for at in range(0, 3600, 600)]
    assert STILL == 600.0
    assert told[1200.0] == f"still waits for Flickr ({REFUSED}), for 20 min 03 s now."


def test_who_goes_away_again_soon_after_it_was_back_is_told_about_within_a_minute() -> None:
    """Else "answers again" would be the last that is heard of it for ten."""
    now = 0.0
    awaiting = Awaiting(patience=3600.0, clock=lambda: now)
    awaiting.take(again())
    now = 30.0
    for told in (awaiting.take, awaiting.back):
        told(a_page())

    said: list[tuple[float, str]] = []
    for now in map(float, range(40, 200, 2)):
        said += [(now, told) for told in [awaiting.take(again(silent=now - 30.0))] if told]

    assert said == [(SELDOM, f"waits for Flickr ({REFUSED}); asks again for up to 3600 s.")]


def test_the_end_of_an_absence_that_was_told_is_told_once_and_how_long_it_was() -> None:
    now = 100.0
    awaiting = Awaiting(patience=3600.0, clock=lambda: now)

    before = awaiting.back(a_page())
    awaiting.take(again())
    now = 400.0
    ends = [back for _ in range(2) for back in awaiting.back(a_page())]

    assert before == []
    assert [(end.upstream, end.seconds) for end in ends] == [("flickr", 300.0 + LONG)]


def test_who_was_not_asked_is_not_said_to_be_back() -> None:
    awaiting = Awaiting(patience=3600.0)
    awaiting.take(again(upstream="database"))

    # A look at a group where nothing is to be done asks Flickr alone.
    looked = awaiting.back(
        events.GroupLooked(group="1@N00", total=1, complete=True, unix=NOON, seconds=0.1)
    )
    stored = awaiting.back(events.UpdateStored(photos=1, size=100, seconds=0.1))

    assert looked == []
    assert [end.upstream for end in stored] == ["database"]


def test_each_upstream_has_absences_of_its_own() -> None:
    awaiting = Awaiting(patience=120.0)

    awaiting.take(again())
    told = awaiting.take(again(upstream="vision"))

    assert "Vision" in told
    assert awaiting.whom == f"Flickr ({REFUSED}) and Vision ({REFUSED})"


def test_whose_lease_is_waited_for_is_told_once_and_until_when() -> None:
    awaiting = Awaiting(patience=120.0)

    told = [awaiting.take(event) for event in (held(), held(until=NOON + 360), held(owner="r8@x"))]

    assert told[0] == (
        "waits for r9@other, which works on 1@N00: until it is done, or 2026-11-30 00:00 UTC if it "
        "is gone."
    )
    assert told[1] == ""
    assert "r8@x" in told[2]


def test_a_lease_that_is_waited_for_long_is_told_again_now_and_then() -> None:
    now = 0.0
    awaiting = Awaiting(patience=120.0, clock=lambda: now)
    told: dict[float, str] = {}

    for now in map(float, range(0, 3600, 10)):
        told[now] = awaiting.take(held(until=NOON + now))

    assert [at for at, said in told.items() if said] == [float(at) for at in range(0, 3600, 600)]
    assert told[1200.0] == (
        "still waits for r9@other, which works on 1@N00: until it is done, or 2026-11-30 00:20 UTC "
        "if it is gone."
    )


def test_a_lease_of_a_strange_clock_is_told_all_the_same() -> None:
    assert "UTC if it is gone" in Awaiting(patience=120.0).take(held(until=1e300))


def test_who_serves_runs_alone_is_waited_for_until_the_run_ends_and_not_said_to_be_back() -> None:
    awaiting = Awaiting(patience=120.0)
    ended = events.RunFinished(run="r", reason="complete", stored=0, failed=1, units=0)

    for upstream in ("images", "vision", "database"):
        awaiting.take(again(upstream=upstream))
    awaiting.take(ended)

    assert awaiting.whom == f"the database ({REFUSED})"
    assert awaiting.back(ended) == []


def test_a_run_that_has_begun_waits_for_nobody() -> None:
    awaiting = Awaiting(patience=120.0)

    for event in (
        held(),
        again(upstream="database"),
        events.RunStarted(run="r", groups=("1@N00",), limit=None, resumed=0),
    ):
        awaiting.take(event)

    assert awaiting.whom == ""
