"""
What several labels have in common, in the embedded catalog: a race, because no one way is good.

A walk goes down one label, best first, and looks up what else each photo is filed under: it is quick
where that label is usually the weakest. A merge reads all lists down to the same rank and looks
nothing up: it is quick where few photos have all labels. Which holds is not known beforehand, so all
of them take turns in growing steps, and the first that is certain of a page ends the race. None sorts
more than it has found.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from heapq import heappop, heappush
from typing import Protocol

import orjson

from ingestor.catalog.merge import Intersection
from ingestor.catalog.query import BEFORE_ALL, Place

FIRST_STEP = 128
LARGEST_STEP = 8192
"""Photos looked up in one turn: some 10 ms, by which the winner may come late."""
READ_PER_LOOKED_UP = 4
"""Entries read in the time that one photo is looked up (measured)."""

LIST = """
    SELECT photo, rank FROM label_index
    WHERE label = ? AND (rank, photo) > (?, ?) AND rank <= ? ORDER BY rank, photo LIMIT ?
"""
LIST_WITH_ENTRIES = """
    SELECT piece.photo, rank, entries FROM (
        SELECT photo, rank FROM label_index
        WHERE label = ? AND (rank, photo) > (?, ?) AND rank <= ? ORDER BY rank, photo LIMIT ?
    ) AS piece CROSS JOIN catalogued ON catalogued.photo = piece.photo
"""


def common_places(
    db: sqlite3.Connection, numbers: Sequence[int], *, after: Place, worst_rank: int, most: int
) -> list[Place]:
    """The first places behind `after` of photos that are filed under every one of the labels."""
    ways: list[_Way] = [_Walk(number, numbers, worst_rank=worst_rank) for number in numbers]
    ways.append(_Merge(numbers, worst_rank=worst_rank))
    step = FIRST_STEP
    while True:
        for way in ways:
            ended = way.advance(db, step)
            places = [place for place in way.certain if place > after]
            if ended or len(places) >= most:
                return places[:most]
        step = min(step * 2, LARGEST_STEP)


class _Way(Protocol):
    certain: list[Place]
    """Places in the order of the answer; nothing that is found later comes between them."""

    def advance(self, db: sqlite3.Connection, step: int, /) -> bool:
        """Go on for the time that `step` photos take; tell whether that was all."""
        ...


class _Walk:
    def __init__(self, number: int, numbers: Sequence[int], *, worst_rank: int) -> None:
        self.certain: list[Place] = []
        self._number = number
        self._numbers = numbers
        # Entries are [[number,rank],...]: this stands there only if that label does.
        self._marks = [f"[{other}," for other in numbers if other != number]
        self._worst_rank = worst_rank
        self._read_to = BEFORE_ALL
        self._found: list[Place] = []

    def advance(self, db: sqlite3.Connection, step: int) -> bool:
        rows = db.execute(
            LIST_WITH_ENTRIES, (self._number, *self._read_to, self._worst_rank, step)
        ).fetchall()
        for photo, _, entries in rows:
            if all(mark in entries for mark in self._marks):
                self._meet(photo, dict(orjson.loads(entries)))
        if rows:
            self._read_to = Place(rows[-1][1], rows[-1][0])
        ended = len(rows) < step
        while self._found and (ended or self._found[0] <= self._read_to):
            self.certain.append(heappop(self._found))
        return ended

    def _meet(self, photo: str, ranks: dict[int, int]) -> None:
        rank = max(ranks[number] for number in self._numbers)
        if rank <= self._worst_rank:
            heappush(self._found, Place(rank, photo))


class _Merge:
    def __init__(self, numbers: Sequence[int], *, worst_rank: int) -> None:
        self.certain: list[Place] = []
        self._numbers = numbers
        self._worst_rank = worst_rank
        self._common = Intersection(len(numbers))

    def advance(self, db: sqlite3.Connection, step: int) -> bool:
        most = step * READ_PER_LOOKED_UP
        behind, *_ = self._common.unread()
        piece = db.execute(
            LIST,
            (self._numbers[behind], *self._common.read_to(behind), self._worst_rank, most),
        ).fetchall()
        ended = len(piece) < most
        self._common.feed(behind, piece, ended=ended)
        if ended and not self._common.candidates():
            self._common.finish({})
        self.certain += self._common.ready()
        return not self._common.unread()
