"""
A made-up world, the same for the same seed: groups, the photos in their pools, what is on them.

Nothing here is stored but the order of the pools: a photo is computed from its id, whenever it
is asked for and in whatever order.
"""

import functools
import hashlib
import random
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from ingestor.sandbox.photos import (
    CLEAN,
    FIRST_ID,
    ID_STEP,
    IDS_PER_GROUP,
    MESSY,
    Gallery,
    ScenePhoto,
)
from ingestor.sandbox.pools import FixedPool, Pool, RecordedPool, RestlessPool
from ingestor.sandbox.recorded import photo_from_row, sight_from_scores
from ingestor.sandbox.scenes import scenes_of
from ingestor.sandbox.titles import Member, members_of
from ingestor.sandbox.vocabulary import (
    TAKEN_FOR_RACY,
    Label,
    SafeSearch,
    labels_for,
    labels_for_stranger,
    safe_search_for,
)

PHOTO_ID: Final = re.compile(r"[0-9]{1,20}")

ZOO_PHOTOS: Final = 25_000
SAFARI_PHOTOS: Final = 3_000
AVIARY_PHOTOS: Final = 2_000

CACHED_PHOTOS: Final = 16_384
"""Some 20 MB of records; a listing, its downloads and its labels come close together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A group as urls.lookupGroup knows it; the alias stands in its URL."""

    nsid: str
    alias: str
    name: str
    private: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What there is to see in a picture, before features and maxResults are applied."""

    labels: tuple[Label, ...]
    safe_search: SafeSearch


GROUPS: Final = (
    Group(nsid="1000001@N20", alias="zoo", name="The Sandbox Zoo"),
    Group(nsid="1000002@N21", alias="safari", name="Sandbox Safari (nothing is tidy here)"),
    Group(nsid="1000003@N22", alias="aviary", name="The Restless Aviary"),
    Group(nsid="1000004@N23", alias="empty", name="Nobody Posted Here Yet"),
    Group(nsid="1000005@N24", alias="secret", name="Members Only", private=True),
)

RECORDED_GROUP: Final = Group(nsid="1000006@N25", alias="recorded", name="As Recorded")


class World:
    """
    Groups, photos and what Vision sees on them.

    `groups` maps the NSID to the group. `pools` maps the NSID to its pool, which alone can
    change: by itself (the aviary, a recording) or through `arrive` and `withdraw`.
    """

    def __init__(
        self,
        seed: int,
        *,
        groups: Iterable[Group],
        pools: Mapping[str, Pool],
        kept: Mapping[str, ScenePhoto] | None = None,
        sights: Mapping[str, Sight] | None = None,
    ) -> None:
        self.seed: Final = seed
        self.groups: Final = {group.nsid: group for group in groups}
        self.pools: Final = dict(pools)
        self._kept = dict(kept or {})
        self._sights = dict(sights or {})
        self._members = members_of(seed) + tuple(photo.owner for photo in self._kept.values())
        self._galleries = [
            Gallery(seed, group.nsid, style=_style_of(group)) for group in self.groups.values()
        ]
        self._made = functools.lru_cache(maxsize=CACHED_PHOTOS)(self._make)

    @classmethod
    def made(cls, seed: int, *, photos: int = ZOO_PHOTOS) -> "World":
        """The world of the demo; `photos` is the size of the zoo."""
        sizes = {"zoo": photos, "safari": SAFARI_PHOTOS, "empty": 0, "secret": 10}
        pools: dict[str, Pool] = {}
        for slot, group in enumerate(GROUPS):
            first = first_id_of(seed, slot=slot)
            if group.alias == "aviary":
                pools[group.nsid] = RestlessPool(first, size=AVIARY_PHOTOS, seed=seed)
            else:
                pools[group.nsid] = FixedPool(first, size=sizes[group.alias])
        return cls(seed, groups=GROUPS, pools=pools)

    @classmethod
    def recorded(
        cls,
        states: Sequence[Sequence[Mapping[str, Any]]],
        labels: Mapping[str, Mapping[str, float]],
        *,
        seed: int = 0,
    ) -> "World":
        """
        One group as somebody recorded it.

        `states` are successive contents of its pool, newest first; each takes the place of the
        one before after a listing of page 1. Photos without `labels` have none.
        """
        scenes = scenes_of(seed)
        rows = {row["id"]: row for state in states for row in state}
        return cls(
            seed,
            groups=[RECORDED_GROUP],
            pools={RECORDED_GROUP.nsid: RecordedPool([[row["id"] for row in s] for s in states])},
            kept={
                photo_id: photo_from_row(row, labels=labels.get(photo_id, {}), scenes=scenes)
                for photo_id, row in rows.items()
            },
            sights={
                photo_id: Sight(
                    labels=sight_from_scores(labels.get(photo_id, {})), safe_search=SafeSearch()
                )
                for photo_id in rows
            },
        )

    def group_called(self, name: str) -> Group | None:
        """Find a group by NSID or alias."""
        if name in self.groups:
            return self.groups[name]
        return next((group for group in self.groups.values() if group.alias == name), None)

    def member_called(self, name: str) -> Member | None:
        """Find a member by NSID or path alias."""
        return next((m for m in self._members if name in (m.nsid, m.path_alias)), None)

    def photo(self, photo_id: str) -> ScenePhoto | None:
        return self._kept.get(photo_id) or self._made(photo_id)

    def labels_of(self, photo_id: str) -> tuple[Label, ...]:
        return self.sight_of(photo_id).labels

    def sight_of(self, photo_id: str) -> Sight:
        """What is to be seen on a photo; on an unknown one, what its id makes of it."""
        if photo_id in self._sights:
            return self._sights[photo_id]
        photo = self.photo(photo_id)
        if photo is None:
            return self.sight_of_stranger(photo_id.encode())
        chance = random.Random(f"sight:{self.seed}:{photo.bytes_of}")
        labels = () if photo.unlabelled else labels_for(photo.scene, chance)
        safe = TAKEN_FOR_RACY if photo.mistaken else safe_search_for(chance)
        return Sight(labels=labels, safe_search=safe)

    def sight_of_stranger(self, image: bytes) -> Sight:
        """What is to be seen on a picture that this world did not draw, by its bytes alone."""
        chance = random.Random(hashlib.sha256(image).digest())
        return Sight(labels=labels_for_stranger(chance), safe_search=safe_search_for(chance))

    def arrive(self, nsid: str, *, count: int) -> list[str]:
        """Add so many new photos at the head of a pool; returns their ids, newest first."""
        return self.pools[nsid].arrive(count)

    def post(self, nsid: str, *, ids: Iterable[str]) -> None:
        """Put photos of other pools at the head of this one, in their order."""
        self.pools[nsid].post(ids)

    def withdraw(self, nsid: str, *, ids: Iterable[str]) -> int:
        """Take photos out of a pool (their pictures stay); returns how many were there."""
        return self.pools[nsid].withdraw(ids)

    def reset(self) -> None:
        """Put every pool back to how it was at the start."""
        for pool in self.pools.values():
            pool.reset()

    def _make(self, photo_id: str) -> ScenePhoto | None:
        if not PHOTO_ID.fullmatch(photo_id):
            return None
        slot, offset = divmod(int(photo_id) - first_id_of(self.seed, slot=0), IDS_PER_GROUP)
        serial, rest = divmod(offset, ID_STEP)
        if rest or not 0 <= slot < len(self._galleries):
            return None
        gallery = self._galleries[slot]
        if serial >= self.pools[gallery.nsid].born:
            return None
        return gallery.photo(serial, photo_id=photo_id)


def first_id_of(seed: int, *, slot: int) -> int:
    """The id of a group's oldest photo; other seeds have other ids."""
    digest = hashlib.blake2b(f"ids:{seed}".encode(), digest_size=4).digest()
    return FIRST_ID + slot * IDS_PER_GROUP + int.from_bytes(digest) % (IDS_PER_GROUP // 2)


def _style_of(group: Group) -> str:
    return MESSY if group.alias == "safari" else CLEAN
