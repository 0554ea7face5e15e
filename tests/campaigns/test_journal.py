"""A small share of the journal's life beside its model."""

from __future__ import annotations

import pytest

from tests.campaigns import journal


@pytest.mark.campaign
def test_a_journal_says_what_its_model_says_however_often_it_is_killed() -> None:
    steps, kills = journal.campaign(examples=20, first_seed=1, steps=30)

    assert steps > 100
    assert kills["before the commit"] > 0
    assert kills["after the commit"] > 0
