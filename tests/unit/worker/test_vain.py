"""A run that would find what the last one found waits, and ever longer; nothing else does."""

from __future__ import annotations

from ingestor.worker.vain import FIRST_PAUSE, Holes, InVain

HOLES: Holes = ((0, 9),)
LONGEST = 5 * FIRST_PAUSE


def pauses(in_vain: InVain, holes: Holes, *, runs: int) -> list[float]:
    """How long each of so many runs in a row has the next one wait, in steps of a minute."""
    found, now = list[float](), 0.0
    for _ in range(runs):
        in_vain.note("zoo", holes, now=now)
        began = now
        while in_vain.is_early("zoo", holes, now=now):
            now += 60.0
        found.append(now - began)
    return found


def test_each_run_in_vain_has_the_next_wait_longer_and_none_for_ever() -> None:
    waited = pauses(InVain(longest=LONGEST), HOLES, runs=5)

    assert waited == [FIRST_PAUSE, 2 * FIRST_PAUSE, 4 * FIRST_PAUSE, LONGEST, LONGEST]


def test_other_holes_and_other_groups_are_tried_at_once() -> None:
    in_vain = InVain(longest=LONGEST)
    pauses(in_vain, HOLES, runs=3)
    in_vain.note("zoo", HOLES, now=0.0)

    assert not in_vain.is_early("zoo", ((0, 5),), now=1.0)
    assert not in_vain.is_early("farm", HOLES, now=1.0)
    assert pauses(in_vain, ((0, 5),), runs=1) == [FIRST_PAUSE]


def test_what_is_no_hole_never_waits() -> None:
    """Photos that could not be finished, say, and a pool of which all is known."""
    in_vain = InVain(longest=LONGEST)
    in_vain.note("zoo", (), now=0.0)

    assert not in_vain.is_early("zoo", (), now=1.0)
