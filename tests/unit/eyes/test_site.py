"""What eyes see: a worker's figures under names that do not change."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from msgspec.structs import replace
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from ingestor import events
from ingestor.errors import SettingsError
from ingestor.eyes import Counts, View, address_of, watched
from ingestor.eyes.figures import Figures
from ingestor.eyes.site import MOST, application
from ingestor.journal.ledger import Intent, open_purchase
from ingestor.journal.rechecks import Recheck, set_recheck
from ingestor.journal.runs import begin_run
from ingestor.journal.writer import Journal
from ingestor.transport import CallStatistics
from tests.builders import an_image
from tests.houses import idle_gauges

PATIENCE = 20.0
Client = TestClient[web.Request, web.Application]


@pytest.fixture
def view(tmp_path: Path) -> View:
    return View(journal=tmp_path / "journal.sqlite3")


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def address() -> tuple[str, int]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return "127.0.0.1", int(free.getsockname()[1])


@pytest.fixture
async def site(view: View, registry: CollectorRegistry) -> AsyncIterator[Client]:
    figures = Figures(view)
    registry.register(figures)
    async with TestClient(TestServer(application(figures, registry))) as client:
        yield client


async def samples(site: Client) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    answer = await site.get("/metrics")
    assert answer.status == 200
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(await answer.text())
        for sample in family.samples
    }


async def test_who_starts_lives_and_is_not_ready(site: Client):
    live, ready = await site.get("/livez"), await site.get("/readyz")

    assert (live.status, ready.status) == (200, 503)
    assert await ready.text() == "it is starting\n"


async def test_who_works_is_ready(site: Client, view: View):
    view.why_not = lambda: ""

    assert (await site.get("/readyz")).status == 200


async def test_what_events_say_adds_up_in_the_figures(site: Client, registry: CollectorRegistry):
    counts = Counts(registry)

    for _ in range(2):
        counts.listen(events.BatchSettled(purchase="p", annotated=16, failed=0, seconds=1.5))
    counts.listen(events.GroupLooked(group="1@N20", total=7, complete=True, unix=5.0, seconds=0.1))
    seen = await samples(site)

    assert seen["ingestor_photos_annotated_total", ()] == 32
    assert seen["ingestor_group_last_success_timestamp_seconds", (("group", "1@N20"),)] == 5


async def test_a_group_that_was_dropped_has_no_last_success(
    site: Client, registry: CollectorRegistry
):
    counts = Counts(registry)
    counts.listen(events.GroupLooked(group="1@N20", total=7, complete=True, unix=5.0, seconds=0.1))

    counts.listen(events.GroupDropped(group="1@N20"))
    counts.listen(events.GroupDropped(group="2@N20"))
    seen = await samples(site)

    assert not any(("group", "1@N20") in labels for _name, labels in seen)


async def test_a_group_that_is_followed_anew_grows_stale_anew(
    site: Client, registry: CollectorRegistry
):
    now = [100.0]
    counts = Counts(registry, wall=lambda: now[0])
    failed = events.GroupFailed(group="1@N20", reason="group-private", message="No.", seconds=9.0)
    counts.listen(failed)
    counts.listen(events.GroupDropped(group="1@N20"))

    now[0] = 900.0
    counts.listen(failed)
    seen = await samples(site)

    assert seen["ingestor_group_last_success_timestamp_seconds", (("group", "1@N20"),)] == 900


async def test_a_group_that_never_had_a_good_turn_grows_stale_from_its_first_failure(
    site: Client, registry: CollectorRegistry
):
    now = [100.0]
    counts = Counts(registry, wall=lambda: now[0])
    failed = events.GroupFailed(group="1@N20", reason="group-private", message="No.", seconds=9.0)
    counts.listen(failed)
    counts.listen(events.GroupLooked(group="2@N20", total=7, complete=True, unix=5.0, seconds=0.1))

    now[0] = 900.0
    counts.listen(failed)
    counts.listen(replace(failed, group="2@N20"))
    seen = await samples(site)

    succeeded = "ingestor_group_last_success_timestamp_seconds"
    assert seen[succeeded, (("group", "1@N20"),)] == 100
    assert seen[succeeded, (("group", "2@N20"),)] == 5


async def test_only_groups_that_are_followed_have_an_age(view: View):
    view.following, view.wall = lambda: ["1@N20"], lambda: 15.0
    async with Journal(view.journal) as journal:
        for group in ("1@N20", "2@N20"):
            recheck = Recheck(cursor=None, at=10.0)
            await journal.write(partial(set_recheck, group=group, recheck=recheck))
    figures = Figures(view)

    figures.refresh()

    aged = [family for family in figures.collect() if family.name == "ingestor_recheck_age_seconds"]
    ages = {sample.labels["group"]: sample.value for family in aged for sample in family.samples}
    assert ages == {"1@N20": 5.0}


@pytest.mark.parametrize(("at_work", "doubtful"), [(True, 0), (False, 1)], ids=["run", "no run"])
async def test_a_request_is_in_doubt_where_nobody_is_at_work_on_it(
    site: Client, view: View, at_work: bool, doubtful: int
):
    async with Journal(view.journal) as journal:
        run = await journal.write(partial(begin_run, run="r", now=1.0))
        intent = Intent(
            id="p", run=run, at=3.0, features="f", attempt=1, units=1, images=(an_image("1"),)
        )
        await journal.write(partial(open_purchase, intent=intent))
    view.gauges = idle_gauges if at_work else lambda: None

    assert (await samples(site))["ingestor_images_in_doubt", ()] == doubtful


async def test_latencies_are_a_histogram(site: Client, view: View):
    calls = CallStatistics()
    for milliseconds in (3, 70, 400_000):
        calls.took(milliseconds / 1000)
    view.statistics = lambda: {"vision": calls}

    seen = await samples(site)

    def at_most(le: str) -> float:
        name = "ingestor_request_seconds_bucket"
        return seen[name, (("le", le), ("upstream", "vision"))]

    assert (at_most("0.004"), at_most("0.128"), at_most("+Inf")) == (1, 2, 3)


async def test_a_journal_that_is_not_there_yet_is_no_error(site: Client):
    seen = await samples(site)

    assert not any(name == "ingestor_photos" for name, _labels in seen)


async def test_who_reads_no_answer_does_not_keep_a_worker_from_ending(
    view: View, registry: CollectorRegistry, address: tuple[str, int]
):
    with socket.socket() as mute:
        async with asyncio.timeout(PATIENCE), watched(view, registry, address=address):
            mute.connect(address)
            mute.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n" * 2000)
            # By then as much is on its way as will go there.
            await asyncio.sleep(1.0)


@pytest.mark.looptime
@pytest.mark.parametrize(
    "sent", [b"", b"GET /livez HTTP/1.1\r\nHost: x\r\n"], ids=["nothing", "half"]
)
async def test_a_slow_client_gets_no_hold_on_a_worker(
    view: View, registry: CollectorRegistry, address: tuple[str, int], sent: bytes
):
    async with watched(view, registry, address=address):
        reader, writer = await asyncio.open_connection(*address)
        writer.write(sent)

        async with asyncio.timeout(PATIENCE):
            assert await reader.read() == b""
        writer.close()


@pytest.mark.looptime
async def test_strangers_hold_few_of_the_files_that_a_worker_may_open(
    view: View, registry: CollectorRegistry, address: tuple[str, int]
):
    async with watched(view, registry, address=address):
        held = [await asyncio.open_connection(*address) for _ in range(MOST)]
        for reader, writer in held:
            writer.write(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
            await reader.readuntil(b"ok\n")

        refused, one_more = await asyncio.open_connection(*address)
        async with asyncio.timeout(1.0):
            assert await refused.read() == b""
        for _, writer in [*held, (refused, one_more)]:
            writer.close()


@pytest.mark.parametrize(
    ("asked", "answered", "told"),
    [
        pytest.param(b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", b"400", 0, id="theirs"),
        pytest.param(b"GET /readyz HTTP/1.0\r\n\r\n", b"500", 1, id="ours"),
    ],
)
async def test_only_a_mistake_of_ours_is_written_down(
    view: View,
    registry: CollectorRegistry,
    address: tuple[str, int],
    caplog: pytest.LogCaptureFixture,
    asked: bytes,
    answered: bytes,
    told: int,
):
    view.why_not = lambda: str(1 / 0)

    async with watched(view, registry, address=address):
        reader, writer = await asyncio.open_connection(*address)
        writer.write(asked)
        answer = await reader.read()
        writer.close()

    assert answer.split()[1] == answered
    assert len(caplog.records) == told


@pytest.mark.parametrize("text", ["", "9464", "localhost", "localhost:http", "h:70000"])
def test_an_address_that_makes_no_sense_is_refused_in_a_sentence(text: str):
    with pytest.raises(SettingsError, match="--eyes"):
        address_of(text)


def test_an_address_is_a_host_and_a_port_or_off():
    assert address_of("127.0.0.1:9464") == ("127.0.0.1", 9464)
    assert address_of("[::1]:80") == ("::1", 80)
    assert address_of("off") is None
