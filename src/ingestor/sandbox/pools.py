"""The order of photos in a group, newest first, and how it changes while somebody pages it."""

import random
from collections.abc import Iterable, Sequence
from typing import Final, Protocol

from ingestor.sandbox.photos import ID_STEP

ONLY_RECORDED: Final = "a recorded pool has only the photos that were recorded"
MAX_ARRIVALS: Final = 3
MAX_REMOVALS: Final = 2
"""Per listing of a restless pool; enough to repeat and to skip rows on every page."""


class Pool(Protocol):
    """What a pool shows; `born` counts all photos it ever had."""

    born: int

    def listed(self, page: int, /) -> Sequence[str]:
        """The ids, newest first, as a listing of this page finds them. May move the pool."""

    def now(self) -> Sequence[str]:
        """The ids, newest first; looking moves nothing."""

    def arrive(self, count: int, /) -> list[str]: ...

    def post(self, ids: Iterable[str], /) -> None:
        """Show photos that another pool has as well."""

    def withdraw(self, ids: Iterable[str]) -> int: ...

    def reset(self) -> None: ...


class FixedPool:
    """A pool that changes only when told to. Ids grow with time by a fixed step."""

    def __init__(self, first_id: int, *, size: int) -> None:
        self._first_id = first_id
        self._size = size
        self._ids: list[str] = []
        self.reset()

    def listed(self, _page: int, /) -> Sequence[str]:
        return self._ids

    def now(self) -> Sequence[str]:
        return self._ids

    def arrive(self, count: int, /) -> list[str]:
        new = self._ids_between(self.born, self.born + count)
        self.born += count
        self._ids[:0] = new
        return new

    def post(self, ids: Iterable[str], /) -> None:
        self._ids[:0] = ids

    def withdraw(self, ids: Iterable[str]) -> int:
        gone = set(ids)
        before = len(self._ids)
        self._ids = [photo_id for photo_id in self._ids if photo_id not in gone]
        return before - len(self._ids)

    def reset(self) -> None:
        self.born = self._size
        self._ids = self._ids_between(0, self._size)

    def _ids_between(self, start: int, end: int) -> list[str]:
        return [str(self._first_id + serial * ID_STEP) for serial in range(end - 1, start - 1, -1)]


class RestlessPool(FixedPool):
    """A pool that loses and gains some photos before every listing but the first."""

    def __init__(self, first_id: int, *, size: int, seed: int) -> None:
        self._seed = seed
        super().__init__(first_id, size=size)

    def listed(self, _page: int, /) -> Sequence[str]:
        if self._listings:
            chance = random.Random(f"restless:{self._seed}:{self._listings}")
            gone = chance.sample(self._ids, k=chance.randint(0, MAX_REMOVALS))
            self.withdraw(gone)
            self.arrive(chance.randint(0, MAX_ARRIVALS))
        self._listings += 1
        return self._ids

    def reset(self) -> None:
        self._listings = 0
        super().reset()


class RecordedPool:
    """Successive states of a real pool; the next one is there after a listing of page 1."""

    born = 0

    def __init__(self, states: Sequence[Sequence[str]]) -> None:
        self._states = [list(state) for state in states]
        self._recorded = [list(state) for state in states]

    def listed(self, page: int, /) -> Sequence[str]:
        now = self._states[0]
        if page == 1 and len(self._states) > 1:
            del self._states[0]
        return now

    def now(self) -> Sequence[str]:
        return self._states[0]

    def arrive(self, _count: int, /) -> list[str]:
        raise ValueError(ONLY_RECORDED)

    def post(self, _ids: Iterable[str], /) -> None:
        raise ValueError(ONLY_RECORDED)

    def withdraw(self, ids: Iterable[str]) -> int:
        gone = set(ids)
        before = len(self._states[0])
        self._states = [[i for i in state if i not in gone] for state in self._states]
        return before - len(self._states[0])

    def reset(self) -> None:
        self._states = [list(state) for state in self._recorded]
