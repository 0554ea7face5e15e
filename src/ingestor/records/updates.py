"""
What is written together: every path of a photo in one update, and photos in updates of a good size.

Every path follows from the photo alone, so whatever is written may be written twice. Paths are
leaves, or nodes that belong to the photo alone: none lies above another, and no other group's
membership is replaced.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, TypeVar

import orjson

from ingestor.models import Label, Published
from ingestor.records.keys import RANK_DIGITS, REMEMBERED_KEYS, escape, key_of, rank, ranks
from ingestor.records.photos import photo_record

Paths = dict[str, Any]
"""Paths below the root, without a leading slash, and their JSON; None deletes what is there."""

MOST_BYTES = 1_000_000
"""Of one update: the size of chunk that the vendor's own import sends."""
MOST_PHOTOS = 500
"""In one update: what has to be sent again when one of them is refused (taste)."""
RECORD_BYTES = 900
"""What a photo's paths need without labels: measured, titles of usual length."""
LABEL_BYTES = 260
"""What each label adds to the record, the index and the list of labels: measured."""

T = TypeVar("T")


def updates_for(
    published: Published,
    *,
    previous_labels: Iterable[Label] = (),
    groups: Mapping[str, int] | None = None,
) -> Paths:
    """
    Everything that one photo changes.

    `previous_labels` are those it was stored with before, each as often as it was annotated: their
    index entries go unless they stay. `groups` are those that it is said to be in, with dates added;
    None is the one that its record names.
    """
    paths: Paths = {}
    add_updates(published, paths, previous_labels=previous_labels, groups=groups)
    return paths


def add_updates(
    published: Published,
    paths: Paths,
    *,
    previous_labels: Iterable[Label] = (),
    groups: Mapping[str, int] | None = None,
) -> None:
    """
    Add what `updates_for` gives to the paths of an update that has other photos as well: made on its own
    and merged, it would take twice as long.
    """
    photo_id, record = published.photo.id, photo_record(published)
    # First: an entry that stays is written again below.
    for entry in _entries(photo_id, previous_labels):
        paths[entry] = None
    _file(photo_id, record.get("labels", {}), paths=paths)
    node = f"photos/p{photo_id}"
    named = record.pop("groups", {})
    if groups is not None:
        named = {escape(gid): added for gid, added in groups.items()}
    for key, added in named.items():
        paths[f"{node}/groups/{key}"] = added
    # Deleted where there is none: what an earlier annotation said must not stay beside this one.
    paths[f"{node}/labels"] = paths[f"{node}/safe"] = None
    for name, value in record.items():
        paths[f"{node}/{name}"] = value


def _file(photo_id: str, labels: Mapping[str, Any], *, paths: Paths) -> None:
    """Add the index's entries of a photo, one under each label of its record, and what those are called."""
    worths = ranks([label["score"] for label in labels.values()])
    for (key, label), worth in zip(labels.items(), worths, strict=True):
        index, name, mid = _label_paths(key)
        # Filled up as a text: of the ways to write seven digits it is the quickest.
        paths[f"{index}{str(worth).zfill(RANK_DIGITS)}-p{photo_id}"] = label["score"]
        paths[name] = label["name"]
        # A label that comes without an id now must not erase the one it had elsewhere.
        if label["mid"]:
            paths[mid] = label["mid"]


@lru_cache(maxsize=REMEMBERED_KEYS)
def _label_paths(key: str) -> tuple[str, str, str]:
    """What a label's entries begin with, and where its name and its id stand."""
    return f"index/{key}/", f"labels/{key}/name", f"labels/{key}/mid"


def index_path(key: str, score: float, *, photo_id: str) -> str:
    return f"index/{key}/{rank(score)}-p{photo_id}"


def memberships(joining: Iterable[tuple[str, str, int]]) -> Paths:
    """What known photos change when they turn up in one more group: (photo, group, date added) of each."""
    return {f"photos/p{photo}/groups/{escape(gid)}": added for photo, gid, added in joining}


def letters_taken_back(photo_ids: Iterable[str]) -> Paths:
    """What changes when photos that were given up are annotated after all."""
    return {f"dead/p{photo_id}": None for photo_id in photo_ids}


def withdrawal(photo_id: str, *, labels: Iterable[Label]) -> Paths:
    """What goes with a photo that is in no group any more, filed under these labels."""
    nodes = f"photos/p{photo_id}", f"dead/p{photo_id}"
    return dict.fromkeys([*nodes, *_entries(photo_id, labels)])


def _entries(photo_id: str, labels: Iterable[Label]) -> Iterator[str]:
    """Where the index may have a photo. A label that it had twice may stand there with two scores."""
    for label in labels:
        if key := key_of(label.name):
            yield index_path(key, label.score, photo_id=photo_id)


def plan_updates(
    updates: Iterable[Paths], *, max_bytes: int = MOST_BYTES, max_photos: int = MOST_PHOTOS
) -> Iterator[list[Paths]]:
    """Cut whole photos into updates, in their order; one that is too large goes alone."""
    batch: list[Paths] = []
    size = 0
    for update in updates:
        more = len(orjson.dumps(update))
        if batch and (size + more > max_bytes or len(batch) == max_photos):
            yield batch
            batch, size = [], 0
        batch.append(update)
        size += more
    if batch:
        yield batch


def weigh_record(published: Published) -> int:
    """About the bytes of a photo's paths in an update; making them twice to know would cost more."""
    return RECORD_BYTES + LABEL_BYTES * len(published.annotation.labels)


def merged(updates: Iterable[Mapping[str, Any]]) -> Paths:
    """One multi-path update of many; of the same path, the later value."""
    paths: Paths = {}
    for update in updates:
        paths |= update
    return paths


def halves(items: Sequence[T]) -> tuple[Sequence[T], Sequence[T]]:
    """Split what was refused as a whole, to find the one that is to blame; needs two at least."""
    middle = len(items) // 2
    return items[:middle], items[middle:]
