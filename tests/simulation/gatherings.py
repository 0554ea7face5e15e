"""
Several groups that share photos, what people do to them meanwhile, and what befalls those who follow them.

A photo is in some of the groups, with a date of its own in each. People add photos, take them out of a
group, delete them or make them private, put them into one more group, and bring them back.
"""

from __future__ import annotations

import copy
import hashlib
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from msgspec import structs

from ingestor.apis.flickr import Unusable
from ingestor.errors import Denied
from ingestor.journal import dead
from ingestor.models import Photo
from ingestor.services import ListedPage
from tests.simulation.disk import Copy
from tests.simulation.upstreams import Upstreams
from tests.simulation.world import GROUP, ORIGIN, Picture, Taken, Trouble, World, content_of

GROUPS: Final = (GROUP, "66838105@N00")
MOST_BORN: Final = 12
"""Photos that arrive, whatever happens."""
BEFORE: Final = 40_000_000
"""Seconds between the first photos and whatever comes later."""
SPACING: Final = 10
"""Seconds between two dates: pages are small here, and one of a single date says nothing of its place."""
DAMAGED: Final = ("photos", "index", "labels")
HOLES: Final = 0.3
"""The share of records, and of labels' lists, that somebody deletes."""
ODD: Final = 0.02
"""The share of answers that lack a photo."""
ALIKE: Final = 0.2
"""The share of photos that have the date of another one."""
REPLACED: Final = 0.08
"""How often somebody gives a photo another picture before a page is answered, where they do."""
KEPT: Final = 0.3
"""The share of replaced pictures that are still to be had where they were."""
MOVES: Final = {"none": 60, "arrives": 12, "leaves": 8, "deleted": 6, "joins": 7, "returns": 7}
"""What happens before a page is answered, and how often."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Times are the loop's."""

    upstream: str
    begins: float
    ends: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Copies:
    """Of a journal's file and of a database, made at one moment."""

    journal: Copy
    purchases: Mapping[str, str]
    """Those that it knows, by id, with their states; of what is summed up it knows that it is over."""
    database: dict[str, dict[str, Any]]
    holed: bool


@dataclass
class Gatherings(World):
    """A world of several groups; `pool` has the pictures that are in any of them."""

    pools: dict[str, dict[str, int]] = field(default_factory=lambda: {gid: {} for gid in GROUPS})
    """By group: photos, with the dates on which they were added (unix seconds)."""
    left: set[str] = field(default_factory=set)
    """Photos that were in a group once, and left it."""
    taken: dict[str, Taken] = field(default_factory=dict)
    """By group, its lease as it was taken last."""
    refusing: Refusal | None = None
    """Who refuses us, until credentials, billing or rules are as they should be."""
    moves: Mapping[str, int] = field(default_factory=lambda: MOVES)
    """See MOVES."""
    groups: tuple[str, ...] = GROUPS
    """That are followed in this life."""
    per_day: int | None = None
    """Units that a day may cost, by UTC."""
    lacked: set[str] = field(default_factory=set)
    """Photos that an answer lacked although they were there."""
    anew: bool = False
    """A run asks about known photos as well, in another way: what is bought so is another thing."""
    hands: random.Random | None = None
    """Of people who give photos other pictures, if there are any."""
    former: dict[str, list[Picture]] = field(default_factory=dict)
    """What a photo was before it was given another picture."""
    astray: bool = False
    """Journal or database are not what they were: it takes a reconcile to make them agree."""
    foreign: set[str] = field(default_factory=set)
    """Groups that the latest reconcile took for another machine's: their photos were not told to be in them."""
    holed: bool = False
    """The database is not even at one with itself, and no reconcile has been through since."""

    def rows(self, group: str) -> Sequence[Photo | Unusable]:
        pool = self.pools[group]
        newest_first = sorted(pool, key=lambda photo: (-pool[photo], photo))
        return [_listed(self.pictures[photo], group, pool[photo]) for photo in newest_first]

    @property
    def followed(self) -> list[Picture]:
        return [one for one in self.pool if self.groups_of(one.photo.id).keys() & self.groups]

    def groups_of(self, photo: str) -> dict[str, int]:
        return {gid: pool[photo] for gid, pool in self.pools.items() if photo in pool}

    # People

    def add_photo(self) -> None:
        """Into one group, or into all of them."""
        super().add_photo()
        photo = self.pool[0].photo.id
        for gid in self.rng.choice([*((gid,) for gid in self.pools), tuple(self.pools)]):
            self.pools[gid][photo] = self._date(gid)

    def move(self) -> None:
        """Somebody does something, or nobody does anything."""
        (what,) = self.rng.choices(list(self.moves), list(self.moves.values()))
        group = self.rng.choice(tuple(self.pools))
        if what == "arrives" and self.born < self.scenario.photos + MOST_BORN:
            self.add_photo()
        if what == "leaves":
            self._leave(self._one_of(self.pools[group]), group)
        if what == "deleted":
            photo = self._one_of(self.pools[group])
            for gid in self.pools:
                self._leave(photo, gid)
        if what == "joins":
            self._join(self._one_of(self.pools[group]), self.rng.choice(tuple(self.pools)))
        if what == "returns":
            self._join(self._one_of(self.left - {one.photo.id for one in self.pool}), group)

    def give_another_picture(self) -> None:
        """Same photo, other bytes at another address; what was wrong with it may be mended, or now is."""
        if self.hands is None or self.calm or self.hands.random() >= REPLACED:
            return
        before = self.hands.choice(sorted(self.pictures.values(), key=lambda one: one.photo.id))
        if before.trouble != "video":
            self._give(before, self.hands.choice(("", "", "", "gone", "unreadable")))

    def _give(self, before: Picture, trouble: Trouble) -> None:
        photo = before.photo.id
        former = self.former.setdefault(photo, [])
        former.append(before)
        name = f"{photo}_{len(former)}"
        size = structs.replace(before.photo.sizes[0], url=f"{ORIGIN}/1/{name}_z.jpg")
        content = content_of(f"{self.scenario.seed}/{name}", trouble)
        after = Picture(
            structs.replace(before.photo, sizes=(size,)),
            content,
            hashlib.sha256(content).hexdigest(),
            trouble,
        )
        if before in self.pool:
            self.pool[self.pool.index(before)] = after
        self.pictures[photo] = self.by_url[size.url] = after
        if self.hands and self.hands.random() >= KEPT:
            self.by_url[before.photo.sizes[0].url] = replace(before, trouble="gone")
        self.note(0, f"{photo} has another picture ({trouble or 'healthy'})")

    def picture_of(self, photo: str, sha256: str) -> Picture:
        former = (one for one in self.former.get(photo, ()) if one.sha256 == sha256)
        return next(former, self.pictures[photo])

    def troubles_of(self, photo: str) -> tuple[Trouble, ...]:
        """One that was stored stays so, whatever picture it is given later."""
        before = self.former.get(photo, ())
        now = self.pictures[photo].trouble
        return (now, "") if any(one.trouble in ("", "refused") for one in before) else (now,)

    def _date(self, group: str) -> int:
        """Of whoever is added now: now and then that of the one before."""
        dates = sorted(self.pools[group].values())
        latest = dates[-1] if dates else 0
        if dates.count(latest) == 1 and self.rng.random() < ALIKE:
            return latest
        return max(latest + SPACING, int(self.wall) - (0 if self.life else BEFORE))

    def _one_of(self, photos: Mapping[str, int] | set[str]) -> str:
        return self.rng.choice(sorted(photos)) if photos else ""

    def _join(self, photo: str, group: str) -> None:
        if not photo or photo in self.pools[group]:
            return
        self.pools[group][photo] = self._date(group)
        if self.pictures[photo] not in self.pool:
            self.pool.insert(0, self.pictures[photo])
        self.note(0, f"{photo} joins {group}")

    def _leave(self, photo: str, group: str) -> None:
        if self.pools[group].pop(photo, None) is None:
            return
        self.left.add(photo)
        if not self.groups_of(photo):
            self.pool.remove(self.pictures[photo])
        self.note(0, f"{photo} leaves {group}")

    # What befalls a state directory and a database

    def keep_copies(self) -> Copies:
        known = {call.purchase: "settled" for call in self.ours if call.settled}
        known |= dict(self.disk.look("SELECT id, state FROM purchases"))
        return Copies(
            journal=self.disk.copied(),
            purchases=known,
            database=copy.deepcopy(self.database),
            holed=self.holed,
        )

    def put_back_journal(self, copies: Copies) -> None:
        """The state directory is as it was once: what was bought since, it never heard of."""
        self.note(0, "an older journal is put back")
        copies.journal.backup(self.disk)
        known = copies.purchases
        for call in self.ours:
            if call.purchase not in known or (call.settled and known[call.purchase] != "settled"):
                call.machine = ""
        self.look_anew()
        self.astray = True

    def lose_journal(self) -> None:
        super().lose_journal()
        self.astray = True

    def put_back_database(self, copies: Copies) -> None:
        """The database is as it was once."""
        self.be_given(copy.deepcopy(copies.database))
        self.holed = copies.holed

    def be_given(self, copied: dict[str, dict[str, Any]]) -> None:
        """Another database, or none of what was in it."""
        self.note(0, f"the database is another one: {len(copied)} nodes")
        # What a failing commit left on the disk is seen now, and not when the database is another one.
        self.look_anew()
        self.database.clear()
        self.database.update(copied)
        there = {name for name, node in copied.items() if node.get("sha256")}
        since = {
            photo: self.published.get(photo, self.now)
            for photo in self.pictures
            if f"photos/p{photo}" in there
        }
        self.published.clear()
        self.published.update(since)
        self.astray = True

    def damage_database(self) -> None:
        """Somebody has deleted this and that by hand."""
        parts = [name for name in self.database if name.split("/")[0] in DAMAGED]
        gone = [name for name in parts if self.rng.random() < HOLES]
        self.be_given({n: node for n, node in self.database.items() if n not in gone})
        self.holed = True

    def groups_of_others(self) -> set[str]:
        """As an older journal sees it, which takes its own later life for another machine's."""
        ours = set(self.disk.look("SELECT gid, owner FROM claims"))
        leases = {gid: self.database.get(f"leases/{gid}", {}).get("") for gid in self.pools}
        others = {
            gid for gid, lease in leases.items() if lease and (gid, lease["owner"]) not in ours
        }
        return others if self.astray else set()

    def forget_former_addresses(self) -> None:
        """Caches have had their time."""
        for before in (one for former in self.former.values() for one in former):
            self.by_url[before.photo.sizes[0].url] = replace(before, trouble="gone")

    def ask_again(self) -> None:
        """Somebody has dead letters tried again, those that may have been paid for as well."""
        self.note(0, "dead letters are to be tried again")
        parked = self.disk.look("SELECT photo FROM dead WHERE paid = 'maybe'")
        dead.retry(self.disk)
        dead.retry(self.disk, reason="in-doubt")
        if self.former:
            dead.retry(self.disk, photos=sorted(self.former))
        self.asked |= {photo: len(self.calls) for (photo,) in parked}
        self.doubtful_images += len(parked)
        self.look_anew()

    def look_anew(self) -> None:
        """What somebody did to the journal by hand is how it is."""
        self.states = dict(self.disk.look("SELECT id, state FROM photos"))

    # The database

    def apply(self, paths: Mapping[str, Any]) -> None:
        super().apply(paths)
        for path, value in paths.items():
            first, second, *_ = path.split("/")
            if first == "leases" and value["until"]:
                self._take(second, value["owner"])
            if first == "photos" and "sha256" not in self.database[f"photos/{second}"]:
                self.published.pop(second[1:], None)

    def _take(self, group: str, owner: str) -> None:
        before = self.taken.get(group)
        if before is None or (before.life, before.owner) != (self.life, owner):
            self.taken[group] = Taken(life=self.life, owner=owner, at=self.now)


class Crowd(Upstreams):
    """All four upstreams, and the people."""

    world: Gatherings

    def _move(self) -> None:
        if self.world.scenario.moving and not self.world.calm:
            self.world.move()
        self.world.give_another_picture()

    async def _page(self, group: str, number: int) -> ListedPage:
        page = await super()._page(group, number)
        if self.world.calm or not page.rows or self.rng.random() >= ODD:
            return page
        # Now and then an answer lacks somebody who is there; two that agree would be believed.
        names = [row.id if isinstance(row, Photo) else row.photo_id for row in page.rows]
        lacking = self.rng.choice(names)
        rows = [row for row, name in zip(page.rows, names, strict=True) if name != lacking]
        if lacking in self.world.lacked:
            return page
        self.world.lacked.add(lacking)
        return replace(page, rows=rows)

    def _be_there(self, upstream: str) -> None:
        super()._be_there(upstream)
        refusing = None if self.world.calm else self.world.refusing
        asked = "database" if upstream in ("updates", "reads") else upstream
        if (
            refusing
            and refusing.upstream == asked
            and refusing.begins <= self.loop.now < refusing.ends
        ):
            raise Denied(f"{asked} refuses us", upstream=asked, reason="refused")


def _listed(picture: Picture, group: str, added: int) -> Photo | Unusable:
    row = picture.row
    if isinstance(row, Unusable):
        return replace(row, date_added=added)
    return structs.replace(row, group=group, date_added=added)
