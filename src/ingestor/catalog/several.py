"""
Which photos answer a query of several labels, in the embedded catalog: bits say who, lists say in
which order.

A photo stands in the list of its weakest label at its very place in the answer. So all the lists,
merged from the cursor on, meet every answer in order; whoever is met elsewhere is passed by. Where
few photos answer, the lists would be read far to meet one: then all of them are looked up instead.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from heapq import merge, nsmallest
from itertools import islice

import orjson

from ingestor.catalog.bits import numbers_in, read_bits
from ingestor.catalog.entries import entries_sql, list_sql, stretch
from ingestor.catalog.query import Place, weakest
from ingestor.journal.rows import json_list

FEW = 2000
"""Looked up at once: some 8 ms (measured)."""
ROWS_PER_LOOKED_UP = 5
"""Entries of lists read in the time that one photo is looked up (measured)."""
PIECE = 512
"""Photos looked up at once while lists are read."""

Row = tuple[int, str, int]
"""Rank, photo and the photo's number."""

LIST = list_sql("rank, photo, number")
BEST_RANK = entries_sql("min(rank)", "label = :label")
"""Of either table; NULL where it has none."""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """A query in the catalog's own numbers."""

    groups: tuple[tuple[int, ...], ...]
    """A photo needs one label of each."""
    without: tuple[int, ...]
    after: Place
    worst_rank: int
    most: int

    @cached_property
    def labels(self) -> tuple[int, ...]:
        return tuple(dict.fromkeys(label for group in self.groups for label in group))


def common_places(db: sqlite3.Connection, wanted: Wanted) -> tuple[list[Place], int]:
    """The first places behind the cursor, and how many photos answer whatever their scores."""
    photos = matching(db, wanted)
    count = photos.bit_count()
    if count <= FEW:
        return _look_up_all(db, wanted, photos), count
    places = _walk(db, wanted, photos, most_rows=count * ROWS_PER_LOOKED_UP)
    return (_look_up_all(db, wanted, photos) if places is None else places), count


def matching(db: sqlite3.Connection, wanted: Wanted) -> int:
    """The set of photos that have what is wanted, as bits."""
    sets = read_bits(db, (*wanted.labels, *wanted.without))
    photos = -1
    for group in wanted.groups:
        of_group = 0
        for label in group:
            of_group |= sets[label]
        photos &= of_group
    for label in wanted.without:
        photos &= ~sets[label]
    return photos


def _look_up_all(db: sqlite3.Connection, wanted: Wanted, photos: int) -> list[Place]:
    places = (
        Place(rank, photo)
        for _, photo, rank in _ranks(db, wanted, list(numbers_in(photos)))
        if rank <= wanted.worst_rank
    )
    return nsmallest(wanted.most, (place for place in places if place > wanted.after))


def _walk(
    db: sqlite3.Connection, wanted: Wanted, photos: int, *, most_rows: int
) -> list[Place] | None:
    """Read the lists until there is a page; None if `most_rows` of them do not hold one."""
    start = max(wanted.after, _first_possible(db, wanted))
    bits = photos.to_bytes((photos.bit_length() + 7) // 8, "little")
    left = [most_rows // len(wanted.labels)] * len(wanted.labels)

    def rows(position: int, label: int) -> Iterator[Row]:
        reach = len(bits) * 8
        for row in db.execute(LIST, stretch(label, start, worst=wanted.worst_rank)):
            number = row[2]
            if number < reach and bits[number >> 3] >> (number & 7) & 1:
                yield row
            left[position] -= 1
            if left[position] < 0:
                raise _TooFar

    met = merge(*(rows(position, label) for position, label in enumerate(wanted.labels)))
    places: dict[Place, None] = {}
    try:
        while len(places) < wanted.most and (piece := list(islice(met, PIECE))):
            places |= dict.fromkeys(_at_their_place(db, wanted, piece))
    except _TooFar:
        return None
    return list(places)[: wanted.most]


class _TooFar(Exception):
    """The lists hold too little of what is wanted."""


def _at_their_place(
    db: sqlite3.Connection, wanted: Wanted, piece: Sequence[Row]
) -> Iterator[Place]:
    if len(wanted.labels) == 1:
        yield from (Place(rank, photo) for rank, photo, _ in piece)
        return
    numbers = {number for _, _, number in piece}
    ranks = {number: rank for number, _, rank in _ranks(db, wanted, numbers)}
    for rank, photo, number in piece:
        if ranks.get(number) == rank:
            yield Place(rank, photo)


def _ranks(
    db: sqlite3.Connection, wanted: Wanted, numbers: Iterable[int]
) -> Iterator[tuple[int, str, int]]:
    """Number, id and rank in the answer, of photos by their numbers."""
    rows = db.execute(
        "SELECT number, photo, entries FROM catalogued "
        "WHERE number IN (SELECT value FROM json_each(?))",
        (json_list(list(numbers)),),
    )
    for number, photo, entries in rows:
        rank = weakest(wanted.groups, dict(orjson.loads(entries)))
        if rank is not None:
            yield number, photo, rank


def _first_possible(db: sqlite3.Connection, wanted: Wanted) -> Place:
    """No answer is better than the best of each group."""
    best = {label: rank for label in wanted.labels if (rank := _best_rank(db, label)) is not None}
    weak = weakest(wanted.groups, best)
    return Place(0 if weak is None else weak, "")


def _best_rank(db: sqlite3.Connection, label: int) -> int | None:
    ranks = [rank for (rank,) in db.execute(BEST_RANK, {"label": label}) if rank is not None]
    return min(ranks, default=None)
