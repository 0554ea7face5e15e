"""A small share of the campaigns that end the real process, and have it complete all the same."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from ingestor.journal.schema import MIGRATIONS, VERSION
from tests.campaigns import kill, term
from tests.campaigns.arena import Autopsy, autopsy

pytestmark = pytest.mark.campaign

FEW = (48,)


async def test_a_killed_run_loses_no_photo_and_buys_nothing_twice_that_it_knew() -> None:
    tally = await kill.campaign(kills=3, seed=1, sizes=FEW)

    assert not tally.failed
    assert tally.bought_twice <= tally.in_flight


async def test_a_run_that_is_told_to_stop_saves_what_it_paid_for_and_goes_on_later() -> None:
    tally = await term.campaign(signals=2, seed=1, sizes=FEW)

    assert not tally.failed
    assert tally.slowest <= term.MOST_SECONDS


@pytest.mark.parametrize("steps", range(VERSION))
def test_a_journal_whose_making_was_killed_between_two_steps_knows_of_nothing(
    tmp_path: Path, steps: int
) -> None:
    with closing(sqlite3.connect(tmp_path / "journal.sqlite3")) as journal:
        journal.executescript(f"{''.join(MIGRATIONS[:steps])}PRAGMA user_version={steps};")

    assert autopsy(tmp_path) == Autopsy()
