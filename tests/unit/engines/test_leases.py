"""One buyer for each group: who comes second is told, who loses stops, who is frozen waits."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from ingestor import events
from ingestor.apis.rtdb import NOTHING, Conflict
from ingestor.apis.vision import PAID_DEADLINE
from ingestor.engines.leases import LASTING, MARGIN, MOST_REFUSALS, Leases, Seen
from ingestor.errors import Rejected, RunStopped
from ingestor.journal import claims
from ingestor.journal.writer import Journal
from ingestor.kits.lifetime import Lifetime, Stopping
from ingestor.records.leases import SKEW
from tests.inline import Inline

pytestmark = pytest.mark.looptime

WALL = 1_790_000_000.0
ZOO = {"1@N00": "Zoo"}
PATH = "leases/1@N00"


class Place:
    """A database in a dictionary: the version of a value is how often it was written."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}
        self.versions: dict[str, int] = {}
        self.resend = False
        self.meanwhile: Callable[[], object] = lambda: None
        self.seconds = 0.0
        """What a write takes."""
        self.rejections = 0

    async def read_with_etag(self, path: str) -> tuple[Any, str]:
        if self.rejections:
            self.rejections -= 1
            raise Rejected("not so", upstream="database")
        return self.values.get(path), self._etag(path)

    async def write_if(self, path: str, value: Any, *, etag: str) -> Conflict | None:
        self.meanwhile()
        await asyncio.sleep(self.seconds)
        if self._etag(path) != etag:
            return Conflict(value=self.values.get(path), etag=self._etag(path))
        self.put(path, value)
        # The answer was lost, and the client sent the same again by itself.
        return Conflict(value=value, etag=self._etag(path)) if self.resend else None

    def put(self, path: str, value: Any) -> None:
        self.values[path] = value
        self.versions[path] = self.versions.get(path, 0) + 1

    def _etag(self, path: str) -> str:
        return str(self.versions[path]) if path in self.versions else NOTHING


@pytest.fixture
def place() -> Place:
    return Place()


@pytest.fixture
def open_machine(place: Place, tmp_path: Path) -> Callable[..., Any]:
    """`async with machine("a") as new_run`, then `new_run("run-1")` are leases; a journal each."""

    @asynccontextmanager
    async def machine(name: str, *, place_of: str = "") -> AsyncIterator[Callable[..., Leases]]:
        """`place_of`: the machine whose disk this one's is a clone of, with all its inodes."""
        async with Journal(tmp_path / name / "journal.sqlite3", thread=Inline()) as journal:
            if place_of:
                journal.place = str((tmp_path / place_of / "lock").stat().st_ino)

            def new_run(run: str, **given: Any) -> Leases:
                clock = asyncio.get_running_loop().time
                parts: dict[str, Any] = {
                    "database": place,
                    "journal": journal,
                    "owner": f"{run}@{name}",
                    "groups": ZOO,
                    "wait": False,
                    "lifetime": Lifetime(drain=8.0),
                    "wall": lambda: WALL + clock(),
                }
                return Leases(**parts | given)

            yield new_run

    return machine


async def hold_briefly(leases: Leases) -> None:
    async with leases.held():
        pass


def copy_journal(state: Path, *, to: Path) -> None:
    to.mkdir()
    with closing(sqlite3.connect(state / "journal.sqlite3")) as journal:
        journal.execute("VACUUM INTO ?", (str(to / "journal.sqlite3"),))


async def test_the_second_machine_is_told_who_works(open_machine, place: Place):
    async with open_machine("a") as a, open_machine("b") as b, a("run-1").held():
        with pytest.raises(
            RunStopped, match="Zoo is being worked on by run-1@a, since 2026"
        ) as told:
            await hold_briefly(b("run-2"))

    assert told.value.reason == "lease"


async def test_a_machine_that_was_suspended_looks_before_it_buys(open_machine, place: Place):
    """While it is, its loop's clock stands still; others go by the wall's."""
    asleep = 0.0
    loop = asyncio.get_running_loop()
    lifetime = Lifetime(drain=8.0)
    async with open_machine("a") as a, open_machine("b") as b:
        first = a("run-1", lifetime=lifetime, wall=lambda: WALL + loop.time() + asleep)
        async with first.held():
            assert first.safe
            asleep = 2 * LASTING
            second = b("run-2", wall=lambda: WALL + loop.time() + asleep)
            async with second.held():
                assert (second.safe, first.safe) == (True, False)
                with pytest.raises((RunStopped, Stopping)):
                    await first.ready()

    assert lifetime.reason == "lease-lost"
    assert loop.time() < LASTING / 3


async def test_a_lease_given_back_is_free_at_once(open_machine, place: Place):
    async with open_machine("a") as a, open_machine("b") as b:
        await hold_briefly(a("run-1"))
        second = b("run-2")
        async with second.held():
            assert (second.epoch, second.safe, second.others_worked) == (2, True, True)


@pytest.mark.parametrize("seconds", [100, 3 * LASTING], ids=["soon", "after many renewals"])
async def test_who_waits_gets_it_when_it_is_given_back(open_machine, place: Place, seconds: float):
    told: list[events.Event] = []

    async def work() -> None:
        async with a("run-1").held():
            await asyncio.sleep(seconds)

    async with open_machine("a") as a, open_machine("b") as b:
        working = asyncio.create_task(work(), name="work")
        await asyncio.sleep(1)
        async with b("run-2", wait=True, listen=told.append).held():
            assert seconds <= asyncio.get_running_loop().time() <= seconds + 11
        await working

    awaited = [event for event in told if isinstance(event, events.LeaseAwaited)]
    assert {event.owner for event in awaited} == {"run-1@a"}


async def test_who_waits_for_one_group_keeps_the_others(open_machine, place: Place):
    both = {**ZOO, "2@N00": "Safari"}
    lifetime = Lifetime(drain=8.0)

    async def work() -> None:
        async with b("run-1", groups={"2@N00": "Safari"}).held():
            await asyncio.sleep(3 * LASTING)

    async def wait() -> None:
        async with a("run-2", groups=both, wait=True, lifetime=lifetime).held():
            await asyncio.sleep(LASTING)

    async with open_machine("a") as a, open_machine("b") as b, open_machine("c") as c:
        working = asyncio.create_task(work(), name="work")
        await asyncio.sleep(1)
        waiting = asyncio.create_task(wait(), name="wait")
        await asyncio.sleep(2 * LASTING)

        with pytest.raises(RunStopped, match="run-2@a"):
            await hold_briefly(c("run-3"))
        await asyncio.gather(working, waiting)

    assert lifetime.reason is None


async def test_who_loses_a_group_while_waiting_for_another_is_told(open_machine, place: Place):
    both = {**ZOO, "2@N00": "Safari"}
    lifetime = Lifetime(drain=8.0)

    async with open_machine("a") as a, open_machine("b") as b:

        async def wait() -> None:
            await hold_briefly(a("run-2", groups=both, wait=True, lifetime=lifetime))

        async with b("run-1", groups={"2@N00": "Safari"}).held():
            waiting = asyncio.create_task(wait(), name="wait")
            await asyncio.sleep(1)
            place.put(PATH, {"owner": "run-3@c", "epoch": 9, "until": WALL + 9000})

            with pytest.raises(RunStopped, match="lost to somebody else") as told:
                await waiting

    assert told.value.reason == "lease-lost"


async def test_a_dead_machine_is_followed_when_its_lease_has_ended(open_machine, place: Place):
    place.put(PATH, {"owner": "run-1@a", "epoch": 4, "until": WALL - SKEW - 1})

    async with open_machine("b") as b:
        second = b("run-2")
        async with second.held():
            assert (second.epoch, second.others_worked) == (5, True)


async def test_that_others_worked_is_not_forgotten_by_who_is_killed_over_it(
    open_machine, place: Place
):
    place.put(PATH, {"owner": "run-1@a", "epoch": 4, "until": 0.0})

    async with open_machine("b") as b:
        killed = b("run-2")
        await killed._take_all()

        async with b("run-3").held():
            asks = partial(claims.suspected, groups=ZOO)
            assert await killed._journal.read(asks)


async def test_a_lease_that_has_just_ended_may_live_by_its_holders_clock(
    open_machine, place: Place
):
    place.put(PATH, {"owner": "run-1@a", "epoch": 4, "until": WALL - SKEW + 1})

    async with open_machine("b") as b:
        with pytest.raises(RunStopped, match="run-1@a"):
            await hold_briefly(b("run-2"))


async def test_whose_clock_is_ages_ahead_is_followed_when_it_stands_still(
    open_machine, place: Place
):
    place.put(PATH, {"owner": "run-1@a", "epoch": 4, "until": WALL + 1_000_000})

    async with open_machine("b") as b, b("run-2", wait=True).held():
        assert LASTING < asyncio.get_running_loop().time() < LASTING + 20


async def test_who_comes_again_and_again_need_not_wait_for_whose_clock_is_ages_ahead(
    open_machine, place: Place
):
    """A worker gives its turn up each time, and a lease that nobody renews is nobody's."""
    place.put(PATH, {"owner": "run-1@a", "epoch": 4, "until": WALL + 1_000_000})
    seen: Seen = {}

    async with open_machine("b") as b:
        for run in ("run-2", "run-3"):
            with pytest.raises(RunStopped, match="run-1@a"):
                await hold_briefly(b(run, seen=seen))
            await asyncio.sleep(LASTING / 2 + 1)

        third = b("run-4", seen=seen)
        async with third.held():
            assert (third.epoch, third.others_worked) == (5, True)


async def test_what_is_renewed_between_two_looks_is_left_alone(open_machine, place: Place):
    seen: Seen = {}

    async with open_machine("a") as a, open_machine("b") as b, a("run-1").held():
        for run in ("run-2", "run-3"):
            with pytest.raises(RunStopped, match="run-1@a"):
                await hold_briefly(b(run, seen=seen))
            await asyncio.sleep(2 * LASTING)


async def test_what_a_dead_run_of_this_journal_held_is_ours_at_once(open_machine, place: Place):
    async with open_machine("a") as a:
        dead = a("run-1")
        await dead._take_all()

        again = a("run-2")
        async with again.held():
            assert (again.epoch, again.others_worked) == (2, False)


async def test_what_a_dead_run_of_this_journal_had_renewed_is_ours_at_once(
    open_machine, place: Place
):
    """To the very millisecond."""
    clock = asyncio.get_running_loop().time
    async with open_machine("a") as a:
        dead = a("run-1", wall=lambda: WALL + 0.0006 + clock())
        await dead._take_all()
        await asyncio.sleep(LASTING / 3)
        await dead._renew("1@N00", dead._held["1@N00"])

        again = a("run-2")
        async with again.held():
            assert (again.epoch, again.others_worked) == (2, False)


async def test_a_copy_of_the_state_directory_is_another_machine(
    open_machine, place: Place, tmp_path: Path
):
    async with open_machine("a") as a:
        await hold_briefly(a("run-1"))
        (tmp_path / "b").mkdir()
        (tmp_path / "b" / "journal.sqlite3").write_bytes(
            (tmp_path / "a" / "journal.sqlite3").read_bytes()
        )
        async with open_machine("b") as b, a("run-2").held():
            with pytest.raises(RunStopped, match="run-2@a"):
                await hold_briefly(b("run-3"))


async def test_a_copy_that_is_made_while_a_run_lives_does_not_take_its_lease(
    open_machine, place: Place, tmp_path: Path
):
    async with open_machine("a") as a, a("run-1").held():
        copy_journal(tmp_path / "a", to=tmp_path / "b")
        async with open_machine("b") as b:
            with pytest.raises(RunStopped, match="run-1@a"):
                await hold_briefly(b("run-2"))


async def test_a_clone_of_the_whole_disk_takes_no_lease_that_was_renewed_since(
    open_machine, place: Place, tmp_path: Path
):
    """Nothing on it is another one's, and yet the run lives on."""
    async with open_machine("a") as a, a("run-1").held():
        copy_journal(tmp_path / "a", to=tmp_path / "b")
        await asyncio.sleep(LASTING / 2)
        async with open_machine("b", place_of="a") as b:
            with pytest.raises(RunStopped, match="run-1@a"):
                await hold_briefly(b("run-2"))


async def test_a_state_directory_that_was_moved_after_its_run_goes_on_as_before(
    open_machine, place: Place, tmp_path: Path
):
    async with open_machine("a") as a:
        await hold_briefly(a("run-1"))
        copy_journal(tmp_path / "a", to=tmp_path / "b")

    async with open_machine("b") as b:
        moved = b("run-2")
        async with moved.held():
            assert (moved.epoch, moved.others_worked) == (2, False)


async def test_a_write_that_was_sent_twice_is_ours(open_machine, place: Place):
    place.resend = True

    async with open_machine("a") as a, a("run-1").held():
        await asyncio.sleep(LASTING)

        assert place.values[PATH]["owner"] == "run-1@a"


async def test_of_two_who_take_it_together_one_is_told(open_machine, place: Place):
    theirs = {"owner": "run-2@b", "epoch": 1, "since": WALL, "until": WALL + LASTING}

    def overtake() -> None:
        place.meanwhile = lambda: None
        place.put(PATH, theirs)

    place.meanwhile = overtake

    async with open_machine("a") as a:
        with pytest.raises(RunStopped, match="run-2@b"):
            await hold_briefly(a("run-1"))
    assert place.values[PATH] == theirs


async def test_a_lease_is_renewed_for_as_long_as_it_is_held(open_machine, place: Place):
    async with open_machine("a") as a:
        mine = a("run-1")
        async with mine.held():
            for _ in range(50):
                await asyncio.sleep(LASTING / 7)
                assert mine.safe
                assert place.values[PATH]["until"] > WALL + asyncio.get_running_loop().time()

    assert mine.epoch == 1


async def test_since_when_somebody_works_is_told_through_all_renewals(open_machine, place: Place):
    async with open_machine("a") as a, a("run-1").held():
        await asyncio.sleep(2 * LASTING)

        assert place.values[PATH]["since"] == WALL


async def test_a_lease_counts_from_before_it_was_written(open_machine, place: Place):
    place.seconds = 30.0
    async with open_machine("a") as a:
        leases = a("run-1")
        async with leases.held():
            place.seconds = LASTING  # no renewal comes through
            await asyncio.sleep(LASTING - PAID_DEADLINE - MARGIN - 31)
            before = leases.safe
            await asyncio.sleep(2)

            assert (before, leases.safe) == (True, False)


@pytest.mark.parametrize("times", range(MOST_REFUSALS))
async def test_a_rejection_that_passes_is_not_believed(open_machine, place: Place, times: int):
    place.rejections = times

    async with open_machine("a") as a, a("run-1").held():
        assert place.values[PATH]["owner"] == "run-1@a"


async def test_a_rejection_that_lasts_is_believed(open_machine, place: Place):
    place.rejections = MOST_REFUSALS

    async with open_machine("a") as a:
        with pytest.raises(Rejected):
            await hold_briefly(a("run-1"))


@pytest.mark.parametrize(
    "theirs",
    [
        pytest.param({"owner": "run-2@b", "epoch": 2, "until": WALL + 9000}, id="taken"),
        pytest.param(None, id="deleted"),
    ],
)
async def test_a_lost_lease_stops_the_run(open_machine, place: Place, theirs: Any):
    lifetime = Lifetime(drain=8.0)

    async with open_machine("a") as a:
        mine = a("run-1", lifetime=lifetime)
        async with mine.held():
            place.put(PATH, theirs)
            await asyncio.sleep(LASTING / 3 + 1)

            assert (lifetime.reason, mine.safe) == ("lease-lost", False)
            with pytest.raises(Stopping):
                await mine.ready()
    lifetime.close()
    assert place.values[PATH] == theirs


async def test_nothing_is_safe_to_buy_when_it_cannot_end_in_time(open_machine, place: Place):
    async with open_machine("a") as a:
        mine = a("run-1")
        await mine._take_all()

        await asyncio.sleep(LASTING - PAID_DEADLINE - MARGIN - 1)
        before = mine.safe
        await asyncio.sleep(1)

        assert (before, mine.safe) == (True, False)
