"""The main job on loopback: every photo ends somewhere, and is paid for once."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from ingestor import events
from ingestor.engines import local
from ingestor.errors import Denied, SettingsError
from ingestor.kits.lifetime import Lifetime
from ingestor.sandbox.options import Options
from ingestor.sandbox.server import Sandbox
from tests.far_end import has_version_6
from tests.integration.conftest import Ingest, in_database, lose_answers, settings_for


async def test_photos_are_stored_with_their_labels(ingest: Ingest, sandbox: Sandbox):
    told: list[events.Event] = []

    report = await ingest(limit=40, listen=told.append)

    photos = in_database(sandbox, "/photos")
    assert told[-1] == events.RunFinished(run=report.run_id, reason="complete", stored=40, units=40)
    assert (report.listed, report.stored, report.exit_code) == (40, 40, 0)
    assert len(photos) == 40
    assert sandbox.bill.units == 40
    assert report.units.certain == 40


async def test_a_second_run_buys_nothing(ingest: Ingest, sandbox: Sandbox):
    await ingest(limit=40)
    sandbox.calls.clear()

    again = await ingest(limit=40)

    assert (again.skipped, again.units.certain, again.exit_code) == (40, 0, 0)
    assert sandbox.bill.units == 40
    assert sandbox.calls.total("image") == sandbox.calls.total("vision") == 0


async def test_a_larger_limit_buys_only_the_rest(ingest: Ingest, sandbox: Sandbox):
    await ingest(limit=20)

    more = await ingest(limit=50)

    assert (more.skipped, more.stored) == (20, 30)
    assert sandbox.bill.units == 50


async def test_other_features_are_bought_once_and_only_where_they_are_asked_for(
    ingest: Ingest, sandbox: Sandbox
):
    await ingest(limit=20)

    kept = await ingest(limit=20, max_labels=3)
    bought = await ingest(limit=20, max_labels=3, reannotate=True)
    again = await ingest(limit=20, max_labels=3, reannotate=True)

    assert (kept.skipped, kept.units.certain) == (20, 0)
    assert (bought.stored, bought.units.certain) == (20, 20)
    assert (again.skipped, again.units.certain) == (20, 0)
    assert sandbox.bill.units == 40
    assert all(len(labels_of(photo)) <= 3 for photo in in_database(sandbox, "/photos").values())


async def test_what_was_to_be_annotated_anew_and_was_not_is_known_as_before(
    ingest: Ingest, sandbox: Sandbox
):
    await ingest(limit=20)
    stopped = await ingest(limit=20, max_labels=3, reannotate=True, max_units=5)

    kept = await ingest(limit=20, max_labels=3)
    rest = await ingest(limit=20, max_labels=3, reannotate=True)

    assert (stopped.exit_code, stopped.pending) == (3, 15)
    assert (kept.skipped, kept.pending, kept.units.certain) == (20, 0, 0)
    assert (rest.stored, rest.units.certain) == (15, 15)
    assert sandbox.bill.units == 40


async def test_another_database_gets_what_was_to_be_annotated_anew_as_it_is(
    ingest: Ingest, sandbox: Sandbox
):
    await ingest(limit=20)
    await ingest(limit=20, max_labels=3, reannotate=True, max_units=0)
    other = sandbox.addresses.database_url.replace("ns=sandbox", "ns=other")

    await ingest(limit=20, max_labels=3, reannotate=True, max_units=0, database_url=other)
    kept = await ingest(limit=20, database_url=other)

    assert (kept.skipped, sandbox.bill.units) == (20, 20)
    assert len(in_database(sandbox, "/photos", namespace="other")) == 20


async def test_safe_search_is_free_and_says_something_of_every_photo(
    ingest: Ingest, sandbox: Sandbox
):
    report = await ingest(limit=20, safe_search=True)

    photos = in_database(sandbox, "/photos").values()
    assert (report.units.certain, sandbox.bill.units, len(photos)) == (20, 20, 20)
    assert all(isinstance(photo, dict) and photo["safe"]["adult"] for photo in photos)


def labels_of(photo: Any) -> dict[str, Any]:
    return dict(photo.get("labels", {}))


async def test_the_messy_group_is_accounted_for(ingest: Ingest, sandbox: Sandbox):
    report = await ingest(groups=("safari",), limit=200, max_failures=1.0)

    assert report.listed == 200
    assert report.listed == report.stored + report.skipped + report.dead
    assert report.by_reason["video"] == report.skipped
    assert sandbox.bill.most_for_one_image() == 1
    assert len(in_database(sandbox, "/photos")) == report.stored
    assert len(in_database(sandbox, "/dead")) == report.dead


async def test_an_empty_group_is_complete(ingest: Ingest):
    report = await ingest(groups=("empty",))

    assert (report.listed, report.ended) == (0, "complete")


async def test_an_unknown_group_is_refused_in_a_sentence(ingest: Ingest):
    with pytest.raises(Denied, match="group"):
        await ingest(groups=("nobody-knows-it",))


async def test_a_private_group_is_refused_in_a_sentence(ingest: Ingest):
    report = await ingest(groups=("secret",))

    assert report.exit_code == 2
    assert "is private" in report.message


async def test_another_database_gets_everything_without_paying(ingest: Ingest, sandbox: Sandbox):
    await ingest(limit=30)
    other = sandbox.addresses.database_url.replace("ns=sandbox", "ns=other")

    await ingest(limit=30, database_url=other)

    assert len(in_database(sandbox, "/photos", namespace="other")) == 30
    assert sandbox.bill.units == 30


async def test_invented_photos_and_real_ones_do_not_share_a_journal(ingest: Ingest, tmp_path: Path):
    await ingest(limit=5)

    with pytest.raises(SettingsError, match="--state"):
        await ingest(limit=5, vision_url="https://vision.googleapis.com", database_url=None)


async def test_a_ceiling_stops_the_run_and_a_higher_one_continues(ingest: Ingest, sandbox: Sandbox):
    stopped = await ingest(limit=60, max_units=21)
    finished = await ingest(limit=60)

    assert (stopped.exit_code, stopped.units.certain, stopped.pending) == (3, 21, 39)
    assert (finished.stored, finished.units.certain) == (39, 39)
    assert sandbox.bill.units == 60


async def test_a_run_goes_on_with_no_more_of_what_is_left_than_its_limit(ingest: Ingest):
    await ingest(limit=60, max_units=21)
    told: list[events.Event] = []

    await ingest(limit=10, listen=told.append)

    assert [event.resumed for event in told if isinstance(event, events.RunStarted)] == [10]


@pytest.mark.parametrize(("limit", "left"), [(None, 39), (10, 10), (50, 39)])
async def test_a_run_that_is_stopped_early_reports_what_it_had_not_come_to(
    ingest: Ingest, limit: int | None, left: int
):
    await ingest(limit=60, max_units=21)
    lifetime = Lifetime(drain=8.0)

    def stop_at_once(event: events.Event) -> None:
        if isinstance(event, events.RunStarted):
            lifetime.stop("SIGINT")

    stopped = await ingest(limit=limit, lifetime=lifetime, listen=stop_at_once)

    assert (stopped.listed, stopped.pending) == (left, left)
    assert f"{left} photos left" in stopped.message


@pytest.mark.parametrize(("limit", "bought"), [(20, 0), (32, 0), (40, 8)])
async def test_what_is_given_up_in_doubt_counts_towards_the_limit(
    ingest: Ingest, sandbox: Sandbox, state: Path, limit: int, bought: int
):
    await ingest(limit=32, max_units=0)
    await lose_answers(state)

    report = await ingest(limit=limit, in_doubt="park", max_failures=1.0)

    assert (report.listed, report.dead, report.stored) == (32 + bought, 32, bought)
    assert sandbox.bill.units == bought


async def test_a_stop_in_the_middle_loses_nothing(ingest: Ingest, sandbox: Sandbox):
    lifetime = Lifetime(drain=8.0)
    settled = 0

    def stop_early(event: events.Event) -> None:
        nonlocal settled
        settled += isinstance(event, events.BatchSettled)
        if settled == 2:
            lifetime.stop("SIGTERM")

    stopped = await ingest(limit=200, lifetime=lifetime, listen=stop_early)
    finished = await ingest(limit=200)

    assert stopped.exit_code == 143
    assert stopped.stored == stopped.units.certain
    assert stopped.stored + stopped.pending == stopped.listed
    assert finished.exit_code == 0
    assert len(in_database(sandbox, "/photos")) == 200
    assert sandbox.bill.units == 200


async def test_a_stop_is_told_with_its_reason(ingest: Ingest):
    lifetime, told = Lifetime(drain=8.0), list[events.Event]()

    def stop_early(event: events.Event) -> None:
        told.append(event)
        if isinstance(event, events.PageListed):
            lifetime.stop("SIGTERM")

    await ingest(limit=40, lifetime=lifetime, listen=stop_early)

    assert events.RunStopping(reason="SIGTERM") in told


async def test_without_a_database_the_catalog_is_the_store(ingest: Ingest, sandbox: Sandbox):
    report = await ingest(limit=30, database_url=None)

    assert report.stored == 30
    assert sandbox.calls.total("database") == 0


@pytest.mark.skipif(not has_version_6(), reason="this machine has no IPv6")
async def test_upstreams_may_live_at_addresses_of_version_6(state: Path):
    options = Options(host="::1", port=0, fast=True, photos=40, sketches=True)
    async with Sandbox(options) as sandbox:
        settings = settings_for(sandbox, state)
        report = await local.ingest(settings, lifetime=Lifetime(drain=settings.drain))

        assert urlsplit(settings.image_url).hostname == "::1"
        assert (report.ended, report.stored) == ("complete", 40)
        assert len(in_database(sandbox, "/photos")) == 40
