"""A share of the campaign on two machines with groups of their own: neither touches what is the other's."""

from __future__ import annotations

import pytest

from tests.simulation.mutants import NOTICED, innermost, planted
from tests.simulation.neighbours import live_together
from tests.simulation.quarrels import QUARRELS
from tests.simulation.timeline import timeline

pytestmark = pytest.mark.usefixtures("memory_of_the_dead")

TOGETHER = 4
"""Seeds in one test: fine enough to be spread over cores."""
SHARE = 16
MOST_SEEDS = 16
BOUGHT_BY_BOTH = (26, 131)
"""Of one the answer is lost, and its dead letter is written after the other's record."""
HANDED_OVER = 170
"""Who had the group once takes over a photo that the other bought, and was in it."""
GIVEN_UP = (490, 628)
"""Adopted by reconcile where it had been given up, in a group that the database had not heard of."""
AT_THE_SAME_MOMENT = (854, 875, 1187)
"""Taken down by the one while the other has it join its group."""
CAME_AGAIN = 1010
"""With another date, while it was bought."""
RARE = {
    "groups-of-adopted-photos-not-told",
    "handed-over-groups-stay-ours",
    "handed-over-groups-told",
    "live-lease-of-a-neighbour-taken",
    "taken-down-by-others-unnoticed",
}
"""What fewer seeds notice: the campaign looks for them."""


@pytest.mark.parametrize("first", range(0, SHARE, TOGETHER))
def test_two_machines_with_groups_of_their_own_agree_with_everything_in_the_end(first: int) -> None:
    for seed in range(first, first + TOGETHER):
        verdict = live_together(seed)

        assert verdict.ok, timeline(verdict)


@pytest.mark.parametrize(
    "seed", [*BOUGHT_BY_BOTH, HANDED_OVER, *GIVEN_UP, *AT_THE_SAME_MOMENT, CAME_AGAIN]
)
def test_what_once_went_wrong_between_two_machines_does_no_more(seed: int) -> None:
    verdict = live_together(seed)

    assert verdict.ok, timeline(verdict)


@pytest.mark.parametrize("seed", [3, 8])
def test_the_same_seed_leaves_the_same_trace_of_two_machines(seed: int) -> None:
    assert live_together(seed).trace == live_together(seed).trace


@pytest.mark.parametrize("name", sorted(set(QUARRELS) - RARE))
def test_a_quarrel_is_noticed(name: str) -> None:
    with planted(name):
        verdicts = map(live_together, range(MOST_SEEDS))
        error = next((verdict.error for verdict in verdicts if verdict.error), None)

    assert error, "nobody noticed"
    assert type(innermost(error)).__name__ in NOTICED, f"it does not run any more: {error!r}"
