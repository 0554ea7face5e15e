"""What is covered, against a set of numbers that says the same."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from ingestor.kits.intervals import Cover, Interval, add, around, holes, take_out

intervals = st.tuples(st.integers(0, 40), st.integers(0, 40))
steps = st.lists(st.tuples(st.booleans(), intervals), max_size=12)


def numbers(interval: Interval) -> set[int]:
    return set(range(interval[0], interval[1] + 1))


def after(some: list[tuple[bool, Interval]]) -> tuple[Cover, set[int]]:
    """A cover, and the same as a set."""
    cover: Cover = ()
    inside: set[int] = set()
    for adding, interval in some:
        cover = add(cover, interval) if adding else take_out(cover, interval)
        inside = inside | numbers(interval) if adding else inside - numbers(interval)
    return cover, inside


@given(steps)
def test_a_cover_holds_what_was_added_and_not_taken_out(some: list[tuple[bool, Interval]]):
    cover, inside = after(some)

    assert set().union(*map(numbers, cover)) == inside


@given(steps)
def test_its_intervals_are_sorted_and_apart(some: list[tuple[bool, Interval]]):
    cover, _ = after(some)

    assert all(low <= high for low, high in cover)
    assert all(here[1] + 1 < there[0] for here, there in itertools.pairwise(cover))


@given(steps)
def test_holes_are_what_is_missing_below_the_top(some: list[tuple[bool, Interval]]):
    cover, inside = after(some)

    found = holes(cover)

    assert set().union(*map(numbers, found)) == set(range(max(inside, default=-1) + 1)) - inside
    assert found == sorted(found, reverse=True)


@given(steps, st.integers(0, 40))
def test_around_a_number_is_its_interval(some: list[tuple[bool, Interval]], number: int):
    cover, inside = after(some)

    found = around(cover, number)

    assert (found is not None) == (number in inside)
    assert found is None or number in numbers(found)


def test_in_whatever_order_the_same_cover_comes_out():
    assert add(add((), (5, 9)), (0, 4)) == add(add((), (0, 4)), (5, 9)) == ((0, 9),)
