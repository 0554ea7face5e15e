"""A worker for days on end: what goes wrong around it passes, and it goes on by itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any

import pytest

from ingestor import events
from ingestor.sandbox.quotas import Quotas
from tests.simulation.months import DAY, HOUR, Life, Outside, Pool

A, B, C = "101@N00", "102@N00", "103@N00"
Plan = Sequence[tuple[float, Callable[[Life], object]]]

LOOK = 900.0
MINUTE = 60.0


class Told:
    """A listener that remembers when it was told what."""

    def __init__(self, outside: Outside) -> None:
        self.events: list[tuple[float, Any]] = []
        self._outside = outside

    def __call__(self, event: events.Event) -> None:
        self.events.append((self._outside.clock(), event))

    def of(self, kind: type[events.Event], *, group: str | None = None) -> list[tuple[float, Any]]:
        return [
            (at, event)
            for at, event in self.events
            if isinstance(event, kind) and (group is None or event.group == group)  # type: ignore[attr-defined]
        ]


def an_outside(**sizes: int) -> Outside:
    return Outside({f"{name[1:]}@N00": Pool(size=size) for name, size in sizes.items()})


def a_life(outside: Outside, state: Path, *, plan: Plan = (), **given: Any) -> tuple[Life, Told]:
    """Its turns have 600 photos."""
    told = Told(outside)
    given = {"images_per_minute": 600} | given
    return Life(outside=outside, state=state, listen=told, plan=plan, given=given), told


def arrive(group: str, count: int) -> Callable[[Life], None]:
    def arrival(life: Life) -> None:
        life.outside.pools[group].arrive(count, unix=life.outside.wall())

    return arrival


def test_a_network_that_is_gone_for_an_hour_is_waited_for(tmp_path: Path):
    outside = an_outside(g101=600)
    outside.away = [(2 * HOUR, 3 * HOUR)]
    life, told = a_life(outside, tmp_path, plan=[(2.2 * HOUR, arrive(A, 50))])

    life.run(seconds=4 * HOUR)

    looks = [at for at, _look in told.of(events.GroupLooked)]
    assert any(3 * HOUR < at < 3 * HOUR + MINUTE for at in looks)
    assert (outside.units, outside.unbought(), outside.most_for_one_photo()) == (650, 0, 1)


def test_a_network_that_goes_while_photos_are_on_their_way_costs_nothing_twice(tmp_path: Path):
    outside = an_outside(g101=1000)
    outside.away = [(20.0, 20.0 + HOUR)]
    life, _told = a_life(outside, tmp_path)

    life.run(seconds=2 * HOUR)

    assert (outside.units, outside.unbought(), outside.most_for_one_photo()) == (1000, 0, 1)


@pytest.mark.parametrize("jump", [DAY, -DAY], ids=["forward", "back"])
def test_a_wall_clock_that_jumps_moves_no_turn_and_hides_no_photo(tmp_path: Path, jump: float):
    outside = an_outside(g101=600)

    def clock_jumps(life: Life) -> None:
        life.outside.clock_is_wrong_by += jump

    plan = [(HOUR, clock_jumps), (1.5 * HOUR, arrive(A, 40)), (2 * HOUR, clock_jumps)]
    life, told = a_life(outside, tmp_path, plan=plan)

    life.run(seconds=3 * HOUR)

    looks = [at for at, _look in told.of(events.GroupLooked)]
    pauses = [later - earlier for earlier, later in pairwise(looks)]
    assert max(pauses) < LOOK + MINUTE
    assert (outside.units, outside.unbought()) == (640, 0)


@pytest.mark.parametrize("there_and_back", [False, True], ids=["for good", "and back"])
def test_a_clock_that_was_a_week_ahead_holds_up_no_takedown(tmp_path: Path, there_and_back: bool):
    outside = an_outside(g101=1100)

    def leave(life: Life) -> None:
        life.outside.pools[A].leave(range(700, 720))

    def ahead(life: Life) -> None:
        life.outside.clock_is_wrong_by = 7 * DAY

    def right(life: Life) -> None:
        life.outside.clock_is_wrong_by = 0.0

    back = [(2 * HOUR, right)] if there_and_back else []
    plan = [(HOUR, ahead), *back, (3 * HOUR, leave)]
    life, told = a_life(outside, tmp_path, plan=plan)

    life.run(seconds=27 * HOUR)

    assert sum(left.photos for _at, left in told.of(events.PhotosWithdrawn)) == 20


def test_whatever_left_is_gone_a_look_after_its_page_was_due(tmp_path: Path):
    outside = an_outside(g101=2100)

    def leave(life: Life) -> None:
        life.outside.pools[A].leave(range(5, 2100, 40))

    life, told = a_life(
        outside, tmp_path, plan=[(HOUR, leave)], recheck=8 * LOOK, images_per_minute=3000
    )

    life.run(seconds=4 * HOUR)

    withdrawn = told.of(events.PhotosWithdrawn)
    assert sum(left.photos for _at, left in withdrawn) == 53
    assert max(at for at, _left in withdrawn) <= HOUR + (8 + 1) * LOOK


@pytest.mark.parametrize("hours", [0.2, 30.0])
def test_a_process_that_was_frozen_goes_on_where_it_was(tmp_path: Path, hours: float):
    outside = an_outside(g101=900)

    def freeze(life: Life) -> None:
        life.loop.now += hours * HOUR

    life, told = a_life(outside, tmp_path, plan=[(20.0, freeze), (20.0, arrive(A, 30))])

    life.run(seconds=(hours + 2) * HOUR)

    assert (outside.units, outside.unbought(), outside.most_for_one_photo()) == (930, 0, 1)
    assert not told.of(events.PhotosWithdrawn)


def test_a_signal_waits_for_what_is_paid_and_a_second_one_for_nothing(tmp_path: Path):
    outside = an_outside(g101=600)
    outside.vision_hangs = True
    life, _told = a_life(outside, tmp_path)
    patient = life.run(seconds=MINUTE)
    hurried, _told = a_life(
        outside, tmp_path, plan=[(MINUTE + 1.0, lambda life: life.lifetime.cut())]
    )

    seconds = hurried.run(seconds=MINUTE)

    assert 8.0 <= patient < 10.0
    assert 1.0 <= seconds < 1.1


def test_a_file_of_groups_may_change_while_it_is_followed(tmp_path: Path):
    outside = an_outside(g101=30, g102=20)
    outside.listings = []
    file = tmp_path / "groups"
    file.write_text(f"{A}\n")
    life, told = a_life(
        outside,
        tmp_path / "state",
        groups=(),
        groups_file=file,
        plan=[(HOUR, lambda _life: file.write_text(f"{B}  # instead\n"))],
    )

    life.run(seconds=3 * HOUR)

    first_of_b = min(at for at, group, _page in outside.listings if group == B)
    assert HOUR <= first_of_b < HOUR + MINUTE
    assert max(at for at, group, _page in outside.listings if group == A) <= HOUR
    assert outside.units == 50
    assert [event.group for _at, event in told.of(events.GroupDropped)] == [A]


def test_a_group_that_is_gone_is_told_and_looked_for_once_a_day_for_a_week(tmp_path: Path):
    outside = an_outside(g101=30, g102=20)
    life, told = a_life(outside, tmp_path, plan=[(HOUR, lambda _life: outside.gone.add(A))])

    life.run(seconds=8 * DAY)

    failures = told.of(events.GroupFailed, group=A)
    assert [event.reason for _at, event in failures] == ["group-not-found"] * 7
    assert failures[-1][1].seconds is None
    assert len(told.of(events.GroupLooked, group=B)) > 700


def test_groups_with_much_to_do_take_turns(tmp_path: Path):
    outside = an_outside(g101=2400, g102=1500, g103=40)
    life, told = a_life(outside, tmp_path)

    life.run(seconds=0.5 * HOUR)

    turns = [event.groups[0] for _at, event in told.of(events.RunStarted)]
    assert turns[:5] == [A, B, C, A, B]
    assert max(len(list(run)) for _group, run in groupby(turns[:-3])) == 1
    assert outside.unbought() == 0


def test_what_arrives_while_a_backlog_fills_comes_before_the_rest_of_it(tmp_path: Path):
    outside = an_outside(g101=3000)
    order: list[int] = []
    outside.annotated = lambda _group, number: order.append(number)
    life, _told = a_life(outside, tmp_path, plan=[(100.0, arrive(A, 25))])

    life.run(seconds=10 * MINUTE)

    arrived = [place for place, number in enumerate(order) if number >= 3000]
    assert len(arrived) == 25
    assert max(arrived) < len(order) / 2
    assert order[:16] == sorted(order[:16], reverse=True)
    assert max(order[-100:]) < min(order[:500])


def test_what_one_turn_learned_of_the_quota_the_next_one_knows(tmp_path: Path):
    outside = an_outside(g101=2400)
    outside.quotas = Quotas(requests_per_minute=0, images_per_minute=300, clock=outside.time)
    life, told = a_life(outside, tmp_path)

    life.run(seconds=12 * MINUTE)

    rates = [event.rate for _at, event in told.of(events.UpstreamThrottled)]
    assert len(told.of(events.RunStarted)) == 3
    assert sum(rate > 0.65 for rate in rates) == 1
    assert outside.unbought() == 0


def test_a_worker_that_is_stopped_every_few_minutes_gets_through_a_backlog(tmp_path: Path):
    outside = an_outside(g101=1500)
    lives = 0
    while outside.unbought() and lives < 20:
        lives += 1
        life, _told = a_life(outside, tmp_path)
        life.run(seconds=30.0 + lives)

    assert outside.units == 1500
    assert outside.most_for_one_photo() == 1
    assert lives < 8
