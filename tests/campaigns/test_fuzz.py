"""A small share of the fuzzing: readers of vendors' answers keep to our own errors."""

from __future__ import annotations

import pytest

from tests.campaigns import fuzz, malformed, usage

pytestmark = pytest.mark.campaign


def test_of_ten_thousand_mutants_none_brings_a_foreign_error_out() -> None:
    tally = fuzz.campaign(mutants_wanted=10_000, first_seed=1)

    assert not tally.failed, tally.failed[0]
    assert tally.read.total() == 10_000


def test_no_tree_of_vendors_words_brings_a_foreign_error_out() -> None:
    fuzz.grown(200, first_seed=1)


async def test_of_two_hundred_malformed_answers_none_brings_a_foreign_error_out() -> None:
    tally = await malformed.campaign(answers=200, first_seed=1)

    assert not tally.failed, tally.failed[0]
    assert tally.outcomes.total() == 200


def test_of_a_hundred_wrong_calls_each_is_answered_in_a_sentence() -> None:
    said = usage.misused(100, first_seed=1)

    assert said.total() > 50
