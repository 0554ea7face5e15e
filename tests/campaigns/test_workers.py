"""Shares of a campaign whose processes end without a word: each is told, and nobody waits for it."""

from __future__ import annotations

import os
import signal

import pytest

from tests.campaigns.schedules import Order, Tally, at_random, campaign
from tests.campaigns.workers import Lost, carry_out_all

pytestmark = pytest.mark.campaign


def dies_of_two(task: int) -> int:
    if task == 2:
        os._exit(3)
    return task


def says_nothing(_task: int) -> int:
    signal.pause()
    return 0


def begin() -> None:
    pass


def test_a_share_whose_process_dies_is_told_and_the_others_are_carried_out() -> None:
    found = set(carry_out_all(dies_of_two, range(4), jobs=2, begin=begin))

    assert found == {0, 1, 3, Lost(2, "its process ended with exit code 3")}


def test_a_share_that_gives_no_word_is_given_up() -> None:
    found = list(carry_out_all(says_nothing, [1], jobs=1, begin=begin, most_seconds=0.0))

    assert found == [Lost(1, "its process gave no word in time")]


def test_the_schedule_that_ends_its_process_is_named() -> None:
    orders = at_random(0, 5)

    tally = campaign(orders, mode="random", jobs=2, work=dies_of_the_third)

    assert tally.schedules == 5
    assert [order[0] for order, _ in tally.failed] == [3]


def dies_of_the_third(task: tuple[list[Order], str]) -> Tally:
    orders, _mode = task
    if any(seed == 3 for seed, *_ in orders):
        os._exit(1)
    return Tally(schedules=len(orders))
