"""
The places of an answer, read from the database's lists only as far as they are asked for.

Each label has a list, best first. The lists of labels that may stand for each other are read as one;
what several such lists have in common is told by `merge`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from heapq import heappop, heappush
from typing import Any

from ingestor.catalog.merge import Intersection
from ingestor.catalog.query import BEFORE_ALL, Place, Query
from ingestor.kits.together import together

FIRST_PIECE = 500
"""Entries of each list, where several are compared; some 20 kB."""
LARGEST_PIECE = 20_000
"""Pieces double up to here, so that long lists cost few requests; some 700 kB."""
MOST_PROBES = 100
"""Candidates looked up one by one instead of reading the longer lists to their end (taste)."""

Piece = Callable[[str, Place, int], Coroutine[Any, Any, list[Place]]]
"""At most so many places of a label's list, behind a place."""
Probe = Callable[[Iterable[str]], Awaitable[Mapping[str, Sequence[int]]]]
"""The ranks of photos in every list, of those that are in all of them."""


class Places:
    """The places of one answer, in order; `more` until there are none."""

    def __init__(self, query: Query, *, piece: Piece, probe: Probe) -> None:
        alone = len(query.groups) == 1
        # Alone, a list's order is the answer's: it need not be read from its beginning.
        start = query.after if alone else BEFORE_ALL
        self._lists = [_List(group, start=start, piece=piece) for group in query.groups]
        self._common = Intersection(len(self._lists))
        self._after = query.after
        self._probe = probe
        self._size = query.limit + 1 if alone else FIRST_PIECE

    async def more(self) -> list[Place]:
        """The next ones; [] when all were told."""
        while unread := self._common.unread():
            pieces = await together(
                (self._lists[n].read_on(self._size) for n in unread), name="catalog-read"
            )
            for number, (places, ended) in zip(unread, pieces, strict=True):
                self._common.feed(number, places, ended=ended)
            candidates = self._common.candidates()
            if candidates is not None and len(candidates) <= MOST_PROBES:
                self._common.finish(await self._probe(candidates) if candidates else {})
            self._size = min(self._size * 2, LARGEST_PIECE)
            if places := [place for place in self._common.ready() if place > self._after]:
                return places
        return []


class _List:
    """The lists of some labels as one: each photo at the best of its places."""

    def __init__(self, keys: Sequence[str], *, start: Place, piece: Piece) -> None:
        self._piece = piece
        self._read_to = dict.fromkeys(keys, start)
        self._met: set[str] = set()
        self._waiting: list[Place] = []

    async def read_on(self, size: int) -> tuple[list[Place], bool]:
        """What is certain after `size` more entries of each label, and whether that was all."""
        unread = list(self._read_to.items())
        pieces = await together(
            (self._piece(key, read_to, size) for key, read_to in unread), name="catalog-read"
        )
        for (key, _), places in zip(unread, pieces, strict=True):
            for place in places:
                heappush(self._waiting, place)
            if len(places) < size:
                del self._read_to[key]
            else:
                self._read_to[key] = places[-1]
        reach = min(self._read_to.values(), default=None)
        certain: list[Place] = []
        while self._waiting and (reach is None or self._waiting[0] <= reach):
            place = heappop(self._waiting)
            if place.photo not in self._met:
                self._met.add(place.photo)
                certain.append(place)
        return certain, reach is None
