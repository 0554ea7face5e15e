"""What fails often is bad by itself, unless much fails anyhow."""

from __future__ import annotations

import random

import pytest

from ingestor.kits.luck import CHANCE, FEWEST, MOST, Luck


def after(share: float, *, number: int = 1) -> Luck:
    """One that has seen so many fail of a thousand."""
    luck, dice = Luck(), random.Random(1)
    for _ in range(1_000):
        luck.tried(number, failed=dice.random() < share)
    return luck


@pytest.mark.parametrize("share", [0.0, 0.02, 0.1])
def test_where_little_fails_few_failures_are_too_many(share: float):
    assert after(share).too_many == FEWEST


@pytest.mark.parametrize("share", [0.4, 0.5])
def test_where_much_fails_so_many_are_too_many_as_chance_would_hardly_bring(share: float):
    assert share ** after(share).too_many < 50 * CHANCE


def test_where_nearly_all_fails_there_is_an_end_all_the_same():
    assert after(1.0).too_many == MOST


def test_who_is_tried_again_and_again_says_nothing_of_the_others():
    assert after(1.0, number=2).too_many == FEWEST
