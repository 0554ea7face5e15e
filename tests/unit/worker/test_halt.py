"""When buying stops for all groups and when it goes on, and that both are told."""

from __future__ import annotations

import pytest

from ingestor import events
from ingestor.errors import Denied, RunStopped
from ingestor.worker.halt import BOUGHT, LOOKED, RAN, Halt

SPENT = RunStopped("All spent.", reason="max-units-per-day")
HOUR = 3600.0
REFUSED = Denied("Billing is off.", upstream="vision", reason="billing")


class Told:
    """A halt, its clock, and what it told."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self.unix = 1_790_000_000.0
        self.said: list[events.Event] = []
        self.halt = Halt(clock=lambda: self.now, wall=lambda: self.unix, listen=self.said.append)

    @property
    def resumed(self) -> list[str]:
        return [event.reason for event in self.said if isinstance(event, events.BuyingResumed)]


@pytest.fixture
def told() -> Told:
    return Told()


def test_a_ceiling_that_is_over_is_told_to_be_over(told: Told):
    told.halt.spent(SPENT, seconds=60)

    assert not told.halt.may_buy()
    told.now += 60
    assert told.halt.may_buy()

    assert told.resumed == ["max-units-per-day"]


def test_a_ceiling_is_over_with_its_day_however_long_the_machine_slept(told: Told):
    told.halt.spent(SPENT, seconds=4 * HOUR)

    # Asleep for ten hours: the loop's clock stood still.
    told.now, told.unix = told.now + 60, told.unix + 10 * HOUR

    assert told.halt.may_buy()
    assert told.resumed == ["max-units-per-day"]


def test_a_clock_that_is_set_back_makes_no_ceiling_last_longer(told: Told):
    told.halt.spent(SPENT, seconds=4 * HOUR)

    told.now, told.unix = told.now + 4 * HOUR, told.unix - 24 * HOUR

    assert told.halt.may_buy()


def test_no_look_that_goes_well_ends_a_ceiling(told: Told):
    told.halt.spent(SPENT, seconds=60)

    told.halt.went_well(BOUGHT)

    assert not told.halt.may_buy()
    assert told.resumed == []


@pytest.mark.parametrize(
    ("upstream", "over_after"),
    [("flickr", 1), ("database", 2), ("vision", 3), ("google", 3)],
)
def test_a_refusal_is_over_when_who_refused_takes_us_again(
    told: Told, upstream: str, over_after: int
):
    told.halt.refused(Denied("No.", upstream=upstream, reason="rules"), seconds=60)

    for steps in range(1, 4):
        assert (told.resumed == []) is (steps <= over_after)
        assert told.halt.may_buy() is (steps > over_after)
        told.halt.went_well((LOOKED, RAN, BOUGHT)[steps - 1])

    assert told.resumed == ["rules"]


def test_a_disk_that_was_full_is_over_when_a_run_had_room(told: Told):
    told.halt.refused(RunStopped("No room.", reason="disk-full"), seconds=60)

    told.halt.went_well(LOOKED)
    assert told.resumed == []
    told.halt.went_well(RAN)

    assert told.resumed == ["disk-full"]


def test_a_refusal_is_not_over_because_it_is_time_to_try_again(told: Told):
    told.halt.refused(REFUSED, seconds=60)
    assert (told.halt.may_buy(), told.halt.wait()) == (False, 60)

    told.now += 60

    assert (told.halt.may_buy(), told.halt.wait()) == (True, 0)
    assert told.resumed == []


def test_a_refusal_that_every_group_meets_is_told_once_until_it_is_tried_again(told: Told):
    for _group in range(50):
        told.halt.refused(REFUSED, seconds=900)
        told.now += 30

    assert [type(event) for event in told.said] == 2 * [events.BuyingHalted]


def test_another_refusal_is_told_at_once(told: Told):
    for upstream in ("flickr", "google", "flickr"):
        refused = Denied(
            f"{upstream} does not accept the key.", upstream=upstream, reason="api-key"
        )
        told.halt.refused(refused, seconds=900)

    assert len(told.said) == 3


def test_a_refusal_that_comes_again_is_told_again(told: Told):
    for _time in range(2):
        told.halt.refused(REFUSED, seconds=900)
        told.halt.went_well(BOUGHT)

    assert len(told.said) == 4


def test_a_ceiling_after_a_refusal_is_a_ceiling(told: Told):
    told.halt.refused(REFUSED, seconds=900)
    told.halt.spent(SPENT, seconds=60)

    told.halt.went_well(BOUGHT)
    assert not told.halt.may_buy()
    told.now += 60

    assert told.halt.may_buy()
    assert told.resumed == ["max-units-per-day"]


def test_a_refusal_after_a_ceiling_is_a_refusal(told: Told):
    told.halt.spent(SPENT, seconds=60)
    told.halt.refused(REFUSED, seconds=900)

    told.unix += 60
    assert not told.halt.may_buy()
    told.halt.went_well(BOUGHT)

    assert told.halt.may_buy()
    assert told.resumed == ["billing"]


def test_what_never_halted_does_not_resume(told: Told):
    assert told.halt.may_buy()
    told.halt.went_well(BOUGHT)

    assert told.said == []
