"""A share of the campaign: whatever happens when, nothing is lost and nothing is bought twice."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from ingestor.report import Report
from tests.simulation.lives import Life, live
from tests.simulation.mutants import NOTICED, innermost, planted
from tests.simulation.rivals import compete
from tests.simulation.scenario import Fate, Kind, Scenario
from tests.simulation.timeline import timeline
from tests.simulation.trespasses import TRESPASSES
from tests.simulation.upstreams import Upstreams

pytestmark = pytest.mark.usefixtures("memory_of_the_dead")

TOGETHER = 10
"""Seeds in one test: fine enough to be spread over cores."""
SHARE = 100
JOURNAL_LOST = (189, 211)
"""A full database, a new journal, and a kill in the middle of listing it all again."""
SLIPPED = (4_007_142, 4_013_751, 4_128_999, 4_140_177, 4_153_370)
"""A new journal beside a full database, and a pool that moves, or little room, while it is listed."""
PUBLISHED_AND_PARKED = (
    *(40_000_542, 40_000_609, 40_000_628, 40_001_532),
    *(60_016_653, 70_025_290, 70_025_347, 70_028_386, 70_040_020),
)
"""A disk that refuses an answer, which reaches the database all the same, and a next run that parks."""
ASKED_FOR = (900_013, 900_015, 900_057)
"""
What is parked is asked for by somebody whose clock is ahead, and bought by a process that dies when the
clock has been set back.
"""
LATE = (50_000_035, 50_000_432, 50_002_939)
"""A token that is renewed for so long that the permit for what it is wanted for is over."""
ROUNDED = 100_188_448
"""Flickr's limiter sets its timer for a moment that rounding makes this one."""
MOST_RIVALS = 20
MOST_SEEDS = 60
"""Enough for the mistakes that every tenth seed notices; the campaign looks for the rarer ones too."""
FREQUENT = (
    *("no-fsync", "result-journaled-after-storing", "settling-not-awaited", "settling-forgotten"),
    *("intent-not-written", "intent-after-the-call", "intent-not-awaited"),
    *("page-mark-before-its-photos", "failure-not-journaled", "late-answer-dropped"),
    *("stored-mark-before-the-write", "paths-of-a-photo-in-two-updates", "answers-mixed-up"),
    *("no-labels-is-no-answer", "lost-answer-taken-as-refusal", "twins-bought", "no-quota"),
    *("twins-of-other-batches-bought", "given-up-without-a-letter"),
    *("known-bytes-bought-again", "dead-letters-bought-again", "repeated-rows-sent-on-again"),
    *("ceiling-looked-at-after-paying", "downloads-unlimited", "window-of-a-minute-forgotten"),
)


@pytest.mark.parametrize("first", range(0, SHARE, TOGETHER))
def test_every_schedule_keeps_the_invariants(first: int) -> None:
    for seed in range(first, first + TOGETHER):
        verdict = live(Scenario.of(seed))

        assert verdict.ok, timeline(verdict)


@pytest.mark.parametrize("seed", JOURNAL_LOST)
def test_a_journal_lost_and_a_run_killed_after_it_cost_nothing_twice(seed: int) -> None:
    verdict = live(Scenario.of(seed))

    assert verdict.ok, timeline(verdict)


@pytest.mark.parametrize("seed", JOURNAL_LOST)
def test_to_ask_once_what_a_lost_journal_knew_is_noticed(seed: int) -> None:
    with planted("lost-journal-asks-once"):
        verdict = live(Scenario.of(seed))

    assert "is bought, in the database since" in str(verdict.error)


@pytest.mark.parametrize("seed", SLIPPED)
def test_what_slips_past_a_listing_is_not_bought_again(seed: int) -> None:
    verdict = live(Scenario.of(seed))

    assert verdict.ok, timeline(verdict)


@pytest.mark.parametrize("seed", PUBLISHED_AND_PARKED)
def test_what_got_out_past_a_failing_disk_is_not_given_up_in_doubt(seed: int) -> None:
    verdict = live(Scenario.of(seed))

    assert verdict.ok, timeline(verdict)


@pytest.mark.parametrize("seed", ASKED_FOR)
def test_what_was_tried_again_is_given_up_anew_whatever_the_clock_says(seed: int) -> None:
    deaths = tuple(Fate("crash", 2, "vision") for _ in range(5))
    parks = {"in_doubt": "park", "jumps": True, "limit": None, "max_units": None}

    verdict = live(Scenario.of(seed, **parks, database=False, fault_rate=0.0, fates=deaths))

    assert verdict.ok, timeline(verdict)
    assert verdict.world.asked


@pytest.mark.parametrize("seed", LATE)
def test_what_leaves_long_after_its_permit_stays_within_the_quota(seed: int) -> None:
    verdict = live(Scenario.of(seed))

    assert verdict.ok, timeline(verdict)


def test_a_timer_for_this_very_moment_does_not_stop_the_clock() -> None:
    verdict = live(Scenario.of(ROUNDED))

    assert verdict.ok, timeline(verdict)


@pytest.mark.parametrize("seed", [3, 9, 27, 40, 1014, 1046])
def test_of_two_machines_one_buys(seed: int) -> None:
    verdict = compete(seed)

    assert verdict.ok, timeline(verdict)


@pytest.mark.parametrize("name", sorted(TRESPASSES))
def test_a_mistake_between_machines_is_noticed(name: str) -> None:
    with planted(name):
        noticed = any(not compete(seed).ok for seed in range(MOST_RIVALS))

    assert noticed


@pytest.mark.parametrize("kind", ["crash", "stop", "cut"])
def test_a_run_may_end_at_any_point(kind: Kind) -> None:
    small = {"photos": 6, "fault_rate": 0.0, "max_units": None}
    points = live(Scenario.of(3, **small, fates=())).points[0]

    for point in range(1, points, 17):
        verdict = live(Scenario.of(3, **small, fates=(Fate(kind, point),)))

        assert verdict.ok, timeline(verdict)


class Slow(Upstreams):
    """The database takes a minute for each update but the first."""

    async def _do(self, do: Callable[..., Any], *given: Any) -> Any:
        if do == self._write and self.world.published:
            await asyncio.sleep(60)
        return await super()._do(do, *given)


class LifeWithSlowDatabase(Life):
    upstreams_of = Slow


def test_a_signal_is_obeyed_while_the_database_is_told_of_the_end() -> None:
    calm = {"photos": 4, "fault_rate": 0.0, "stall_rate": 0.0, "patience": 120.0, "moving": False}
    while_told = Fate("stop", 2, "updates")

    verdict = live(Scenario.of(3, **calm, fates=(while_told,)), life=LifeWithSlowDatabase)

    assert verdict.ok, timeline(verdict)
    assert verdict.stops == 1


CALM = {
    "fault_rate": 0.0, "stall_rate": 0.0, "disk_fault_rate": 0.0, "troubled": 0.0, "outage": None,
    "max_units": None, "limit": None, "moving": False, "fates": (),
}  # fmt: skip


def test_answers_that_take_long_keep_no_run_below_its_quota() -> None:
    """More calls are under way then: a dozen where it began with four."""
    quota = {"images_per_minute": 240, "requests_per_minute": 240, "max_in_flight": None}

    verdict = live(Scenario.of(3, photos=240, per_page=100, vision_seconds=12.0, **quota, **CALM))

    calls = verdict.world.calls
    seconds = sum(len(call.photos) for call in calls) / (240 / 60)
    assert verdict.ok, timeline(verdict)
    assert calls[-1].at - calls[0].at < seconds + 2 * 12.0


@pytest.mark.parametrize("end", [asyncio.CancelledError, SystemExit])
def test_a_schedule_has_a_verdict_whatever_ends_it(end: type[BaseException]) -> None:
    class Ended(Life):
        async def _main(self) -> Report | None:
            raise end

    verdict = live(Scenario.of(3, fates=()), life=Ended)

    assert isinstance(verdict.error, end)


@pytest.mark.parametrize("seed", [1, 5, 9])
def test_the_same_seed_leaves_the_same_trace(seed: int) -> None:
    assert live(Scenario.of(seed)).trace == live(Scenario.of(seed)).trace


@pytest.mark.parametrize("name", FREQUENT)
def test_a_planted_mistake_is_noticed(name: str) -> None:
    with planted(name):
        verdicts = (live(Scenario.of(seed)) for seed in range(MOST_SEEDS))
        error = next((verdict.error for verdict in verdicts if verdict.error), None)

    assert error, "nobody noticed"
    assert type(innermost(error)).__name__ in NOTICED, f"it does not run any more: {error!r}"
