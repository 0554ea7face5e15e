"""The worker on loopback: turns go by as fast as they can, virtual days by a wall clock of our own."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from ingestor import events
from ingestor.engines.following import follow_one
from ingestor.engines.local import carry_out
from ingestor.errors import Denied, IngestorError, JournalError, RunStopped, SettingsError
from ingestor.journal import listing, results, runs
from ingestor.journal.writer import Journal
from ingestor.kits.lifetime import Lifetime
from ingestor.sandbox.server import Sandbox
from ingestor.services import ListedPage, open_services
from ingestor.worker import Worker
from ingestor.worker.looking import ListPage
from tests.integration.conftest import in_database, settings_for

ZOO = "1000001@N20"
AVIARY = "1000003@N22"
HOUR = 3600.0
PHOTOS = 120
"""Of the zoo."""
THREE_PAGES = 1100
"""Photos of the aviary: enough for it to move while it is read."""


class NoRoom(Journal):
    """Its disk is full, and stays so: what was paid for is written into the room that was kept."""

    async def find_room(self) -> None:
        self.full = "The disk is full."


@dataclass
class Site:
    """A worker that stops when `until` says so, with everything it told."""

    sandbox: Sandbox
    state: Path
    told: list[events.Event] = field(default_factory=list)
    now: float = 1_800_000_000.0
    open_journal: Callable[[Path], Journal] = Journal

    async def work(
        self,
        until: Callable[[events.Event], bool],
        tick: Callable[[events.Event], object] = lambda event: None,
        *,
        refused: IngestorError | None = None,
        passed_over: int = 0,
        **given: Any,
    ) -> Worker:
        """`passed_over`: the page of which no photo is of use."""
        settings = settings_for(self.sandbox, self.state, every=0.02, recheck=12 * HOUR, **given)
        lifetime = Lifetime(drain=8.0)

        def listen(event: events.Event) -> None:
            self.told.append(event)
            tick(event)
            if until(event):
                lifetime.stop("SIGTERM")

        async with (
            self.open_journal(settings.journal_path) as journal,
            open_services(settings, lifetime=lifetime, listen=listen) as services,
        ):
            worker = Worker(
                settings,
                journal,
                replace(services, list_page=without(passed_over, services.list_page)),
                lifetime=lifetime,
                listen=listen,
                wall=lambda: self.now,
                dice=lambda: 0.5,
            )
            if refused:
                worker.halt.refused(refused, seconds=0.0)
            await worker.work()
            self.states = await journal.read(runs.photos_by_state)
        lifetime.close()
        return worker

    def of(self, kind: type[events.Event]) -> list[Any]:
        return [event for event in self.told if isinstance(event, kind)]


def without(number: int, list_page: ListPage) -> ListPage:
    """Pages, of which one comes without rows."""

    async def listed(group: str, asked: int) -> ListedPage:
        page = await list_page(group, asked)
        return replace(page, rows=()) if asked == number else page

    return listed


@pytest.fixture
def zoo_photos() -> int:
    return PHOTOS


@pytest.fixture
async def site(sandbox: Sandbox, state: Path) -> Site:
    return Site(sandbox, state)


def looks(number: int) -> Callable[[events.Event], bool]:
    """After so many looks."""
    seen = 0

    def until(event: events.Event) -> bool:
        nonlocal seen
        seen += isinstance(event, events.GroupLooked)
        return seen >= number

    return until


def halted_or_looked(number: int) -> Callable[[events.Event], bool]:
    """As soon as nothing may be bought any more, or after so many looks."""
    enough = looks(number)
    return lambda event: isinstance(event, events.BuyingHalted) or enough(event)


async def test_what_arrives_between_two_looks_is_bought_and_nothing_else(site: Site):
    await site.work(looks(1))
    site.sandbox.world.arrive(ZOO, count=7)
    site.sandbox.calls.clear()

    await site.work(looks(2))

    assert len(in_database(site.sandbox, "/photos")) == PHOTOS + 7
    assert site.sandbox.bill.units == PHOTOS + 7
    assert site.sandbox.bill.most_for_one_image() == 1


async def test_an_idle_look_is_one_call(site: Site):
    await site.work(looks(1))
    site.sandbox.calls.clear()

    await site.work(looks(5))

    # It looks the group up, and checks the store, once.
    assert site.sandbox.calls.total("flickr") == 5 + 1
    assert site.sandbox.calls.total("database") == 1


@pytest.mark.parametrize("zoo_photos", [501])
async def test_a_page_that_stays_of_no_use_costs_no_run_at_each_look(site: Site):
    """Nor does it keep what arrives from being bought."""

    def arrive(event: events.Event) -> None:
        if isinstance(event, events.GroupLooked) and len(site.of(events.GroupLooked)) == 5:
            site.sandbox.world.arrive(ZOO, count=3)

    await site.work(looks(9), arrive, passed_over=2)

    # One that brings all the others, one that gets no further, and one for what has arrived.
    assert len(site.of(events.RunStarted)) == 3
    assert site.sandbox.bill.units == 500 + 3


@pytest.mark.parametrize("zoo_photos", [501])
async def test_a_group_that_is_named_anew_has_a_run_at_once(site: Site, tmp_path: Path):
    """Though the last one was in vain: somebody has done something about it."""
    names = tmp_path / "groups.txt"
    names.write_text("zoo\n")

    def name_anew(event: events.Event) -> None:
        if isinstance(event, events.GroupDropped):
            names.write_text("zoo\n\n")
        elif len(zoo_looks()) == 4 and not site.of(events.GroupDropped):
            names.write_text("# none\n")

    def zoo_looks() -> list[Any]:
        return [look for look in site.of(events.GroupLooked) if look.group == ZOO]

    await site.work(
        lambda event: len(zoo_looks()) == 6,
        name_anew,
        passed_over=2,
        groups=("empty",),
        groups_file=names,
    )

    # One that brings all the others, one that gets no further, and one after it was named anew.
    assert [run.groups for run in site.of(events.RunStarted)].count((ZOO,)) == 3


async def test_who_has_nothing_to_buy_hears_as_well_that_the_journal_is_gone(site: Site):
    """It would go on for weeks, with all that it sees in a file that nobody finds."""

    def lose_it(event: events.Event) -> None:
        if isinstance(event, events.GroupLooked) and site.state.exists():
            shutil.rmtree(site.state)

    with pytest.raises(JournalError, match="was moved or deleted while it was in use"):
        await site.work(until=looks(5), tick=lose_it)


async def test_photos_that_left_are_taken_down_and_come_back_for_nothing(site: Site):
    await site.work(looks(1))
    ids = sorted(in_database(site.sandbox, "/photos"))[:3]
    gone = [key.removeprefix("p") for key in ids]
    site.sandbox.world.withdraw(ZOO, ids=gone)
    indexed = str(site.sandbox.database.value("sandbox", "/index")).count(gone[0])

    def pass_time(event: events.Event) -> None:
        site.now += HOUR / 4 if isinstance(event, events.GroupLooked) else 0

    await site.work(lambda event: isinstance(event, events.PhotosWithdrawn), pass_time)

    assert indexed > 0
    assert not set(ids) & set(in_database(site.sandbox, "/photos"))
    assert gone[0] not in str(site.sandbox.database.value("sandbox", "/index"))
    assert site.states == {"stored": PHOTOS - 3, "withdrawn": 3}


async def test_a_photo_that_left_stays_where_another_machine_has_it_in_its_group(site: Site):
    await site.work(looks(1))
    ids = sorted(in_database(site.sandbox, "/photos"))[:2]
    site.sandbox.world.withdraw(ZOO, ids=[key.removeprefix("p") for key in ids])
    site.sandbox.database.put("sandbox", f"/photos/{ids[0]}/groups/9@N99", value=1_700_000_000)

    def pass_time(event: events.Event) -> None:
        site.now += HOUR / 4 if isinstance(event, events.GroupLooked) else 0

    await site.work(lambda event: isinstance(event, events.PhotosWithdrawn), pass_time)

    assert set(in_database(site.sandbox, f"/photos/{ids[0]}/groups")) == {"9@N99"}
    assert ids[0].removeprefix("p") in str(site.sandbox.database.value("sandbox", "/index"))
    assert ids[1] not in in_database(site.sandbox, "/photos")


async def test_one_odd_answer_takes_nothing_down(site: Site):
    await site.work(looks(1))
    site.sandbox.world.withdraw(ZOO, ids=[in_order(site)[0]])
    await site.work(looks(1))
    site.sandbox.world.reset()
    site.now += HOUR

    await site.work(looks(2))

    assert not site.of(events.PhotosWithdrawn)
    assert site.states == {"stored": PHOTOS}


def in_order(site: Site) -> list[str]:
    return list(site.sandbox.world.pools[ZOO].now())


@pytest.mark.parametrize(
    ("ceiling", "until_the_next"),
    [("max_units_per_day", 24 * HOUR), ("max_units_per_month", 31 * 24 * HOUR)],
    ids=["day", "month"],
)
async def test_a_ceiling_ends_with_its_day_or_month(
    site: Site, ceiling: str, until_the_next: float
):
    given: dict[str, Any] = {ceiling: 50}
    bought = []

    for passes in (0, until_the_next / 2, until_the_next / 2):
        site.now += passes
        await site.work(halted_or_looked(3), **given)
        bought.append(site.sandbox.bill.units)

    assert bought == [50, 50, 100]


async def test_credentials_that_are_refused_halt_the_buying_and_not_the_worker(site: Site):
    site.sandbox.disabled_keys.add(site.sandbox.addresses.google_key)

    worker = await site.work(looks(1))

    (halted,) = site.of(events.BuyingHalted)
    assert worker.halt.reason == halted.reason
    assert site.sandbox.bill.units == 0


async def test_a_refusal_by_vision_is_over_when_something_is_bought(site: Site):
    no_billing = Denied("No.", upstream="vision", reason="billing")

    await site.work(looks(3), refused=no_billing)
    await site.work(looks(3), refused=no_billing)

    # The second worker has nothing to buy.
    assert [event.reason for event in site.of(events.BuyingResumed)] == ["billing"]


async def test_a_full_disk_is_not_over_because_something_is_published(site: Site):
    """For that no room is needed that was kept for what is paid for."""
    await site.work(looks(1))
    async with Journal(site.state / "journal.sqlite3") as journal:
        await journal.write(results.publish_again)
    site.open_journal = NoRoom

    await site.work(looks(2), refused=RunStopped("The disk is full.", reason="disk-full"))

    assert site.states == {"stored": PHOTOS}
    assert site.of(events.BuyingResumed) == []


async def test_a_group_that_is_not_there_at_the_start_is_a_wrong_setting(site: Site):
    with pytest.raises(Denied, match="group"):
        await site.work(looks(1), groups=("nobody-knows-it",))


@pytest.mark.parametrize(
    ("group", "reason"), [("secret", "group-private"), ("nobody-knows-it", "group-not-found")]
)
async def test_a_group_that_is_closed_or_gone_is_told_and_the_others_go_on(
    site: Site, group: str, reason: str
):
    await site.work(looks(1), groups=(group, "zoo"))

    (lost,) = site.of(events.GroupFailed)
    assert lost.reason == reason
    assert site.sandbox.bill.units == PHOTOS


async def test_the_only_group_may_have_gone_since_it_was_followed_last(site: Site):
    await site.work(looks(1))

    await site.work(
        lambda event: isinstance(event, events.GroupFailed), groups=("nobody-knows-it",)
    )

    assert [event.reason for event in site.of(events.GroupFailed)] == ["group-not-found"]


async def test_a_line_that_names_no_group_is_told_and_left_out(site: Site, tmp_path: Path):
    names = tmp_path / "groups.txt"
    names.write_text("https://example.com/x\nzoo\n")

    await site.work(looks(1), groups=(), groups_file=names)

    assert site.of(events.WatchlistChanged)[0].refused == ("https://example.com/x",)
    assert site.sandbox.bill.units == PHOTOS


async def test_a_list_without_any_group_is_a_wrong_setting(site: Site, tmp_path: Path):
    names = tmp_path / "groups.txt"
    names.write_text("https://example.com/x\n")

    with pytest.raises(SettingsError, match="example"):
        await site.work(looks(1), groups=(), groups_file=names)


async def test_a_turn_that_leaves_photos_to_the_next_one_is_complete(site: Site):
    settings = settings_for(site.sandbox, site.state, groups=("aviary",))
    lifetime = Lifetime(drain=8.0)
    async with (
        Journal(settings.journal_path) as journal,
        open_services(settings, lifetime=lifetime, listen=events.ignore) as services,
    ):
        group = await services.lookup("aviary")
        second_page, _ = (await services.list_page(group.id, 2)).photos_and_failures(group.id)
        await journal.write(partial(listing.take_in, photos=second_page))

        report = await carry_out(
            settings,
            journal,
            services,
            groups={group.id: group.name},
            lifetime=lifetime,
            listen=events.ignore,
            front_door=partial(follow_one, most=16),
        )
        left = (await journal.read(runs.photos_by_state))["listed"]

    lifetime.close()
    assert (report.ended, report.pending, left) == ("complete", 0, len(second_page))


async def test_no_group_at_all_is_refused_in_a_sentence(site: Site):
    with pytest.raises(SettingsError, match="--group"):
        await site.work(looks(1), groups=())


async def test_a_restless_pool_that_is_stopped_again_and_again_is_complete_in_the_end(site: Site):
    pool = site.sandbox.world.pools[AVIARY]
    pool.withdraw(pool.now()[THREE_PAGES:])
    seen_at_the_head: set[str] = set()

    def remember(event: events.Event) -> None:
        nonlocal seen_at_the_head
        if isinstance(event, events.PageListed) and event.page == 1:
            seen_at_the_head = set(pool.now())

    for stop_after in range(3, 12):
        seen = 0

        def early(event: events.Event, stop_after: int = stop_after) -> bool:
            nonlocal seen
            seen += isinstance(event, events.PageListed | events.BatchSettled)
            return seen >= stop_after

        await site.work(early, remember, groups=("aviary",))

    def complete(event: events.Event) -> bool:
        return isinstance(event, events.GroupLooked) and event.complete

    await site.work(complete, remember, groups=("aviary",))

    # It moves before every listing: what came since the head was listed is not known yet.
    known = seen_at_the_head & set(pool.now())
    assert len(known) > THREE_PAGES / 2
    assert {f"p{photo}" for photo in known} <= set(in_database(site.sandbox, "/photos"))
    assert site.sandbox.bill.most_for_one_image() == 1
