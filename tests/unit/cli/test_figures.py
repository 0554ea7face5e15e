"""The numbers behind the progress display are those that the events tell."""

from __future__ import annotations

import asyncio
import io
import sys
from typing import Any

import pytest
from rich.console import Console

from ingestor import events
from ingestor.cli.figures import WINDOW, Figures, Rate
from ingestor.cli.progress import bars, line
from ingestor.cli.reporting import text_of
from ingestor.kits.quota import Quota

VISION_SECONDS = 1.0
"""From a grant to its answer; the same at the beginning as at the end."""


def started(**given: Any) -> Figures:
    filled: dict[str, Any] = {"run": "r", "groups": ("1@N00",), "limit": None, "resumed": 0}
    figures = Figures(images_per_minute=1800, started=0.0)
    figures.take(events.RunStarted(**filled | given), now=0.0)
    return figures


def a_page(**given: Any) -> events.PageListed:
    filled: dict[str, Any] = {
        "group": "1@N00",
        "page": 1,
        "pages": 4,
        "total": 2000,
        "listed": 500,
        "known": 0,
    }
    return events.PageListed(**filled | given)


def settled(purchase: str, annotated: int) -> events.BatchSettled:
    return events.BatchSettled(purchase=purchase, annotated=annotated, failed=0, seconds=1.0)


def sent(purchase: str, images: int = 16) -> events.BatchSent:
    return events.BatchSent(purchase=purchase, images=images, units=images, attempt=1)


@pytest.mark.parametrize(
    ("limit", "expected"),
    [
        pytest.param(None, 2000, id="all of the group"),
        pytest.param(1200, 1200, id="the limit, where the group has more"),
        pytest.param(5000, 2000, id="the group, where it has less than the limit"),
    ],
)
def test_the_first_page_tells_how_many_photos_to_expect(limit: int | None, expected: int) -> None:
    figures = started(limit=limit)

    figures.take(a_page(), now=1.0)

    assert figures.expected == expected


def test_nothing_is_expected_before_every_group_was_asked() -> None:
    figures = started(groups=("1@N00", "2@N00"))

    figures.take(a_page(), now=1.0)

    assert figures.expected is None


def test_known_photos_are_no_work_and_their_share_is_taken_to_stay() -> None:
    figures = started()

    figures.take(a_page(known=250), now=1.0)

    assert figures.work == 1000


def test_what_an_earlier_run_left_counts_as_listed() -> None:
    figures = started(resumed=300, limit=500)

    assert figures.listed == 300


@pytest.mark.parametrize(
    "end",
    [
        pytest.param(settled("a", 16), id="settled"),
        pytest.param(
            events.PurchaseInDoubt(purchase="a", images=16, reason="timeout"), id="in doubt"
        ),
        pytest.param(
            events.PurchaseUnbilled(purchase="a", images=16, reason="throttled"), id="refused"
        ),
    ],
)
def test_a_purchase_is_in_flight_until_it_ends(end: events.Event) -> None:
    figures = started()

    figures.take(sent("a"), now=1.0)
    figures.take(sent("b", 3), now=1.0)
    figures.take(end, now=2.0)

    assert figures.images_in_flight == 3


def test_quota_use_is_the_speed_over_the_last_seconds() -> None:
    figures = started()

    for second in range(40):
        figures.take(settled("a", 15), now=float(second))

    assert figures.quota_use(39.0) == pytest.approx(0.5, abs=0.03)


def test_answers_that_come_in_a_bunch_are_no_more_than_the_quota() -> None:
    figures = started()

    for second in range(40):
        figures.take(settled("a", 35), now=float(second))

    assert figures.quota_use(39.0) == 1.0


def test_what_was_known_before_uses_nothing_of_the_quota() -> None:
    figures = started(limit=4000)
    figures.take(a_page(total=4000), now=0.0)

    for second in range(40):
        for _ in range(60):
            figures.take(events.AnnotationReused(photo="p"), now=float(second))

    assert figures.quota_use(39.0) == 0.0
    assert figures.seconds_left(39.0) == pytest.approx(1600 / 60, rel=0.05)


def test_the_time_left_never_promises_more_than_the_quota() -> None:
    figures = started(limit=1900)

    figures.take(a_page(), now=0.0)
    figures.take(settled("a", 100), now=1.0)

    assert figures.seconds_left(1.0) == pytest.approx(60.5)


@pytest.mark.looptime
async def test_the_time_left_is_true_within_two_percent() -> None:
    clock = asyncio.get_running_loop().time
    quota = Quota((1800, 1800), largest=(1, 16), clock=clock)
    figures = started(limit=6400)
    figures.take(a_page(total=6400), now=0.0)
    told: list[tuple[float, float]] = []

    while figures.annotated < 6400:
        await quota.acquire(1, 16)
        figures.take(settled("a", 16), now=clock() + VISION_SECONDS)
        told.append((clock(), figures.seconds_left(clock() + VISION_SECONDS) or 0.0))

    end = clock()
    wrong = max(abs(left - (end - at)) / end for at, left in told if 0.2 * end < at)
    sys.stderr.write(f"the time left was wrong by {wrong:.2%} of the whole time at most\n")
    assert wrong <= 0.02


def test_there_is_no_time_left_to_tell_before_anything_is_annotated() -> None:
    figures = started(limit=10)

    assert figures.seconds_left(5.0) is None


def test_a_rate_forgets_what_is_long_past() -> None:
    rate = Rate()

    rate.add(100, now=0.0)

    assert rate.per_second(1.0) == 100
    assert rate.per_second(WINDOW + 1) == 0


def test_the_line_tells_counts_money_and_failures() -> None:
    figures = started(limit=32, month_units=1000)

    figures.take(a_page(total=32, pages=1, listed=32), now=0.5)
    figures.take(sent("a"), now=0.5)
    figures.take(settled("a", 16), now=1.0)
    figures.take(events.PhotoFailed(photo="1", stage="download", reason="gone", detail=""), now=1.0)

    told = line(figures, now=2.0)
    assert "32 of 32 listed" in told
    assert "16 annotated" in told
    assert "1 failed" in told
    assert "16 units, $0.0240" in told


def test_what_vision_answered_with_an_error_counts_as_the_report_does() -> None:
    figures = started(month_units=1000)

    figures.take(sent("a"), now=0.5)
    figures.take(events.BatchSettled(purchase="a", annotated=13, failed=3, seconds=1.0), now=1.0)
    figures.take(events.PurchaseInDoubt(purchase="b", images=4, reason="timeout"), now=1.0)

    assert "20 units, $0.0300" in line(figures, now=2.0)
    assert "20 units, $0.0300" in drawn(figures, now=2.0)


def test_what_earlier_runs_left_to_store_is_told_apart() -> None:
    figures = started(limit=32)

    for photos, left_over in ((1000, True), (16, False)):
        stored = events.UpdateStored(photos=photos, size=1, seconds=0.1, left_over=left_over)
        figures.take(stored, now=1.0)

    for told in (line(figures, now=2.0), drawn(figures, now=2.0)):
        assert "1,000 stored of earlier runs" in told
    assert " 16 stored," in line(figures, now=2.0)
    assert figures.storing.per_second(2.0) == 16


def test_a_run_that_is_over_has_a_speed_in_its_report_alone() -> None:
    figures = started(limit=32)
    running = [a_page(total=32, pages=1, listed=32), sent("a"), settled("a", 16)]

    for event in running:
        figures.take(event, now=1.0)
    now = line(figures, now=2.0), drawn(figures, now=2.0)
    figures.take(events.RunFinished(run="r", reason="complete"), now=2.0)
    over = line(figures, now=2.0), drawn(figures, now=2.0)

    for words in ("/s", "quota", " left"):
        assert [words in told for told in now] == [True, True]
        assert [words in told for told in over] == [False, False]


def test_a_run_that_waits_says_for_whom_and_why() -> None:
    figures = started()

    for attempt, reason in ((1, "connect"), (2, "throttled")):
        again = events.RetryScheduled(
            upstream="flickr", reason=reason, attempt=attempt, seconds=1.0
        )
        figures.take(again, now=1.0)

    assert "2 repeats for flickr (throttled)" in line(figures, now=2.0)


WAITING = [sent("a"), sent("b", images=10)]


@pytest.mark.parametrize(
    ("reason", "told", "words"),
    [
        pytest.param(
            "SIGINT",
            WAITING,
            "waits up to 6 s for 26 paid images; Ctrl+C again leaves at once",
            id="Ctrl+C",
        ),
        pytest.param(
            "SIGTERM",
            WAITING,
            "waits up to 6 s for 26 paid images; Ctrl+C leaves at once",
            id="told by others",
        ),
        pytest.param("max-units", WAITING, "max-units, waits for 26 paid images", id="in no hurry"),
        pytest.param("SIGINT", [], "SIGINT", id="nothing paid is awaited"),
        pytest.param(
            "SIGINT",
            [*WAITING, settled("a", 16), settled("b", 10)],
            "SIGINT",
            id="nothing more is awaited",
        ),
        pytest.param(
            "SIGINT",
            [*WAITING, events.RunFinished(run="r", reason="SIGINT")],
            "SIGINT",
            id="nobody waits any more",
        ),
    ],
)
def test_who_stops_a_run_is_told_what_it_waits_for(
    reason: str, told: list[events.Event], words: str
) -> None:
    figures = started()

    for event in (*told, events.RunStopping(reason=reason)):
        figures.take(event, now=10.0)

    assert line(figures, now=12.5).endswith(f", stopping: {words}")
    assert f"stopping    {words}" in drawn(figures, now=12.5).splitlines()


def test_what_is_not_answered_when_a_run_ends_is_in_doubt() -> None:
    figures = started()

    for event in (*WAITING, settled("b", 10), events.RunFinished(run="r", reason="SIGINT")):
        figures.take(event, now=10.0)

    assert (figures.images_in_flight, figures.bought, figures.in_doubt) == (0, 10, 16)


def drawn(figures: Figures, *, now: float) -> str:
    """The bars, on a terminal of the usual width."""
    console = Console(file=io.StringIO(), width=80, color_system=None)
    return text_of(bars(figures, now=now, width=80), console)
