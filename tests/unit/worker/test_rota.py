"""Nobody waits for ever, nobody is asked for ever."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ingestor.worker.rota import FIRST_PAUSE, LONGEST_PAUSE, LOST_PAUSE, MOST_LOSSES, Rota

GROUPS = ("a", "b", "c")


def a_rota(*groups: str) -> Rota:
    rota = Rota(every=900.0, dice=lambda: 0.5)
    rota.keep(groups or GROUPS, now=0.0)
    return rota


@given(st.lists(st.sampled_from(["more", "done", "failed"]), min_size=1, max_size=60))
def test_nobody_has_two_turns_while_another_is_due(ways: list[str]):
    rota, now = a_rota(), 0.0
    since: dict[str, float] = dict.fromkeys(GROUPS, 0.0)
    for turn, way in enumerate(ways, start=1):
        now += rota.wait(now=now)
        due = [name for name, place in rota._places.items() if place.due <= now]

        group = rota.take(now=now)

        assert group is not None
        assert since[group] == min(since[name] for name in due)
        since[group] = turn
        if way == "failed":
            rota.failed(group, now=now)
        else:
            rota.done(group, now=now, more=way == "more")


def test_a_group_that_is_done_is_due_again_after_the_pause():
    rota = a_rota("a")
    rota.take(now=0.0)

    rota.done("a", now=10.0, more=False)

    assert rota.take(now=909.0) is None
    assert rota.take(now=910.0) == "a"


def test_a_group_that_is_awaited_is_due_when_it_is_awaited_or_sooner():
    rota = Rota(every=900.0, dice=lambda: 0.5)
    rota.keep(["a"], now=0.0)

    for within, due in ((60.0, 60.0), (3600.0, 900.0)):
        rota.take(now=0.0)
        rota.done("a", now=0.0, more=False, within=within)
        assert rota.wait(now=0.0) == due


def test_pauses_after_failures_double_up_to_an_hour():
    rota = a_rota("a")

    pauses = [rota.failed("a", now=0.0) for _ in range(10)]

    assert pauses[:3] == [FIRST_PAUSE, 2 * FIRST_PAUSE, 4 * FIRST_PAUSE]
    assert pauses[-1] == LONGEST_PAUSE


def test_a_success_forgets_the_failures():
    rota = a_rota("a")
    rota.failed("a", now=0.0)
    rota.done("a", now=0.0, more=False)

    assert rota.failed("a", now=0.0) == FIRST_PAUSE


def test_a_lost_group_is_looked_for_once_a_day_and_then_given_up():
    rota = a_rota("a")

    pauses = [rota.lost("a", now=0.0) for _ in range(MOST_LOSSES)]

    assert pauses == [LOST_PAUSE] * (MOST_LOSSES - 1) + [None]
    assert rota.take(now=100 * LOST_PAUSE) is None


def test_a_group_that_is_named_anew_is_due_at_once():
    rota = a_rota("a")
    for _ in range(MOST_LOSSES):
        rota.lost("a", now=0.0)

    rota.keep((), now=1.0)
    rota.keep(("a",), now=2.0)

    assert rota.take(now=2.0) == "a"


def test_a_group_that_left_the_list_during_its_turn_is_forgotten():
    rota = a_rota("a")
    rota.take(now=0.0)
    rota.keep(("b",), now=0.0)

    rota.done("a", now=0.0, more=True)
    rota.failed("a", now=0.0)

    assert rota.groups == ("b",)
