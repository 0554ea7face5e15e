"""
What must hold of machines that share a database: none touches what is the other's.

Beside everything that `audit` looks at: a group under another's lease is not written to, a photo that is in
another's group is not taken down, and nothing is bought that the other had published when the run began.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from ingestor.records.leases import SKEW
from tests.simulation.audit import Auditor
from tests.simulation.gatherings import Crowd, Gatherings
from tests.simulation.world import Call

RESTLESS: Final = {
    "none": 40, "arrives": 10, "leaves": 16, "deleted": 8, "joins": 16, "returns": 10
}  # fmt: skip
"""What people do where photos are to be in groups of both machines."""


@dataclass
class Neighbourhood(Gatherings):
    """A world as one of the machines sees it."""

    holders: dict[str, str] = field(default_factory=dict)
    """By group, the machine that took its lease last; all machines share this."""
    slow: float = 0.0
    """Seconds that the database takes for each way, at the most."""
    handovers: list[tuple[float, tuple[str, ...]]] = field(default_factory=list)
    """(when, groups): what this machine's list of groups says from then on."""

    unheard: set[tuple[str, str]] = field(default_factory=set)
    """(photo, group) of those that left when nobody who follows it had them there: see `reconcile` in the manual."""
    everybody: list[Neighbourhood] = field(default_factory=list)
    """The world as each of the machines sees it; all of them share this."""

    def listed_at(self, now: float) -> tuple[str, ...]:
        """The groups of its list then."""
        return next((groups for at, groups in reversed(self.handovers) if at <= now), self.groups)

    def _leave(self, photo: str, group: str) -> None:
        if photo in self.pools[group] and not any(one.has(photo, group) for one in self.everybody):
            self.unheard.add((photo, group))
        super()._leave(photo, group)

    def has(self, photo: str, group: str) -> bool:
        """Whether this machine follows the group, and its journal has the photo there."""
        known = "SELECT 1 FROM memberships WHERE photo = ? AND gid = ?"
        return group in self.groups and bool(self.disk.look(known, (photo, group)))

    def _take(self, group: str, owner: str) -> None:
        super()._take(group, owner)
        self.holders[group] = self.machine


class Bailiff(Auditor):
    """One life's eyes on what is another machine's."""

    world: Neighbourhood

    def about_to_write(self, paths: Mapping[str, Any]) -> None:
        """Before an update takes effect."""
        for path, value in paths.items():
            first, second, *rest = path.split("/")
            if first == "groups":
                self._is_not_anothers(second, path)
            # What was bought before a group was handed over gets out with it, for it names no other.
            alone = f"photos/{second}/sha256" in paths and _groups_told(paths, second) == 1
            if first == "photos" and rest[:1] == ["groups"] and not alone:
                self._is_not_anothers(rest[1], path)
            if first == "photos" and not rest and value is None:
                self._may_be_taken_down(second[1:])

    def _is_not_anothers(self, group: str, path: str) -> None:
        strange = self.anothers(group)
        # Who slept with an update on its way wakes up when it leaves.
        slept = self.woken_at > float("-inf")
        self.hold(not strange or slept, f"{path} is written, and {strange}")

    def anothers(self, group: str) -> str:
        """The live lease of another machine on a group, if there is one."""
        lease = self.world.database.get(f"leases/{group}", {}).get("")
        live = lease and lease["until"] - SKEW > self.world.wall
        mine = self.world.holders.get(group) == self.world.machine
        return f"{lease} is another's" if live and not mine else ""

    def _may_be_taken_down(self, photo: str) -> None:
        """Whoever has it in a group of his keeps it."""
        world = self.world
        named = [
            key[7:] for key in world.database.get(f"photos/p{photo}", {}) if key[:7] == "groups/"
        ]
        theirs = [
            group
            for group in named
            if world.holders.get(group) != world.machine and photo in world.pools[group]
        ]
        self.hold(not theirs or world.astray, f"{photo} is taken down, and in {theirs} of another")

    # Money

    def _not_from_elsewhere(self, call: Call, before: Call) -> None:
        if self._is_shared():
            super()._not_from_elsewhere(call, before)

    def _is_shared(self) -> bool:
        """A database that was emptied says who shares it when he has run again."""
        world = self.world
        return any(
            holder != world.machine and world.database.get(f"leases/{group}")
            for group, holder in world.holders.items()
        )

    # Ends

    def check_followed(self) -> None:
        """What the database has of this machine's groups, before anything was reconciled."""
        for picture in self.world.followed:
            photo = picture.photo.id
            if self.world.states.get(photo) == "stored":
                self._is_there(photo, self.world.database.get(f"photos/p{photo}", {}))
        for name, node in self.world.database.items():
            if name.startswith("photos/p"):
                self._is_nowhere_else(name[8:], node)
                grouped = any(key.startswith("groups/") for key in node)
                self.hold(grouped or not node, f"{name} is in no group, and still there")

    def _is_there(self, photo: str, node: Mapping[str, Any]) -> None:
        self.hold("sha256" in node, f"{photo} is stored, and there is {sorted(node)}")
        for group in self.world.groups_of(photo).keys() & self.world.groups:
            told = node.get(f"groups/{group}")
            self.hold(told == self.world.pools[group][photo], f"{photo} in {group}: {told}")

    def _is_nowhere_else(self, photo: str, node: Mapping[str, Any]) -> None:
        for group in self.world.groups:
            away = f"groups/{group}" in node and photo not in self.world.pools[group]
            heard = (photo, group) not in self.world.unheard
            self.hold(not (away and heard), f"{photo} has left {group}, and is said to be there")


def _groups_told(paths: Mapping[str, Any], photo: str) -> int:
    return sum(path.startswith(f"photos/{photo}/groups/") for path in paths)


class Street(Crowd):
    """The upstreams of one of the machines."""

    world: Neighbourhood
    checker: Bailiff

    def _write(self, paths: Mapping[str, Any]) -> None:
        self.checker.about_to_write(paths)
        super()._write(paths)

    async def _do(self, do: Callable[..., Any], *given: Any) -> Any:
        slow = 0.0 if self.world.calm else self.world.slow
        await asyncio.sleep(slow * self.rng.random())
        answer = await super()._do(self._exchange(do) if do.__name__ == "_exchange" else do, *given)
        await asyncio.sleep(slow * self.rng.random())
        return answer

    def _exchange(self, do: Callable[..., Any]) -> Callable[..., Any]:
        def exchange(path: str, value: Any, etag: str) -> Any:
            strange = self.checker.anothers(path.split("/")[1])
            conflict = do(path, value, etag)
            self.checker.hold(conflict or not strange, f"{path} is taken, and {strange}")
            return conflict

        return exchange
