"""
What must hold of groups that are followed: of whoever left, nothing is shown; of whoever is there, all.

Beside everything that `checks` looks at: photos may be withdrawn, or forgotten, but only those that left
a group; and at the end pools, journal, catalog and database say the same of every photo.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from ingestor.models import Image, Photo
from tests.simulation.checks import LONGEST_CALL, Checker
from tests.simulation.ends import check_bill, check_states
from tests.simulation.gatherings import Gatherings
from tests.simulation.world import WALL, Call

DAY: Final = 86_400
LEAVING: Final = {
    ("listed", "withdrawn"),
    ("annotated", "withdrawn"),
    ("stored", "withdrawn"),
    ("dead", "withdrawn"),
    ("withdrawn", "annotated"),
    ("withdrawn", "stored"),
    # Taken down by a journal that is not there any more, or lost with the database.
    ("stored", "annotated"),
}
"""Steps of a photo that left a group."""
ANEW: Final = {"stored", "annotated"}
"""States of photos that somebody wants to have annotated in another way."""


class Auditor(Checker):
    """One life's eyes on groups that are followed."""

    world: Gatherings
    _run = _before_run = 0
    _photos: Sequence[Photo] = ()

    def committed(self) -> None:
        world = self.world
        there = {photo for (photo,) in world.disk.look("SELECT id FROM photos")}
        for photo in world.states.keys() - there:
            self.hold(photo in world.left, f"{photo} left no group, and was forgotten")
            del world.states[photo]
        super().committed()

    def _stepped(self, photo: str, before: str | None, state: str) -> None:
        if (before, state) in LEAVING:
            # An older journal takes its own later life for another machine, and follows it.
            may = photo in self.world.left or self.world.astray
            self.hold(may, f"{photo}, which left no group, is {state}")
            return
        if before in ANEW and state == "listed" and self.world.anew:
            return
        if (before, state) == ("dead", "listed") and photo in self.world.former:
            return
        if (before, state) == ("listed", "stored") and self.world.astray:
            return  # as before it was to be annotated anew; the database has lost it since
        if before == "withdrawn" and state == "listed":
            self.hold(False, f"{photo} was annotated, and is to be bought again")
        super()._stepped(photo, before, state)

    def updated(self, paths: Mapping[str, Any]) -> None:
        super().updated(paths)
        for photo in {path.split("/")[1][1:] for path in paths if path.startswith("photos/p")}:
            if not self.world.database[f"photos/p{photo}"]:
                # One that the store will not take was never there, but for groups that it was told of.
                may = photo in self.world.left or self.world.pictures[photo].trouble == "refused"
                self.hold(may, f"{photo} left no group, and is taken down")
                filed = self._filed(photo)
                self.hold(
                    not filed or self.world.holed,
                    f"{photo} is taken down, and still filed under {filed}",
                )

    def agree(self, photo: str, node: Mapping[str, Any]) -> None:
        if not self.world.holed:
            super().agree(photo, node)

    def _filed(self, photo: str) -> list[str]:
        return [
            name
            for name, node in self.world.database.items()
            if name.startswith("index/") and any(key.endswith(f"-p{photo}") for key in node)
        ]

    # Money

    def before_paying(self, call: Call, images: Sequence[Image]) -> None:
        self._photos = [image.photo for image in images]
        ((run,),) = self.world.disk.look("SELECT max(number) FROM runs")
        if run != self._run:
            # What may be bought again in doubt is counted by the run, and a worker's life has many.
            self._run, self._before_run, self.repeated = run, len(self.world.calls), set()
        self.hold(not self.world.disk.tight, "a paid call begins although the disk is full")
        super().before_paying(call, images)

    def _before_paying_for(self, image: Image) -> None:
        super()._before_paying_for(image)
        known = self.world.disk.look(
            "SELECT features FROM annotations WHERE photo = ?", (image.photo.id,)
        )
        self.hold(self.world.anew or not known, f"{image.photo.id} is bought, and known: {known}")

    def _of_this_run(self) -> list[Call]:
        before = self._before_run
        return [other for other in super()._of_this_run() if other.number >= before]

    def _leased(self) -> None:
        """Of each photo the lease on one of its groups is ours, and lasts until the call is over."""
        for photo in self._photos:
            listed = self.world.disk.look(
                "SELECT gid FROM memberships WHERE photo = ?", (photo.id,)
            )
            leases = {
                group: self._lasts(group) for group in {photo.group, *(gid for (gid,) in listed)}
            }
            most = max(leases.values())
            self.hold(most > LONGEST_CALL, f"{photo.id} is bought, and its leases last {leases}")

    def _lasts(self, group: str) -> float:
        """Seconds that our lease on a group lasts; 0 where it is not ours."""
        world, taken = self.world, self.world.taken.get(group)
        lease = world.database.get(f"leases/{group}", {}).get("")
        ours = lease and taken and (taken.life, taken.owner) == (world.life, lease["owner"])
        return lease["until"] - world.wall if lease and ours else 0.0

    def _not_from_elsewhere(self, call: Call, before: Call) -> None:
        """What the database had when the run began is known to it."""
        world = self.world
        began = max((taken.at for taken in world.taken.values()), default=0.0)
        for photo in set(call.photos) & set(before.photos):
            features = world.database.get(f"photos/p{photo}", {}).get("features")
            if world.anew and features != world.features.key:
                continue
            since = world.published.get(photo, float("inf"))
            self.hold(since > began, f"{photo} is bought, in the database since {since:.1f}")

    def _affordable(self, call: Call) -> None:
        world = self.world
        if world.per_day is None:
            return
        today = self._day(world.now)
        spent = sum(
            len(other.photos)
            for other in world.calls
            if self._day(other.at) == today and (other.charged or other.outcome == "in-flight")
        )
        fits = spent + len(call.photos) <= world.per_day
        self.hold(fits, f"{spent} units today, {len(call.photos)} asked for: {world.per_day}")

    def _day(self, now: float) -> int:
        return int(WALL + self.world.offset + now) // DAY

    # Ends

    def end(self) -> None:
        """Nothing is left to be done, and all that anybody knows of is as it should be."""
        check_states(self.world, self)
        check_bill(self.world, self)
        self._check_memberships()
        if self.world.scenario.database:
            self._check_database()
        shown = {photo for (photo,) in self.world.disk.look("SELECT photo FROM catalogued")}
        differ = (shown ^ self._stored()) - self._dead_anew()
        self.hold(not differ, f"journal and catalog: {differ}")

    def _stored(self) -> set[str]:
        return {photo for photo, state in self.world.states.items() if state == "stored"}

    def _dead_anew(self) -> set[str]:
        """Photos that could not be annotated in another way: they are shown as before."""
        rows = self.world.disk.look(
            "SELECT id FROM photos JOIN annotations ON photo = id WHERE state = 'dead'"
        )
        return {photo for (photo,) in rows}

    def _check_memberships(self) -> None:
        world = self.world
        known = world.disk.look("SELECT photo, gid, date_added FROM memberships")
        # Nobody tells what leaves a group that others follow.
        ours = {row for row in known if row[1] in world.groups}
        real = {(photo, gid, at) for gid in world.groups for photo, at in world.pools[gid].items()}
        self.hold(ours == real, f"pools and journal differ: {ours ^ real}")
        away = self._stored() - {picture.photo.id for picture in world.pool}
        self.hold(not away, f"in no group any more, and shown: {away}")

    def _check_database(self) -> None:
        world = self.world
        nodes = {
            name[8:]: node
            for name, node in world.database.items()
            if name.startswith("photos/p") and node
        }
        differ = (nodes.keys() ^ self._stored()) - self._dead_anew()
        self.hold(not differ, f"{differ} differ")
        for photo, node in nodes.items():
            self.hold("sha256" in node, f"half of {photo} is in the database")
            groups = {key[7:]: at for key, at in node.items() if key.startswith("groups/")}
            real = world.groups_of(photo)
            told = real.keys() - world.foreign <= groups.keys() <= real.keys()
            self.hold(told, f"{photo} is in {real}, and is said to be in {groups}")
            self.agree(photo, node)
            letter = world.database.get(f"dead/p{photo}")
            self.hold(
                not letter or photo in self._dead_anew(),
                f"{photo} is stored, and dead: {letter}",
            )
        self._check_index(nodes)

    def _check_index(self, nodes: Mapping[str, Mapping[str, Any]]) -> None:
        filed = {
            (name.removeprefix("index/"), key.partition("-p")[2])
            for name, node in self.world.database.items()
            if name.startswith("index/")
            for key in node
        }
        there = {(key, photo) for photo, node in nodes.items() for key in node.get("labels", {})}
        self.hold(filed == there, f"index and records differ: {filed ^ there}")
