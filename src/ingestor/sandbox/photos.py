"""One photo of the made world: everything Flickr says of it, computed from its place in a pool."""

import random
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from ingestor.sandbox.scenes import Scene, scenes_of
from ingestor.sandbox.titles import ODD_TITLES, Member, members_of, tags_of, title_of

FIRST_ID: Final = 51_000_000_000
IDS_PER_GROUP: Final = 1_000_000_000
ID_STEP: Final = 37
"""Eleven digits, a block per group, growing with time; neighbours on Flickr are never adjacent."""

FIRST_ADDED: Final = 1_640_995_200
"""2022-01-01, when the first photo of each pool arrived."""

SECONDS_BETWEEN: Final = 900

CLEAN: Final = "clean"
MESSY: Final = "messy"

THERE: Final = "there"
GONE: Final = "gone"
REMOVED: Final = "removed"
PLACEHOLDER: Final = "placeholder"
CORRUPT: Final = "corrupt"
TRUNCATED: Final = "truncated"
CONDITIONS: Final = frozenset({GONE, REMOVED, PLACEHOLDER, CORRUPT, TRUNCATED})
"""How the CDN answers for a picture that is not simply there."""

LONGEST_EDGES: Final = {
    "t": 100,
    "s": 240,
    "n": 320,
    "w": 400,
    "m": 500,
    "z": 640,
    "c": 800,
    "l": 1024,
    "h": 1600,
    "k": 2048,
}
SQUARES: Final = {"sq": 75, "q": 150}
ORIGINAL: Final = "o"
SUFFIXES: Final = {
    "sq": "_s",
    "q": "_q",
    "t": "_t",
    "s": "_m",
    "n": "_n",
    "w": "_w",
    "m": "",
    "z": "_z",
    "c": "_c",
    "l": "_b",
    "h": "_h",
    "k": "_k",
    "o": "_o",
}
"""Extra to suffix. The names disagree on purpose: https://www.flickr.com/services/api/misc.urls.html"""

UNLABELLED_SHARE: Final = 0.02
MISTAKEN_SHARE: Final = 0.01
"""Of an untidy pool; taste."""
OPEN_ORIGINAL_SHARE: Final = 0.47
"""Of the rows in a real pool page, so many had `url_o`."""

REPOST_DISTANCE: Final = 3
"""How many photos came between a picture and the same one posted again; taste."""

LICENSES: Final = ("0", "0", "0", "0", "1", "2", "2", "3", "4", "5", "6", "9", "10")

MESS: Final = (
    ("video", 0.03),
    ("no-z", 0.05),
    ("no-sizes", 0.03),
    ("nothing", 0.01),
    (GONE, 0.02),
    (REMOVED, 0.01),
    (PLACEHOLDER, 0.01),
    (CORRUPT, 0.01),
    (TRUNCATED, 0.01),
    ("repost", 0.05),
    ("hidden", 0.03),
    ("double", 0.02),
)
"""What is wrong with photos of an untidy pool, and with which share of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenePhoto:
    """
    A photo, its picture's whereabouts, and its quirks.

    `sizes` are the `url_*` extras that exist. `bytes_of` names the photo whose bytes it shows:
    itself, unless it is posted again. A `hidden` row is counted and not shown; a `double` one
    is shown twice.
    """

    id: str
    secret: str
    server: str
    farm: int
    owner: Member
    title: str
    tags: str
    license: str
    added: int
    uploaded: int
    taken: str
    views: int
    width: int
    height: int
    scene: Scene
    bytes_of: str
    sizes: frozenset[str]
    media: str = "photo"
    condition: str = THERE
    unlabelled: bool = False
    hidden: bool = False
    double: bool = False
    pictureless: bool = False
    """The row comes without secret and server: no picture can be addressed."""
    mistaken: bool = False
    """Vision takes it for racy; it is drawn like all the others."""

    @property
    def original_secret(self) -> str:
        return self.secret[::-1]

    def dimensions(self, size: str) -> tuple[int, int]:
        """Width and height of one of Flickr's sizes, by the name of its extra."""
        if size in SQUARES:
            return SQUARES[size], SQUARES[size]
        longest = max(self.width, self.height)
        edge = LONGEST_EDGES.get(size, longest)
        return round(self.width * edge / longest), round(self.height * edge / longest)

    def path(self, size: str) -> str:
        """The picture's path on the CDN."""
        secret = self.original_secret if size == ORIGINAL else self.secret
        return f"/{self.server}/{self.id}_{secret}{SUFFIXES[size]}.jpg"


class Gallery:
    """Makes the photos of one group."""

    def __init__(self, seed: int, nsid: str, *, style: str) -> None:
        self.nsid: Final = nsid
        self._seed = seed
        self._style = style
        self._scenes = scenes_of(seed)
        self._members = members_of(seed)

    def photo(self, serial: int, *, photo_id: str) -> ScenePhoto:
        """The photo that came as number `serial`; the same whenever and however often asked."""
        chance = random.Random(f"{self._seed}:{self.nsid}:{serial}")
        scene = chance.choice(self._scenes)
        flaw = self._flaw(chance)
        bytes_of = photo_id
        if flaw == "repost" and serial >= REPOST_DISTANCE:
            first_id = str(int(photo_id) - REPOST_DISTANCE * ID_STEP)
            original = self.photo(serial - REPOST_DISTANCE, photo_id=first_id)
            scene, bytes_of = original.scene, original.bytes_of
        width, height = _original_size(scene, chance)
        added = FIRST_ADDED + (serial - (serial % 10 == 1)) * SECONDS_BETWEEN
        uploaded = added - chance.randrange(60, 86_400 * 400)
        return ScenePhoto(
            id=photo_id,
            secret=f"{chance.getrandbits(40):010x}",
            server="65535" if chance.random() < 0.7 else str(chance.randrange(1000, 8999)),
            farm=66 if chance.random() < 0.7 else chance.randrange(1, 10),
            owner=chance.choice(self._members),
            title=self._title(scene, chance),
            tags=tags_of(scene, chance),
            license=chance.choice(LICENSES),
            added=added,
            uploaded=uploaded,
            taken=f"{datetime.fromtimestamp(uploaded - 7200, UTC):%Y-%m-%d %H:%M:%S}",
            views=chance.randrange(5000),
            width=width,
            height=height,
            scene=scene,
            bytes_of=bytes_of,
            sizes=_sizes(width, height, flaw=flaw, chance=chance),
            media="video" if flaw == "video" else "photo",
            condition=flaw if flaw in CONDITIONS else THERE,
            unlabelled=chance.random() < UNLABELLED_SHARE,
            hidden=flaw == "hidden",
            double=flaw == "double",
            pictureless=flaw == "nothing",
            # The last draw: it leaves those before it as they are.
            mistaken=self._style == MESSY and chance.random() < MISTAKEN_SHARE,
        )

    def _flaw(self, chance: random.Random) -> str:
        if self._style == CLEAN:
            return ""
        draw = chance.random()
        for name, share in MESS:
            if draw < share:
                return name
            draw -= share
        return ""

    def _title(self, scene: Scene, chance: random.Random) -> str:
        if self._style == MESSY and chance.random() < 0.2:
            return chance.choice(ODD_TITLES)
        return title_of(scene, chance)


def _original_size(scene: Scene, chance: random.Random) -> tuple[int, int]:
    """Of the upload; always larger than 640 px, so that the `z` size exists."""
    longest = chance.choice((800, 1024, 1600, 2048, 3000, 4000, 6000))
    width, height = scene.size
    return round(width * longest / 640), round(height * longest / 640)


def _sizes(width: int, height: int, *, flaw: str, chance: random.Random) -> frozenset[str]:
    open_original = chance.random() < OPEN_ORIGINAL_SHARE
    if flaw in ("no-sizes", "nothing"):
        return frozenset()
    longest = max(width, height)
    sizes = {name for name, edge in LONGEST_EDGES.items() if edge <= longest} | set(SQUARES)
    if open_original:
        sizes.add(ORIGINAL)
    if flaw == "no-z":
        sizes -= {"z", "c"}
    return frozenset(sizes)
