"""Whose turn it is while nothing may be bought, and what is told of groups that are not there."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

import pytest

from ingestor.errors import Denied, IngestorError, RunStopped, Throttled, Unavailable
from ingestor.events import (
    BuyingHalted,
    Event,
    GroupDropped,
    GroupFailed,
    GroupLooked,
    Listener,
    ignore,
)
from ingestor.journal.writer import Journal
from ingestor.kits.lifetime import Lifetime
from ingestor.services import Group, ListedPage, Politely, Services
from ingestor.settings import Settings
from ingestor.worker import Readiness
from ingestor.worker.halt import BOUGHT
from ingestor.worker.rota import LONGEST_PAUSE
from ingestor.worker.suspects import Suspects
from ingestor.worker.turns import Turn, Turns
from ingestor.worker.worker import PROBE_EVERY, Worker
from tests.inline import nothing_aside

pytestmark = pytest.mark.looptime

HOUR = 3600.0
WISH = 2 * HOUR
MIDNIGHT = 86_400.0 * 20_000


class NoJournal:
    async def read(self, _work: object) -> set[str]:
        return set()


class AllGroups:
    """Every name is a group's."""

    async def lookup(self, name: str) -> Group:
        return Group(id=name, name=name)

    async def check_store(self) -> None:
        pass

    async def list_page(self, _group: str, _number: int) -> ListedPage:
        raise NotImplementedError


class FollowedBefore:
    """A journal that has met a group."""

    async def read(self, _work: object) -> set[str]:
        return {"gone"}


class NoGroups(AllGroups):
    """Whatever there was has been taken away, or is told to nobody with our key."""

    def __init__(self, *, reason: str = "group-not-found") -> None:
        self._reason = reason

    async def lookup(self, name: str) -> Group:
        raise Denied("No.", upstream="flickr", reason=self._reason)


class FoundLater(AllGroups):
    """Flickr is away when it is asked for the second time; groups may have an id beside their name."""

    def __init__(self, *, prefix: str = "id of ") -> None:
        self.asked: list[str] = []
        self._prefix = prefix

    async def lookup(self, name: str) -> Group:
        self.asked.append(name)
        if len(self.asked) == 2:
            raise Unavailable("away", upstream="flickr")
        return Group(id=f"{self._prefix}{name}", name=name)


class RefusedTurns:
    """Vision refuses whatever is bought."""

    def __init__(self, error: IngestorError | None = None) -> None:
        self._error = error or Denied("No.", upstream="vision", reason="billing")
        self.looked: list[float] = []
        self.tried: list[float] = []

    async def take(self, _group: Group, *, buying: bool) -> Turn:
        await asyncio.sleep(1.0)
        now = asyncio.get_running_loop().time()
        self.looked.append(now)
        if not buying:
            return Turn(more=False)
        self.tried.append(now)
        return Turn(more=False, error=self._error)


class PoisonedPools:
    """Groups of images that Vision refuses; the others always have something to buy."""

    def __init__(self, *poisoned: str) -> None:
        self._poisoned = poisoned
        self.tried: list[tuple[str, float]] = []

    async def take(self, group: Group, *, buying: bool) -> Turn:
        await asyncio.sleep(10.0)
        if not buying:
            return Turn(more=False)
        self.tried.append((group.name, asyncio.get_running_loop().time()))
        if group.name in self._poisoned:
            refused = RunStopped("Vision refuses every image.", reason="vision-refuses")
            return Turn(more=False, error=refused)
        return Turn(more=False, went_well=BOUGHT)

    def tries(self, name: str) -> int:
        return sum(tried == name for tried, _at in self.tried)

    def forget(self, _group: str) -> None:
        """It remembers nothing."""


class NoRoom:
    """A disk that is full: whoever has something to buy cannot, the others see nothing of it."""

    def __init__(self, listen: Listener) -> None:
        self._listen = listen

    async def take(self, group: Group, *, buying: bool) -> Turn:
        if buying and group.name == "zoo":
            return Turn(more=False, error=RunStopped("The disk is full.", reason="disk-full"))
        self._listen(GroupLooked(group=group.id, total=1, complete=True, unix=0.0, seconds=0.1))
        return Turn(more=False)


class ThrottledOnce:
    """Flickr, which tells the first who looks at a group to come back later."""

    def __init__(self, ask: Politely, *, seconds: float) -> None:
        self.asked: list[float] = []
        self._ask = ask
        self._seconds = seconds

    async def take(self, _group: Group, *, buying: bool) -> Turn:
        await self._ask("flickr", self._look)
        return Turn(more=False)

    async def _look(self) -> None:
        self.asked.append(asyncio.get_running_loop().time())
        if len(self.asked) == 1:
            raise Throttled("slower", upstream="flickr", retry_after=self._seconds)


class ThrottledLookups(AllGroups):
    """Flickr, which tells whoever asks for a group first to come back later."""

    def __init__(self, ask: Politely) -> None:
        self._ask = ask
        self.asked: list[float] = []

    async def lookup(self, name: str) -> Group:
        return await self._ask("flickr", lambda: self._lookup(name))

    async def _lookup(self, name: str) -> Group:
        self.asked.append(asyncio.get_running_loop().time())
        if len(self.asked) == 1:
            raise Throttled("slower", upstream="flickr", retry_after=WISH)
        return await super().lookup(name)


class QuietTurns:
    """Nothing is to be done."""

    def __init__(self) -> None:
        self.looked: set[str] = set()

    async def take(self, group: Group, *, buying: bool) -> Turn:
        self.looked.add(group.name)
        return Turn(more=False)

    def forget(self, _group: str) -> None:
        """Nothing was remembered."""


def a_worker(
    turns: object,
    *,
    lifetime: Lifetime,
    journal: object = None,
    services: object = None,
    listen: Listener = ignore,
    wall: Callable[[], float] = time.time,
    dice: float = 0.5,
    **given: Any,
) -> Worker:
    """With these turns, and a journal that holds nothing unless told; `given` are its settings."""
    worker = Worker(
        Settings.read(**given),
        cast("Journal", journal or NoJournal()),
        cast("Services", services or AllGroups()),
        lifetime=lifetime,
        listen=listen,
        wall=wall,
        dice=lambda: dice,
    )
    worker.turns = cast("Turns", turns)
    return worker


async def work(worker: Worker, lifetime: Lifetime, *, seconds: float) -> None:
    """For so long; then it is told to stop."""
    asyncio.get_running_loop().call_later(seconds, lifetime.stop, "SIGTERM")
    await worker.work()
    lifetime.close()


def halts_of(told: list[Event]) -> list[float]:
    """For how many seconds buying was said to halt."""
    return [event.seconds for event in told if isinstance(event, BuyingHalted)]


@pytest.mark.parametrize("every", [60.0, 900.0, 6 * HOUR])
@pytest.mark.parametrize("dice", [0.0, 0.5, 1.0])
async def test_a_refusal_is_asked_about_every_quarter_of_an_hour(every: float, dice: float):
    lifetime, turns = Lifetime(drain=8.0), RefusedTurns()
    worker = a_worker(turns, lifetime=lifetime, dice=dice, groups=("zoo",), every=every)

    await work(worker, lifetime, seconds=4 * HOUR)

    pauses = [later - earlier for earlier, later in zip(turns.tried, turns.tried[1:], strict=False)]
    assert len(turns.tried) == 4 * HOUR // PROBE_EVERY
    assert max(pauses) < PROBE_EVERY + 5
    assert len(turns.looked) >= 0.9 * 4 * HOUR / min(every, PROBE_EVERY)


async def test_a_quota_of_the_day_that_is_used_up_is_asked_about_by_one_group():
    lifetime = Lifetime(drain=8.0)
    turns = RefusedTurns(RunStopped("Per day.", reason="daily-quota"))
    worker = a_worker(
        turns, lifetime=lifetime, groups=tuple(f"g{number}" for number in range(50)), every=900.0
    )

    await work(worker, lifetime, seconds=4 * HOUR)

    assert len(turns.tried) == 4 * HOUR // PROBE_EVERY


async def test_a_ceiling_that_is_met_after_midnight_was_that_of_the_day_before():
    lifetime, told = Lifetime(drain=8.0), list[Event]()
    turns = RefusedTurns(RunStopped("All spent.", reason="max-units-per-day"))
    worker = a_worker(
        turns,
        lifetime=lifetime,
        listen=told.append,
        wall=lambda: MIDNIGHT - 0.5 + lifetime.clock(),
        groups=("zoo",),
        every=900.0,
    )

    await work(worker, lifetime, seconds=4 * HOUR)

    assert turns.tried == [1.0, 902.0]
    assert halts_of(told)[0] == 0.0


async def test_a_ceiling_that_is_met_after_the_clock_was_set_back_is_that_of_the_day_it_is_now():
    """The turn began, by the clock that was ahead, on the next day."""
    lifetime, told = Lifetime(drain=8.0), list[Event]()
    turns = RefusedTurns(RunStopped("All spent.", reason="max-units-per-day"))

    def wall() -> float:
        ahead = 24 * HOUR if lifetime.clock() < 0.5 else 0.0
        return MIDNIGHT - HOUR + lifetime.clock() + ahead

    worker = a_worker(turns, lifetime=lifetime, listen=told.append, wall=wall, groups=("zoo",))

    await work(worker, lifetime, seconds=0.5 * HOUR)

    assert halts_of(told) == [HOUR - 1.0]


@pytest.mark.parametrize("reason", ["daily-quota", "throttled"])
async def test_nobody_is_told_to_start_what_goes_on_by_itself(reason: str):
    lifetime, said = Lifetime(drain=8.0), list[Event]()
    stopped = RunStopped("Too fast.", reason=reason, then="Run the same command again later.")
    turns = RefusedTurns(stopped)
    worker = a_worker(turns, lifetime=lifetime, listen=said.append, groups=("zoo",), every=900.0)

    await work(worker, lifetime, seconds=HOUR)

    assert str(stopped) == "Too fast. Run the same command again later."
    told = {event.message for event in said if isinstance(event, BuyingHalted | GroupFailed)}
    assert told == {"Too fast."}


@pytest.mark.parametrize(
    "poisoned", [("zoo",), ("zoo", "farm"), ("zoo", "farm", "barn")], ids=["one", "two", "three"]
)
async def test_groups_whose_images_vision_refuses_keep_no_other_from_buying(
    poisoned: tuple[str, ...],
):
    lifetime, turns = Lifetime(drain=8.0), PoisonedPools(*poisoned)
    worker = a_worker(turns, lifetime=lifetime, groups=(*poisoned, "ark", "aviary"), every=900.0)

    await work(worker, lifetime, seconds=24 * HOUR)

    assert min(turns.tries("ark"), turns.tries("aviary")) > 0.9 * 24 * HOUR / 900
    assert max(map(turns.tries, poisoned)) < 2 * 24


async def test_who_was_refused_while_others_bought_is_taken_for_vision_by_nobody():
    suspects = Suspects()
    suspects.refused("zoo", now=0.0)
    suspects.bought("aviary")

    again = suspects.refused("zoo", now=HOUR)
    first, second = (suspects.refused(name, now=HOUR) for name in ("farm", "barn"))

    assert (again, first, second) == (False, False, True)


async def test_whose_images_are_taken_again_is_believed_again():
    suspects = Suspects()
    suspects.refused("zoo", now=0.0)
    suspects.bought("aviary")
    suspects.bought("zoo")

    first, second = (suspects.refused(name, now=HOUR) for name in ("zoo", "farm"))

    assert (first, second) == (False, True)


async def test_whose_own_images_were_to_blame_is_no_witness():
    suspects = Suspects()
    suspects.refused("zoo", now=0.0)
    suspects.bought("aviary")
    for name in ("farm", "barn"):
        suspects.refused(name, now=HOUR)

    assert not suspects.may_witness("zoo", now=HOUR)
    assert suspects.may_witness("ark", now=HOUR)


async def test_who_was_taken_off_the_list_is_heard_when_it_comes_back():
    suspects = Suspects()
    suspects.refused("zoo", now=0.0)
    suspects.bought("aviary")

    suspects.forget("zoo")

    assert suspects.may_witness("zoo", now=HOUR)


async def test_who_was_taken_off_the_list_makes_no_second_for_the_next(tmp_path: Path):
    """Of one group alone it is its images: of no other is anything known."""
    names, said, lifetime = tmp_path / "groups.txt", list[Event](), Lifetime(drain=8.0)
    names.write_text("zoo\n")
    turns = PoisonedPools("zoo", "farm")
    worker = a_worker(turns, lifetime=lifetime, listen=said.append, groups_file=names, every=900.0)
    asyncio.get_running_loop().call_later(HOUR, names.write_text, "farm\n")

    with nothing_aside():
        await work(worker, lifetime, seconds=2 * HOUR)

    assert turns.tries("farm") > 0
    assert not [event for event in said if isinstance(event, BuyingHalted)]


async def test_a_vision_that_refuses_every_groups_images_is_asked_by_few():
    names = tuple(f"g{number}" for number in range(50))
    lifetime, turns = Lifetime(drain=8.0), PoisonedPools(*names)
    worker = a_worker(turns, lifetime=lifetime, groups=names, every=900.0)

    await work(worker, lifetime, seconds=4 * HOUR)

    assert len(turns.tried) <= 2 * (4 * HOUR / PROBE_EVERY + 1)


async def test_a_disk_that_is_full_is_told_as_long_as_nothing_is_bought_for_it():
    lifetime, told = Lifetime(drain=8.0), list[str]()
    readiness = Readiness(every=900.0, lifetime=lifetime)
    turns = NoRoom(readiness.listen)
    worker = a_worker(
        turns, lifetime=lifetime, listen=readiness.listen, groups=("aviary", "zoo"), every=900.0
    )
    for at in range(60, 4 * 3600, 60):
        asyncio.get_running_loop().call_later(at, lambda: told.append(readiness.why_not()))

    await work(worker, lifetime, seconds=4 * HOUR)

    assert set(told) == {"nothing is bought: The disk is full."}


async def test_who_wishes_to_be_left_alone_is_asked_by_no_group_before():
    lifetime = Lifetime(drain=8.0)
    politely = Politely(lifetime=lifetime, patience=HOUR, listen=ignore, flickr_calls_per_hour=3600)
    turns = ThrottledOnce(politely, seconds=WISH)
    worker = a_worker(
        turns, lifetime=lifetime, groups=tuple(f"g{number}" for number in range(20)), every=900.0
    )

    await work(worker, lifetime, seconds=WISH + 2 * HOUR)

    first, second = turns.asked[:2]
    assert WISH <= second - first < WISH + LONGEST_PAUSE / 2
    assert len(turns.asked) > 20


async def test_a_key_that_is_refused_at_the_start_is_told_at_once_whatever_was_followed():
    lifetime = Lifetime(drain=8.0)
    worker = a_worker(
        QuietTurns(),
        lifetime=lifetime,
        journal=FollowedBefore(),
        services=NoGroups(reason="api-key"),
        groups=("zoo",),
    )

    with pytest.raises(Denied):
        async with asyncio.timeout(60.0):
            await worker.work()

    lifetime.close()


async def test_a_group_that_was_never_found_is_dropped_by_the_name_it_failed_under(tmp_path: Path):
    names, said, lifetime = tmp_path / "groups.txt", list[Event](), Lifetime(drain=8.0)
    names.write_text("gone\n")
    worker = a_worker(
        QuietTurns(),
        lifetime=lifetime,
        journal=FollowedBefore(),
        services=NoGroups(),
        listen=said.append,
        groups_file=names,
    )
    asyncio.get_running_loop().call_later(HOUR, names.write_text, "# none\n")

    with nothing_aside():
        await work(worker, lifetime, seconds=2 * HOUR)

    told = [event for event in said if isinstance(event, GroupFailed | GroupDropped)]
    assert [(type(event), event.group) for event in told] == [
        (GroupFailed, "gone"),
        (GroupDropped, "gone"),
    ]


@pytest.mark.parametrize(
    ("prefix", "dropped"), [("id of ", [(GroupDropped, "farm")]), ("", [])], ids=["alias", "id"]
)
async def test_a_group_that_is_found_after_all_leaves_the_name_it_failed_under(
    tmp_path: Path, prefix: str, dropped: list[tuple[type[Event], str]]
):
    names, said, lifetime = tmp_path / "groups.txt", list[Event](), Lifetime(drain=8.0)
    names.write_text("zoo\n")
    worker = a_worker(
        QuietTurns(),
        lifetime=lifetime,
        services=FoundLater(prefix=prefix),
        listen=said.append,
        groups_file=names,
    )
    asyncio.get_running_loop().call_later(60.0, names.write_text, "zoo\nfarm\n")

    with nothing_aside():
        await work(worker, lifetime, seconds=HOUR)

    told = [event for event in said if isinstance(event, GroupFailed | GroupDropped)]
    assert [(type(event), event.group) for event in told] == [(GroupFailed, "farm"), *dropped]


async def test_a_group_that_is_named_anew_is_looked_up_anew(tmp_path: Path):
    """Off the list while it could not be found, on it again, off it once it was found, and on it again."""
    names, said, lifetime = tmp_path / "groups.txt", list[Event](), Lifetime(drain=8.0)
    names.write_text("zoo\n")
    services = FoundLater()
    worker = a_worker(
        QuietTurns(),
        lifetime=lifetime,
        services=services,
        listen=said.append,
        groups_file=names,
    )
    # The size of a file tells as well that it has changed.
    for at, text in enumerate(
        ("zoo\nfarm\n", "zoo\n#\n", "zoo\nfarm\n", "zoo\n#\n", "zoo\nfarm\n")
    ):
        asyncio.get_running_loop().call_later(30.0 * (at + 1), names.write_text, text)

    with nothing_aside():
        await work(worker, lifetime, seconds=HOUR)

    dropped = [event.group for event in said if isinstance(event, GroupDropped)]
    assert dropped == ["farm", "id of farm"]
    assert services.asked == ["zoo", "farm", "farm", "farm"]


class Renaming(AllGroups):
    """Gives the group another name every time that it is asked, and is away when it is asked for the third."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, float]] = []

    async def lookup(self, name: str) -> Group:
        self.asked.append((name, asyncio.get_running_loop().time()))
        if len(self.asked) == 3:
            raise RunStopped("Flickr is away.", reason="flickr")
        return Group(id="1@N20", name=f"Zoo {len(self.asked)}")


async def test_a_group_that_was_renamed_has_its_new_name_within_a_day():
    """It is asked for by its id, for somebody else may have taken its address; and followed if nobody answers."""
    lifetime, turns, services = Lifetime(drain=8.0), QuietTurns(), Renaming()
    worker = a_worker(turns, lifetime=lifetime, services=services, groups=("zoo",), every=HOUR)
    asyncio.get_running_loop().call_later(80 * HOUR, lifetime.stop, "SIGTERM")

    await worker.work()

    lifetime.close()
    assert turns.looked == {"Zoo 1", "Zoo 2", "Zoo 4"}
    assert [name for name, _at in services.asked] == ["zoo", "1@N20", "1@N20", "1@N20"]
    times = [at for _name, at in services.asked]
    assert all(24 * HOUR <= later - at <= 25 * HOUR for at, later in pairwise(times))


async def test_who_wishes_to_be_left_alone_at_the_start_is_waited_for():
    lifetime, turns = Lifetime(drain=8.0), QuietTurns()
    services = ThrottledLookups(
        Politely(lifetime=lifetime, patience=HOUR, listen=ignore, flickr_calls_per_hour=3600)
    )
    worker = a_worker(
        turns, lifetime=lifetime, services=services, groups=("zoo", "aviary"), every=900.0
    )

    await work(worker, lifetime, seconds=2 * WISH)

    assert turns.looked == {"zoo", "aviary"}
    assert services.asked[1] >= WISH


@pytest.mark.looptime(False)
async def test_a_stop_is_heard_while_the_file_of_groups_is_not_to_be_had(tmp_path: Path):
    lifetime, file, silent = Lifetime(drain=8.0), tmp_path / "groups", tmp_path / "silent"
    file.write_text("zoo")
    os.mkfifo(silent)
    worker = a_worker(QuietTurns(), lifetime=lifetime, groups_file=file, every=0.01)
    loop = asyncio.get_running_loop()
    loop.call_later(0.1, silent.replace, file)
    loop.call_later(0.3, lifetime.stop, "SIGTERM")

    async with asyncio.timeout(5.0):
        await worker.work()

    lifetime.close()
