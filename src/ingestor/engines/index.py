"""
The database's index against the embedded catalog, label by label, once both know the same photos: what
it lacks is written, and what it has too much of is deleted.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, Protocol

from ingestor.apis.rtdb import Query
from ingestor.catalog.filed import filed_labels, filed_under
from ingestor.errors import Rejected, RunStopped
from ingestor.journal.reconciling import newest_labels
from ingestor.journal.writer import Journal
from ingestor.records import read_photo
from ingestor.records.keys import keyed, rank, share
from ingestor.report import Reconciled

Repair = dict[str, Any]
"""Paths that are written together; None deletes what is there."""

MOST_ENTRIES: Final = 5_000
"""Index entries repaired in one update; some 500 kB."""


class Readable(Protocol):
    """What is read of the database."""

    async def read(self, path: str, *, query: Query | None = None) -> Any: ...

    async def keys(self, path: str) -> list[str] | None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexReconciler:
    """`check` only looks, and counts what would be done."""

    database: Readable
    journal: Journal
    check: bool
    write: Callable[[Sequence[Repair]], Awaitable[list[Rejected | None]]]
    """Tells of each repair what was said against it."""
    unequal: Set[str]
    """
    Photos that only a repair would make equal, or not even that; their index entries are no finding
    of their own.
    """
    found: Reconciled

    async def reconcile(self) -> None:
        """Raises RunStopped where the index cannot be read."""
        labels = await self.journal.read(filed_labels)
        repairs = await self._names(labels)
        for key in sorted(labels.keys() | await self._keys("index")):
            repairs += await self._entries(key)
            if len(repairs) > MOST_ENTRIES:
                await self._repair(repairs)
                repairs = []
        await self._repair(repairs)

    async def _names(self, labels: Mapping[str, tuple[str, str]]) -> list[Repair]:
        """What the list of labels lacks: how some are written, and what Google calls them."""
        written = await self._keys("labels")
        lacking = {key: labels[key] for key in labels.keys() - written if await self._lacks(key)}
        self.found.index_written += len(lacking)
        return [
            {f"labels/{key}/name": name} | ({f"labels/{key}/mid": mid} if mid else {})
            for key, (name, mid) in lacking.items()
        ]

    async def _entries(self, key: str) -> list[Repair]:
        """What a label's list lacks, and what it has too much of."""
        ours = await self.journal.read(partial(filed_under, key=key))
        theirs = await self._keys(f"index/{key}")
        missing = [name for name in ours - theirs if self._is_finding(name)]
        stale = [
            name
            for name in theirs - ours
            if self._is_finding(name) and await self._is_stale(key, name)
        ]
        self.found.index_written += len(missing)
        self.found.index_deleted += len(stale)
        if self.check:
            return []
        scores: dict[str, float | None] = {name: await self._score(key, name) for name in missing}
        scores |= dict.fromkeys(stale)
        return [{f"index/{key}/{name}": score} for name, score in scores.items()]

    async def _lacks(self, key: str) -> bool:
        """Whether no photo that a repair publishes would bring this label's name along."""
        photos = await self.journal.read(partial(filed_under, key=key)) if self.unequal else ()
        return all(map(self._is_finding, photos))

    async def _score(self, key: str, name: str) -> float:
        photo = name.partition("-p")[2]
        labels = keyed(await self.journal.read(partial(newest_labels, photo=photo)))
        return share(labels[key].score)

    async def _repair(self, repairs: list[Repair]) -> None:
        for first in () if self.check else range(0, len(repairs), MOST_ENTRIES):
            some = repairs[first : first + MOST_ENTRIES]
            for repair, error in zip(some, await self.write(some), strict=True):
                if error and None in repair.values():
                    self.found.index_deleted -= 1
                elif error:
                    self.found.index_written -= 1

    async def _is_stale(self, key: str, name: str) -> bool:
        """The record decides: whoever works beside us may have written both just now."""
        worth, _, photo = name.partition("-p")
        record = await self.database.read(f"photos/p{photo}") if photo else None
        published = read_photo(record, photo_id=photo)
        label = keyed(published.annotation.labels).get(key) if published else None
        return label is None or rank(label.score) != worth

    def _is_finding(self, name: str) -> bool:
        return name.partition("-p")[2] not in self.unequal

    async def _keys(self, path: str) -> set[str]:
        keys = await self.database.keys(path)
        if keys is None:
            raise RunStopped(
                f"The database's /{path} is too large to be read at once, so its index was not "
                "compared. The photos are.",
                reason="too-large",
            )
        return set(keys)
