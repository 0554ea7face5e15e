"""
What a kill does not touch: the pool, the pictures, the vendor's bill, the database, the clock.

What Vision says of a picture is a function of its bytes, so that an answer filed under the wrong
photo shows.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal

from msgspec import structs

from ingestor.apis.flickr import Unusable
from ingestor.journal import dead
from ingestor.models import FeatureSet, Photo, Size
from tests.simulation.disk import Disk, blank, formatted
from tests.simulation.scenario import Scenario

FEATURES = FeatureSet(max_labels=10)
FEW = FeatureSet(max_labels=2)
"""What somebody else asks for, or the same person a year later."""
GROUP = "42637302@N00"
WALL = 1_790_000_000.0
ORIGIN = "https://live.staticflickr.com"

Trouble = Literal["", "gone", "corrupt", "unreadable", "poison", "refused", "video", "no-url"]
"""
What is wrong with a photo for good: its file is gone or broken; Vision cannot read it, or refuses
every request with it; the database refuses it; it is no picture at all.
"""
TROUBLES: tuple[Trouble, ...] = (
    *(
        "gone",
        "gone",
        "corrupt",
        "unreadable",
        "unreadable",
        "poison",
        "refused",
        "video",
        "no-url",
    ),
)
PASSING = frozenset(
    {
        *("connect", "dns", "reset", "timeout", "throttled", "unavailable"),
        *("corrupt", "empty", "not-an-image", "in-doubt", "vision-unavailable"),
    }
)
"""Why a photo may be dead with which nothing is wrong but the weather."""
TWINS = 0.12
JUMPING = 0.3
NEW_DISK = 1200.0
"""Seconds; what a lost journal does not remember is over by then: our own lease, the vendor's minute."""
WORDLESS = 0.1


@dataclass(frozen=True, slots=True)
class Picture:
    """A photo of the pool as it is on the vendors' side."""

    photo: Photo
    content: bytes
    sha256: str
    trouble: Trouble

    @property
    def row(self) -> Photo | Unusable:
        if self.trouble == "no-url":
            return Unusable(photo_id=self.photo.id, reason="no-url")
        return self.photo


@dataclass(slots=True)
class Call:
    """One paid request as the vendor and the checkers remember it."""

    number: int
    life: int
    machine: str
    """Whose journal knows of it; "" where that was lost."""
    at: float
    photos: tuple[str, ...]
    contents: tuple[str, ...]
    purchase: str = ""
    """Its intent in the journal."""
    settled: bool = False
    """The journal said so, and must say so for ever."""
    charged: bool = False
    outcome: str = "in-flight"
    """in-flight, free, answered, lost, cut, crashed, unsaved."""
    doubtful: bool = False
    """Its answer was lost, or was none of Google's: not a 503 in Google's own words."""
    unavailable: bool = False
    """Google said 503, billed or not."""
    again: frozenset[str] = frozenset()
    """Photos that the answer asked to send again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A lease: which life of the machine took it, under which name, and when."""

    life: int = 0
    owner: str = ""
    at: float = 0.0


@dataclass(slots=True)
class World:
    """One schedule's; `life` counts the processes that lived in it."""

    scenario: Scenario
    rng: random.Random
    disk: Disk
    clock: Callable[[], float] = float
    life: int = 0
    calm: bool = False
    pool: list[Picture] = field(default_factory=list)
    """Newest first."""
    pictures: dict[str, Picture] = field(default_factory=dict)
    """Everything that ever was in the pool, by photo."""
    by_url: dict[str, Picture] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)
    database: dict[str, dict[str, Any]] = field(default_factory=dict)
    """The first two parts of a path -> the rest of it -> value."""
    log: list[tuple[float, int, int, str]] = field(default_factory=list)
    """(time, life, point, what): the timeline."""
    states: dict[str, str] = field(default_factory=dict)
    """Photos as the journal had them after its last commit."""
    machine: str = "a"
    """Whose view of the world this is, where there are two."""
    slot: int = 0
    """Where its disk is among those that last."""
    leased: Taken = field(default_factory=Taken)
    """The lease as this machine took it last."""
    published: dict[str, float] = field(default_factory=dict)
    """When the database had a photo's record for the first time."""
    asked: dict[str, int] = field(default_factory=dict)
    """Photos given up in doubt that somebody wants tried again; with the number of calls until then."""
    pause: float = 0.0
    """Seconds that the next life begins later."""
    offset: float = 0.0
    """Of the wall clock."""
    ceiling: int | None = None
    features: FeatureSet = FEATURES
    """What Vision is asked for."""
    first_life: int = 0
    """The one that the run began in which was killed so often: they share a ceiling."""
    passing: frozenset[str] = PASSING
    doubtful_images: int = 0
    crashed_images: int = 0
    """Images in flight, summed over the kills and the cuts."""

    @classmethod
    def of(cls, scenario: Scenario) -> World:
        rng = random.Random(f"world {scenario.seed}")
        disk = blank() if scenario.fresh_file else formatted()
        disk.rng = random.Random(f"disk {scenario.seed}")
        world = cls(scenario=scenario, rng=rng, disk=disk)
        for _ in range(scenario.photos):
            world.add_photo()
        return world

    @property
    def now(self) -> float:
        """Seconds since the first life began."""
        return self.clock()

    @property
    def wall(self) -> float:
        return WALL + self.now + self.offset

    @property
    def born(self) -> int:
        """Photos that there ever were."""
        return len(self.pictures)

    @property
    def followed(self) -> list[Picture]:
        """Pictures of the pool that this machine is to know of."""
        return self.pool

    @property
    def ours(self) -> list[Call]:
        """Paid calls of this machine that its journal knows of."""
        return [call for call in self.calls if call.machine == self.machine]

    def jump(self) -> None:
        """Somebody sets the wall clock."""
        if self.scenario.jumps and not self.calm and self.rng.random() < JUMPING:
            self.offset += self.rng.choice((-86_400.0, -3600.0, 3600.0, 86_400.0))

    def ask_again(self) -> None:
        """Somebody has what was given up in doubt tried again, with a clock that may be anything."""
        parks = self.scenario.jumps and self.scenario.in_doubt == "park"
        if not parks or not self.disk.has_tables:
            return
        parked = self.disk.look(
            "SELECT id FROM photos WHERE state = 'dead' AND reason = 'in-doubt'"
        )
        dead.retry(self.disk, reason="in-doubt")
        self.asked |= {photo: len(self.calls) for (photo,) in parked}
        self.states |= {photo: "listed" for (photo,) in parked}

    def take_pause(self) -> float:
        pause, self.pause = self.pause, 0.0
        return pause

    def lose_journal(self) -> None:
        """The disk is another one, and empty; who puts it in takes his time."""
        self.note(0, "the journal is lost")
        self.disk = blank() if self.scenario.fresh_file else formatted(self.slot)
        self.disk.rng = random.Random(f"second disk {self.scenario.seed}")
        for call in self.ours:
            call.machine = ""
        self.states, self.first_life, self.pause = {}, self.life + 1, NEW_DISK

    def add_photo(self) -> None:
        """Somebody puts a photo into the pool."""
        rng, number = self.rng, self.born + 1
        twin = rng.choice(self.pool) if self.pool and rng.random() < TWINS else None
        trouble: Trouble = rng.choice(TROUBLES) if rng.random() < self.scenario.troubled else ""
        if twin is not None and twin.trouble in ("", "refused"):
            content, trouble = twin.content, ""
        else:
            content = content_of(f"{self.scenario.seed}/{number}", trouble)
        photo = _photo(number)
        picture = Picture(
            photo if trouble != "video" else _video(photo),
            content,
            hashlib.sha256(content).hexdigest(),
            trouble,
        )
        self.pool.insert(0, picture)
        self.pictures[photo.id] = picture
        self.by_url[photo.sizes[0].url] = picture

    def picture_of(self, photo: str, _sha256: str) -> Picture:
        """What a photo was when it had these bytes: here it is the same all its life."""
        return self.pictures[photo]

    def troubles_of(self, photo: str) -> tuple[Trouble, ...]:
        """By which of them a photo's end may be explained."""
        return (self.pictures[photo].trouble,)

    def content_name(self, sha256: str) -> str:
        """What is paid for: these bytes, asked about in this way."""
        return sha256 if self.features == FEATURES else f"{sha256} {self.features.key}"

    def rows(self, _group: str) -> Sequence[Photo | Unusable]:
        """The group's pool as Flickr lists it."""
        return [picture.row for picture in self.pool]

    def remove_photo(self) -> None:
        self.pool.pop(self.rng.randrange(len(self.pool)))

    def note(self, point: int, text: str) -> None:
        elsewhere = "" if self.machine == "a" else f"machine {self.machine}: "
        self.log.append((self.now, self.life, point, elsewhere + text))

    def charges(self) -> dict[str, int]:
        """How often each photo was on the bill."""
        charges: dict[str, int] = {}
        for call in self.calls:
            if call.charged:
                for photo in call.photos:
                    charges[photo] = charges.get(photo, 0) + 1
        return charges

    @property
    def duplicates(self) -> int:
        """Charges for pictures that had been charged before."""
        charged = [content for call in self.calls if call.charged for content in call.contents]
        return len(charged) - len(set(charged))

    def apply(self, paths: Mapping[str, Any]) -> None:
        """A multi-path update: all of it at once."""
        for path, value in paths.items():
            first, second, *rest = path.split("/", 2)
            node = self.database.setdefault(f"{first}/{second}", {})
            below = rest[0] if rest else ""
            for old in [key for key in node if not below or f"{key}/".startswith(f"{below}/")]:
                del node[old]
            if value is not None:
                node[below] = value
            if first == "leases" and value and self.leased.life != self.life:
                self.leased = Taken(life=self.life, owner=value["owner"], at=self.now)

    @property
    def lease(self) -> Mapping[str, Any] | None:
        """Who may buy, as the database has it."""
        found = [node[""] for path, node in self.database.items() if path.startswith("leases/")]
        return found[0] if found else None


@lru_cache(maxsize=4096)
def truth(content: bytes) -> tuple[tuple[str, float], ...]:
    """What Vision says of these bytes, whenever it is asked: (label, score), best first."""
    digest = hashlib.sha256(content).digest()
    if digest[0] < 256 * WORDLESS:
        return ()
    words = [
        f"It is {digest.hex()[:12]}",
        *(("Cat", "Dog", "Owl", "A.b/c")[d % 4] for d in digest[1:3]),
    ]
    return tuple((word, 0.9 - 0.1 * at) for at, word in enumerate(dict.fromkeys(words)))


def equal_labels(found: Iterable[Sequence[Any]], content: bytes, *, features: str) -> bool:
    """Compare (name, score, ...) rows with the truth, as far as it was asked for."""
    most = FEW.max_labels if features == FEW.key else None
    return [(row[0], round(row[1], 4)) for row in found] == [
        (name, round(score, 4)) for name, score in truth(content)[:most]
    ]


def content_of(name: str, trouble: Trouble) -> bytes:
    kind = trouble if trouble in ("unreadable", "poison") else "picture"
    end = b"" if trouble == "corrupt" else b"\xff\xd9"
    return b"\xff\xd8\xff" + f"{kind} {name}".encode() + end


@lru_cache(maxsize=512)
def _photo(number: int) -> Photo:
    id_ = str(1000 + number)
    return Photo(
        id=id_,
        group=GROUP,
        owner="12345678@N00",
        owner_name="Jane",
        title=f"Photo {number}",
        page=f"https://www.flickr.com/photos/12345678@N00/{id_}/",
        sizes=(Size(url=f"{ORIGIN}/1/{id_}_a_z.jpg", width=640, height=480),),
        thumb=f"{ORIGIN}/1/{id_}_a_n.jpg",
        license="4",
        uploaded=1_745_000_000 + number,
        date_added=1_745_000_000 + number,
    )


@lru_cache(maxsize=512)
def _video(photo: Photo) -> Photo:
    return structs.replace(photo, is_video=True)
