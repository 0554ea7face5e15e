"""The price before the run is the price of the run."""

from __future__ import annotations

import shutil
import time
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from ingestor import events
from ingestor.engines import local
from ingestor.errors import SettingsError
from ingestor.journal import dead, facts, ledger
from ingestor.journal.reader import looking_into
from ingestor.journal.writer import Journal
from ingestor.kits.lifetime import Lifetime, Stopping
from ingestor.report import Forecast
from ingestor.sandbox.server import Sandbox
from tests.builders import an_image
from tests.integration.conftest import Ingest, lose_answers, settings_for


@pytest.fixture
def foresee(sandbox: Sandbox, state: Path) -> Any:
    """`foresee(limit=…)` for the state directory of `ingest`; asks no image and buys nothing."""

    async def forecast(**given: Any) -> Forecast:
        sandbox.calls.clear()
        settings = settings_for(sandbox, state, dry_run=True, **given)
        foreseen = await local.forecast(settings, lifetime=Lifetime(drain=8.0))
        assert sandbox.calls.total("image") == sandbox.calls.total("vision") == 0
        return foreseen

    return forecast


@pytest.mark.parametrize("limit", [1, 16, 40, None])
async def test_units_and_dollars_are_those_of_the_run(
    ingest: Ingest, sandbox: Sandbox, foresee, limit: int | None
):
    foreseen = await foresee(limit=limit)

    report = await ingest(limit=limit)

    assert (foreseen.photos, foreseen.units) == (report.listed, report.units.certain)
    assert foreseen.cost_usd == report.cost_usd
    assert sandbox.bill.units == foreseen.units


async def test_a_group_under_two_names_is_forecast_once(foresee):
    foreseen = await foresee(groups=("zoo", "1000001@N20"), limit=20)

    assert foreseen.groups == ("1000001@N20",)


async def test_what_is_known_is_free(ingest: Ingest, sandbox: Sandbox, foresee):
    await ingest(limit=40)

    foreseen = await foresee(limit=100)
    report = await ingest(limit=100)

    assert (foreseen.known, foreseen.units) == (40, 60)
    assert (report.skipped, report.units.certain) == (40, 60)
    assert foreseen.cost_usd == report.cost_usd


@pytest.mark.parametrize("limit", [20, 75, None])
async def test_what_a_run_left_comes_first_and_is_paid_for(
    ingest: Ingest, foresee, limit: int | None
):
    await ingest(limit=100, max_units=30)

    foreseen = await foresee(limit=limit)
    report = await ingest(limit=limit)

    assert (foreseen.photos, foreseen.units) == (report.listed, report.units.certain)
    assert foreseen.units >= min(70, limit or 70)


async def test_the_free_units_of_the_month_are_counted(ingest: Ingest, foresee):
    await ingest(limit=40)

    foreseen = await foresee(limit=100)

    assert (foreseen.free_units, foreseen.cost_usd) == (60, 0.0)


async def buy_elsewhere(state: Path, *, units: int) -> None:
    """Have so many units on this month's bill, beside those of the run that there was."""
    earlier = ledger.Intent(
        id="earlier",
        run=1,
        at=time.time(),
        features="f",
        attempt=1,
        units=units,
        images=(an_image(),),
    )
    async with Journal(state / "journal.sqlite3") as journal:
        await journal.write(partial(ledger.open_purchase, intent=earlier))


async def test_what_lies_beyond_the_free_units_costs_what_it_will_cost(
    ingest: Ingest, foresee, state: Path
):
    await ingest(limit=1)
    await buy_elsewhere(state, units=989)

    foreseen = await foresee(limit=41)
    report = await ingest(limit=41)

    assert (foreseen.units, foreseen.free_units) == (40, 10)
    assert foreseen.cost_usd == report.cost_usd == 30 * 0.0015


async def test_a_ceiling_in_dollars_buys_what_is_free_and_what_it_pays_for(
    ingest: Ingest, sandbox: Sandbox, state: Path
):
    await ingest(limit=1)
    await buy_elsewhere(state, units=989)

    stopped = await ingest(limit=60, max_cost=20 * 0.0015)

    assert (stopped.exit_code, stopped.ended) == (3, "max-cost")
    assert (stopped.units.certain, stopped.cost_usd) == (10 + 20, 0.03)
    assert sandbox.bill.units == 1 + 30


async def test_a_messy_group_is_foreseen_but_for_doubles_and_broken_pictures(
    ingest: Ingest, foresee
):
    foreseen = await foresee(groups=("safari",), limit=200)

    report = await ingest(groups=("safari",), limit=200, max_failures=1.0)

    unseen = report.reused + report.dead - foreseen.dead
    assert (foreseen.photos, foreseen.skipped) == (report.listed, report.by_reason["video"])
    assert 0 <= foreseen.units - report.units.certain <= unseen


@pytest.mark.parametrize("limit", [20, 50, None])
async def test_who_is_retried_for_another_picture_is_foreseen_as_the_run_comes_to_him(
    ingest: Ingest, sandbox: Sandbox, foresee, state: Path, limit: int | None
):
    await ingest(limit=20)
    sandbox.faults.set("image.gone", 1.0)
    await ingest(limit=40, max_failures=1.0)
    sandbox.faults.set("image.gone", 0.0)
    sandbox.world.post("1000001@N20", ids=list(sandbox.world.pools["1000002@N21"].now())[:7])
    async with Journal(state / "journal.sqlite3") as journal:
        await journal.write(dead.retry)

    foreseen = await foresee(limit=limit)
    report = await ingest(limit=limit)

    assert (foreseen.photos, foreseen.units) == (report.listed, report.units.certain)


async def test_pending_photos_are_foreseen_once(ingest: Ingest, foresee):
    await ingest(limit=60, max_units=21)

    foreseen = await foresee(limit=60)
    report = await ingest(limit=60)

    assert foreseen.units == report.units.certain == 39
    assert foreseen.cost_usd == report.cost_usd


@pytest.mark.parametrize("given", [{}, {"reannotate": True}, {"reannotate": True, "max_labels": 3}])
async def test_what_was_to_be_annotated_anew_is_foreseen_as_the_run_takes_it(
    ingest: Ingest, foresee, given: dict[str, Any]
):
    await ingest(limit=40)
    await ingest(limit=40, max_labels=3, reannotate=True, max_units=8)

    foreseen = await foresee(limit=60, **given)
    report = await ingest(limit=60, **given)

    assert (foreseen.photos, foreseen.units) == (report.listed, report.units.certain)


@pytest.mark.parametrize("journal_is_lost", [False, True])
async def test_known_photos_with_other_features_are_counted_where_they_are_not_bought_again(
    ingest: Ingest, foresee, state: Path, journal_is_lost: bool
):
    await ingest(limit=30)
    if journal_is_lost:
        shutil.rmtree(state)

    other = await foresee(limit=40, max_labels=3)
    again = await foresee(limit=40, max_labels=3, reannotate=True)
    same = await foresee(limit=40)

    assert (other.known, other.known_otherwise) == (30, 30)
    assert (again.known, again.known_otherwise) == (0, 0)
    assert (same.known, same.known_otherwise) == (30, 0)


async def test_a_photo_that_waits_to_be_annotated_anew_is_counted_once_though_both_know_it(
    ingest: Ingest, foresee, tmp_path: Path
):
    await ingest(limit=30)
    await ingest(limit=30, max_labels=3, reannotate=True, max_units=8)
    await ingest(groups=("safari",), limit=5, state=tmp_path / "theirs")

    foreseen = await foresee(limit=40, max_labels=5)

    assert (foreseen.known, foreseen.known_otherwise) == (30, 30)


async def test_the_other_world_is_refused_as_a_run_refuses_it(ingest: Ingest, foresee):
    await ingest(limit=5)

    with pytest.raises(SettingsError, match="--state"):
        await foresee(limit=5, vision_url="https://vision.googleapis.com", database_url=None)


async def test_a_forecast_leaves_a_new_journal_to_either_world(foresee, state: Path):
    await foresee(limit=5)

    with looking_into(state / "journal.sqlite3") as db:
        assert facts.fact(db, "world") is None


@pytest.mark.parametrize("limit", [20, 40, None])
@pytest.mark.parametrize("in_doubt", ["park", "retry"])
async def test_what_a_run_gives_up_in_doubt_is_foreseen(
    ingest: Ingest, foresee, state: Path, limit: int | None, in_doubt: str
):
    await ingest(limit=32, max_units=0)
    await lose_answers(state)

    foreseen = await foresee(limit=limit, in_doubt=in_doubt)
    report = await ingest(limit=limit, in_doubt=in_doubt, max_failures=1.0)

    assert (foreseen.photos, foreseen.dead) == (report.listed, report.dead)
    assert foreseen.units == report.units.certain


@pytest.mark.parametrize(
    ("ceiling", "buyable"),
    [
        ({}, None),
        ({"max_units": 15}, 15),
        ({"max_cost": 0.015}, 970 + 10),
        ({"max_units_per_day": 50}, 20),
        ({"max_units_per_month": 45, "max_units": 16}, 15),
        ({"max_units_per_month": 10}, 0),
    ],
)
async def test_the_lowest_of_the_ceilings_is_foreseen(
    ingest: Ingest, foresee, ceiling: dict[str, float], buyable: int | None
):
    await ingest(limit=30)

    foreseen = await foresee(limit=100, **ceiling)

    assert foreseen.buyable == buyable


async def test_a_forecast_takes_no_google_key(foresee):
    assert (await foresee(limit=20, google_api_key="")).units == 20


async def test_what_waited_and_was_bought_elsewhere_takes_no_room_from_what_is_new(
    ingest: Ingest, sandbox: Sandbox, foresee, tmp_path: Path
):
    zoo = list(sandbox.world.pools["1000001@N20"].now())
    sandbox.world.post("1000002@N21", ids=zoo[:20])
    await ingest(groups=("safari",), limit=30, max_units=0)
    await ingest(groups=("zoo",), limit=20, state=tmp_path / "theirs")
    sandbox.world.post("1000002@N21", ids=zoo[20:60])

    foreseen = await foresee(groups=("safari",), limit=30)
    report = await ingest(groups=("safari",), limit=30)

    assert (foreseen.photos, foreseen.units) == (report.listed, report.units.certain)


async def test_what_a_copy_of_a_running_journal_lacks_is_known_to_the_database(
    ingest: Ingest, foresee, tmp_path: Path, state: Path
):
    journal, copy = state / "journal.sqlite3", tmp_path / "copy.sqlite3"

    def back_up(event: events.Event) -> None:
        if isinstance(event, events.BatchSettled) and not copy.exists():
            with looking_into(journal) as db:
                db.execute("VACUUM INTO ?", (str(copy),))

    await ingest(limit=40, listen=back_up)
    copy.replace(journal)

    foreseen = await foresee(limit=60)
    report = await ingest(limit=60)

    assert (foreseen.known, foreseen.units) == (report.skipped, report.units.certain) == (40, 20)


async def test_half_a_listing_is_no_forecast(sandbox: Sandbox, state: Path):
    lifetime = Lifetime(drain=8.0)
    settings = settings_for(sandbox, state, dry_run=True)

    def stop_after_a_page(event: events.Event) -> None:
        assert isinstance(event, events.PageListed)
        lifetime.stop("SIGINT")

    with pytest.raises(Stopping):
        await local.forecast(settings, lifetime=lifetime, listen=stop_after_a_page)
    lifetime.close()
