"""
The sandbox's side of a schedule: its pool with troubled photos in it, its bill, database and faults.

All of it outlives the process. What the sandbox does is told to the checkers' world as it happens:
photos that come and go, what was charged, every path of the database.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Final

from ingestor.models import Photo
from ingestor.sandbox import world as sandbox
from ingestor.sandbox.bill import Bill
from ingestor.sandbox.drawing.painter import sheet
from ingestor.sandbox.faults import HASH_RANGE, Faults
from ingestor.sandbox.marks import marked
from ingestor.sandbox.photos import GONE, ID_STEP, PLACEHOLDER, REMOVED, TRUNCATED, ScenePhoto
from ingestor.sandbox.pools import FixedPool
from ingestor.sandbox.quotas import Exhausted, Quotas
from ingestor.sandbox.rtdb.database import DEFAULT_NAMESPACE, Change, Database
from ingestor.sandbox.rtdb.nodes import json_of
from ingestor.sandbox.scenes import Scene
from ingestor.sandbox.server import FAULTS, KNOBS
from ingestor.sandbox.vocabulary import Label, SafeSearch
from tests.simulation.checks import Checker
from tests.simulation.disk import blank, formatted
from tests.simulation.pipes import Cut
from tests.simulation.scenario import Scenario
from tests.simulation.world import (
    GROUP,
    PASSING,
    TWINS,
    Call,
    Picture,
    Trouble,
    World,
    truth,
)

WORLDS: Final = 2
"""Drawings are made once for each of so many worlds, and shared by all schedules."""
LEAST, MOST = 1_500, 40_000
"""Bytes of a picture: from one write to several."""
POISON: Final = 0.02
UNREADABLE: Final = "unreadable"
TROUBLES: Final[tuple[Trouble, ...]] = (
    *("gone", "gone", "corrupt", "unreadable", "unreadable", "refused", "refused", "video"),
    "no-url",
)
"""Of the checkers' kinds all but "poison", which the sandbox chooses by itself."""
GONE_IN_ONE_WAY: Final = (GONE, REMOVED, PLACEHOLDER)
REPOSTED_AFTER: Final = 2
"""Photos between a picture and its twin."""

PASSING_HERE: Final = PASSING | {
    *("broken", "connect-timeout", "disconnected", "encoded", "forbidden", "garbage"),
    *("too-slow", "truncated"),
}
"""Names that a real transport has for bad weather beside those of the simulated one."""


@dataclass(slots=True)
class ZooWorld(World):
    """The checkers' world, and the sandbox's parts that it is a view of."""

    zoo: Zoo = field(init=False)
    faults: Faults = field(init=False)
    database_site: Database = field(init=False)
    bill: Meter = field(init=False)
    quotas: Gate = field(init=False)
    requests: int = 0
    unconnected: int = 0
    cuts: list[Cut] = field(default_factory=list)
    """Planned; some connections end before."""
    checker: Checker = field(init=False)
    """The living process's."""

    @classmethod
    def of(cls, scenario: Scenario) -> ZooWorld:
        disk = blank() if scenario.fresh_file else formatted()
        disk.rng = random.Random(f"disk {scenario.seed}")
        world = cls(scenario=scenario, rng=random.Random(f"world {scenario.seed}"), disk=disk)
        world.passing = PASSING_HERE
        world.faults = Faults(scenario.seed, known=FAULTS, knobs=KNOBS)
        world.database_site = Database(seed=scenario.seed, clock=lambda: world.wall)
        world.database_site.namespace(DEFAULT_NAMESPACE).listeners.add(Mirror(world))
        world.bill = Meter(world)
        world.quotas = Gate(world)
        world.zoo = Zoo(world)
        for photo_id in reversed(world.zoo.pools[GROUP].now()):
            world.take_in(photo_id)
        return world

    def take_in(self, photo_id: str) -> None:
        """A photo that is in the pool from now on."""
        photo = self.zoo.photo(photo_id)
        assert photo is not None
        content, trouble = self.zoo.content(photo), self.zoo.trouble(photo)
        picture = Picture(_named(photo_id), content, hashlib.sha256(content).hexdigest(), trouble)
        if trouble == "refused":
            self.database_site.refused_keys.add(photo_id)
        self.pool.insert(0, picture)
        self.pictures[photo_id] = picture


class Zoo(sandbox.World):
    """
    One group whose photos have this schedule's troubles, and of which Vision says what the checkers
    know.
    """

    def __init__(self, world: ZooWorld) -> None:
        self._world = world
        seed = world.scenario.seed % WORLDS
        self._first = sandbox.first_id_of(seed, slot=0)
        super().__init__(
            seed,
            groups=[sandbox.Group(nsid=GROUP, alias="zoo", name="Animals")],
            pools={GROUP: FixedPool(self._first, size=world.scenario.photos)},
        )

    def sight_of(self, photo_id: str) -> sandbox.Sight:
        photo = self.photo(photo_id)
        assert photo is not None, photo_id
        labels = tuple(
            Label(description=name, mid=None, score=score, topicality=score)
            for name, score in truth(self.content(photo))
        )
        return sandbox.Sight(labels=labels, safe_search=SafeSearch())

    def arrive(self, nsid: str, *, count: int) -> list[str]:
        ids = super().arrive(nsid, count=count)
        for photo_id in reversed(ids):
            self._world.take_in(photo_id)
        return ids

    def withdraw(self, nsid: str, *, ids: Iterable[str]) -> int:
        gone = set(ids)
        self._world.pool = [one for one in self._world.pool if one.photo.id not in gone]
        return super().withdraw(nsid, ids=gone)

    def content(self, photo: ScenePhoto) -> bytes:
        return marked(drawn(photo.scene), photo.bytes_of)

    def trouble(self, photo: ScenePhoto) -> Trouble:
        quirk, _ = self._quirk(photo.id)
        shown_to_vision = quirk in ("", "unreadable", "refused")
        return "poison" if shown_to_vision and self._is_poison(photo.bytes_of) else quirk

    def _make(self, photo_id: str) -> ScenePhoto | None:
        photo = super()._make(photo_id)
        if photo is None:
            return None
        trouble, twin = self._quirk(photo_id)
        if twin is not None:
            return replace(photo, scene=twin.scene, bytes_of=twin.bytes_of)
        return self._troubled(photo, trouble)

    def _quirk(self, photo_id: str) -> tuple[Trouble, ScenePhoto | None]:
        """What is wrong with a photo, and whose picture it shows."""
        dice = random.Random(f"{self._world.scenario.seed} {photo_id}")
        serial = (int(photo_id) - self._first) // ID_STEP
        troubled = self._world.scenario.troubled
        trouble: Trouble = dice.choice(TROUBLES) if dice.random() < troubled else ""
        if serial < REPOSTED_AFTER or dice.random() >= TWINS:
            return trouble, None
        twin = self.photo(str(int(photo_id) - REPOSTED_AFTER * ID_STEP))
        assert twin is not None
        return ("", twin) if self.trouble(twin) in ("", "refused") else (trouble, None)

    def _troubled(self, photo: ScenePhoto, trouble: Trouble) -> ScenePhoto:
        match trouble:
            case "gone":
                return replace(photo, condition=GONE_IN_ONE_WAY[int(photo.id) % 3])
            case "corrupt":
                return replace(photo, condition=TRUNCATED)
            case "unreadable":
                return replace(photo, scene=replace(photo.scene, species=UNREADABLE))
            case "video":
                return replace(photo, media="video")
            case "no-url":
                return replace(photo, sizes=frozenset(), pictureless=True)
        return photo

    def _is_poison(self, name: str) -> bool:
        """As `sandbox.vision` decides it, which does not know what is wrong with a photo otherwise."""
        text = f"{self.seed}\0poison\0{name}".encode()
        digest = hashlib.blake2b(text, digest_size=8).digest()
        return int.from_bytes(digest) / HASH_RANGE < POISON


@lru_cache(maxsize=1024)
def drawn(scene: Scene) -> bytes:
    """One picture for each scene, as small as will do."""
    if scene.species == UNREADABLE:
        return b"\xff\xd8\xff\xe0" + f"nothing to see {scene.number}".encode() + b"\xff\xd9"
    return sheet(scene, least=LEAST, most=MOST)


class Meter(Bill):
    """The vendor's bill, which tells the checkers which of our calls it charges."""

    def __init__(self, world: ZooWorld) -> None:
        super().__init__()
        self._world = world

    def charge(self, images: Sequence[tuple[str, Iterable[str]]], *, failed: int = 0) -> None:
        super().charge(images, failed=failed)
        world = self._world
        contents = sorted(world.pictures[name].sha256 for name, _ in images)
        call = self._call_with(contents)
        world.checker.hold(call is not None, f"charged, and no call of ours: {images}")
        assert call is not None
        world.checker.hold(call.outcome != "free", f"call {call.number} was said to be free")
        call.charged = True
        if call.outcome == "lost":
            world.doubtful_images += len(call.photos)
        world.note(0, f"vision: charges call {call.number}")

    def _call_with(self, contents: Sequence[str]) -> Call | None:
        fitting = [
            call
            for call in self._world.calls
            if not call.charged and sorted(call.contents) == contents
        ]
        flying = [call for call in fitting if call.outcome == "in-flight"]
        return next(iter([*flying, *reversed(fitting)]), None)


class Gate(Quotas):
    """The vendor's quota, counted on arrival: who keeps to it is never refused for its sake."""

    def __init__(self, world: ZooWorld) -> None:
        scenario = world.scenario
        super().__init__(
            requests_per_minute=scenario.requests_per_minute,
            images_per_minute=scenario.images_per_minute,
            clock=lambda: world.now,
        )
        self._world = world

    def admit(self, units: int, *, stranger: float = 0.0) -> Exhausted | None:
        lacking = super().admit(units, stranger=stranger)
        self._world.checker.hold(lacking is None, f"over the vendor's quota: {lacking}")
        return lacking


class Mirror:
    """Listens to the database as a stream would; see `ingestor.sandbox.rtdb.database.Listener`."""

    def __init__(self, world: ZooWorld) -> None:
        self._world = world

    def hear(self, change: Change) -> None:
        paths = {"/".join(write.path): json_of(write.node) for write in change.writes}
        self._world.apply(paths)
        self._world.checker.updated(paths)

    def may_stay(self) -> bool:
        return True

    def end(self, event: str, reason: str) -> None:
        """Nothing here is hung up on."""

    def stop(self) -> None:
        """Nothing here is hung up on."""


@lru_cache(maxsize=512)
def _named(photo_id: str) -> Photo:
    """The checkers need no more of it than the id."""
    return Photo(
        id=photo_id,
        group=GROUP,
        owner="",
        owner_name="",
        title="",
        page="",
        sizes=(),
        thumb="",
        license="",
        uploaded=0,
        date_added=0,
    )
