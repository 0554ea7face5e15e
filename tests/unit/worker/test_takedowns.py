"""Who leaves a group goes, unless somebody else still has it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from ingestor import events
from ingestor.engines.leases import LASTING
from ingestor.errors import RunStopped
from ingestor.journal import claims, listing, results, runs
from ingestor.journal.writer import Journal
from ingestor.kits.lifetime import Lifetime
from ingestor.models import Published
from ingestor.records import updates_for
from ingestor.records.leases import Lease
from ingestor.sandbox.rtdb.database import Database
from ingestor.services import Group, Services
from ingestor.worker.takedowns import Takedowns
from tests.builders import a_label, a_photo, a_size, an_annotation
from tests.inline import Inline

OURS, THEIRS, ALSO_OURS = "1@N00", "2@N00", "3@N00"
ZOO = Group(id=OURS, name="Zoo")
THEIR_LEASE = {"owner": "theirs", "epoch": 2, "until": 0}
EARLIER_LEASE = {"owner": "earlier", "epoch": 1, "until": 0}
LATER_LEASE = {"owner": "theirs", "epoch": 1, "since": 5_000.0, "until": 0}
OUR_LAST_LEASE = Lease(owner="later", epoch=2, since=1_000.0, until=0.0)


class Place:
    """A database with one photo; another machine takes it out of its group whenever we write."""

    def __init__(
        self, groups: Mapping[str, int] | None, leases: Mapping[str, Any] | None = None
    ) -> None:
        self.groups = groups
        self.labels: Mapping[str, Any] = {}
        self.leases = leases
        self.sent: list[Mapping[str, Any]] = []

    async def read(self, path: str) -> Any:
        if path == "leases":
            return self.leases
        return self.groups and {"groups": self.groups, "labels": self.labels, "model": "m"}

    async def update(self, paths: Mapping[str, Any]) -> None:
        self.sent.append(paths)
        self.groups = None


class Joined(Place):
    """A real database, in which another machine tells of a group of its own when we are about to write."""

    def __init__(self) -> None:
        super().__init__({}, {THEIRS: THEIR_LEASE})
        self.database = Database()
        known = Published(
            photo=a_photo("7", group=OURS),
            size=a_size(),
            annotation=an_annotation("7", a_label("Dog", 0.9)),
        )
        self._write(updates_for(known))
        self._write({f"leases/{THEIRS}": THEIR_LEASE})

    async def read(self, path: str) -> Any:
        return self.database.value("x", f"/{path}")

    async def update(self, paths: Mapping[str, Any]) -> None:
        if not self.sent:
            self._write({f"photos/p7/groups/{THEIRS}": 2})
        self.sent.append(paths)
        self._write(paths)

    def whole(self) -> Any:
        """All but what tells when it was written, and in which groups."""
        value: Any = self.database.value("x", "/")
        del value["photos"]["p7"]["groups"], value["photos"]["p7"]["at"]
        return value

    def _write(self, paths: Mapping[str, Any]) -> None:
        self.database.update("x", cast("Any", {f"/{path}": value for path, value in paths.items()}))


class JoinedThenAway(Joined):
    """It goes away as soon as we have written the first time, and comes again when we ask the next time."""

    away = False

    async def read(self, path: str) -> Any:
        if self.away:
            self.away = False
            raise RunStopped("The database is away.", reason="database")
        return await super().read(path)

    async def update(self, paths: Mapping[str, Any]) -> None:
        self.away = not self.sent
        await super().update(paths)


class TakenOver(Place):
    """Another machine takes our lease over when we have it, and an update takes longer than a lease."""

    def __init__(self) -> None:
        super().__init__({OURS: 1})
        self.lease: Any = None

    async def read_with_etag(self, path: str) -> tuple[Any, str]:
        return self.lease, str(self.lease)

    async def write_if(self, path: str, value: Any, *, etag: str) -> None:
        self.lease = value | {"owner": "theirs"}

    async def update(self, paths: Mapping[str, Any]) -> None:
        await asyncio.sleep(LASTING)
        await super().update(paths)


@asynccontextmanager
async def following(
    folder: Path,
    place: Place,
    *,
    lifetime: Lifetime,
    listed: Sequence[str] = (OURS,),
    wall: Callable[[], float] = time.time,
) -> AsyncIterator[Takedowns]:
    """Of a journal that has listed these groups, and one photo in ours."""
    async with Journal(folder / "journal.sqlite3", thread=Inline()) as journal:
        for id_ in listed:
            photos = [a_photo("7", group=OURS)] if id_ == OURS else []
            await journal.write(
                partial(
                    listing.sight_page, group=listing.ListedGroup(id=id_, name="Zoo", total=1),
                    photos=photos, run=1, room=None, features=None, unusable=(), now=0.0,
                )
            )  # fmt: skip
        known = an_annotation("7", a_label("Dog", 0.9))
        await journal.write(
            partial(results.keep, annotation=known, size=a_size(), purchase="p", now=0.0)
        )
        services = cast("Services", SimpleNamespace(update=place.update, database=place))
        yield Takedowns(
            journal, services, lifetime=lifetime, listen=events.ignore, wall=wall, seen={}
        )


async def withdrawn(folder: Path, place: Place, *, listed: Sequence[str] = (OURS,)) -> None:
    """Have the photo leave our group."""
    lifetime = Lifetime(drain=8.0)
    async with following(folder, place, lifetime=lifetime, listed=listed) as takedowns:
        await takedowns._take_down_some(ZOO, ["7"])
    lifetime.close()


async def test_a_photo_that_two_machines_take_out_at_once_does_not_stay(tmp_path: Path):
    place = Place({OURS: 1, THEIRS: 1})

    await withdrawn(tmp_path, place)

    first, then = place.sent
    assert first == {f"photos/p7/groups/{OURS}": None}
    assert {"photos/p7", "index/dog/1000000-p7"} <= set(then)


async def test_a_photo_of_a_group_that_others_have_taken_over_is_left_to_them(tmp_path: Path):
    """We listed it once."""
    place = Place({OURS: 1, THEIRS: 1}, {THEIRS: THEIR_LEASE})

    await withdrawn(tmp_path, place, listed=(OURS, THEIRS))

    assert place.sent[0] == {f"photos/p7/groups/{OURS}": None}


@pytest.mark.parametrize(
    ("listed", "leases"),
    [
        pytest.param((OURS,), None, id="adopted with it"),
        pytest.param((OURS, THEIRS), {THEIRS: THEIR_LEASE}, id="listed once"),
    ],
)
async def test_a_photo_that_has_left_the_others_group_as_well_goes(
    tmp_path: Path, listed: Sequence[str], leases: Mapping[str, Any] | None
):
    """The journal remembers it there, and only they would hear of its leaving."""
    lifetime, place = Lifetime(drain=8.0), Place({OURS: 1}, leases)

    async with following(tmp_path, place, lifetime=lifetime, listed=listed) as takedowns:
        await takedowns._journal.write(
            partial(listing.take_in, photos=[a_photo("7", group=THEIRS)])
        )
        await takedowns._take_down_some(ZOO, ["7"])
        states = await takedowns._journal.read(runs.photos_by_state)
        groups = await takedowns._journal.read(partial(listing.memberships, photos=["7"]))

    (sent,) = place.sent
    assert {"dead/p7", "index/dog/1000000-p7"} <= set(sent)
    assert not sent.keys().isdisjoint({"photos/p7", f"photos/p7/groups/{OURS}"})
    assert (states, groups) == ({"withdrawn": 1}, [])


async def test_a_photo_stays_in_another_group_of_ours_whose_lease_a_backup_has_put_back(
    tmp_path: Path,
):
    """By a name of ours that is history: the database was restored."""
    place = Place({OURS: 1, ALSO_OURS: 1}, {ALSO_OURS: EARLIER_LEASE})
    lifetime = Lifetime(drain=8.0)

    async with following(tmp_path, place, lifetime=lifetime, listed=(OURS, ALSO_OURS)) as takedowns:
        journal = takedowns._journal
        await journal.write(partial(listing.take_in, photos=[a_photo("7", group=ALSO_OURS)]))
        await journal.write(partial(claims.keep, group=ALSO_OURS, lease=OUR_LAST_LEASE))
        await takedowns._take_down_some(ZOO, ["7"])
        states = await journal.read(runs.photos_by_state)
        groups = await journal.read(partial(listing.memberships, photos=["7"]))

    assert place.sent == [{f"photos/p7/groups/{OURS}": None}]
    assert (states, [group for _, group, _ in groups]) == ({"annotated": 1}, [ALSO_OURS])


async def test_a_group_that_others_took_since_a_backup_was_put_back_is_theirs(tmp_path: Path):
    """The database counts from the backup on: it will be long until it is as far as it was with us."""
    place = Place({OURS: 1, THEIRS: 1}, {THEIRS: LATER_LEASE})
    lifetime = Lifetime(drain=8.0)

    async with following(tmp_path, place, lifetime=lifetime, listed=(OURS, THEIRS)) as takedowns:
        await takedowns._journal.write(partial(claims.keep, group=THEIRS, lease=OUR_LAST_LEASE))
        await takedowns._take_down_some(ZOO, ["7"])

    assert place.sent[0] == {f"photos/p7/groups/{OURS}": None}


async def test_a_photo_that_joins_anothers_group_while_it_is_taken_down_stays(tmp_path: Path):
    """It left our last group for theirs; between our reading its record and writing they told of it."""
    place = Joined()
    before = place.whole()

    await withdrawn(tmp_path, place)

    assert place.database.value("x", "/photos/p7/groups") == {THEIRS: 2}
    assert place.whole() == before


async def test_a_takedown_that_was_broken_off_leaves_others_no_bare_group(tmp_path: Path):
    """It joined theirs meanwhile, and the database was away when we were about to look again."""
    place = JoinedThenAway()
    before = place.whole()
    with pytest.raises(RunStopped):
        await withdrawn(tmp_path, place)

    await withdrawn(tmp_path, place)

    assert place.database.value("x", "/photos/p7/groups") == {THEIRS: 2}
    assert place.whole() == before


@pytest.mark.parametrize("groups", [{OURS: 1}, {OURS: 1, THEIRS: 1}], ids=["ours", "both"])
async def test_what_others_have_filed_a_photo_under_goes_with_it(
    tmp_path: Path, groups: Mapping[str, int]
):
    """They had it annotated anew, and nobody told us."""
    place = Place(groups)
    place.labels = {"fox": {"name": "Fox", "score": 0.7, "topicality": 0.7, "mid": ""}}

    await withdrawn(tmp_path, place)

    assert {"index/dog/1000000-p7", "index/fox/3000000-p7"} <= set(place.sent[-1])


async def test_a_photo_that_is_in_our_groups_only_goes_at_once(tmp_path: Path):
    place = Place({OURS: 1})

    await withdrawn(tmp_path, place, listed=(OURS, THEIRS))

    assert [set(paths) >= {"photos/p7", "dead/p7"} for paths in place.sent] == [True]


async def test_a_photo_that_a_shared_database_lacks_goes_here_all_the_same(tmp_path: Path):
    place = Place(None, {THEIRS: THEIR_LEASE})

    await withdrawn(tmp_path, place)

    assert [set(paths) for paths in place.sent] == [{"dead/p7", "index/dog/1000000-p7"}]


@pytest.mark.looptime
async def test_a_lease_that_is_lost_while_photos_leave_ends_one_turn_and_no_worker(tmp_path: Path):
    lifetime, place = Lifetime(drain=8.0), TakenOver()

    async with following(tmp_path, place, lifetime=lifetime) as takedowns:
        with pytest.raises(RunStopped, match="lost to somebody else"):
            await takedowns.take_down(ZOO, ["7"])

    assert (lifetime.reason, place.sent) == (None, [])


class Overtaking(TakenOver):
    """We are suspended as soon as we have our lease, and another machine takes it meanwhile."""

    asleep = 0.0
    update = Place.update

    async def write_if(self, path: str, value: Any, *, etag: str) -> None:
        await super().write_if(path, value, etag=etag)
        self.asleep = 2 * LASTING


@pytest.mark.looptime
async def test_who_wakes_up_takes_nothing_down_that_is_in_other_hands(tmp_path: Path):
    """They may have brought it back since."""
    lifetime, place = Lifetime(drain=8.0), Overtaking()

    async with following(
        tmp_path, place, lifetime=lifetime, wall=lambda: time.time() + place.asleep
    ) as takedowns:
        with pytest.raises(RunStopped, match="lost to somebody else"):
            await takedowns.take_down(ZOO, ["7"])

    assert place.sent == []


class LeftBehind(TakenOver):
    """The lease is a machine's that is no more, and whose clock was years ahead."""

    def __init__(self) -> None:
        super().__init__()
        self.lease = {"owner": "theirs", "epoch": 1, "until": 2**40}

    async def write_if(self, path: str, value: Any, *, etag: str) -> None:
        self.lease = value

    update = Place.update


@pytest.mark.looptime
async def test_a_group_of_a_machine_that_died_with_its_clock_ahead_is_followed_after_a_lease(
    tmp_path: Path,
):
    lifetime, place = Lifetime(drain=8.0), LeftBehind()

    async with following(tmp_path, place, lifetime=lifetime) as takedowns:
        with pytest.raises(RunStopped, match="theirs"):
            await takedowns.take_down(ZOO, ["7"])
        await asyncio.sleep(LASTING + 1)
        await takedowns.take_down(ZOO, ["7"])

    assert len(place.sent) == 1
