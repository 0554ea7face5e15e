"""
Which photos stand in several lists, told in the order of the answer while the lists are still read.

Each list comes best first. A photo's place is that of its weakest label, and whoever is missing in
a list can only come behind what was read of it: so what was found up to the shortest reading is
final, and the rest of the lists need not be read for it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from heapq import heappop, heappush

from ingestor.catalog.query import BEFORE_ALL, Place


class Intersection:
    """Feed it pieces of `lists` lists; `ready` says what is certain by now."""

    def __init__(self, lists: int) -> None:
        self._ranks: list[dict[str, int]] = [{} for _ in range(lists)]
        self._read_to = [BEFORE_ALL] * lists
        self._ended = [False] * lists
        self._found: list[Place] = []
        self._matched: set[str] = set()

    def feed(self, number: int, piece: Sequence[Place], *, ended: bool) -> None:
        """Add the next places of a list; `ended` if nothing comes behind them."""
        fresh = {place.photo: place.rank for place in piece}
        self._ranks[number].update(fresh)
        self._ended[number] = ended
        if piece:
            self._read_to[number] = piece[-1]
        in_all = set(fresh)
        for ranks in self._ranks:
            in_all &= ranks.keys()
        for photo in in_all:
            self._match(photo, [ranks[photo] for ranks in self._ranks])

    def unread(self) -> list[int]:
        """The lists that are not read to their end, the one that holds back the most first."""
        unread = [number for number, ended in enumerate(self._ended) if not ended]
        return sorted(unread, key=self._read_to.__getitem__)

    def ready(self) -> list[Place]:
        """What is certain and was not told before, in order."""
        certain: list[Place] = []
        unread = self.unread()
        while self._found and (not unread or self._found[0] <= self._read_to[unread[0]]):
            certain.append(heappop(self._found))
        return certain

    def candidates(self) -> set[str] | None:
        """Photos that may still turn out to be in all lists; None while that may be any photo."""
        ended = [ranks for ranks, end in zip(self._ranks, self._ended, strict=True) if end]
        if not ended:
            return None
        return set.intersection(*map(set, ended)) - self._matched

    def finish(self, ranks: Mapping[str, Sequence[int]]) -> None:
        """Tell of every candidate that is in all lists its ranks: no list need be read further."""
        self._ended = [True] * len(self._ended)
        for photo, own in ranks.items():
            self._match(photo, own)

    def _match(self, photo: str, ranks: Sequence[int]) -> None:
        # A photo that is annotated again while its lists are read may come twice.
        if photo not in self._matched:
            self._matched.add(photo)
            heappush(self._found, Place(max(ranks), photo))
