"""A small share of the campaign: the real process is killed, and completes all the same."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.campaigns import kill


@pytest.fixture(scope="session")
def drawings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The place where other tests have their pictures drawn, too."""
    return tmp_path_factory.getbasetemp().parent / "drawings"


@pytest.mark.campaign
async def test_a_killed_run_loses_no_photo_and_buys_nothing_twice_that_it_knew(
    drawings: Path,
) -> None:
    tally = await kill.campaign(kills=3, seed=1, drawings=drawings)

    assert not tally.failed
    assert tally.kills >= 3
    assert tally.bought_twice <= tally.in_flight
