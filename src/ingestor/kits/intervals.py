"""
What is covered of the whole numbers from 0 up, as closed intervals that neither overlap nor touch.

A cover is a sorted tuple of (low, high); it is a value, and every function gives a new one.
"""

from __future__ import annotations

from collections.abc import Sequence

Interval = tuple[int, int]
"""(low, high), both inside; empty where low > high."""
Cover = tuple[Interval, ...]


def add(cover: Sequence[Interval], more: Interval) -> Cover:
    low, high = max(more[0], 0), more[1]
    if low > high:
        return tuple(cover)
    apart: list[Interval] = []
    for here in cover:
        if here[1] + 1 < low or high + 1 < here[0]:
            apart.append(here)
        else:
            low, high = min(low, here[0]), max(high, here[1])
    return tuple(sorted([*apart, (low, high)]))


def take_out(cover: Sequence[Interval], less: Interval) -> Cover:
    low, high = less
    if low > high:
        return tuple(cover)
    rest = [
        piece
        for here in cover
        for piece in ((here[0], min(here[1], low - 1)), (max(here[0], high + 1), here[1]))
    ]
    return tuple(sorted({piece for piece in rest if piece[0] <= piece[1]}))


def holes(cover: Sequence[Interval]) -> list[Interval]:
    """What lies uncovered below the highest covered number, the highest hole first."""
    found: list[Interval] = []
    low = 0
    for here in cover:
        if low < here[0]:
            found.append((low, here[0] - 1))
        low = here[1] + 1
    return found[::-1]


def around(cover: Sequence[Interval], number: int) -> Interval | None:
    """The interval that has `number` in it, if one does."""
    return next((here for here in cover if here[0] <= number <= here[1]), None)
