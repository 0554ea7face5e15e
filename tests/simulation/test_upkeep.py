"""A share of the campaign on groups that are followed: whatever is lost, or put back, all agree in the end."""

from __future__ import annotations

import pytest

from tests.simulation.mutants import NOTICED, innermost, planted
from tests.simulation.neglects import NEGLECTS
from tests.simulation.timeline import timeline
from tests.simulation.upkeep import keep_up

pytestmark = pytest.mark.usefixtures("memory_of_the_dead")

TOGETHER = 10
"""Seeds in one test: fine enough to be spread over cores."""
SHARE = 40
MOST_SEEDS = 40
REFUSED = 53012
"""By the store, after it had been told that the photo is in a second group."""
RARE = {
    "earlier-labels-stay-in-the-index",
    "found-records-not-adopted",
    "groups-off-the-list-forgotten",
    "lost-records-not-put-back",
    "missing-once-is-gone",
    "old-addresses-believed",
    "older-journal-believed",
    "perhaps-paid-forgotten-with-who-left",
    "upgrade-mixes-up-records",
    "who-comes-again-is-bought-again",
}
"""What fewer seeds notice: the campaign looks for them."""


@pytest.mark.parametrize("first", range(0, SHARE, TOGETHER))
def test_groups_that_are_followed_agree_with_everything_in_the_end(first: int) -> None:
    for seed in range(first, first + TOGETHER):
        verdict = keep_up(seed)

        assert verdict.ok, timeline(verdict)


def test_what_once_went_wrong_with_groups_that_are_followed_does_no_more() -> None:
    verdict = keep_up(REFUSED)

    assert verdict.ok, timeline(verdict)


@pytest.mark.parametrize("seed", [1, 8, 12])
def test_the_same_seed_leaves_the_same_trace_of_groups_that_are_followed(seed: int) -> None:
    assert keep_up(seed).trace == keep_up(seed).trace


@pytest.mark.parametrize("name", sorted(set(NEGLECTS) - RARE))
def test_a_neglect_is_noticed(name: str) -> None:
    with planted(name):
        verdicts = map(keep_up, range(MOST_SEEDS))
        error = next((verdict.error for verdict in verdicts if verdict.error), None)

    assert error, "nobody noticed"
    assert type(innermost(error)).__name__ in NOTICED, f"it does not run any more: {error!r}"
